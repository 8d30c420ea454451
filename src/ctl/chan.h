/*
 * The control channel: a TCP connection between the client and one server
 * session, carrying typed, bounded frames.
 *
 *	frame = magic u32 "RDMB", type u32, length u32, payload
 *
 * Nothing from the wire is trusted: a wrong magic, an unknown type or a
 * length above CHAN_PAYLOAD_MAX ends the channel with peer-protocol.
 *
 * Liveness: each end sends a heartbeat every second, from a thread of its
 * own while the main thread is busy setting up, or from chan_pulse while a
 * phase runs (a thread that wakes up would disturb a measurement: it does so
 * every other second then, to beat where one operation takes longer).  A peer
 * that is silent for CHAN_SILENCE_NS is given up (a stopped process still
 * acknowledges TCP); one that ended is noticed at once.  Time in which this
 * end did not listen, as it was stopped itself (Ctrl-Z), or its machine was, is
 * no silence, nor is it what an answer takes.
 */
#ifndef CTL_CHAN_H
#define CTL_CHAN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CHAN_PAYLOAD_MAX = 1024 * 1024 };
#define CHAN_BEAT_NS 1000000000ull
#define CHAN_SILENCE_NS 4500000000ull

enum frame_type {
	FRAME_NONE,
	FRAME_HELLO,	 /* c->s: version, host (ctl/hello.h) */
	FRAME_WELCOME,	 /* s->c: version, sessions, nonce, host, facts */
	FRAME_PREPARE,	 /* c->s: scenario and a point's options */
	FRAME_READY,	 /* s->c: blob, what the server's end is like */
	FRAME_CONNECT,	 /* c->s: the client's blob */
	FRAME_CONNECTED, /* s->c */
	FRAME_START,	 /* c->s: a phase begins */
	FRAME_STARTED,	 /* s->c: receives are posted: go */
	FRAME_FINISH,	 /* c->s: so many operations were done */
	FRAME_RESULT,	 /* s->c: the server's tally of the phase */
	FRAME_CLOSE,	 /* c->s: end of the trial */
	FRAME_CLOSED,	 /* s->c: was the server stopped in it (SIGSTOP)? */
	FRAME_ABORT,	 /* c->s: reason, text: drop the trial */
	FRAME_ABORTED,	 /* s->c: the same; dropped, ready for the next */
	FRAME_ERROR,	 /* s->c: reason, text: the trial failed here */
	FRAME_HEARTBEAT,
	FRAME_BYE, /* both ways: reason, text: the session ends */
	/* Between HELLO and WELCOME, where the server has a token: */
	FRAME_CHALLENGE, /* s->c: nonce */
	FRAME_PROOF,	 /* c->s: the client's (ctl/token.h) */
	FRAME_COUNT
};

struct frame {
	enum frame_type type;
	size_t len;
	uint8_t payload[CHAN_PAYLOAD_MAX];
};

struct chan {
	int fd;
	char peer[80]; /* "server 10.0.0.2:18515", for words */
	/* An error was returned; only close is left.  The heart may find it
	 * first, in its own thread. */
	_Atomic bool broken;
	uint64_t heard_ns;	      /* CLOCK_MONOTONIC */
	_Atomic uint64_t said_ns;     /* by the heart, too */
	uint64_t looked_ns;	      /* when it was last asked for silence */
	uint64_t beat_ns, silence_ns; /* by chan_init; tests are in a hurry */

	uint8_t *in; /* bytes received and not yet a whole frame */
	size_t in_len;

	pthread_mutex_t lock; /* of sending, against the heart's thread */
	pthread_cond_t wake;
	pthread_t heart;
	bool heart_runs, heart_slow, heart_ends;
};

/* Takes over a connected socket, unless it fails.  0 or -errno. */
int chan_init(struct chan *c, int fd, const char *peer, struct err *err);
void chan_fini(struct chan *c);

/* The heart's thread; slow while a phase runs. */
int chan_heart_start(struct chan *c, struct err *err);
void chan_heart_slow(struct chan *c, bool slow);

/* Sends a frame whole; waits at most silence_ns for room. */
int chan_send(struct chan *c, enum frame_type type, const void *payload,
	      size_t len, struct err *err);

/* The next frame that is no heartbeat.  Waits as long as the peer's heart
 * beats, at most timeout_ns.  A BYE becomes an error with its words. */
int chan_recv(struct chan *c, struct frame *f, uint64_t timeout_ns,
	      struct err *err);

/* The same without waiting: 1 if f was filled, 0 if there is nothing.
 * Heartbeats by itself.  `progressed`: data has flowed since the last call,
 * so the peer lives even if it was too busy to say so. */
int chan_pulse(struct chan *c, bool progressed, struct frame *f,
	       struct err *err);

/* Sleeps until something more has come, a signal has, or it is time to look
 * for silence and for a user who wants the end: a tenth of a second. */
void chan_wait(const struct chan *c);

/* Error, abort and bye carry reason and text. */
int chan_send_words(struct chan *c, enum frame_type type, const struct err *e,
		    struct err *err);
void frame_words(const struct frame *f, struct err *out);

#endif
