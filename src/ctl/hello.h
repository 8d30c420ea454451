/* The first words of a session, and what each end says about its host. */
#ifndef CTL_HELLO_H
#define CTL_HELLO_H

#include "ctl/pack.h"
#include "base/err.h"
#include "base/nonce.h"
#include "machine/facts.h"
#include "ctl/token.h"
#include "machine/host.h"

enum { CTL_VERSION = 9 };

struct hello {
	uint32_t version;
	uint32_t sessions; /* server: going on at the moment, this included */
	/* Server: the session's, proves data links.  Client: the half of what
	 * proofs of the token are made from. */
	uint8_t nonce[NONCE_BYTES];
	uint8_t proof[TOKEN_PROOF_BYTES]; /* server with a token; or zeros */
	struct host host;
	struct facts facts; /* server; the client sends none */
};

void hello_pack(const struct hello *h, struct writer *w);
/* Reads the version alone if it is not ours: the rest may differ. */
int hello_unpack(struct hello *h, struct reader *r, struct err *err);

#endif
