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

enum reason {
	REASON_NONE,
	REASON_USAGE,		 /* a bad option or combination */
	REASON_NO_DEVICE,	 /* no such RDMA device, port or GID here */
	REASON_NO_PERMISSION,	 /* the kernel said no */
	REASON_NO_MEMORY,	 /* memory, memlock or descriptors too small */
	REASON_NO_PROGRAM,	 /* a program that is called is not installed */
	REASON_NO_FILE,		 /* a file or folder is not there */
	REASON_IO_ERROR,	 /* disk full, read-only, ... */
	REASON_IN_USE,		 /* address, port or folder taken */
	REASON_DEVICE_LIMIT,	 /* the device cannot do that much */
	REASON_NOT_IN_TRANSPORT, /* the transport has no such operation */
	REASON_BUILT_WITHOUT,	 /* left out when this binary was built */
	REASON_NO_PMU,		 /* no hardware counters here */
	REASON_NO_MSR,		 /* no access to a register of the CPU */
	REASON_NO_INSTRUCTION,	 /* this processor has no such instruction */
	REASON_NOT_ASKED,	 /* the point does no such thing */
	REASON_NO_HUGEPAGES,	 /* none are set aside, or switched off */
	REASON_PEER_REFUSED,	 /* nobody there, or it said goodbye */
	REASON_PEER_VERSION,	 /* it speaks another version */
	REASON_PEER_PROTOCOL,	 /* it sent what is not in the protocol */
	REASON_PEER_LOST,	 /* the connection ended */
	REASON_PEER_TIMEOUT,	 /* alive on the wire, but silent */
	REASON_LINK_FAILED,	 /* a data link broke (completion error) */
	REASON_VERIFY_FAILED,	 /* data arrived and was wrong */
	REASON_MISCOUNT,	 /* both ends counted differently */
	REASON_INTERRUPTED,	 /* Ctrl-C, SIGTERM */
	REASON_INTERNAL,	 /* a bug in rdmabench */
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
 * from the errno (EACCES: no-permission, ENOMEM: no-memory, ...). */
int err_sys(struct err *err, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "<context>: " before the text that is there; the reason stays. */
void err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/* "no-device", "peer-lost", ...; and back (REASON_COUNT if unknown). */
const char *reason_word(enum reason reason);
enum reason reason_parse(const char *word);

/* The process's exit code for it: DESIGN section 2 (1, 2, 3, 4, 130). */
int reason_exit_code(enum reason reason);

/* True for the reasons that make a point "unsupported" rather than failed:
 * this host truly lacks something. */
bool reason_is_unsupported(enum reason reason);

#endif
