#include "transport/loop_seg.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEG_MAGIC 0x31706f6f6c616d64u
#define SEG_NAME "rdmabench-loop"

enum {
	RING_MIN = 16 << 10,
	RING_MAX = 1 << 20,
};

/* --- the blob: a file descriptor of a process of this host ---------------- */

/* Only ends of one running kernel read each other's, so its own byte order
 * does; the boot id tells. */
struct seg_blob {
	char magic[8];
	char boot_id[40];
	uint64_t pid_ns;
	uint32_t pid;
	uint32_t fd;
};

static int here(struct seg_blob *b, int fd, struct err *err)
{
	static const char boot_id[] = "/proc/sys/kernel/random/boot_id";
	struct stat st;
	int file;

	memset(b, 0, sizeof(*b));
	memcpy(b->magic, "loopseg1", sizeof(b->magic));
	file = open(boot_id, O_RDONLY | O_CLOEXEC);
	if (file < 0 || read(file, b->boot_id, sizeof(b->boot_id) - 1) < 0) {
		int ret = -errno;

		if (file >= 0)
			close(file);
		return err_sys(err, ret, "loop: %s", boot_id);
	}
	close(file);
	if (stat("/proc/self/ns/pid", &st))
		return err_sys(err, -errno, "loop: /proc/self/ns/pid");
	b->pid_ns = st.st_ino;
	b->pid = (uint32_t)getpid();
	b->fd = (uint32_t)fd;
	return 0;
}

static int check_blob(const struct seg_blob *b, const struct seg_blob *own,
		      struct err *err)
{
	if (memcmp(b->magic, own->magic, sizeof(b->magic)))
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "loop: the peer's blob is not one of loop");
	if (memcmp(b->boot_id, own->boot_id, sizeof(b->boot_id)))
		return err_set(err, -EHOSTUNREACH, REASON_NOT_IN_TRANSPORT,
			       "loop: the other end is on another host");
	if (b->pid_ns != own->pid_ns)
		return err_set(err, -EHOSTUNREACH, REASON_NOT_IN_TRANSPORT,
			       "loop: the other end is in another "
			       "PID namespace");
	if (b->pid == own->pid && b->fd == own->fd)
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "loop: the peer's blob is this end's own");
	return 0;
}

/* --- mapping -------------------------------------------------------------- */

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_up(size_t x, size_t step)
{
	return (x + step - 1) / step * step;
}

static void set_sizes(struct seg *seg, unsigned lanes, size_t ring_bytes)
{
	seg->lanes = lanes;
	seg->ring_bytes = ring_bytes;
	seg->head_bytes = round_up(sizeof(struct seg_head) +
					   lanes * sizeof(struct seg_index),
				   page_bytes());
}

static size_t file_bytes(const struct seg *seg)
{
	return seg->head_bytes + seg->lanes * seg->ring_bytes;
}

static int map_head(struct seg *seg, int fd)
{
	void *p = mmap(NULL, seg->head_bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	seg->head = p;
	seg->index = (struct seg_index *)(void *)(seg->head + 1);
	return 0;
}

static int map_ring(struct seg *seg, unsigned lane, int fd)
{
	const int flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE;
	size_t bytes = seg->ring_bytes;
	off_t at = (off_t)(seg->head_bytes + lane * bytes);
	char *p;

	p = mmap(NULL, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0);
	if (p == MAP_FAILED)
		return -errno;
	seg->rings[lane] = p;
	if (mmap(p, bytes, PROT_READ | PROT_WRITE, flags, fd, at) ==
		    MAP_FAILED ||
	    mmap(p + bytes, bytes, PROT_READ | PROT_WRITE, flags, fd, at) ==
		    MAP_FAILED)
		return -errno;
	return 0;
}

static int map_rings(struct seg *seg, int fd)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < seg->lanes && !ret; i++)
		ret = map_ring(seg, i, fd);
	return ret;
}

void seg_fini(struct seg *seg)
{
	unsigned i;

	for (i = 0; i < SOFT_LANES_MAX; i++) {
		if (seg->rings[i])
			munmap(seg->rings[i], 2 * seg->ring_bytes);
		seg->rings[i] = NULL;
	}
	if (seg->head) {
		munmap(seg->head, seg->head_bytes);
		if (seg->fd >= 0)
			close(seg->fd);
	}
	seg->head = NULL;
	seg->fd = -1;
}

/* --- making one ----------------------------------------------------------- */

/* Room for what may be outstanding, so that a post rarely has to wait; but
 * no more than a level 2 cache holds. */
static size_t ring_bytes_for(const struct ep_attr *attr)
{
	uint64_t each = attr->max_bytes + 2 * sizeof(uint64_t);
	size_t bytes = round_up(RING_MIN, page_bytes());

	while (bytes < RING_MAX && bytes / attr->send_depth < each)
		bytes *= 2;
	return bytes;
}

/* Sealed, so that a peer that shrinks it cannot make us fault. */
static int make_file(const struct seg *seg)
{
	int fd, ret;

	fd = memfd_create(SEG_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)file_bytes(seg)) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

int seg_make(struct seg *seg, const struct ep_attr *attr, struct blob *blob,
	     struct err *err)
{
	struct seg_blob b;
	int fd, ret;

	*seg = (struct seg){.fd = -1};
	set_sizes(seg, attr->lanes, ring_bytes_for(attr));
	fd = make_file(seg);
	if (fd < 0)
		return err_sys(err, fd, "loop: shared memory of %zu bytes",
			       file_bytes(seg));
	ret = here(&b, fd, err);
	if (ret)
		goto close_file;
	ret = map_head(seg, fd);
	if (!ret)
		ret = map_rings(seg, fd);
	if (ret) {
		err_sys(err, ret, "loop: map %zu bytes", file_bytes(seg));
		goto unmap;
	}
	seg->head->magic = SEG_MAGIC;
	memcpy(seg->head->nonce, attr->nonce, sizeof(attr->nonce));
	seg->head->lanes = seg->lanes;
	seg->head->ring_bytes = seg->ring_bytes;
	seg->head->event = attr->poll == POLL_EVENT;
	seg->fd = fd;
	memcpy(blob->data, &b, sizeof(b));
	blob->len = sizeof(b);
	return 0;

unmap:
	seg_fini(seg);
close_file:
	close(fd);
	return ret;
}

/* --- joining the peer's --------------------------------------------------- */

/* Opening has side effects on some files, so only what calls itself our
 * memfd is opened, and only what is sealed is mapped. */
static int open_file(const struct seg_blob *b, struct err *err)
{
	static const char want[] = "/memfd:" SEG_NAME;
	char path[48], target[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/fd/%u", b->pid, b->fd);
	if (readlink(path, target, sizeof(target) - 1) < 0) {
		if (errno != ENOENT)
			return err_sys(err, -errno, "loop: %s", path);
		return err_set(err, -ECONNREFUSED, REASON_PEER_LOST,
			       "loop: the other end (%s) has gone", path);
	}
	if (strncmp(target, want, sizeof(want) - 1))
		return err_set(err, -ECONNREFUSED, REASON_PEER_REFUSED,
			       "loop: %s is not an end of loop", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, -errno, "loop: %s", path);
	return fd;
}

static bool sizes_are_sound(const struct seg *seg, uint64_t ring_bytes,
			    uint64_t file_size)
{
	return ring_bytes >= RING_MIN && ring_bytes <= RING_MAX &&
	       !(ring_bytes & (ring_bytes - 1)) &&
	       file_size == seg->head_bytes + seg->lanes * ring_bytes;
}

static int check_head(struct seg *seg, const struct seg *own,
		      uint64_t file_size, struct err *err)
{
	uint64_t ring_bytes = seg->head->ring_bytes;

	if (seg->head->magic != SEG_MAGIC ||
	    memcmp(seg->head->nonce, own->head->nonce,
		   sizeof(seg->head->nonce)))
		return err_set(err, -ECONNREFUSED, REASON_PEER_REFUSED,
			       "loop: the other end is of another session");
	if (seg->head->lanes != own->lanes ||
	    !sizes_are_sound(seg, ring_bytes, file_size))
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "loop: the other end has other lanes or sizes");
	seg->ring_bytes = ring_bytes;
	return 0;
}

static int join_file(struct seg *seg, const struct seg *own, int fd,
		     struct err *err)
{
	struct stat st;
	int ret;

	set_sizes(seg, own->lanes, 0);
	if (fstat(fd, &st))
		return err_sys(err, -errno, "loop: fstat");
	if (!(fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK) ||
	    st.st_size < (off_t)seg->head_bytes)
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "loop: the other end's memory is too small "
			       "or not sealed");
	ret = map_head(seg, fd);
	if (ret)
		return err_sys(err, ret, "loop: map the other end");
	ret = check_head(seg, own, (uint64_t)st.st_size, err);
	if (ret)
		return ret;
	ret = map_rings(seg, fd);
	return ret ? err_sys(err, ret, "loop: map the other end's rings") : 0;
}

int seg_join(struct seg *seg, const struct seg *own, const struct blob *blob,
	     struct err *err)
{
	struct seg_blob b, mine;
	int fd, ret;

	*seg = (struct seg){.fd = -1};
	ret = here(&mine, own->fd, err);
	if (ret)
		return ret;
	if (blob->len != sizeof(b))
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "loop: the peer's blob is not one of loop");
	memcpy(&b, blob->data, sizeof(b));
	ret = check_blob(&b, &mine, err);
	if (ret)
		return ret;
	fd = open_file(&b, err);
	if (fd < 0)
		return fd;
	ret = join_file(seg, own, fd, err);
	close(fd);
	if (ret)
		seg_fini(seg);
	return ret;
}
