#include "ctl/token.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(TOKEN_PROOF_BYTES == crypto_auth_hmacsha256_BYTES,
	       "a proof is one HMAC");

static int check_file(int fd, const char *file, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_sys(err, -errno, "--token-file %s", file);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--token-file %s: not a plain file", file);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, -EPERM, REASON_NO_PERMISSION,
			       "--token-file %s: others may read or change it; "
			       "`chmod 600 %s`",
			       file, file);
	if (st.st_uid && st.st_uid != geteuid())
		return err_set(err, -EPERM, REASON_NO_PERMISSION,
			       "--token-file %s: belongs to another user",
			       file);
	return 0;
}

/* One byte more than is allowed, to tell that it is too long. */
static ssize_t read_all(int fd, uint8_t buf[TOKEN_MAX + 2])
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, TOKEN_MAX + 2 - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && len < TOKEN_MAX + 2);
	return n < 0 ? -errno : (ssize_t)len;
}

static int take(struct token *t, const uint8_t *buf, size_t len,
		const char *file, struct err *err)
{
	if (len && buf[len - 1] == '\n')
		len--;
	if (len < TOKEN_MIN || len > TOKEN_MAX)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--token-file %s: %s, %d to %d bytes; "
			       "`openssl rand -hex 32` makes a good one",
			       file, len < TOKEN_MIN ? "too short" : "too long",
			       TOKEN_MIN, TOKEN_MAX);
	memcpy(t->secret, buf, len);
	t->len = len;
	return 0;
}

int token_read(struct token *t, const char *file, struct err *err)
{
	uint8_t buf[TOKEN_MAX + 2];
	ssize_t len;
	/* A FIFO would never open. */
	int ret, fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, -errno, "--token-file %s", file);
	ret = check_file(fd, file, err);
	if (!ret) {
		len = read_all(fd, buf);
		ret = len < 0 ? err_sys(err, (int)len, "--token-file %s", file)
			      : take(t, buf, (size_t)len, file, err);
	}
	sodium_memzero(buf, sizeof(buf));
	close(fd);
	return ret;
}

void token_prove(const struct token *t, enum token_role role,
		 const struct token_nonces *nonces,
		 uint8_t proof[TOKEN_PROOF_BYTES])
{
	static const char *const words[] = {
		[TOKEN_CLIENT] = "rdmabench client",
		[TOKEN_SERVER] = "rdmabench server",
	};
	const unsigned char *word = (const unsigned char *)words[role];
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, t->secret, t->len);
	crypto_auth_hmacsha256_update(&state, word, strlen(words[role]));
	crypto_auth_hmacsha256_update(&state, nonces->client,
				      sizeof(nonces->client));
	crypto_auth_hmacsha256_update(&state, nonces->server,
				      sizeof(nonces->server));
	crypto_auth_hmacsha256_final(&state, proof);
	sodium_memzero(&state, sizeof(state));
}

bool token_is_proved(const struct token *t, enum token_role role,
		     const struct token_nonces *nonces,
		     const uint8_t proof[TOKEN_PROOF_BYTES])
{
	uint8_t want[TOKEN_PROOF_BYTES];

	token_prove(t, role, nonces, want);
	return !sodium_memcmp(want, proof, sizeof(want));
}
