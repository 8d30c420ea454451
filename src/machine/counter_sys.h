/*
 * The calls that counters make, as a table, so that tests may answer in the
 * kernel's place.  Members return what the system call does, or -errno.
 */
#ifndef MACHINE_COUNTER_SYS_H
#define MACHINE_COUNTER_SYS_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

struct counter_sys {
	int (*perf_event_open)(struct perf_event_attr *attr, pid_t pid, int cpu,
			       int group_fd, unsigned long flags);
	ssize_t (*read)(int fd, void *buf, size_t len);
	int (*ioctl)(int fd, unsigned long request, unsigned long arg);
	void *(*mmap)(int fd, size_t len); /* read-only; NULL on failure */
	void (*munmap)(void *page, size_t len);
	void (*close)(int fd);
	int (*getrusage)(int who, struct rusage *ru);
	/* libpfm's: counter_microarch and counter_encode. */
	const char *(*microarch)(void);
	int (*encode)(const char *event, struct perf_event_attr *attr);
	/* "/sys/bus/event_source/devices" */
	const char *devices;
};

extern const struct counter_sys counter_sys_linux;

#endif
