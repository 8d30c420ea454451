/*
 * The calls that counters make, as a table, so that tests may answer in the
 * kernel's place.  Members return what the system call does, or -errno.
 */
#ifndef MACHINE_COUNTER_SYS_H
#define MACHINE_COUNTER_SYS_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the kernel accounts of the calling thread, whoever asks, since it
 * began. */
struct thread_accounts {
	uint64_t cpu_ns; /* user and system */
	uint64_t faults, major_faults;
	uint64_t switches;
	uint64_t migrations;
	bool migrations_known; /* not where /proc/.../sched is missing */
};

struct counter_sys {
	int (*perf_event_open)(struct perf_event_attr *attr, pid_t pid, int cpu,
			       int group_fd, unsigned long flags);
	ssize_t (*read)(int fd, void *buf, size_t len);
	int (*ioctl)(int fd, unsigned long request, unsigned long arg);
	void *(*mmap)(int fd, size_t len); /* read-only; NULL on failure */
	void (*munmap)(void *page, size_t len);
	void (*close)(int fd);
	void (*accounts)(struct thread_accounts *a);
	/* libpfm's: counter_microarch and counter_encode. */
	const char *(*microarch)(void);
	int (*encode)(const char *event, struct perf_event_attr *attr);
	/* "/sys/bus/event_source/devices" */
	const char *devices;
};

extern const struct counter_sys counter_sys_linux;

#endif
