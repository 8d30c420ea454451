#include "rdma/regs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/mem.h"
#include "rdma/selfpair.h"

struct regs {
	struct rdma_port port;
	struct ibv_pd *pd;
	struct selfpair pair;
	enum regs_way way;
	unsigned access; /* IBV_ACCESS_ */
	struct mem sink, scratch;
	struct ibv_mr *sink_mr;
	struct ibv_mr *implicit; /* of the whole address space */
	struct regs_counts counts;
};

static const unsigned accesses[REGS_ACCESSES] = {
	[REGS_READ] = 0,
	[REGS_LOCAL] = IBV_ACCESS_LOCAL_WRITE,
	[REGS_REMOTE] = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			IBV_ACCESS_REMOTE_READ,
	[REGS_ATOMIC] = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
	[REGS_RELAXED] = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			 IBV_ACCESS_REMOTE_READ | IBV_ACCESS_RELAXED_ORDERING,
};

/* errno of a verbs call that failed, whichever way it tells. */
static int errno_or_eio(void)
{
	return errno ? -errno : -EIO;
}

static int refused(const struct regs *r, int ret, const char *what,
		   struct err *err)
{
	return err_set(err, ret, REASON_DEVICE_LIMIT, "%s: %s: %s (errno %d)",
		       r->port.name, what, strerror(-ret), -ret);
}

/* --- registrations --------------------------------------------------------- */

/* A pair of kernel and memory that does not go together is a result of this
 * host, whatever errno says so. */
static int make_mr(struct regs *r, struct ibv_mr **mr, void *addr, size_t len,
		   unsigned access, struct err *err)
{
	char words[ERR_TEXT_MAX];
	int ret = rdma_mr_create(mr, r->pd, addr, len, access, err);

	if (!ret) {
		r->counts.made++;
		return 0;
	}
	memcpy(words, err->text, sizeof(words));
	return err_set(err, ret,
		       ret == -ENOMEM ? REASON_NO_MEMORY : REASON_DEVICE_LIMIT,
		       "%.400s (errno %d)", words, -ret);
}

static int end_mr(struct regs *r, struct ibv_mr *mr, struct err *err)
{
	int ret = rdma_errno(ibv_dereg_mr(mr));

	if (ret)
		return refused(r, ret, "ibv_dereg_mr", err);
	r->counts.ended++;
	return 0;
}

/* What the library refuses it returns without errno (its own codes). */
static int rereg_failed(const struct regs *r, int ret, struct err *err)
{
	int e = errno ? -errno : -EOPNOTSUPP;

	return ret ? refused(r, e, "ibv_rereg_mr", err) : 0;
}

static int rereg(struct regs *r, struct ibv_mr *mr, void *addr, size_t len,
		 struct err *err)
{
	errno = 0;
	return rereg_failed(r,
			    ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION,
					 NULL, addr, len, 0),
			    err);
}

static int change_rights(struct regs *r, struct ibv_mr *mr, unsigned access,
			 struct err *err)
{
	errno = 0;
	return rereg_failed(r,
			    ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL,
					 NULL, 0, (int)access),
			    err);
}

/* A window gives no right to write that its memory has not (IBTA 1.4,
 * 10.6.7.2.1): such a bind is refused. */
static struct ibv_mw_bind_info bind_info(const struct regs *r,
					 const struct reg *reg)
{
	return (struct ibv_mw_bind_info){
		.mr = reg->mr,
		.addr = (uintptr_t)reg->addr,
		.length = reg->len,
		.mw_access_flags = IBV_ACCESS_REMOTE_READ |
				   (r->access & IBV_ACCESS_REMOTE_WRITE),
	};
}

/* Type 1: bound by a request to the queue pair that the peer will use. */
static int bind_window(struct regs *r, const struct reg *reg, struct err *err)
{
	struct ibv_mw_bind bind = {
		.send_flags = IBV_SEND_SIGNALED,
		.bind_info = bind_info(r, reg),
	};
	int ret = rdma_errno(ibv_bind_mw(r->pair.far, reg->window, &bind));

	return ret ? refused(r, ret, "ibv_bind_mw", err)
		   : selfpair_wait(&r->pair, err);
}

static int end_window(struct regs *r, struct reg *reg, struct err *err)
{
	int ret = rdma_errno(ibv_dealloc_mw(reg->window));

	reg->window = NULL;
	if (ret)
		return refused(r, ret, "ibv_dealloc_mw", err);
	r->counts.ended++;
	return 0;
}

static int alloc_window(struct regs *r, struct reg *reg, enum ibv_mw_type type,
			struct err *err)
{
	errno = 0;
	reg->window = ibv_alloc_mw(r->pd, type);
	if (!reg->window)
		return refused(r, errno_or_eio(), "ibv_alloc_mw", err);
	r->counts.made++;
	return 0;
}

static int make_window(struct regs *r, struct reg *reg, struct err *err)
{
	struct err ignored;
	int ret = alloc_window(r, reg, IBV_MW_TYPE_1, err);

	if (ret)
		return ret;
	ret = bind_window(r, reg, err);
	if (ret)
		end_window(r, reg, &ignored);
	return ret;
}

/* Type 2B: bound, under another key each time, and invalidated by requests
 * to the queue pair that the peer will use; the window stays (IBTA 1.4,
 * 10.6.7.2). */
static int bind_window2(struct regs *r, struct reg *reg, struct err *err)
{
	struct ibv_mw *mw = reg->window;
	uint32_t rkey = ibv_inc_rkey(mw->rkey);
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_BIND_MW,
		.bind_mw = {.mw = mw,
			    .rkey = rkey,
			    .bind_info = bind_info(r, reg)},
	};
	int ret = selfpair_post_far(&r->pair, &wr, err);

	if (!ret)
		mw->rkey = rkey;
	return ret;
}

static int invalidate_window2(struct regs *r, const struct reg *reg,
			      struct err *err)
{
	const struct ibv_mw *mw = reg->window;
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_LOCAL_INV,
		.invalidate_rkey = mw->rkey,
	};

	return selfpair_post_far(&r->pair, &wr, err);
}

/* --- the steps ------------------------------------------------------------- */

int regs_prepare(struct regs *r, struct reg *reg, void *addr, size_t len,
		 struct err *err)
{
	struct ibv_mr *mr = NULL;
	struct err ignored;
	int ret = 0;

	*reg = (struct reg){.addr = addr, .len = len};
	if (r->way == REGS_REREG)
		ret = make_mr(r, &mr, r->scratch.addr, r->scratch.len,
			      r->access, err);
	else if (r->way == REGS_RIGHTS)
		ret = make_mr(r, &mr, addr, len, IBV_ACCESS_LOCAL_WRITE, err);
	else if (r->way == REGS_WINDOW || r->way == REGS_WINDOW2)
		ret = make_mr(r, &mr, addr, len, r->access | IBV_ACCESS_MW_BIND,
			      err);
	reg->mr = mr;
	if (ret || r->way != REGS_WINDOW2)
		return ret;
	ret = alloc_window(r, reg, IBV_MW_TYPE_2, err);
	if (ret)
		regs_release(r, reg, &ignored);
	return ret;
}

int regs_register(struct regs *r, struct reg *reg, struct err *err)
{
	unsigned access = r->access;
	struct ibv_mr *mr;
	int ret;

	switch (r->way) {
	case REGS_REREG:
		return rereg(r, reg->mr, reg->addr, reg->len, err);
	case REGS_RIGHTS:
		return change_rights(r, reg->mr, access, err);
	case REGS_WINDOW:
		return make_window(r, reg, err);
	case REGS_WINDOW2:
		return bind_window2(r, reg, err);
	case REGS_ODP_IMPLICIT:
		reg->mr = r->implicit;
		return 0;
	case REGS_ODP:
		access |= IBV_ACCESS_ON_DEMAND;
		break;
	default:
		break;
	}
	ret = make_mr(r, &mr, reg->addr, reg->len, access, err);
	if (!ret)
		reg->mr = mr;
	return ret;
}

int regs_deregister(struct regs *r, struct reg *reg, struct err *err)
{
	struct ibv_mr *mr = reg->mr;

	switch (r->way) {
	case REGS_REREG:
		return rereg(r, mr, r->scratch.addr, r->scratch.len, err);
	case REGS_RIGHTS:
		return change_rights(r, mr, IBV_ACCESS_LOCAL_WRITE, err);
	case REGS_WINDOW:
		return end_window(r, reg, err);
	case REGS_WINDOW2:
		return invalidate_window2(r, reg, err);
	default:
		reg->mr = NULL;
		return r->way == REGS_ODP_IMPLICIT ? 0 : end_mr(r, mr, err);
	}
}

int regs_release(struct regs *r, struct reg *reg, struct err *err)
{
	struct ibv_mr *mr = reg->mr;
	int ret = reg->window ? end_window(r, reg, err) : 0;

	reg->mr = NULL;
	return mr && !ret ? end_mr(r, mr, err) : ret;
}

/* Through the window the peer's end reads it; otherwise ours writes it. */
int regs_use(struct regs *r, const struct reg *reg, size_t offset, size_t len,
	     struct err *err)
{
	const struct ibv_mr *mr = reg->mr;
	const struct ibv_mw *window = reg->window;
	uint64_t from = (uintptr_t)reg->addr + offset;
	uint64_t to = (uintptr_t)r->sink.addr;
	struct ibv_sge sge = {
		.addr = window ? to : from,
		.length = (uint32_t)len,
		.lkey = window ? r->sink_mr->lkey : mr->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = window ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE,
	};

	wr.wr.rdma.remote_addr = window ? from : to;
	wr.wr.rdma.rkey = window ? window->rkey : r->sink_mr->rkey;
	return selfpair_post(&r->pair, &wr, err);
}

unsigned char *regs_sink(struct regs *r)
{
	return r->sink.addr;
}

void regs_counts(const struct regs *r, struct regs_counts *counts)
{
	*counts = r->counts;
}

const char *regs_device(const struct regs *r)
{
	return r->port.name;
}

bool regs_software(const struct regs *r)
{
	return r->port.software;
}

/* --- opening --------------------------------------------------------------- */

static int check_odp(const struct regs *r, struct err *err)
{
	struct ibv_device_attr_ex attr;
	uint64_t want = IBV_ODP_SUPPORT;

	if (r->way == REGS_ODP_IMPLICIT)
		want |= IBV_ODP_SUPPORT_IMPLICIT;
	memset(&attr, 0, sizeof(attr));
	if (!ibv_query_device_ex(r->port.ctx, NULL, &attr) &&
	    (attr.odp_caps.general_caps & want) == want)
		return 0;
	return err_set(err, -EOPNOTSUPP, REASON_DEVICE_LIMIT,
		       "%s has no %son-demand paging", r->port.name,
		       r->way == REGS_ODP_IMPLICIT ? "implicit " : "");
}

static int open_implicit(struct regs *r, struct err *err)
{
	int ret = make_mr(r, &r->implicit, NULL, SIZE_MAX,
			  r->access | IBV_ACCESS_ON_DEMAND, err);

	if (ret)
		err_wrap(err, "the whole address space");
	else
		r->counts.made = 0;
	return ret;
}

static bool wants_trying(enum regs_way way)
{
	return way == REGS_REREG || way == REGS_RIGHTS || way == REGS_WINDOW ||
	       way == REGS_WINDOW2;
}

/* Re-registering and windows: no attribute tells, so a page is tried. */
static int try_way(struct regs *r, struct err *err)
{
	struct err ignored;
	struct reg reg;
	int ret;

	ret = regs_prepare(r, &reg, r->scratch.addr, r->scratch.len, err);
	if (ret)
		return ret;
	ret = regs_register(r, &reg, err);
	if (!ret)
		ret = regs_deregister(r, &reg, err);
	regs_release(r, &reg, ret ? &ignored : err);
	memset(&r->counts, 0, sizeof(r->counts));
	return ret;
}

static int open_way(struct regs *r, struct err *err)
{
	int ret = 0;

	if (r->way == REGS_ODP || r->way == REGS_ODP_IMPLICIT)
		ret = check_odp(r, err);
	if (!ret && r->way == REGS_ODP_IMPLICIT)
		ret = open_implicit(r, err);
	if (!ret && wants_trying(r->way))
		ret = try_way(r, err);
	return ret;
}

static int open_sink(struct regs *r, struct err *err)
{
	const unsigned access = accesses[REGS_REMOTE];
	int ret = mem_alloc(&r->sink, REGS_USE_MAX, err);

	if (!ret)
		ret = mem_alloc(&r->scratch, 4096, err);
	if (!ret)
		ret = rdma_mr_create(&r->sink_mr, r->pd, r->sink.addr,
				     r->sink.len, access, err);
	return ret;
}

int regs_open(struct regs **regs, const struct rdma_want *want,
	      enum regs_way way, enum regs_access access, struct err *err)
{
	struct regs *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return err_sys(err, -ENOMEM, "registrations");
	r->way = way;
	r->access = accesses[access];
	ret = rdma_port_open(&r->port, want, err);
	if (!ret)
		ret = rdma_pd_create(&r->pd, &r->port, err);
	if (!ret)
		ret = open_sink(r, err);
	if (!ret)
		ret = selfpair_open(&r->pair, &r->port, r->pd, err);
	if (!ret)
		ret = open_way(r, err);
	if (!ret)
		*regs = r;
	else
		regs_close(r);
	return ret;
}

void regs_close(struct regs *r)
{
	if (!r)
		return;
	if (r->implicit)
		ibv_dereg_mr(r->implicit);
	if (r->pair.port)
		selfpair_close(&r->pair);
	if (r->sink_mr)
		ibv_dereg_mr(r->sink_mr);
	mem_free(&r->sink);
	mem_free(&r->scratch);
	if (r->pd)
		ibv_dealloc_pd(r->pd);
	rdma_port_close(&r->port);
	free(r);
}
