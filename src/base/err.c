#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef err_set
#undef err_sys

static const struct {
	const char *word;
	int exit_code;
	bool unsupported;
	const char *help;
} reasons[REASON_COUNT] = {
	[REASON_NONE] = {"", 0, false, ""},
	[REASON_USAGE] = {"usage", 2, false, "a bad option or combination"},
	[REASON_NO_DEVICE] = {"no-device", 3, true,
			      "no such RDMA device, port or GID here"},
	[REASON_NO_PERMISSION] = {"no-permission", 3, true,
				  "the kernel said no"},
	[REASON_NO_MEMORY] = {"no-memory", 3, false,
			      "memory, memlock or descriptors too small"},
	[REASON_NO_PROGRAM] = {"no-program", 3, false,
			       "a program that is called is not installed"},
	[REASON_NO_FILE] = {"no-file", 3, false,
			    "a file or folder is not there"},
	[REASON_IO_ERROR] = {"io-error", 3, false, "disk full, read-only, ..."},
	[REASON_IN_USE] = {"in-use", 3, false, "address, port or folder taken"},
	[REASON_DEVICE_LIMIT] = {"device-limit", 3, true,
				 "the device cannot do that much"},
	[REASON_NOT_IN_TRANSPORT] = {"not-in-transport", 3, true,
				     "the transport has no such operation"},
	[REASON_BUILT_WITHOUT] = {"built-without", 3, true,
				  "left out when this binary was built"},
	[REASON_NO_PMU] = {"no-pmu", 3, true, "no hardware counters here"},
	[REASON_NO_MSR] = {"no-msr", 3, true,
			   "no access to a register of the CPU"},
	[REASON_NO_INSTRUCTION] = {"no-instruction", 3, true,
				   "this processor has no such instruction"},
	[REASON_NOT_ASKED] = {"not-asked", 3, true,
			      "the point does no such thing"},
	[REASON_NO_HUGEPAGES] = {"no-hugepages", 3, true,
				 "none are set aside, or switched off"},
	[REASON_PEER_REFUSED] = {"peer-refused", 4, false,
				 "nobody there, or it said goodbye"},
	[REASON_PEER_VERSION] = {"peer-version", 4, false,
				 "it speaks another version"},
	[REASON_PEER_PROTOCOL] = {"peer-protocol", 4, false,
				  "it sent what is not in the protocol"},
	[REASON_PEER_LOST] = {"peer-lost", 4, false, "the connection ended"},
	[REASON_PEER_TIMEOUT] = {"peer-timeout", 4, false,
				 "alive on the wire, but silent"},
	[REASON_LINK_FAILED] = {"link-failed", 4, false,
				"a data link broke (completion error)"},
	[REASON_VERIFY_FAILED] = {"verify-failed", 1, false,
				  "data arrived and was wrong"},
	[REASON_MISCOUNT] = {"miscount", 1, false,
			     "both ends counted differently"},
	[REASON_INTERRUPTED] = {"interrupted", 130, false, "Ctrl-C, SIGTERM"},
	[REASON_INTERNAL] = {"internal", 1, false, "a bug in rdmabench"},
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
	snprintf(err->text + len, sizeof(err->text) - len, ": %s%s",
		 strerror(-ret), ret == -EMFILE ? " (ulimit -n)" : "");
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

const char *reason_help(enum reason reason)
{
	return reason < REASON_COUNT ? reasons[reason].help : "";
}

int reason_exit_code(enum reason reason)
{
	return reason < REASON_COUNT ? reasons[reason].exit_code : 1;
}

bool reason_is_unsupported(enum reason reason)
{
	return reason < REASON_COUNT && reasons[reason].unsupported;
}
