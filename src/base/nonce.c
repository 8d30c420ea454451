#include "base/nonce.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <string.h>

void nonce_show(const uint8_t nonce[NONCE_BYTES], enum nonce_end end,
		uint8_t half[NONCE_HALF])
{
	memcpy(half, nonce + (end == NONCE_CALLER ? 0 : NONCE_HALF),
	       NONCE_HALF);
}

bool nonce_is_shown(const uint8_t nonce[NONCE_BYTES], enum nonce_end end,
		    const uint8_t half[NONCE_HALF])
{
	uint8_t want[NONCE_HALF];

	nonce_show(nonce, end, want);
	return !sodium_memcmp(want, half, sizeof(want));
}

void nonce_knock(const uint8_t nonce[NONCE_BYTES], uint32_t number,
		 struct nonce_knock *knock)
{
	knock->number = htonl(number);
	nonce_show(nonce, NONCE_CALLER, knock->shown);
}

bool nonce_knows(const uint8_t nonce[NONCE_BYTES],
		 const struct nonce_knock *knock, uint32_t *number)
{
	*number = ntohl(knock->number);
	return nonce_is_shown(nonce, NONCE_CALLER, knock->shown);
}

void nonce_answer(const uint8_t nonce[NONCE_BYTES], uint32_t number,
		  struct nonce_knock *answer)
{
	answer->number = htonl(number);
	nonce_show(nonce, NONCE_CALLED, answer->shown);
}

bool nonce_answers(const uint8_t nonce[NONCE_BYTES],
		   const struct nonce_knock *answer, uint32_t number)
{
	return ntohl(answer->number) == number &&
	       nonce_is_shown(nonce, NONCE_CALLED, answer->shown);
}
