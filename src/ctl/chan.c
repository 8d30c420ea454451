#include "ctl/chan.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/stop.h"
#include "ctl/pack.h"

enum {
	MAGIC = 0x424d4452, /* "RDMB" */
	HEADER = 12,
	IN_CAP = HEADER + CHAN_PAYLOAD_MAX,
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int chan_init(struct chan *c, int fd, const char *peer, struct err *err)
{
	pthread_condattr_t attr;
	const int one = 1;

	/* A frame that waits for the last one's acknowledgement waits 40 ms;
	 * several in every trial.  What is no TCP socket refuses, and has no
	 * such wait. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->beat_ns = CHAN_BEAT_NS;
	c->silence_ns = CHAN_SILENCE_NS;
	strncpy(c->peer, peer, sizeof(c->peer) - 1);
	c->in = malloc(IN_CAP);
	if (!c->in)
		return err_sys(err, -ENOMEM, "control channel");
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->wake, &attr);
	pthread_condattr_destroy(&attr);
	c->heard_ns = c->looked_ns = now_ns();
	c->said_ns = c->heard_ns;
	return 0;
}

void chan_fini(struct chan *c)
{
	if (c->heart_runs) {
		pthread_mutex_lock(&c->lock);
		c->heart_ends = true;
		pthread_cond_signal(&c->wake);
		pthread_mutex_unlock(&c->lock);
		pthread_join(c->heart, NULL);
	}
	if (c->in) {
		pthread_cond_destroy(&c->wake);
		pthread_mutex_destroy(&c->lock);
	}
	free(c->in);
	c->in = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* --- sending ------------------------------------------------------------- */

static int broken(struct chan *c, int ret, enum reason reason, const char *what,
		  struct err *err)
{
	c->broken = true;
	return err_set(err, ret, reason, "%s: %s", c->peer, what);
}

/* What is left to send after `sent` bytes more. */
static void advance(struct msghdr *m, size_t sent)
{
	while (m->msg_iovlen && sent >= m->msg_iov->iov_len) {
		sent -= m->msg_iov->iov_len;
		m->msg_iov++;
		m->msg_iovlen--;
	}
	if (!m->msg_iovlen)
		return;
	m->msg_iov->iov_base = (uint8_t *)m->msg_iov->iov_base + sent;
	m->msg_iov->iov_len -= sent;
}

static int send_all(struct chan *c, struct msghdr *m, struct err *err)
{
	uint64_t end = now_ns() + c->silence_ns;
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};

	while (m->msg_iovlen) {
		ssize_t n = sendmsg(c->fd, m, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			advance(m, (size_t)n);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return broken(c, -errno, REASON_PEER_LOST,
				      strerror(errno), err);
		if (now_ns() >= end)
			return broken(c, -ETIMEDOUT, REASON_PEER_TIMEOUT,
				      "takes no more data", err);
		poll(&p, 1, 100);
	}
	return 0;
}

/* In one go: who hears a header alone wakes up, and waits again. */
static int send_locked(struct chan *c, enum frame_type type,
		       const void *payload, size_t len, struct err *err)
{
	uint8_t header[HEADER];
	struct writer w = {.buf = header, .cap = sizeof(header)};
	struct iovec parts[] = {{header, sizeof(header)},
				{(void *)(uintptr_t)payload, len}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = len ? 2 : 1};
	int ret;

	put_u32(&w, MAGIC);
	put_u32(&w, (uint32_t)type);
	put_u32(&w, (uint32_t)len);
	ret = send_all(c, &m, err);
	c->said_ns = now_ns();
	return ret;
}

int chan_send(struct chan *c, enum frame_type type, const void *payload,
	      size_t len, struct err *err)
{
	int ret;

	if (len > CHAN_PAYLOAD_MAX)
		return err_set(err, -EMSGSIZE, REASON_INTERNAL,
			       "control frame of %zu bytes", len);
	pthread_mutex_lock(&c->lock);
	ret = send_locked(c, type, payload, len, err);
	pthread_mutex_unlock(&c->lock);
	return ret;
}

int chan_send_words(struct chan *c, enum frame_type type, const struct err *e,
		    struct err *err)
{
	uint8_t buf[64 + ERR_TEXT_MAX];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};

	put_str(&w, reason_word(e->reason));
	put_str(&w, e->text);
	return chan_send(c, type, buf, w.len, err);
}

void frame_words(const struct frame *f, struct err *out)
{
	struct reader r = {.buf = f->payload, .len = f->len};
	char word[32];

	get_str(&r, word, sizeof(word));
	get_str(&r, out->text, sizeof(out->text));
	out->reason = reason_parse(word);
	if (r.bad || out->reason == REASON_COUNT)
		out->reason = REASON_PEER_PROTOCOL;
}

/* --- the heart ----------------------------------------------------------- */

/*
 * A table of files of our own, in which there are the channel and, for what a
 * failed assertion says, stdio alone.  As long as two threads share one, each
 * system call on a descriptor, which every message of TCP is, and on a software
 * device every doorbell, counts its references (fget_light in the kernel's
 * fs/file.c: 20 instructions, and more with locks).  Linux before 5.9 refuses:
 * then they are shared.
 */
static void own_files(int fd)
{
	if (close_range((unsigned)fd + 1, UINT_MAX, CLOSE_RANGE_UNSHARE))
		return;
	if (fd > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
}

/* We have said nothing for a beat.  Who else speaks may be later than now. */
static bool is_quiet(const struct chan *c, uint64_t now)
{
	return now >= c->said_ns + c->beat_ns;
}

static void *heart_main(void *arg)
{
	struct chan *c = arg;
	struct timespec ts;
	struct err ignored;
	uint64_t at;

	own_files(c->fd);
	pthread_mutex_lock(&c->lock);
	while (!c->heart_ends) {
		at = now_ns() + (c->heart_slow ? 2 : 1) * c->beat_ns;
		ts.tv_sec = (time_t)(at / 1000000000u);
		ts.tv_nsec = (long)(at % 1000000000u);
		if (pthread_cond_timedwait(&c->wake, &c->lock, &ts) ==
			    ETIMEDOUT &&
		    (!c->heart_slow || is_quiet(c, now_ns())))
			/* A failure shows in the main thread's next call. */
			(void)send_locked(c, FRAME_HEARTBEAT, NULL, 0,
					  &ignored);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

int chan_heart_start(struct chan *c, struct err *err)
{
	sigset_t all, old;
	int ret;

	/* Signals are the main thread's: they must interrupt its waits. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&c->heart, NULL, heart_main, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return err_sys(err, -ret, "heartbeat thread");
	c->heart_runs = true;
	return 0;
}

void chan_heart_slow(struct chan *c, bool slow)
{
	pthread_mutex_lock(&c->lock);
	c->heart_slow = slow;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

/* --- receiving ----------------------------------------------------------- */

/* Takes a whole frame off the front of c->in: 1, 0 if there is none. */
static int take_frame(struct chan *c, struct frame *f, struct err *err)
{
	struct reader r = {.buf = c->in, .len = c->in_len};
	uint32_t magic = get_u32(&r), type = get_u32(&r), len = get_u32(&r);

	/* Refuse what is no frame from its first bytes on: a stranger may
	 * never send twelve. */
	if (c->in_len && memcmp(c->in, "RDMB", c->in_len < 4 ? c->in_len : 4))
		return broken(c, -EPROTO, REASON_PEER_PROTOCOL,
			      "does not speak the rdmabench control protocol "
			      "(another program, or a wrong port?)",
			      err);
	if (r.bad)
		return 0;
	if (magic != MAGIC || type == FRAME_NONE || type >= FRAME_COUNT ||
	    len > CHAN_PAYLOAD_MAX)
		return broken(c, -EPROTO, REASON_PEER_PROTOCOL,
			      "sent a frame that is not in the protocol", err);
	if (c->in_len < HEADER + (size_t)len)
		return 0;
	f->type = (enum frame_type)type;
	f->len = len;
	memcpy(f->payload, c->in + HEADER, len);
	c->in_len -= HEADER + (size_t)len;
	memmove(c->in, c->in + HEADER + len, c->in_len);
	return 1;
}

/* Reads what is there: 1 if anything was, 0 if not. */
static int fill(struct chan *c, struct err *err)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, IN_CAP - c->in_len,
			 MSG_DONTWAIT);

	if (n > 0) {
		c->in_len += (size_t)n;
		c->heard_ns = now_ns();
		return 1;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return broken(c, -ECONNRESET, REASON_PEER_LOST,
		      n ? strerror(errno) : "the connection ended", err);
}

static int got_bye(struct chan *c, const struct frame *f, struct err *err)
{
	c->broken = true;
	frame_words(f, err);
	/* It was interrupted, we were not. */
	if (err->reason == REASON_INTERRUPTED)
		err->reason = REASON_PEER_LOST;
	err_wrap(err, "%s", c->peer);
	return -ECONNABORTED;
}

/* One frame that matters, if it is here: 1, 0, -errno. */
static int next_frame(struct chan *c, struct frame *f, struct err *err)
{
	int ret;

	for (;;) {
		ret = take_frame(c, f, err);
		if (ret == 0) {
			ret = fill(c, err);
			if (ret <= 0)
				return ret;
			continue;
		}
		if (ret < 0)
			return ret;
		if (f->type == FRAME_BYE)
			return got_bye(c, f, err);
		if (f->type != FRAME_HEARTBEAT)
			return 1;
	}
}

/* Waits look every 100 ms at least. */
#define DEAF_NS 500000000u

/* For so long nobody listened, as this end was stopped, or its machine was. */
static uint64_t deaf_ns(struct chan *c)
{
	const uint64_t now = now_ns(), away = now - c->looked_ns;

	c->looked_ns = now;
	if (away <= DEAF_NS)
		return 0;
	c->heard_ns += away;
	return away;
}

static int check_silence(struct chan *c, struct err *err)
{
	char what[64];

	if (now_ns() < c->heard_ns + c->silence_ns)
		return 0;
	snprintf(what, sizeof(what), "silent for %.1f s: stopped, or cut off",
		 (double)c->silence_ns / 1e9);
	return broken(c, -ETIMEDOUT, REASON_PEER_TIMEOUT, what, err);
}

void chan_wait(const struct chan *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	poll(&p, 1, 100);
}

int chan_recv(struct chan *c, struct frame *f, uint64_t timeout_ns,
	      struct err *err)
{
	uint64_t end;
	int ret;

	(void)deaf_ns(c);
	end = c->looked_ns + timeout_ns;
	for (;;) {
		ret = next_frame(c, f, err);
		if (ret)
			return ret < 0 ? ret : 0;
		if (stop_requested)
			return err_set(err, -EINTR, REASON_INTERRUPTED,
				       "waiting for the other end");
		end += deaf_ns(c);
		ret = check_silence(c, err);
		if (ret)
			return ret;
		if (now_ns() >= end)
			return broken(c, -ETIMEDOUT, REASON_PEER_TIMEOUT,
				      "did not answer in time", err);
		chan_wait(c);
	}
}

int chan_pulse(struct chan *c, bool progressed, struct frame *f,
	       struct err *err)
{
	uint64_t now = now_ns();
	int ret;

	if (progressed)
		c->heard_ns = now;
	ret = next_frame(c, f, err);
	if (ret)
		return ret;
	(void)deaf_ns(c);
	ret = check_silence(c, err);
	if (ret)
		return ret;
	if (is_quiet(c, now))
		return chan_send(c, FRAME_HEARTBEAT, NULL, 0, err);
	return 0;
}
