/*
 * One end of one trial: the link, its clock and tally, and the scenario's
 * own state.  Both the client's trial and the server's session own one; what
 * differs is who tells it to go on (pulse).
 */
#ifndef RUN_END_H
#define RUN_END_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ctl/hello.h"
#include "machine/counters.h"
#include "machine/cpu.h"
#include "machine/nic_counters.h"
#include "machine/latency_hold.h"
#include "metric/tally.h"
#include "run/conditions.h"
#include "run/gauge.h"
#include "run/point.h"
#include "transport/transport.h"

/* One stretch of operations: the warm-up or the measured part.  The server
 * serves until its pulse says that the client has finished. */
struct phase {
	bool measured;
	uint64_t min_ops, max_ops; /* client: at least, at most */
	uint64_t max_ns;	   /* client: then stop (after min_ops) */
};

/*
 * Called by a loop that has waited a slice for nothing.  `progressed`:
 * operations were completed since the last call.  0: go on waiting; 1: the
 * client has finished (server only); -errno.
 */
typedef int (*end_pulse)(void *arg, bool progressed, struct err *err);

/* Sleeps until the peer has said something, a tenth of a second at most. */
typedef void (*end_rest)(void *arg);

/* Short enough to notice a failure or the end of a phase at once, long
 * enough to cost nothing; shorter where an end that has nothing to do burns
 * the CPU that is being accounted for. */
#define END_SLICE_SPIN_NS 500000ull
#define END_SLICE_EVENT_NS 5000000ull

/* From look to look of who never waits so long. */
#define END_LOOK_NS 200000000ull

/* A client may have links to several servers (need.peers); the first is
 * `ep`, the others are here. */
enum { END_PEERS_MAX = 2 };
struct end_link {
	struct ep *ep;
	struct blob peer_token;
};

/* What a scenario's own links and processes did: all of their work, and the
 * CPU time of the current phase. */
struct end_others {
	struct ep_counts counts;
	uint64_t cpu_ns;
};

/* Words for a row, by the client's end: columns of the scenario. */
enum { END_NOTES_MAX = 5, END_NOTE_TEXT = 160 };

struct end {
	enum role role; /* active: client */
	const struct point *pt;
	struct gauge *gauge;
	const struct clock *clock; /* the gauge's */
	struct ep *ep;		   /* NULL: the scenario needs no link */
	struct caps local;	   /* instead of its own: see end_set_local */
	struct tally tally;
	uint64_t seed; /* client: of what is drawn by chance in this trial */
	void *state;   /* the scenario's, from setup to teardown */
	struct blob token, peer_token; /* what the scenario's ends tell */
	/* For connections of the scenario's own: where, and for whom. */
	struct sockaddr_storage data_addr;
	uint8_t nonce[NONCE_BYTES];
	struct end_link more[END_PEERS_MAX - 1];
	struct end_others others;
	unsigned n_workers; /* threads or processes, this one with them; 0: 1 */
	const struct tally *peer_tallies; /* verify of a client: one a peer */
	/* Payloads that the scenario's verify verified, after the measured
	 * phase. */
	uint64_t verified;
	char notes[END_NOTES_MAX][END_NOTE_TEXT];
	end_pulse pulse;
	end_rest rest; /* NULL: naps of a few milliseconds (a crew's) */
	void *pulse_arg;
	unsigned pinned_cpu; /* UINT_MAX: not pinned */
	struct conditions is;
	struct latency_hold hold;
	unsigned cpus[CPU_LIST_MAX], n_cpus; /* allowed before pinning */
	struct counters counters;
	struct nic_counters nic;
};

struct end_env {
	enum role role;
	struct gauge *gauge;
	unsigned n_peers; /* 0: one */
	uint64_t seed;
	const uint8_t *nonce[END_PEERS_MAX];
	const struct sockaddr_storage *data_addr[END_PEERS_MAX];
	end_pulse pulse;
	end_rest rest;
	void *pulse_arg;
};

/* An end that is all zeros counts as closed.
 * Opens the link's end by the point's options, pins the thread, keeps CPUs
 * awake, chooses the NUMA node for buffers (end->is.numa_node) and lets the
 * scenario set up (buffers registered, receives posted).  `blob` is for the
 * other end; one a peer. */
int end_open(struct end *e, const struct point *pt, const struct end_env *env,
	     struct blob *blob, struct err *err);
/* `peer` is the link's blob of the other end; its token is kept.  end_connect
 * is for the first peer, the other for those after it. */
int end_connect(struct end *e, const struct blob *peer,
		const struct blob *peer_token, struct err *err);
int end_connect_more(struct end *e, unsigned index, const struct blob *peer,
		     const struct blob *peer_token, struct err *err);

static inline struct ep *end_ep(const struct end *e, unsigned index)
{
	return index ? e->more[index - 1].ep : e->ep;
}

static inline const struct blob *end_peer_token(const struct end *e,
						unsigned index)
{
	return index ? &e->more[index - 1].peer_token : &e->peer_token;
}

/* One more link of the same kind, for a worker of the scenario's own: `own` is a
 * copy of an end and gets a link instead of that one's; to be connected and
 * closed by the caller. */
int end_open_own(struct end *own, struct blob *blob, struct err *err);

/* A server's phase in which it does nothing, until the client has finished:
 * asleep, as a look every few milliseconds took 400 instructions of one CPU for
 * each operation on another.  `progressed` as for end_pulse: false, where a
 * client that is silent is to be given up.  0 or -errno. */
int end_stand_by(struct end *e, bool progressed, struct err *err);

/* False: a server that the scenario, or this point of it, does without. */
bool end_has_part(const struct end *e);

/* What the link can do; without one, what end_set_local said, or nothing. */
const struct caps *end_caps(const struct end *e);

/* For rows of a scenario without a link: the device that it used ("": none),
 * in setup.  The path is "loopback" unless e->local.path is changed. */
void end_set_local(struct end *e, const char *device, bool software);

/*
 * A phase, in three steps.  What takes time (the NIC's counters) is done
 * before the other end is told to go and after both have finished; the
 * counters are enabled and disabled around the scenario's loop, not in it.
 *
 * end_phase runs the scenario's client or server into a fresh tally
 * (operations, elapsed, messages, bytes, CPU time, counters).
 */
void end_before_phase(struct end *e, const struct phase *ph);
int end_phase(struct end *e, const struct phase *ph, struct err *err);
void end_after_phase(struct end *e, const struct phase *ph);
/* After the measured phase: the scenario's verify.  What it verified is in
 * the tally then, beside what the phase did. */
int end_verify(struct end *e, struct err *err);

void end_close(struct end *e);

/* How a phase waits: in slices, with a pulse after each that brought nothing;
 * a client gives the link up after --op-timeout, and a second for each MiB of
 * `bytes`, without any progress. */
struct end_waiter {
	struct end *e;
	uint64_t done, seen;	 /* operations: now, at the last pulse */
	uint64_t quiet_since_ns; /* CLOCK_MONOTONIC_RAW; 0: flowing */
	uint64_t give_up_ns;	 /* without progress */
	uint64_t slice_ns;
	uint64_t idle;	  /* calls that found nothing at once */
	uint64_t look_at; /* ticks of the end's clock */
};
void end_waiter_init(struct end_waiter *w, struct end *e, uint64_t bytes);

/* After operations were completed, `now` in ticks: who never waits a whole
 * slice would not be heard by a peer that has nothing to do but listen, and
 * would be taken for stopped.  0, or -errno. */
int end_waiter_look_now(struct end_waiter *w, uint64_t now, struct err *err);
static inline int end_waiter_look(struct end_waiter *w, uint64_t now,
				  struct err *err)
{
	return now < w->look_at ? 0 : end_waiter_look_now(w, now, err);
}

/* For who waits otherwise, after a slice that brought nothing: 0 to go on, 1
 * when the phase is finished, or -errno. */
int end_waiter_slice(struct end_waiter *w, struct err *err);

/* end_wait, after looks that brought `got`: nothing, or -errno. */
int end_wait_slices(struct end_waiter *w, struct comp *comp, unsigned n,
		    int got, struct err *err);

/* Completions: how many, 0 when the phase is finished, -errno.  What is there
 * already is handed on at once. */
static inline int end_wait(struct end_waiter *w, struct comp *comp, unsigned n,
			   struct err *err)
{
	struct ep *ep = w->e->ep;
	int got = 0;

	if (ep->poll != POLL_EVENT)
		got = ep->tp->poll(ep, comp, n);
	if (got > 0)
		return got;
	w->idle += !got;
	if (!got)
		got = ep_look(ep, comp, n);
	return got > 0 ? got : end_wait_slices(w, comp, n, got, err);
}

/* The same for the first n_links links; *index is whose they are.  It goes on
 * from there at the next call, so none is starved. */
int end_wait_any(struct end_waiter *w, unsigned n_links, unsigned *index,
		 struct comp *comp, unsigned n, struct err *err);

#endif
