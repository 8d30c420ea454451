/*
 * oplog: the parts of one experiment.  oplog.c declares it, oplog_replica.c
 * is a replica's log in its memory, oplog_lead.c and oplog_leader.c are the
 * client, oplog_peer.c is the server.
 *
 * A batch is up to --group records of one size, back to back in the ring, and
 * is what is sent, made durable and acknowledged at once.
 */
#ifndef SCENARIOS_OPLOG_H
#define SCENARIOS_OPLOG_H

#include "machine/durable.h"
#include "metric/metric.h"
#include "rlog/recover.h"
#include "rlog/steps.h"
#include "run/scenario.h"

/* X(id, name): how a record reaches a peer and becomes durable there. */
#define OPLOG_METHODS(X)                                                       \
	X(LOCAL, "local") /* RF 1 */                                           \
	X(TCP, "tcp")                                                          \
	X(SEND, "send")                                                        \
	X(WRITE_IMM, "write-imm")                                              \
	X(WRITE_READ, "write-read")                                            \
	X(WRITE_FLUSH, "write-flush")                                          \
	X(WRITE, "write")

#define X(id, name) OPLOG_##id,
enum oplog_method { OPLOG_METHODS(X) OPLOG_METHOD_COUNT };
#undef X

enum oplog_ack { ACK_ALL, ACK_MAJORITY, ACK_ONE, ACK_TWO, ACK_THREE };
enum oplog_post { POST_CHAINED, POST_SERIALISED };

struct oplog_cfg {
	uint64_t method, size, rf, ack, commit, post, placement;
	uint64_t outstanding, group, group_ns;
	uint64_t nvm_delay_ns, peer_load;
	uint64_t memory, log_bytes;
	char pmem_dir[OPT_TEXT_MAX / 2];
};

/* What follows from the options. */
struct oplog_shape {
	uint64_t record_bytes;	/* in the ring */
	uint64_t batch_bytes;	/* a full one */
	uint64_t message_bytes; /* a full one as it is sent */
	uint64_t capacity;	/* of the ring: whole batches, so no pads */
	unsigned slots;		/* batches on their way, at most */
	unsigned copies;	/* that an acknowledgement needs, k */
};
void oplog_shape(const struct oplog_cfg *cfg, struct oplog_shape *s);

/* One-sided: the peer's program has no part in it. */
bool oplog_one_sided(enum oplog_method m);
enum durable_by oplog_durable_by(const struct oplog_cfg *c);

/* How a leader's writes reach a peer by such a method. */
enum rlog_reach oplog_reach(enum oplog_method m);

/* Before a batch on tcp and in a send. */
struct oplog_head {
	uint64_t count;	   /* records */
	uint64_t sequence; /* of the first */
	uint64_t unused[6];
};

struct oplog_reply {
	uint64_t sequence;   /* behind the last record that is durable */
	uint64_t persist_ns; /* what that took */
};

/* In an end's token: the peer's region, what it is made of, and whether a
 * software device stores into it. */
struct oplog_token {
	uint64_t region;
	uint32_t rkey, kind, domain, software_device;
};

/* X(id, name, unit, kind, side, merge, help) */
#define OPLOG_METRICS(X)                                                       \
	X(ENCODE, "encode", "ns", DIST, CLIENT, SUM,                           \
	  "stage: records encoded, with their checksums")                      \
	X(POST, "post", "ns", DIST, CLIENT, SUM,                               \
	  "stage: handed to the transports")                                   \
	X(APPEND, "append", "ns", DIST, CLIENT, SUM,                           \
	  "stage: copied into the own log")                                    \
	X(PERSIST, "persist", "ns", DIST, CLIENT, SUM,                         \
	  "stage: flushed and fenced there")                                   \
	X(WAIT, "wait", "ns", DIST, CLIENT, SUM,                               \
	  "stage: from then to the k-th copy, 0 if it was there")              \
	X(ACK_1, "ack_1", "ns", DIST, CLIENT, SUM,                             \
	  "from posting to the first peer's acknowledgement")                  \
	X(ACK_2, "ack_2", "ns", DIST, CLIENT, SUM, "the same, second peer")    \
	X(PEER_PERSIST, "peer_persist", "ns", DIST, SERVER, SUM,               \
	  "a peer's own flush and fence of a batch")                           \
	X(WIRE, "wire_bytes", "bytes", VALUE, CLIENT, SUM,                     \
	  "records, headers and marks that the log has sent to its peers")     \
	X(BATCHES, "batches", "1", VALUE, CLIENT, SUM, "group commits")        \
	X(FLUSHED, "lines_flushed", "1", VALUE, BOTH, SUM,                     \
	  "cache lines written back")                                          \
	X(IDLE, "idle_looks", "1", VALUE, BOTH, MAX,                           \
	  "times an end found nothing to do when it looked: few beside the "   \
	  "batches are a CPU that is full")                                    \
	X(WRITERS, "writers", "1", VALUE, CLIENT, MAX,                         \
	  "of --outstanding, those that the queue pair's limit of reads and "  \
	  "atomics (--rd-atomic) lets go at once")                             \
	X(TRIMS, "trims", "1", VALUE, CLIENT, SUM, "times the head moved")     \
	X(RECOVERED, "recovered", "1", VALUE, BOTH, MAX,                       \
	  "the last record that recovery found in the replica afterwards")     \
	X(LAST_CRC, "recovered_crc", "1", VALUE, BOTH, MAX,                    \
	  "its checksum, which stands for all before it")                      \
	X(RECOVERY, "recovery_ns", "ns", VALUE, BOTH, MAX,                     \
	  "what that scan took")                                               \
	X(RECOVERY_BYTES, "recovery_bytes", "bytes", VALUE, BOTH, MAX,         \
	  "of the log that it read")

#define X(id, ...) OPLOG_METRIC_##id,
enum oplog_metric {
	OPLOG_METRIC_BEFORE = METRIC_BASE_COUNT - 1,
	OPLOG_METRICS(X) OPLOG_METRICS_END
};
#undef X

/* --- a replica ----------------------------------------------------------------- */

struct replica {
	struct rlog log;
	struct nvm nvm;
	const struct clock *clock;
	uint64_t delay_ticks; /* a slower medium, added to each fence */
	size_t size;
	bool verified; /* else its file stays, as evidence */
	char path[OPT_TEXT_MAX];
};

/* A new, empty log of epoch 2; `who` is in its file's name. */
int replica_open(struct replica *r, struct end *e, const struct oplog_cfg *cfg,
		 const char *who, struct err *err);
void replica_close(struct replica *r);

/* A writer's payload, of cfg->size bytes; that of a record differs in its
 * stamp only (scan_stamp_first, by its sequence number). */
void replica_payload(const struct replica *r, void *at);

/* Recovers what is there as after a crash, checks every payload, and puts
 * what it found into the tally.  -EBADMSG unless records up to `acked` are
 * there. */
int replica_verify(struct replica *r, struct end *e, uint64_t acked,
		   struct err *err);

/* No room: the older half of the ring is no longer needed. */
void replica_make_room(struct replica *r);

/* Where a killed leader leaves word of what it has acknowledged, in its
 * replica's memory, for the tests: a plain store, behind the marks. */
enum { OPLOG_ACKED_AT = 1024 };
static inline void replica_acked(struct replica *r, uint64_t sequence)
{
	*(volatile uint64_t *)(void *)(r->log.region + OPLOG_ACKED_AT) =
		sequence;
}

/* --- the two ends ---------------------------------------------------------------- */

int oplog_leader_open(struct end *e, const struct oplog_cfg *cfg,
		      struct err *err);
int oplog_lead(struct end *e, const struct phase *ph, struct err *err);
int oplog_leader_verify(struct end *e, struct err *err);
void oplog_leader_close(struct end *e);

int oplog_peer_open(struct end *e, const struct oplog_cfg *cfg,
		    struct err *err);
int oplog_follow(struct end *e, const struct phase *ph, struct err *err);
int oplog_peer_verify(struct end *e, struct err *err);
void oplog_peer_close(struct end *e);

#endif
