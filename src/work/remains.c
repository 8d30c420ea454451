#include "work/remains.h"

#include <errno.h>
#include <string.h>

#include "machine/sysfs.h"

/* UINT64_MAX if the kernel does not say. */
static uint64_t locked_bytes(void)
{
	static const char *const fields[] = {"VmPin:", "VmLck:"};
	uint64_t sum = 0, v;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (sysfs_field("/proc/self/status", fields[i], &v))
			return UINT64_MAX;
		sum += v;
	}
	return sum;
}

void remains_begin(struct remains *r, const char *device)
{
	memset(r, 0, sizeof(*r));
	r->device = device;
	r->told = device[0] ? rdma_resources_read(&r->before, device) : -ENODEV;
	r->locked = locked_bytes();
}

static int end_objects(const struct remains *r, struct tally *t, unsigned first,
		       struct err *err)
{
	char text[RDMA_RESOURCES_TEXT];
	struct rdma_resources after;
	uint64_t left;

	if (r->told || rdma_resources_read(&after, r->device)) {
		tally_lacks(t, first,
			    r->device[0] ? READING_NOT_IN_NIC
					 : READING_NO_RDMA);
		return 0;
	}
	left = rdma_resources_left(&r->before, &after);
	tally_set(t, first, left);
	if (!left)
		return 0;
	return err_set(err, -EBADMSG, REASON_MISCOUNT,
		       "left on %s after the last was ended: %s", r->device,
		       rdma_resources_text(text, &r->before, &after));
}

static int end_locked(const struct remains *r, struct tally *t, unsigned metric,
		      struct err *err)
{
	uint64_t now = locked_bytes(), left;

	if (now == UINT64_MAX || r->locked == UINT64_MAX) {
		tally_lacks(t, metric, READING_UNREADABLE);
		return 0;
	}
	left = now > r->locked ? now - r->locked : 0;
	tally_set(t, metric, left);
	if (!left)
		return 0;
	return err_set(err, -EBADMSG, REASON_MISCOUNT,
		       "%llu bytes of locked memory are left",
		       (unsigned long long)left);
}

int remains_end(const struct remains *r, struct tally *t, unsigned first,
		struct err *err)
{
	struct err other;
	int ret = end_objects(r, t, first, err);
	int locked = end_locked(r, t, first + 1, ret ? &other : err);

	return ret ? ret : locked;
}
