/*
 * The session's nonce, drawn by the server and told on the control channel:
 * by it the ends of a data link know each other.  Each shows one half, who
 * calls the first and who is called the second, so that whoever listens where
 * the peer should cannot answer with what it has just heard.  Nothing is
 * encrypted: it keeps out strangers, not who reads the network.
 */
#ifndef BASE_NONCE_H
#define BASE_NONCE_H

#include <stdbool.h>
#include <stdint.h>

enum { NONCE_BYTES = 16, NONCE_HALF = 8 };

enum nonce_end { NONCE_CALLER, NONCE_CALLED };

/* What that end shows. */
void nonce_show(const uint8_t nonce[NONCE_BYTES], enum nonce_end end,
		uint8_t half[NONCE_HALF]);

/* Did that end show this?  In constant time. */
bool nonce_is_shown(const uint8_t nonce[NONCE_BYTES], enum nonce_end end,
		    const uint8_t half[NONCE_HALF]);

/* What the caller says first on one of several connections: which it is, and
 * that it may. */
struct nonce_knock {
	uint32_t number; /* big-endian */
	uint8_t shown[NONCE_HALF];
};

void nonce_knock(const uint8_t nonce[NONCE_BYTES], uint32_t number,
		 struct nonce_knock *knock);

/* False: a stranger's. */
bool nonce_knows(const uint8_t nonce[NONCE_BYTES],
		 const struct nonce_knock *knock, uint32_t *number);

/* What the called says to that, where it has a word. */
void nonce_answer(const uint8_t nonce[NONCE_BYTES], uint32_t number,
		  struct nonce_knock *answer);

/* False: a stranger's, or of another connection. */
bool nonce_answers(const uint8_t nonce[NONCE_BYTES],
		   const struct nonce_knock *answer, uint32_t number);

#endif
