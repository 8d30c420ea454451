#include "machine/prefetch_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* As long as a guardian may take whose run was killed just now. */
enum { LOCK_TRIES = 100 };

static int take_lock(struct prefetch_hold *h, struct err *err)
{
	const struct timespec tick = {.tv_nsec = 10000000};
	int i;

	h->lock = open(h->host.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->lock < 0)
		return prefetch_refused(err, &h->host, 0, -errno);
	for (i = 0; i < LOCK_TRIES; i++) {
		if (!flock(h->lock, LOCK_EX | LOCK_NB))
			return 0;
		nanosleep(&tick, NULL);
	}
	return err_set(err, -EBUSY, REASON_IN_USE,
		       "another run holds the prefetchers of this host (a "
		       "lock on %s)",
		       h->host.dir);
}

static int read_one(struct prefetch_hold *h, unsigned cpu, struct err *err)
{
	struct prefetch_set *s = &h->set;
	int ret = s->io->open(h->host.dir, cpu, true);

	if (ret < 0)
		return prefetch_refused(err, &h->host, cpu, ret);
	s->v[s->n].fd = ret;
	s->v[s->n].cpu = cpu;
	ret = s->io->read(s->v[s->n].fd, s->msr, &s->v[s->n].was);
	s->n++;
	return ret ? prefetch_refused(err, &h->host, cpu, ret) : 0;
}

/* The bit was set before: by the firmware, or by hand. */
static int already_off(struct prefetch_hold *h, unsigned i, struct err *err)
{
	return err_set(err, -EALREADY, REASON_NO_MSR,
		       "CPU %u: MSR 0x%x reads 0x%llx: switched off already, "
		       "so nothing can be compared (see the firmware's "
		       "settings)",
		       h->set.v[i].cpu, h->set.msr,
		       (unsigned long long)h->set.v[i].was);
}

static int switch_one(struct prefetch_hold *h, unsigned i, struct err *err)
{
	struct prefetch_set *s = &h->set;
	const uint64_t want = s->v[i].was | s->mask;
	uint64_t now = 0;
	int ret;

	ret = s->io->write(s->v[i].fd, s->msr, want);
	if (!ret)
		ret = s->io->read(s->v[i].fd, s->msr, &now);
	if (ret)
		return prefetch_refused(err, &h->host, s->v[i].cpu, ret);
	if (now == want)
		return 0;
	return err_set(err, -EIO, REASON_NO_MSR,
		       "CPU %u: MSR 0x%x reads 0x%llx after writing 0x%llx: "
		       "the CPU or its hypervisor ignores it",
		       s->v[i].cpu, s->msr, (unsigned long long)now,
		       (unsigned long long)want);
}

static int look(struct prefetch_hold *h, const unsigned *cpus, unsigned n,
		struct err *err)
{
	unsigned i;
	int ret = 0;

	if (!n || n > PREFETCH_CPUS_MAX)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "prefetchers of %u CPUs: 1 to %d", n,
			       PREFETCH_CPUS_MAX);
	for (i = 0; i < n && !ret; i++)
		ret = read_one(h, cpus[i], err);
	for (i = 0; i < n && !ret; i++)
		if ((h->set.v[i].was & h->set.mask) == h->set.mask)
			ret = already_off(h, i, err);
	return ret;
}

static int choose(struct prefetch_hold *h, enum prefetch_choice choice,
		  struct err *err)
{
	const struct prefetch_regs *regs = prefetch_regs(&h->host.cpu, err);

	if (!regs)
		return -ENOTSUP;
	h->set.io = h->host.io;
	h->set.msr = regs->msr;
	h->set.mask = regs->mask[choice];
	if (h->set.mask)
		return 0;
	return err_set(err, -ENOTSUP, REASON_NO_MSR,
		       "%s: a CPU of %s has no such prefetcher",
		       prefetch_names[choice], h->host.cpu.vendor);
}

static void let_go(struct prefetch_hold *h)
{
	unsigned i;

	for (i = 0; i < h->set.n; i++)
		close(h->set.v[i].fd);
	if (h->lock >= 0)
		close(h->lock);
	memset(h, 0, sizeof(*h));
	h->lock = -1;
}

int prefetch_hold_begin(struct prefetch_hold *h,
			const struct prefetch_host *host,
			enum prefetch_choice choice, const unsigned *cpus,
			unsigned n, struct err *err)
{
	struct err ignored;
	unsigned i;
	int ret;

	memset(h, 0, sizeof(*h));
	h->lock = -1;
	if (choice == PREFETCH_AS_FOUND)
		return 0;
	h->host = *host;
	ret = choose(h, choice, err);
	if (!ret)
		ret = take_lock(h, err);
	if (!ret)
		ret = look(h, cpus, n, err);
	if (!ret)
		ret = prefetch_guard_start(&h->guard, &h->set, h->lock, err);
	if (ret) {
		let_go(h);
		return ret;
	}
	h->held = true;
	for (i = 0; i < n && !ret; i++)
		ret = switch_one(h, i, err);
	if (ret)
		(void)prefetch_hold_end(h, &ignored);
	return ret;
}

int prefetch_hold_end(struct prefetch_hold *h, struct err *err)
{
	int ret = 0;

	if (!h->held)
		return 0;
	prefetch_guard_end(&h->guard);
	/* Somebody killed the guardian, or it could not. */
	if (!prefetch_set_is_back(&h->set)) {
		(void)prefetch_set_restore(&h->set);
		if (!prefetch_set_is_back(&h->set))
			ret = err_set(err, -EIO, REASON_IO_ERROR,
				      "MSR 0x%x of CPU %u was 0x%llx and could "
				      "not be put back: write it by hand "
				      "(wrmsr), or restart",
				      h->set.msr, h->set.v[0].cpu,
				      (unsigned long long)h->set.v[0].was);
	}
	let_go(h);
	return ret;
}
