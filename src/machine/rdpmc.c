#include "machine/rdpmc.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "machine/counters.h"

static int refuse(struct err *err, const char *event, int ret)
{
	enum reading_state why =
		ret == -ENOENT ? READING_NO_PMU : counters_why(ret);

	return err_set(err, ret, reading_reason(why), "%s: %s", event,
		       reading_words(why));
}

static int check_page(const struct phase_counter *pc, const char *event,
		      struct err *err)
{
	if (!pc->page->cap_user_rdpmc)
		return err_set(err, -EOPNOTSUPP, REASON_NO_PMU,
			       "%s: the kernel does not let programs read this "
			       "counter (cap_user_rdpmc; /sys/bus/event_source/"
			       "devices/cpu/rdpmc)",
			       event);
	if (!pc->page->index || !pc->page->pmc_width ||
	    pc->page->pmc_width > 64)
		return err_set(err, -EBUSY, REASON_DEVICE_LIMIT,
			       "%s: no counter of the PMU is free for it",
			       event);
	return 0;
}

int phase_counter_open(struct phase_counter *pc, const char *event,
		       const struct counter_sys *sys, struct err *err)
{
	struct perf_event_attr attr;
	int ret;

	memset(pc, 0, sizeof(*pc));
	if (sys->encode(event, &attr))
		return err_set(err, -ENOENT, REASON_NO_PMU,
			       "%s: not an event of this processor", event);
	attr.size = sizeof(attr);
	attr.pinned = 1;
	attr.exclude_kernel = attr.exclude_hv = 1;
	ret = sys->perf_event_open(&attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (ret < 0)
		return refuse(err, event, ret);
	pc->sys = sys;
	pc->fd = ret;
	pc->page_len = (size_t)sysconf(_SC_PAGESIZE);
	pc->page = sys->mmap(pc->fd, pc->page_len);
	if (pc->page)
		ret = check_page(pc, event, err);
	else
		ret = err_set(err, -ENOMEM, REASON_NO_MEMORY,
			      "%s: perf's page cannot be mapped (ulimit -l, "
			      "kernel.perf_event_mlock_kb)",
			      event);
	if (ret)
		phase_counter_close(pc);
	return ret;
}

void phase_counter_close(struct phase_counter *pc)
{
	if (!pc->sys)
		return;
	if (pc->page)
		pc->sys->munmap((void *)(uintptr_t)pc->page, pc->page_len);
	pc->sys->close(pc->fd);
	memset(pc, 0, sizeof(*pc));
}
