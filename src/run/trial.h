/* One trial of one point: from PREPARE to the merged result. */
#ifndef RUN_TRIAL_H
#define RUN_TRIAL_H

#include "metric/tally.h"
#include "run/conditions.h"
#include "run/peer.h"
#include "run/end.h"
#include "run/plan.h"
#include "transport/transport.h"

enum status {
	STATUS_OK,
	STATUS_UNSUPPORTED,
	STATUS_FAILED,
	STATUS_INTERRUPTED,
};
enum { STATUS_COUNT = STATUS_INTERRUPTED + 1 };
extern const char *const status_names[];

/* What the link was like: a point's rows say it beside its options. */
struct trial_link {
	struct caps caps; /* of the client's end, once opened */
	unsigned messages_per_op;
	unsigned cpu_client, cpu_server; /* UINT_MAX: not pinned */
};

struct trial {
	enum status status;
	struct err why; /* unless ok */
	struct trial_link link;
	uint64_t warmup_ops;
	/* Who was stopped in the middle and went on, so that what was timed is
	 * worth nothing; NULL: nobody. */
	const char *stopped;
	char server_device[64];
	struct conditions client_is, server_is;
	struct tally client, server; /* of the measured part */
	/* A trial with several peers: `server` is their sum. */
	unsigned n_peers;
	struct tally peer[END_PEERS_MAX];
	char peer_host[END_PEERS_MAX][64];
	char notes[END_NOTES_MAX][END_NOTE_TEXT];
};

/*
 * Runs it with as many of the peers as the point needs (trial_peers).  `seed`:
 * of what is drawn by chance in it, so another one for each trial.  0 if the
 * run may go on, whatever the trial's status; -errno if the peer is gone
 * (trial->status and why say what to record).
 */
int trial_run(struct trial *t, const struct plan_point *pp, struct peer *peers,
	      uint64_t seed, struct gauge *gauge);

/* Peers that a point needs; at least 1. */
unsigned trial_peers(const struct plan_point *pp);
/* Of these, how many measure something: none of a point that is the client's
 * alone. */
unsigned trial_peer_rows(const struct plan_point *pp);

/*
 * Both ends must have counted the same, exactly (late: NULL).  On a link that
 * loses messages neither may have received more than the other sent: in this
 * phase, or in earlier ones if it had not arrived by their end.  `late` keeps
 * how many those are, all 0 before the first phase.  -EBADMSG with miscount
 * and both numbers.
 */
enum { TRIAL_COUNT_PAIRS = 5 };
int trial_check_counts(const struct tally *client, const struct tally *server,
		       uint64_t late[TRIAL_COUNT_PAIRS], struct err *err);

/* Of a measured part over a link that loses messages something must have
 * arrived; link-failed. */
int trial_check_arrivals(const struct tally *client, const struct tally *server,
			 struct err *err);

#endif
