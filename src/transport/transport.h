/*
 * One interface over everything that moves bytes between two processes.
 *
 * A link has two symmetric ends.  Each end is opened, says where it can be
 * reached in a blob, is given the other's blob, and is connected:
 *
 *	open -> blob --(control channel)--> connect(peer's blob)
 *
 * After that both post batches of work and poll for completions.  Messages
 * arrive whole and in order on each lane: the k-th posted receive takes the
 * k-th message (verbs) or the next `len` bytes (TCP, which adds no header),
 * so both ends agree on lengths beforehand.  A message larger than the
 * device's limit is cut inside and completes once.
 *
 * Threads: an end belongs to one thread at a time.  Memory: the caller owns
 * all buffers; nothing in post, poll or wait allocates, logs or reads
 * configuration.  Policy (inline, signalling, polling) is bound at open.
 *
 * Errors: functions with a struct err return 0 or -errno and fill it.  post,
 * poll and wait return -errno and leave the words in ep->err; after that the
 * end can only be closed.
 */
#ifndef TRANSPORT_TRANSPORT_H
#define TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"

enum op {
	OP_SEND,
	OP_RECV,
	OP_WRITE,
	OP_WRITE_IMM,
	OP_READ,
	OP_FETCH_ADD,
	OP_CMP_SWAP,
	OP_ATOMIC_WRITE,
	OP_FLUSH,
	OP_COUNT
};
#define OP_BIT(op) (1u << (op))
extern const char *const op_words[OP_COUNT]; /* "write-imm", ... */

/* How a verbs link moves messages: reliably, in order; in order, but what is
 * lost is lost; each message a packet of its own, to whoever is named. */
enum qp_type { QP_RC, QP_UC, QP_UD, QP_TYPES };
extern const char *const qp_type_names[]; /* NULL-terminated: "RC", ... */

enum poll_mode { POLL_SPIN, POLL_EVENT, POLL_YIELD, POLL_COUNT };
extern const char *const poll_mode_names[]; /* NULL-terminated */

/* What a completion promises. */
enum level {
	LEVEL_LOCAL,	 /* the buffer may be reused */
	LEVEL_DELIVERED, /* the peer's program has it (for a receive: we do) */
	LEVEL_PLACED,	 /* visible in the peer's memory */
	LEVEL_DURABLE,
};

enum role { ROLE_ACTIVE, ROLE_PASSIVE }; /* who calls, who is called */

enum { RECV_ROOM_MAX = 40 }; /* bytes */

/* Capabilities are data; filled by open, refined by connect. */
struct caps {
	unsigned ops;		    /* OP_BIT()s */
	uint64_t max_message_bytes; /* one wire message; larger ones are cut */
	unsigned max_inline_bytes;  /* as granted, 0: none */
	unsigned max_sges;
	unsigned max_read_sges; /* of a read; 0: there are none */
	unsigned max_lanes;
	unsigned n_qps, n_cqs; /* queue pairs and completion queues made */
	unsigned max_depth;    /* work outstanding per lane and direction */
	bool lossy;	       /* messages may be lost, and nobody tells */
	/* Bytes, at most RECV_ROOM_MAX: of use before a receive (WORK_ROOM);
	 * 0: none are. */
	unsigned recv_room;
	bool acknowledged; /* a send that is complete is at the peer's device */
	bool write_in_order; /* a write's last byte is visible last */
	/* What OP_FLUSH knows of enum placement. */
	bool flush_global, flush_persistent;
	/* Reads, atomics, FLUSHes and ATOMIC WRITEs of a lane on their way at
	 * once: the device holds back what is beyond.  0: no limit. */
	unsigned max_reads;
	bool software_device;
	char device[64]; /* "rxe0", "lo", "" */
	unsigned port;	 /* of an RDMA device; 0: it is none */
	char qp_type[8]; /* "RC", "UD", ... ; "" where meaningless */
	char cm[8];	 /* "rdma_cm", "verbs"; "" where meaningless */
	char path[10];	 /* "loopback" or "wire" */
	char detail[96]; /* GID index and type, MTU, ...: for run.json */
};

/* Registered memory.  Transports embed it first. */
struct region {
	void *addr;
	size_t len;
	uint32_t lkey, rkey;
};

struct sge {
	void *addr;
	size_t len;
	const struct region *region; /* must cover it */
};

enum {
	WORK_SIGNAL = 1, /* SEND etc.: wants a completion.  A completion also
			  * stands for all earlier unsignalled work of its
			  * lane.  Receives always complete. */
	/* A send etc., or a receive, posted alone that is what the last of
	 * those that was posted alone was, on this end, but for its cookie,
	 * where its sges are in the same regions, where it goes at the peer
	 * (remote_addr), its operands, its immediate data and WORK_SIGNAL: an
	 * end may have kept the rest. */
	WORK_AGAIN = 2,
	/* A receive: the caps.recv_room bytes before its first piece are of that
	 * piece's region, and may be overwritten.  What a datagram brings before
	 * its payload goes there, and needs no piece apart. */
	WORK_ROOM = 4,
};

/* What a FLUSH asks of its range: that it is visible, or durable. */
enum placement { PLACE_GLOBAL, PLACE_PERSISTENT };

/* One thing to post; kept by nobody after post returns.  A FLUSH has no
 * sges; an ATOMIC WRITE one of 8 bytes, which post reads. */
struct work {
	enum op op;
	unsigned lane;
	unsigned n_sges;
	unsigned flags;
	const struct sge *sges;
	uint64_t cookie; /* comes back in the completion */
	uint64_t remote_addr;
	uint32_t remote_rkey;
	uint32_t imm;
	union {
		uint64_t compare_add;
		uint64_t flush_bytes; /* OP_FLUSH: from remote_addr */
	};
	union {
		uint64_t swap;
		uint64_t placement; /* OP_FLUSH: enum placement */
	};
};

struct comp {
	uint64_t cookie;
	uint64_t bytes;
	uint32_t imm;
	uint16_t lane;
	uint8_t op;    /* enum op */
	uint8_t level; /* enum level */
};

/* Counted exactly, inside, by whoever implements post and poll.  A write with
 * immediate data is a message (it takes a receive) whose payload is written
 * to memory. */
struct ep_counts {
	uint64_t sends, recvs;		 /* messages sent / received whole */
	uint64_t bytes_sent, bytes_recv; /* their payload */
	uint64_t one_sided;		 /* reads, writes and atomics posted */
	uint64_t bytes_one_sided;	 /* written to, read from the peer */
	uint64_t posts;			 /* work requests, pieces counted */
	uint64_t doorbells;		 /* calls to device or kernel */
};

static inline void ep_counts_add(struct ep_counts *sum,
				 const struct ep_counts *c)
{
	sum->sends += c->sends;
	sum->recvs += c->recvs;
	sum->bytes_sent += c->bytes_sent;
	sum->bytes_recv += c->bytes_recv;
	sum->one_sided += c->one_sided;
	sum->bytes_one_sided += c->bytes_one_sided;
	sum->posts += c->posts;
	sum->doorbells += c->doorbells;
}

/* What only some links have; all zeros ask for nothing.  An end that is asked
 * for what its transport or device lacks does not open, and says so. */
struct ep_extras {
	/* One queue of receives for all lanes: recv_depth is that of all of
	 * them together, and a completion tells the lane it came on. */
	bool shared_recv;
	/* Datagrams, active end: all lanes have one queue pair here, as
	 * connectionless designs do, and one each at the peer. */
	bool one_qp;
	/* How an RC end goes on that finds no receive at the peer: how often
	 * it tries again (7: for ever), and the code of the time that it is
	 * told to wait for (IBTA 1.4, table 45). */
	bool rnr;
	uint8_t rnr_retry, min_rnr_timer;
	/* Completions, or microseconds, that one event stands for; 0: each. */
	uint16_t cq_count, cq_period_us;
};

/* What an end is opened with; filled by the session from the options. */
struct ep_attr {
	enum role role;
	enum poll_mode poll;
	unsigned lanes; /* at least 1 */
	/* OP_BITs that will be posted, of OP_FLUSH and OP_ATOMIC_WRITE: their
	 * queue pairs are of another kind.  built-without, device-limit. */
	unsigned ops;
	unsigned send_depth; /* work outstanding per lane, messages */
	unsigned recv_depth;
	unsigned sges;		 /* pieces in a work, at most; 0: 4 */
	uint64_t max_bytes;	 /* the largest message that will be posted */
	uint64_t segment_bytes;	 /* cut messages into these; 0: device limit */
	uint32_t first_sequence; /* of queues that count in 32 bits: tests
				  * begin shortly before the overflow */
	int inline_bytes;	 /* -1: as much as is useful */
	unsigned signal_every;	 /* hint: callers signal every n-th send */
	const char *device;	 /* RDMA device; "": the first usable one */
	unsigned ib_port;	 /* 0: the first active one */
	int gid_index;		 /* -1: by policy */
	unsigned mtu;		 /* bytes; 0: the port's active MTU */
	unsigned rd_atomic;	 /* caps.max_reads of RC; 0: as is useful */
	enum qp_type qp_type;	 /* of a verbs link */
	bool rdma_cm;		 /* connect by RDMA CM */
	struct ep_extras extras;
	struct sockaddr_storage data_addr; /* where data links live (no port) */
	uint8_t nonce[16]; /* the session's, proves who connects */
	const struct clock *clock;
};

enum { BLOB_MAX = 13312 }; /* of 4096 queue pairs' numbers */
struct blob {
	uint32_t len;
	uint8_t data[BLOB_MAX];
};

/* Beside OP_BIT(OP_FLUSH): the memory is persistent, and the peer may make
 * durable what is in it. */
#define ACCESS_PERSISTENT (1u << 31)

struct transport;

/* One end of a link.  Transports embed it first. */
struct ep {
	const struct transport *tp;
	enum poll_mode poll;
	struct caps caps;
	struct ep_counts counts;
	struct err err; /* of post, poll and wait */
	const struct clock *clock;
};

struct transport {
	const char *name;      /* "tcp": --transport, CSV */
	const char *summary;   /* a line for `list` */
	unsigned qp_types;     /* 1u << QP_x that there are; 0: it knows none */
	bool polls_by_syscall; /* one a lane: each poll takes long */

	/* Could an end be opened here with this attr?  Cheap, no side
	 * effects; refusal carries its reason (no-device, ...). */
	int (*probe)(const struct ep_attr *attr, struct err *err);

	/* Allocates an end with its queues and fills ep->caps and the blob
	 * for the other end.  A passive end listens from here on. */
	int (*open)(struct ep **ep, const struct ep_attr *attr,
		    struct blob *blob, struct err *err);

	/* Makes memory usable by post.  `access`: OP_BITs of what the peer
	 * may do to it (0: nothing), ACCESS_PERSISTENT among them.  Regions
	 * go before their end.  */
	int (*reg)(struct ep *ep, void *addr, size_t len, unsigned access,
		   struct region **region, struct err *err);
	void (*dereg)(struct ep *ep, struct region *region);

	/* Both ends call it, in any order; blocks at most timeout_ns (by RDMA
	 * CM, which takes one after the other: of each lane).
	 * Receives may be posted before connect; sends only after. */
	int (*connect)(struct ep *ep, const struct blob *peer,
		       uint64_t timeout_ns, struct err *err);

	/* Hands over n items in order.  Never blocks.  Returns 0 (all n
	 * taken) or -errno; the caller keeps within the depths. */
	int (*post)(struct ep *ep, const struct work *work, unsigned n);

	/* Up to n completions, without blocking.  Returns how many. */
	int (*poll)(struct ep *ep, struct comp *comp, unsigned n);

	/* For POLL_EVENT: like poll, but sleeps in the kernel up to
	 * timeout_ns until something is there.  May return 0 early. */
	int (*block)(struct ep *ep, struct comp *comp, unsigned n,
		     uint64_t timeout_ns);

	/* Safe in every state, with work outstanding, after errors. */
	void (*close)(struct ep *ep);
};

/* Waits by the end's poll mode for up to timeout_ns (checked every
 * ep_polls_per_clock() polls when spinning, every 8 when yielding, so a little
 * longer).  Returns the number of completions, 0 when the time is up, or
 * -errno. */
int ep_wait(struct ep *ep, struct comp *comp, unsigned n, uint64_t timeout_ns);

/* What a look at the clock may be spread over: longer than an operation takes.
 * Reading it costs as much as an empty poll of a verbs queue, and in a guest of
 * QEMU's emulator it takes a lock that whoever is waited for needs too: with 256
 * a ping-pong there (UC) was 2 % slower.  A poll that is a system call for each
 * of many lanes makes a deadline late instead. */
static inline unsigned ep_polls_per_clock(const struct ep *ep)
{
	return ep->tp->polls_by_syscall ? 256 : 1024;
}

/* What an end that spins may find before it has to look at the clock: how many
 * completions, or -errno.  Part of the caller, so that nothing lies between what
 * comes soon and who waits for it. */
static inline int ep_look(struct ep *ep, struct comp *comp, unsigned n)
{
	unsigned i = ep->poll == POLL_SPIN ? ep_polls_per_clock(ep) : 0;
	int got = 0;

	for (; i && !got; i--)
		got = ep->tp->poll(ep, comp, n);
	return got;
}

/* transport.c */

/* For transports that have none of the extras. */
int ep_no_extras(const struct ep_attr *attr, const char *transport,
		 struct err *err);

/* 0 if the end has these OP_BITs; or not-in-transport, with those that it
 * lacks and `who` needs them. */
int ep_has_ops(const struct ep *ep, unsigned ops, const char *who,
	       struct err *err);

/* How many wire messages a message of `bytes` is cut into; at least 1. */
unsigned ep_messages_per_op(const struct ep *ep, uint64_t bytes);

/* The registry (list.h); NULL at the end / if unknown. */
const struct transport *transport_at(unsigned i);
const struct transport *transport_find(const char *name);

#endif
