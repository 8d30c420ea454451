#include "machine/hugepool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine/mem.h"
#include "machine/sysfs.h"

static char *file_of(char *buf, size_t cap, size_t page_bytes, const char *file)
{
	snprintf(buf, cap, "/sys/kernel/mm/hugepages/hugepages-%zukB/%s",
		 page_bytes / 1024, file);
	return buf;
}

char *hugepool_path(char *buf, size_t cap, size_t page_bytes)
{
	return file_of(buf, cap, page_bytes, "nr_hugepages");
}

static int read_pool(size_t page_bytes, int node, const char *file, uint64_t *n)
{
	char path[160];

	if (node < 0)
		file_of(path, sizeof(path), page_bytes, file);
	else
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/hugepages/"
			 "hugepages-%zukB/%s",
			 node, page_bytes / 1024, file);
	return sysfs_u64(path, n);
}

/* Promises are the host's: a node has no such file. */
int hugepool_free(size_t page_bytes, int node, uint64_t *n)
{
	uint64_t unused, promised = 0;
	int ret = read_pool(page_bytes, node, "free_hugepages", &unused);

	if (!ret && node < 0)
		ret = read_pool(page_bytes, node, "resv_hugepages", &promised);
	if (!ret)
		*n = unused > promised ? unused - promised : 0;
	return ret;
}

static int pool_write(size_t page_bytes, uint64_t n)
{
	char path[128], text[24];
	int fd, len, ret = 0;

	fd = open(hugepool_path(path, sizeof(path), page_bytes),
		  O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)n);
	if (write(fd, text, (size_t)len) != len)
		ret = errno ? -errno : -EIO;
	close(fd);
	return ret;
}

/* Read, and then written: of two runs that do so at once, one would undo what
 * the other did.  A file descriptor to close; who holds it for too long is
 * none of ours, and not waited for. */
static int pool_lock(size_t page_bytes)
{
	enum { TRIES = 200 };
	const struct timespec tick = {.tv_nsec = 10000000};
	char path[128];
	int i, fd = open(hugepool_path(path, sizeof(path), page_bytes),
			 O_RDONLY | O_CLOEXEC);

	for (i = 0; fd >= 0 && i < TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			break;
		nanosleep(&tick, NULL);
	}
	return fd;
}

static void pool_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Others may have changed the pool meanwhile: what we added goes, no more. */
static void pool_shrink(size_t page_bytes, uint64_t n)
{
	const int lock = pool_lock(page_bytes);
	char path[128];
	uint64_t now;

	if (!sysfs_u64(hugepool_path(path, sizeof(path), page_bytes), &now))
		(void)pool_write(page_bytes, now > n ? now - n : 0);
	pool_unlock(lock);
}

/* Asked for too many, the kernel takes all there is before it gives up. */
static int check_room(size_t page_bytes, uint64_t n, struct err *err)
{
	uint64_t have = mem_available();

	if (n <= have / page_bytes)
		return 0;
	return err_set(err, -ENOMEM, REASON_NO_MEMORY,
		       "--reserve-hugepages: %llu of %zu MiB are needed, but "
		       "%llu MiB are available here",
		       (unsigned long long)n, page_bytes >> 20,
		       (unsigned long long)(have >> 20));
}

static int pool_grow(size_t page_bytes, uint64_t n, struct err *err)
{
	uint64_t before, after;
	char path[128];
	int ret;

	hugepool_path(path, sizeof(path), page_bytes);
	ret = sysfs_u64(path, &before);
	if (!ret)
		ret = pool_write(page_bytes, before + n);
	if (!ret)
		ret = sysfs_u64(path, &after);
	if (ret)
		return err_sys(err, ret, "--reserve-hugepages: %s", path);
	if (after >= before + n)
		return 0;
	if (after > before)
		(void)pool_write(page_bytes, before);
	return err_set(
		err, -ENOMEM, REASON_NO_HUGEPAGES,
		"--reserve-hugepages: %llu of %zu MiB are needed, but "
		"the kernel found room for %llu: free memory, or defragment "
		"it (echo 1 >/proc/sys/vm/compact_memory)",
		(unsigned long long)n, page_bytes >> 20,
		(unsigned long long)(after > before ? after - before : 0));
}

static int pool_take(size_t page_bytes, uint64_t n, struct err *err)
{
	const int lock = pool_lock(page_bytes);
	const int ret = pool_grow(page_bytes, n, err);

	pool_unlock(lock);
	return ret;
}

/* What came of it. */
struct taken {
	int ret;
	struct err err;
};

/* It takes the pages itself: whoever asked may be killed as soon as they are
 * there.  The guard holds nothing but its socket: one that it kept open would
 * hide our end from a peer.  Signals to our group are not for it. */
static void guard(int owner, size_t page_bytes, uint64_t n)
{
	struct taken t = {.ret = 0};
	char byte;

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (dup2(owner, 0) == 0)
		close_range(1, ~0u, 0);
	t.ret = pool_take(page_bytes, n, &t.err);
	(void)send(0, &t, sizeof(t), MSG_NOSIGNAL);
	if (t.ret)
		_exit(0);
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	pool_shrink(page_bytes, n);
	_exit(0);
}

static int start_guard(struct hugepool *h, size_t page_bytes, uint64_t n,
		       struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return err_sys(err, -errno, "--reserve-hugepages: socketpair");
	h->guard = fork();
	if (!h->guard)
		guard(ends[0], page_bytes, n);
	close(ends[0]);
	h->owner = ends[1];
	if (h->guard > 0)
		return 0;
	close(ends[1]);
	h->guard = 0;
	return err_sys(err, -errno, "--reserve-hugepages: fork");
}

int hugepool_reserve(struct hugepool *h, size_t page_bytes, uint64_t n,
		     struct err *err)
{
	struct taken t;
	ssize_t got;
	int ret = check_room(page_bytes, n, err);

	if (!ret)
		ret = start_guard(h, page_bytes, n, err);
	if (ret)
		return ret;
	do
		got = recv(h->owner, &t, sizeof(t), 0);
	while (got < 0 && errno == EINTR);
	if (got == sizeof(t) && !t.ret)
		return 0;
	hugepool_release(h);
	if (got != sizeof(t))
		return err_set(err, -EIO, REASON_IO_ERROR,
			       "--reserve-hugepages: the process that was to "
			       "take them is gone");
	*err = t.err;
	return t.ret;
}

void hugepool_release(struct hugepool *h)
{
	if (!h->guard)
		return;
	close(h->owner);
	while (waitpid(h->guard, NULL, 0) < 0 && errno == EINTR)
		;
	memset(h, 0, sizeof(*h));
}
