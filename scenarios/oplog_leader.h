/* The leader's state: oplog_leader.c moves batches, oplog_lead.c runs the
 * phase. */
#ifndef SCENARIOS_OPLOG_LEADER_H
#define SCENARIOS_OPLOG_LEADER_H

#include "machine/mem.h"
#include "oplog.h"

enum {
	OPLOG_OUTSTANDING_MAX = 64, /* records */
	SIGNAL_EVERY = 16,
};

enum leader_stage {
	STAGE_ENCODE,
	STAGE_POST,
	STAGE_APPEND,
	STAGE_PERSIST,
	STAGE_WAIT,
	STAGE_ACK_1,
	STAGE_ACK_2,
	LEADER_STAGES
};

/* What a completion of ours stands for. */
enum leader_cookie {
	COOKIE_SENT,  /* a message's buffer: nothing to do */
	COOKIE_FIRST, /* one-sided, serialised: the write; the rest follows */
	COOKIE_LAST,  /* one-sided: the last step */
};

/* Bytes for a peer's region, `at` from its start, and how they get there. */
struct span {
	char *data;
	uint64_t at, len;
	uint64_t tail; /* the log's, when they are there */
	const struct rlog_steps *steps;
};

struct batch {
	uint64_t offset;	    /* in the log */
	uint64_t next_sequence;	    /* behind its last record */
	uint64_t posted, persisted; /* ticks */
	unsigned count;
	unsigned copies; /* that are durable */
	char *image;
	uint64_t arrived[OPLOG_OUTSTANDING_MAX]; /* of each record, ticks */
};

struct leader_link {
	struct region *region;
	struct oplog_token token;
	struct oplog_reply *replies; /* OPLOG_REPLIES(slots) */
	bool owes; /* a receive: of this reply, which was taken last */
	uint64_t owed;
	uint64_t acked;	  /* batches */
	uint64_t written; /* serialised: batches whose write has completed */
	uint64_t sends;
	bool trimmed;
};

struct leader {
	struct end *end;
	struct oplog_cfg cfg;
	struct oplog_shape shape;
	struct replica replica;
	struct mem mem;
	char *stage;   /* one message a slot */
	char *mark;    /* a mark to be sent */
	char *landing; /* of reads */
	unsigned n_links;
	struct leader_link link[END_PEERS_MAX];
	struct batch *batches; /* [oldest, next) are on their way */
	uint64_t oldest, next;
	uint64_t writers; /* outstanding, as far as the devices take it */
	uint64_t started, acked; /* records, in this phase */
	uint64_t last_ack;	 /* ticks */
	/* When each record that waits to be sent arrived: the one before it
	 * was acknowledged. */
	uint64_t arrivals[OPLOG_OUTSTANDING_MAX];
	uint64_t arrival_head, arrival_tail;
	bool trimming;
	struct span mark_span;
	const struct rlog_steps *steps; /* one-sided: of a batch */
	uint64_t wire, trims; /* bytes that peers were sent; heads moved */
	uint64_t fetched;     /* bytes read from them */
	struct hist *latency, *dist[LEADER_STAGES];
};

/* Begins a batch of `count` of the waiting records, for which there is
 * room. */
int leader_begin(struct leader *l, unsigned count, struct err *err);

/* What has completed on a link. */
int leader_take(struct leader *l, unsigned link, const struct comp *comp, int n,
		struct err *err);

/* One more than batches can be on their way: a receive is posted again when
 * the next batch has gone out, not before. */
#define OPLOG_REPLIES(slots) ((slots) + 1)

/* Receives for the peers' replies, once. */
int leader_post_replies(struct leader *l, struct err *err);

/* Those that are owed, before the link is waited for. */
int leader_repost(struct leader *l, struct err *err);

/* Tells every peer that the head has moved (where they do not know). */
int leader_send_mark(struct leader *l, struct err *err);

/* Reads the end of the last batch from every peer, so that all that was
 * written is visible there.  As for a mark, link.trimmed says who has. */
int leader_read_back(struct leader *l, struct err *err);

#endif
