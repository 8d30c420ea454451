#include "calm.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "info/info.h"
#include "machine/counters.h"
#include "machine/cpu.h"
#include "machine/latency_hold.h"
#include "machine/mem.h"
#include "machine/memkind.h"
#include "machine/prefetch_hold.h"

/* --- time -------------------------------------------------------------------- */

/* By how much it is ahead of the host's; atomic for the heart's thread. */
static _Atomic uint64_t ahead_ns;

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __real_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_nanosleep(const struct timespec *want, struct timespec *left);

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int ret = __real_clock_gettime(id, ts);
	uint64_t ns = (uint64_t)ts->tv_nsec + ahead_ns;

	ts->tv_sec += (time_t)(ns / 1000000000u);
	ts->tv_nsec = (long)(ns % 1000000000u);
	return ret;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	int ret = __real_poll(fds, n, 0);

	if (!ret)
		ahead_ns += (uint64_t)(ms < 0 ? 1000 : ms) * 1000000u;
	return ret;
}

int __wrap_nanosleep(const struct timespec *want, struct timespec *left)
{
	(void)left;
	ahead_ns +=
		(uint64_t)want->tv_sec * 1000000000u + (uint64_t)want->tv_nsec;
	return 0;
}

/* --- this host ---------------------------------------------------------------- */

int __wrap_mem_alloc(struct mem *mem, size_t len, struct err *err);
int __real_mem_alloc(struct mem *mem, size_t len, struct err *err);
int __wrap_mem_alloc_on(struct mem *mem, size_t len, int node, struct err *err);
int __real_mem_alloc_on(struct mem *mem, size_t len, int node, struct err *err);
int __wrap_mem_alloc_as(struct mem *mem, size_t len, int node,
			enum mem_pages pages, struct err *err);
int __real_mem_alloc_as(struct mem *mem, size_t len, int node,
			enum mem_pages pages, struct err *err);
int __wrap_memsource_open(struct memsource *s, const struct memkind_want *want,
			  struct err *err);
int __real_memsource_open(struct memsource *s, const struct memkind_want *want,
			  struct err *err);
void __wrap_host_read(struct host *host);
void __wrap_info_gather(struct facts *facts, const struct host *host,
			const char *root);
void __wrap_latency_hold_begin(struct latency_hold *h, const char *root);
int __wrap_cpu_pin(unsigned cpu, struct err *err);
int __wrap_cpu_unpin(const unsigned *cpus, unsigned n, struct err *err);
int __wrap_prefetch_hold_begin(struct prefetch_hold *h,
			       const struct prefetch_host *host,
			       enum prefetch_choice choice,
			       const unsigned *cpus, unsigned n,
			       struct err *err);
void __wrap_counters_open(struct counters *c, const struct counter_list *list,
			  const struct counter_sys *sys);

void __wrap_host_read(struct host *host)
{
	*host = (struct host){.name = "fuzz"};
}

void __wrap_info_gather(struct facts *facts, const struct host *host,
			const char *root)
{
	(void)host;
	(void)root;
	facts_clear(facts);
}

void __wrap_latency_hold_begin(struct latency_hold *h, const char *root)
{
	(void)root;
	*h = (struct latency_hold){.fd = -1};
}

int __wrap_cpu_pin(unsigned cpu, struct err *err)
{
	(void)cpu;
	(void)err;
	return 0;
}

int __wrap_cpu_unpin(const unsigned *cpus, unsigned n, struct err *err)
{
	(void)cpus;
	(void)n;
	(void)err;
	return 0;
}

int __wrap_prefetch_hold_begin(struct prefetch_hold *h,
			       const struct prefetch_host *host,
			       enum prefetch_choice choice,
			       const unsigned *cpus, unsigned n,
			       struct err *err)
{
	(void)h;
	(void)host;
	(void)cpus;
	(void)n;
	if (choice == 0)
		return 0;
	return err_set(err, -1, REASON_NO_MSR, "not while fuzzing");
}

void __wrap_counters_open(struct counters *c, const struct counter_list *list,
			  const struct counter_sys *sys)
{
	c->sys = sys;
	c->list = *list;
}

/* --- files --------------------------------------------------------------------- */

int calm_file(const void *data, size_t len, char path[32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

/* A host with little memory: a point may ask for as much as it likes, and a
 * sanitizer counts what is touched. */
enum { AFFORDED = 64 << 20 };
static bool affords(uint64_t bytes, struct err *err)
{
	if (bytes <= AFFORDED)
		return true;
	err_set(err, -ENOMEM, REASON_NO_MEMORY, "not while fuzzing");
	return false;
}

int __wrap_mem_alloc(struct mem *mem, size_t len, struct err *err)
{
	return affords(len, err) ? __real_mem_alloc(mem, len, err) : -ENOMEM;
}

int __wrap_mem_alloc_on(struct mem *mem, size_t len, int node, struct err *err)
{
	return affords(len, err) ? __real_mem_alloc_on(mem, len, node, err)
				 : -ENOMEM;
}

int __wrap_mem_alloc_as(struct mem *mem, size_t len, int node,
			enum mem_pages pages, struct err *err)
{
	return affords(len, err)
		       ? __real_mem_alloc_as(mem, len, node, pages, err)
		       : -ENOMEM;
}

int __wrap_memsource_open(struct memsource *s, const struct memkind_want *want,
			  struct err *err)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(want->len, want->n, &bytes))
		bytes = UINT64_MAX;
	return affords(bytes, err) ? __real_memsource_open(s, want, err)
				   : -ENOMEM;
}
