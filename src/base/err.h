/*
 * Errors as values.  A function that can fail returns 0 or -errno and puts
 * words for a person into the caller's struct err; callers on the way up may
 * put their own context in front (err_wrap).  Libraries never print and
 * never exit: only main.c and cmd_*.c do, with reason_exit_code().
 *
 * `reason` is a word of a closed list.  It travels over the control channel,
 * so that both ends of a failure say the same, and it starts the `reason`
 * cell of a row.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

/* What each means: reason_help(). */
enum reason {
	REASON_NONE,
	REASON_USAGE,
	REASON_NO_DEVICE,
	REASON_NO_PERMISSION,
	REASON_NO_MEMORY,
	REASON_NO_PROGRAM,
	REASON_NO_FILE,
	REASON_IO_ERROR,
	REASON_IN_USE,
	REASON_DEVICE_LIMIT,
	REASON_NOT_IN_TRANSPORT,
	REASON_BUILT_WITHOUT,
	REASON_NO_PMU,
	REASON_NO_MSR,
	REASON_NO_INSTRUCTION,
	REASON_NOT_ASKED,
	REASON_NO_HUGEPAGES,
	REASON_PEER_REFUSED,
	REASON_PEER_VERSION,
	REASON_PEER_PROTOCOL,
	REASON_PEER_LOST,
	REASON_PEER_TIMEOUT,
	REASON_LINK_FAILED,
	REASON_VERIFY_FAILED,
	REASON_MISCOUNT,
	REASON_INTERRUPTED,
	REASON_INTERNAL,
	REASON_COUNT
};

enum { ERR_TEXT_MAX = 512 };

struct err {
	enum reason reason;
	char text[ERR_TEXT_MAX];
};

/* Sets reason and text; returns `ret` (a negative errno) to be returned. */
int err_set(struct err *err, int ret, enum reason reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Like err_set, with ": <strerror(-ret)>" at the end and the reason guessed
 * from the errno (EACCES: no-permission, ENOMEM: no-memory, ...); behind
 * EMFILE's words what sets that limit. */
int err_sys(struct err *err, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* That they return what they are given is here for the compiler and analysers
 * to see: they follow the path of a failure then, and no other.  cppcheck sees
 * through functions, but not through these. */
#ifndef __cppcheck__
#define err_set(err, ret, ...)                                                 \
	({                                                                     \
		const int err_set_ret = (ret);                                 \
		(void)(err_set)(err, err_set_ret, __VA_ARGS__);                \
		err_set_ret;                                                   \
	})
#define err_sys(err, ret, ...)                                                 \
	({                                                                     \
		const int err_sys_ret = (ret);                                 \
		(void)(err_sys)(err, err_sys_ret, __VA_ARGS__);                \
		err_sys_ret;                                                   \
	})
#endif

/* Puts "<context>: " before the text that is there; the reason stays. */
void err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/* "no-device", "peer-lost", ...; and back (REASON_COUNT if unknown). */
const char *reason_word(enum reason reason);
enum reason reason_parse(const char *word);

/* What it means, a line. */
const char *reason_help(enum reason reason);

/* The process's exit code for it (1, 2, 3, 4, 130: rdmabench(1)). */
int reason_exit_code(enum reason reason);

/* True for the reasons that make a point "unsupported" rather than failed:
 * this host truly lacks something. */
bool reason_is_unsupported(enum reason reason);

#endif
