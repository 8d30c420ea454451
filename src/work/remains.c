#include "work/remains.h"

#include <errno.h>
#include <string.h>

#include "machine/sysfs.h"

static uint64_t locked_bytes(void)
{
	static const char *const fields[] = {"VmPin:", "VmLck:"};
	uint64_t sum = 0, v;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!sysfs_field("/proc/self/status", fields[i], &v))
			sum += v;
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

int remains_end(const struct remains *r, struct tally *t, unsigned first,
		struct err *err)
{
	uint64_t now = locked_bytes();
	uint64_t left = now > r->locked ? now - r->locked : 0;

	tally_set(t, first + 1, left);
	if (left)
		return err_set(err, -EBADMSG, REASON_MISCOUNT,
			       "%llu bytes of locked memory are left",
			       (unsigned long long)left);
	return end_objects(r, t, first, err);
}
