#include "machine/counter_sys.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "machine/counter_event.h"
#include "machine/sysfs.h"

static int sys_open(struct perf_event_attr *attr, pid_t pid, int cpu,
		    int group_fd, unsigned long flags)
{
	long fd = syscall(SYS_perf_event_open, attr, pid, cpu, group_fd, flags);

	return fd < 0 ? -errno : (int)fd;
}

static ssize_t sys_read(int fd, void *buf, size_t len)
{
	ssize_t n = read(fd, buf, len);

	return n < 0 ? -errno : n;
}

static int sys_ioctl(int fd, unsigned long request, unsigned long arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static void *sys_mmap(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void sys_munmap(void *page, size_t len)
{
	munmap(page, len);
}

static void sys_close(int fd)
{
	close(fd);
}

static void sys_accounts(struct thread_accounts *a)
{
	struct rusage ru = {0};
	struct timespec ts = {0};
	uint64_t migrations = 0;
	bool known = !sysfs_field("/proc/thread-self/sched", "se.nr_migrations",
				  &migrations);

	getrusage(RUSAGE_THREAD, &ru);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	*a = (struct thread_accounts){
		.cpu_ns = (uint64_t)ts.tv_sec * 1000000000u +
			  (uint64_t)ts.tv_nsec,
		.faults = (uint64_t)(ru.ru_minflt + ru.ru_majflt),
		.major_faults = (uint64_t)ru.ru_majflt,
		.switches = (uint64_t)(ru.ru_nvcsw + ru.ru_nivcsw),
		.migrations = migrations,
		.migrations_known = known,
	};
}

const struct counter_sys counter_sys_linux = {
	.perf_event_open = sys_open,
	.read = sys_read,
	.ioctl = sys_ioctl,
	.mmap = sys_mmap,
	.munmap = sys_munmap,
	.close = sys_close,
	.accounts = sys_accounts,
	.microarch = counter_microarch,
	.encode = counter_encode,
	.devices = "/sys/bus/event_source/devices",
};
