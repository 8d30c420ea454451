/*
 * Counters around a stretch of work, through perf_event_open(2): of the
 * calling thread (other threads of this process are not counted: see
 * counters_forget_thread), in groups,
 * so that what is compared was counted at the same time; events outside the
 * cores are the whole host's.
 *
 * An open event of a thread costs at each of its context switches (perf
 * takes it off the CPU and puts it back), which is in the midst of what is
 * measured.  So what the kernel accounts of a thread anyway is read from
 * there, and is no event.
 *
 *	counters_open(c, list, &counter_sys_linux);
 *	counters_enable(c);  ...the loop: nothing of ours in it...
 *	counters_disable(c);
 *	counters_take(c, tally);
 *
 * Nothing here fails: a counter that cannot be had says why in its slot
 * (struct reading), and the others count.
 */
#ifndef MACHINE_COUNTERS_H
#define MACHINE_COUNTERS_H

#include "machine/counter_list.h"
#include "machine/counter_sys.h"

enum {
	COUNTER_GROUP_MAX = 8, /* events of one group */
	COUNTER_GROUPS_MAX = 64,
};

/* As read with PERF_FORMAT_GROUP and both times. */
struct group_reading {
	uint64_t n, enabled, running;
	uint64_t value[COUNTER_GROUP_MAX];
};

struct counter_group {
	enum counter_kind kind;
	bool exclude_user, exclude_kernel;
	unsigned n;
	int fd[COUNTER_GROUP_MAX]; /* the first leads */
	uint8_t slot[COUNTER_GROUP_MAX];
	struct group_reading before, after;
	bool failed; /* a read or ioctl said no */
};

struct counters {
	const struct counter_sys *sys;
	struct counter_list list;
	/* READING_OK where a group counts it; otherwise why none does. */
	uint8_t state[TALLY_COUNTERS_MAX];
	struct thread_accounts before, after;
	struct counter_group group[COUNTER_GROUPS_MAX];
	unsigned n_groups;
	enum reading_state pmu; /* a core's, once asked */
};

/* A zeroed struct is closed.  Opens for the calling thread. */
void counters_open(struct counters *c, const struct counter_list *list,
		   const struct counter_sys *sys);
void counters_enable(struct counters *c);
void counters_disable(struct counters *c);
/* What was counted between the two, or why not, into the tally's slots
 * (those of a NIC are left alone: nic_counters.h). */
void counters_take(const struct counters *c, struct tally *t);
/* After it, where the calling thread was one of several that worked: what
 * counts threads has no value then (READING_ONE_OF_MANY); what counts the host
 * keeps it. */
void counters_forget_thread(const struct counters *c, struct tally *t);
void counters_close(struct counters *c);

/* What perf_event_open's error says of a counter. */
enum reading_state counters_why(int error);

#endif
