#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *word;
	int exit_code;
	bool unsupported;
} reasons[REASON_COUNT] = {
	[REASON_NONE] = {"", 0, false},
	[REASON_USAGE] = {"usage", 2, false},
	[REASON_NO_DEVICE] = {"no-device", 3, true},
	[REASON_NO_PERMISSION] = {"no-permission", 3, true},
	[REASON_NO_MEMORY] = {"no-memory", 3, false},
	[REASON_NO_PROGRAM] = {"no-program", 3, false},
	[REASON_NO_FILE] = {"no-file", 3, false},
	[REASON_IO_ERROR] = {"io-error", 3, false},
	[REASON_IN_USE] = {"in-use", 3, false},
	[REASON_DEVICE_LIMIT] = {"device-limit", 3, true},
	[REASON_NOT_IN_TRANSPORT] = {"not-in-transport", 3, true},
	[REASON_BUILT_WITHOUT] = {"built-without", 3, true},
	[REASON_NO_PMU] = {"no-pmu", 3, true},
	[REASON_NO_MSR] = {"no-msr", 3, true},
	[REASON_NO_INSTRUCTION] = {"no-instruction", 3, true},
	[REASON_NOT_ASKED] = {"not-asked", 3, true},
	[REASON_NO_HUGEPAGES] = {"no-hugepages", 3, true},
	[REASON_PEER_REFUSED] = {"peer-refused", 4, false},
	[REASON_PEER_VERSION] = {"peer-version", 4, false},
	[REASON_PEER_PROTOCOL] = {"peer-protocol", 4, false},
	[REASON_PEER_LOST] = {"peer-lost", 4, false},
	[REASON_PEER_TIMEOUT] = {"peer-timeout", 4, false},
	[REASON_LINK_FAILED] = {"link-failed", 4, false},
	[REASON_VERIFY_FAILED] = {"verify-failed", 1, false},
	[REASON_MISCOUNT] = {"miscount", 1, false},
	[REASON_INTERRUPTED] = {"interrupted", 130, false},
	[REASON_INTERNAL] = {"internal", 1, false},
};

__attribute__((format(printf, 3, 0))) static void put(struct err *err,
						      enum reason reason,
						      const char *fmt,
						      va_list ap)
{
	err->reason = reason;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

int err_set(struct err *err, int ret, enum reason reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(err, reason, fmt, ap);
	va_end(ap);
	return ret;
}

static enum reason reason_of_errno(int e)
{
	switch (e) {
	case EACCES:
	case EPERM:
		return REASON_NO_PERMISSION;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EAGAIN:
		return REASON_NO_MEMORY;
	case ENOENT:
	case ENOTDIR:
		return REASON_NO_FILE;
	case EADDRINUSE:
		return REASON_IN_USE;
	case ENODEV:
	case ENXIO:
		return REASON_NO_DEVICE;
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EADDRNOTAVAIL:
		return REASON_PEER_REFUSED;
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
		return REASON_PEER_LOST;
	case ETIMEDOUT:
		return REASON_PEER_TIMEOUT;
	case EINTR:
	case ECANCELED:
		return REASON_INTERRUPTED;
	default:
		return REASON_IO_ERROR;
	}
}

int err_sys(struct err *err, int ret, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	put(err, reason_of_errno(-ret), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		 strerror(-ret));
	return ret;
}

void err_wrap(struct err *err, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	size_t len;
	va_list ap;

	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
}

void err_clear(struct err *err)
{
	err->reason = REASON_NONE;
	err->text[0] = '\0';
}

const char *reason_word(enum reason reason)
{
	return reason < REASON_COUNT ? reasons[reason].word : "internal";
}

enum reason reason_parse(const char *word)
{
	unsigned i;

	for (i = 0; i < REASON_COUNT; i++)
		if (!strcmp(word, reasons[i].word))
			return (enum reason)i;
	return REASON_COUNT;
}

int reason_exit_code(enum reason reason)
{
	return reason < REASON_COUNT ? reasons[reason].exit_code : 1;
}

bool reason_is_unsupported(enum reason reason)
{
	return reason < REASON_COUNT && reasons[reason].unsupported;
}
