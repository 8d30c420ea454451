/*
 * A secret that client and server share (--token-file), and how each proves
 * to the other that it knows it without saying it:
 *
 *	proof = HMAC-SHA-256(secret, role | client's nonce | server's nonce)
 *
 * (RFC 2104.)  Both nonces are fresh, so that no proof serves twice, and the
 * role is part of it, so that none can be sent back to where it came from.
 * The client proves first: the server gives nothing to strangers that a
 * secret could be guessed from.
 *
 * It says who is there when the session begins.  The channel is not
 * encrypted: who can change what travels can do so afterwards.
 */
#ifndef CTL_TOKEN_H
#define CTL_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	TOKEN_MIN = 16, /* bytes of the secret */
	TOKEN_MAX = 1024,
	TOKEN_NONCE_BYTES = 16,
	TOKEN_PROOF_BYTES = 32,
};

struct token {
	uint8_t secret[TOKEN_MAX];
	size_t len;
};

enum token_role { TOKEN_CLIENT, TOKEN_SERVER };

struct token_nonces {
	uint8_t client[TOKEN_NONCE_BYTES], server[TOKEN_NONCE_BYTES];
};

/* The file's content without the newline at its end.  A plain file that
 * nobody but its owner may read, and the owner is who runs this or root:
 * else -EPERM with words; -EINVAL if it is too short or too long. */
int token_read(struct token *t, const char *file, struct err *err);

void token_prove(const struct token *t, enum token_role role,
		 const struct token_nonces *nonces,
		 uint8_t proof[TOKEN_PROOF_BYTES]);

/* In constant time. */
bool token_is_proved(const struct token *t, enum token_role role,
		     const struct token_nonces *nonces,
		     const uint8_t proof[TOKEN_PROOF_BYTES]);

#endif
