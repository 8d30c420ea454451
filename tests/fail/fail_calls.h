/*
 * Calls that fail on demand: of memory, sockets, verbs.  A program that is
 * linked with fail_calls.c and --wrap for each of them (Makefile) tries what
 * it tests with the first such call failing, then the second, ... until none
 * is left to fail.  Only calls of our own objects, and only of threads that
 * are armed; libraries keep theirs.
 */
#ifndef TESTS_FAIL_CALLS_H
#define TESTS_FAIL_CALLS_H

#include <stdbool.h>

/* A line for each; the Makefile reads the second word of a line. */
#define FAIL_CALLS(X)                                                          \
	FAIL_MEMORY(X)                                                         \
	FAIL_SOCKETS(X)                                                        \
	FAIL_VERBS(X)                                                          \
	FAIL_CM(X)

/* returns, name, parameters, arguments, what it returns and errno on failure */
/* clang-format off */
#define FAIL_MEMORY(X) \
	X(void *, malloc, (size_t n), (n), NULL, ENOMEM) \
	X(void *, calloc, (size_t n, size_t m), (n, m), NULL, ENOMEM) \
	X(void *, realloc, (void *p, size_t n), (p, n), NULL, ENOMEM) \
	X(void *, aligned_alloc, (size_t a, size_t n), (a, n), NULL, ENOMEM) \
	X(char *, strdup, (const char *s), (s), NULL, ENOMEM) \
	X(void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at), \
	  (p, n, prot, flags, fd, at), MAP_FAILED, ENOMEM) \
	X(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1, EMFILE) \
	X(int, ftruncate, (int fd, off_t len), (fd, len), -1, ENOSPC) \
	X(int, pthread_create, (pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *p), \
	  (t, a, f, p), EAGAIN, EAGAIN)

#define FAIL_SOCKETS(X) \
	X(int, socket, (int d, int t, int p), (d, t, p), -1, EMFILE) \
	X(int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), -1, EADDRINUSE) \
	X(int, listen, (int fd, int n), (fd, n), -1, EADDRINUSE) \
	X(int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), -1, EHOSTUNREACH) \
	X(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int f), (fd, a, n, f), -1, EMFILE) \
	X(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n), -1, ENOBUFS) \
	X(int, setsockopt, (int fd, int l, int o, const void *v, socklen_t n), (fd, l, o, v, n), -1, ENOBUFS) \
	X(int, fcntl, (int fd, int cmd, long arg), (fd, cmd, arg), -1, EBADF) \
	X(int, ppoll, (struct pollfd *p, nfds_t n, const struct timespec *t, const sigset_t *s), \
	  (p, n, t, s), -1, ENOMEM) \
	X(ssize_t, send, (int fd, const void *p, size_t n, int f), (fd, p, n, f), -1, ECONNRESET) \
	X(ssize_t, recv, (int fd, void *p, size_t n, int f), (fd, p, n, f), -1, ECONNRESET) \
	X(ssize_t, sendmsg, (int fd, const struct msghdr *m, int f), (fd, m, f), -1, ECONNRESET) \
	X(ssize_t, recvmsg, (int fd, struct msghdr *m, int f), (fd, m, f), -1, ECONNRESET) \
	X(ssize_t, getrandom, (void *p, size_t n, unsigned f), (p, n, f), -1, ENOSYS)

#define FAIL_VERBS(X) \
	X(struct ibv_device **, ibv_get_device_list, (int *n), (n), NULL, ENOSYS) \
	X(struct ibv_context *, ibv_open_device, (struct ibv_device *d), (d), NULL, EACCES) \
	X(int, ibv_query_device, (struct ibv_context *c, struct ibv_device_attr *a), (c, a), EIO, EIO) \
	X(struct ibv_pd *, ibv_alloc_pd, (struct ibv_context *c), (c), NULL, ENOMEM) \
	X(struct ibv_comp_channel *, ibv_create_comp_channel, (struct ibv_context *c), (c), NULL, EMFILE) \
	X(struct ibv_cq *, ibv_create_cq, (struct ibv_context *c, int n, void *p, struct ibv_comp_channel *ch, int v), \
	  (c, n, p, ch, v), NULL, ENOMEM) \
	X(struct ibv_qp *, ibv_create_qp, (struct ibv_pd *pd, struct ibv_qp_init_attr *a), (pd, a), NULL, ENOMEM) \
	X(int, ibv_modify_qp, (struct ibv_qp *qp, struct ibv_qp_attr *a, int m), (qp, a, m), EINVAL, EINVAL) \
	X(struct ibv_mr *, ibv_reg_mr_iova2, (struct ibv_pd *pd, void *p, size_t n, uint64_t v, unsigned a), \
	  (pd, p, n, v, a), NULL, EFAULT) \
	X(struct ibv_ah *, ibv_create_ah, (struct ibv_pd *pd, struct ibv_ah_attr *a), (pd, a), NULL, ENETUNREACH) \
	X(int, ibv_get_cq_event, (struct ibv_comp_channel *ch, struct ibv_cq **cq, void **p), (ch, cq, p), -1, EIO)

#define FAIL_CM(X) \
	X(struct rdma_event_channel *, rdma_create_event_channel, (void), (), NULL, EMFILE) \
	X(int, rdma_create_id, (struct rdma_event_channel *c, struct rdma_cm_id **id, void *p, enum rdma_port_space s), \
	  (c, id, p, s), -1, ENOMEM) \
	X(int, rdma_bind_addr, (struct rdma_cm_id *id, struct sockaddr *a), (id, a), -1, EADDRNOTAVAIL) \
	X(int, rdma_listen, (struct rdma_cm_id *id, int n), (id, n), -1, ENOMEM) \
	X(int, rdma_resolve_addr, (struct rdma_cm_id *id, struct sockaddr *s, struct sockaddr *d, int ms), \
	  (id, s, d, ms), -1, ENETUNREACH) \
	X(int, rdma_resolve_route, (struct rdma_cm_id *id, int ms), (id, ms), -1, ENETUNREACH) \
	X(int, rdma_connect, (struct rdma_cm_id *id, struct rdma_conn_param *p), (id, p), -1, EINVAL) \
	X(int, rdma_accept, (struct rdma_cm_id *id, struct rdma_conn_param *p), (id, p), -1, EINVAL) \
	X(int, rdma_establish, (struct rdma_cm_id *id), (id), -1, EINVAL) \
	X(int, rdma_init_qp_attr, (struct rdma_cm_id *id, struct ibv_qp_attr *a, int *m), (id, a, m), -1, EINVAL) \
	X(int, rdma_get_cm_event, (struct rdma_event_channel *c, struct rdma_cm_event **e), (c, e), -1, EIO)
/* clang-format on */

/* Inline functions of verbs, which go through the device's own table. */
#define FAIL_DEVICE(X)                                                         \
	X(poll_cq)                                                             \
	X(req_notify_cq)                                                       \
	X(post_send)                                                           \
	X(post_recv)

enum fail_call {
#define X(ret, name, ...) FAIL_##name,
	FAIL_CALLS(X)
#undef X
#define X(name) FAIL_##name,
		FAIL_DEVICE(X)
#undef X
			FAIL_COUNT,
	/* Of any of malloc, calloc, realloc, aligned_alloc and strdup. */
	FAIL_ANY_ALLOCATION,
};

extern const char *const fail_names[FAIL_COUNT];
extern const int fail_errnos[FAIL_COUNT];

/* The k-th such call from now on fails, from 1. */
void fail_begin(enum fail_call call, unsigned k);

/* Back to normal.  True if one has failed. */
bool fail_end(void);

/* Whether this thread's calls count. */
void fail_arm(bool on);

#endif
