/*
 * Completions.  Polling reads the queue in this process's memory and enters
 * the kernel for nothing; blocking arms the queue and sleeps.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "rdma/cm.h"
#include "rdma/trouble.h"
#include "transport/verbs_srq.h"

/* Acknowledging takes a lock: do it for so many events at once. */
enum { EVENTS_PER_ACK = 64 };

/* Who has polled in vain so often (1 to 3 ms) can afford a system call to
 * learn whether the peer is still there. */
enum { IDLE_POLLS = 1 << 16 };

struct meaning {
	enum reason reason;
	const char *text;
};

static const struct meaning meanings[] = {
	[IBV_WC_LOC_LEN_ERR] = {REASON_LINK_FAILED,
				"a message was longer than its receive buffer"},
	[IBV_WC_LOC_QP_OP_ERR] =
		{REASON_LINK_FAILED,
		 "the work request does not suit the queue pair"},
	[IBV_WC_LOC_PROT_ERR] =
		{REASON_LINK_FAILED,
		 "memory outside its region, or not registered"},
	[IBV_WC_WR_FLUSH_ERR] =
		{REASON_PEER_LOST,
		 "the link was closed, most likely by the peer"},
	[IBV_WC_REM_INV_REQ_ERR] =
		{REASON_LINK_FAILED,
		 "the message is longer than the peer's receive buffer, or "
		 "the peer does not take this operation"},
	[IBV_WC_REM_ACCESS_ERR] =
		{REASON_LINK_FAILED,
		 "the peer's region does not allow it: wrong key, address or "
		 "access"},
	[IBV_WC_REM_OP_ERR] = {REASON_LINK_FAILED,
			       "the peer's device could not complete it"},
	[IBV_WC_RETRY_EXC_ERR] =
		{REASON_PEER_LOST,
		 "the peer's device does not answer: its program or host died, "
		 "or the network between is gone"},
	[IBV_WC_RNR_RETRY_EXC_ERR] =
		{REASON_LINK_FAILED,
		 "the peer has posted no receive, however often it was tried"},
};

static const struct meaning *meaning_of(enum ibv_wc_status status)
{
	static const struct meaning unknown = {REASON_LINK_FAILED,
					       "see the device's manual"};

	if ((size_t)status < sizeof(meanings) / sizeof(meanings[0]) &&
	    meanings[status].text)
		return &meanings[status];
	return &unknown;
}

/* A send of a datagram fails the moment that the link is gone, and the port's
 * state follows: before the program is blamed it gets this long. */
enum { PORT_WAITS = 50, PORT_WAIT_NS = 1000000 };

static enum rdma_trouble find_trouble(const struct verbs_ep *ep,
				      enum ibv_wc_status status,
				      char text[RDMA_TROUBLE_TEXT])
{
	const struct timespec ts = {.tv_nsec = PORT_WAIT_NS};
	enum rdma_trouble kind = rdma_trouble_find(&ep->port, text);
	unsigned i;

	if (status != IBV_WC_LOC_QP_OP_ERR)
		return kind;
	for (i = 0; i < PORT_WAITS && kind == RDMA_TROUBLE_NONE; i++) {
		nanosleep(&ts, NULL);
		kind = rdma_trouble_find(&ep->port, text);
	}
	return kind;
}

static __attribute__((cold, noinline)) int fail(struct verbs_ep *ep,
						const struct ibv_wc *wc)
{
	const struct meaning *m = meaning_of(wc->status);
	const bool recv = wc->wr_id & WRID_RECV;
	char trouble[RDMA_TROUBLE_TEXT];
	enum rdma_trouble kind;

	if (ep->failed)
		return -EIO;
	ep->failed = true;
	/* A port that is down explains whatever completed, and how. */
	kind = find_trouble(ep, wc->status, trouble);
	return err_set(&ep->ep.err, -EIO,
		       kind == RDMA_TROUBLE_PORT ? REASON_LINK_FAILED
						 : m->reason,
		       "rdma: %s on %s completed with %s (vendor code 0x%x): "
		       "%s%s%s",
		       recv ? "receive" : "send", ep->port.name,
		       ibv_wc_status_str(wc->status), wc->vendor_err,
		       kind == RDMA_TROUBLE_PORT ? "" : m->text,
		       kind == RDMA_TROUBLE_EVENT ? "; " : "", trouble);
}

/* A receive's piece; true if the message is whole. */
static inline bool take_recv(struct verbs_ep *ep, const struct ibv_wc *wc,
			     struct comp *comp)
{
	struct ring *rq = &ep->lanes[WRID_LANE(wc->wr_id)].rq;
	struct comp *slot = slot_of(rq, wc->wr_id);

	slot->bytes += wc->byte_len - ep->grh.length;
	if (!(wc->wr_id & WRID_LAST))
		return false;
	rq->tail = WRID_SEQ(wc->wr_id) + 1;
	*comp = *slot;
	ep->ep.counts.recvs++;
	/* What came with immediate data was written elsewhere. */
	if (wc->wc_flags & IBV_WC_WITH_IMM)
		comp->imm = ntohl(wc->imm_data);
	else
		ep->ep.counts.bytes_recv += comp->bytes;
	return true;
}

/* Frees the slots of the unsignalled sends before it, too. */
static inline void take_send(struct verbs_ep *ep, const struct ibv_wc *wc,
			     struct comp *comp)
{
	struct ring *sq = &ep->lanes[WRID_LANE(wc->wr_id)].sq;

	sq->tail = WRID_SEQ(wc->wr_id) + 1;
	*comp = *slot_of(sq, wc->wr_id);
}

/* Nothing there; `got` is what ibv_poll_cq returned.  Of plain verbs nobody
 * tells that the peer is gone: that is for the control channel to notice.
 * What the peer sent last may be here by now, so the loss that RDMA CM tells
 * of is the answer to the next poll, if that finds nothing either. */
static __attribute__((noinline)) int nothing(struct verbs_ep *ep, int got)
{
	ep->idle = 0;
	if (ep->failed)
		return -EIO;
	if (!got) {
		ep->failed = ep->cm && cm_check(ep->cm, &ep->ep.err);
		return 0;
	}
	ep->failed = true;
	return err_set(&ep->ep.err, -EIO, REASON_LINK_FAILED,
		       "rdma: the completion queue of %s cannot be read "
		       "(overrun, or the device is gone)",
		       ep->port.name);
}

/* True if it was a whole message; not of a shared queue. */
static inline bool take_one(struct verbs_ep *ep, const struct ibv_wc *wc,
			    struct comp *comp)
{
	if (wc->wr_id & WRID_RECV)
		return take_recv(ep, wc, comp);
	take_send(ep, wc, comp);
	return true;
}

/* How many of `got` completions were whole messages. */
static __attribute__((noinline)) int take_all(struct verbs_ep *ep,
					      const struct ibv_wc *wc, int got,
					      struct comp *comp)
{
	int i, done = 0;

	for (i = 0; i < got; i++) {
		if (__builtin_expect(wc[i].status != IBV_WC_SUCCESS, 0))
			fail(ep, &wc[i]);
		else if (ep->srq && wc[i].wr_id & WRID_RECV)
			verbs_srq_take(ep, &wc[i], &comp[done++]);
		else
			done += take_one(ep, &wc[i], &comp[done]);
	}
	return done;
}

/* From wherever there is something, in turn. */
static __attribute__((noinline)) int poll_many(struct verbs_ep *ep, int room,
					       struct ibv_wc *wc)
{
	unsigned i;
	int got = 0;

	for (i = 0; !got && i <= ep->n_more_cqs; i++) {
		struct rdma_cq *cq =
			ep->next_cq ? &ep->more_cqs[ep->next_cq - 1] : &ep->cq;

		got = ibv_poll_cq(cq->cq, room, wc);
		if (ep->next_cq++ == ep->n_more_cqs)
			ep->next_cq = 0;
	}
	return got;
}

static inline int poll_cqs(struct verbs_ep *ep, int room, struct ibv_wc *wc)
{
	if (__builtin_expect(ep->n_more_cqs != 0, 0))
		return poll_many(ep, room, wc);
	return ibv_poll_cq(ep->cq.cq, room, wc);
}

/* Whatever `got` is; where that is nothing, after polls in vain that were enough
 * to ask whether the peer is there.  A message's pieces alone are nothing to
 * return, and 0 has to mean that the queue is empty: block() sleeps after it, and
 * no event tells of what was there before the queue was armed. */
static __attribute__((noinline)) int poll_on(struct verbs_ep *ep,
					     struct ibv_wc *wc, int got,
					     struct comp *comp, int room)
{
	int done;

	for (; got > 0; got = poll_cqs(ep, room, wc)) {
		ep->idle = 0;
		/* What arrived before a failure is handed over first. */
		done = take_all(ep, wc, got, comp);
		if (done)
			return done;
	}
	return got || ep->failed || ep->idle ? nothing(ep, got) : 0;
}

/*
 * An empty poll is most of what an end does: it does little more than ask.  Nor
 * does a single completion, as in a round trip, pay for more.
 */
int verbs_poll(struct ep *base, struct comp *comp, unsigned n)
{
	const int room = n < VERBS_POLL ? (int)n : VERBS_POLL;
	struct verbs_ep *ep = verbs_ep(base);
	struct ibv_wc wc[VERBS_POLL];
	const int got = poll_cqs(ep, room, wc);

	if (!got && !ep->failed && ++ep->idle < IDLE_POLLS)
		return 0;
	if (got == 1 && wc->wr_id & WRID_LAST && wc->status == IBV_WC_SUCCESS &&
	    !ep->srq) {
		ep->idle = 0;
		return take_one(ep, wc, comp);
	}
	return poll_on(ep, wc, got, comp, room);
}

static void take_event(struct verbs_ep *ep)
{
	struct ibv_cq *cq;
	void *context;

	if (ibv_get_cq_event(ep->cq.channel, &cq, &context))
		return;
	ep->armed = false;
	if (++ep->unacked < EVENTS_PER_ACK)
		return;
	ibv_ack_cq_events(ep->cq.cq, ep->unacked);
	ep->unacked = 0;
}

/* Sleeps for an event or the end of the RDMA CM connection, which is told
 * once: what it is remembered by comes up when the queue is empty. */
static int sleep_for_event(struct verbs_ep *ep, uint64_t left_ns)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(left_ns / 1000000000u),
		.tv_nsec = (long)(left_ns % 1000000000u),
	};
	struct pollfd fds[2] = {
		{.fd = ep->cq.channel->fd, .events = POLLIN},
		{.fd = ep->cm ? cm_fd(ep->cm) : -1, .events = POLLIN},
	};

	if (ppoll(fds, 2, &ts, NULL) < 0)
		return errno == EINTR ? -EINTR
				      : err_sys(&ep->ep.err, -errno, "ppoll");
	if (fds[0].revents)
		take_event(ep);
	else if (fds[1].revents)
		ep->failed = cm_check(ep->cm, &ep->ep.err) != 0;
	return 0;
}

static int arm(struct verbs_ep *ep)
{
	int ret;

	if (ep->armed)
		return 0;
	ret = rdma_errno(ibv_req_notify_cq(ep->cq.cq, 0));
	if (ret) {
		ep->failed = true;
		return err_sys(&ep->ep.err, ret,
			       "rdma: cannot ask for completion events");
	}
	ep->armed = true;
	return 0;
}

/* Between an empty poll and arming a completion may slip in that no event
 * will tell of: so poll, arm, poll again, and only then sleep. */
int verbs_block(struct ep *base, struct comp *comp, unsigned n,
		uint64_t timeout_ns)
{
	struct verbs_ep *ep = verbs_ep(base);
	uint64_t end = 0, now;
	int got, ret;

	for (;;) {
		got = verbs_poll(base, comp, n);
		if (got)
			return got;
		ret = arm(ep);
		if (ret)
			return ret;
		got = verbs_poll(base, comp, n);
		if (got)
			return got;
		now = clock_raw_ns();
		if (!end)
			end = now + timeout_ns;
		if (now >= end)
			return 0;
		ret = sleep_for_event(ep, end - now);
		if (ret == -EINTR)
			return 0;
		if (ret) {
			ep->failed = true;
			return ret;
		}
	}
}
