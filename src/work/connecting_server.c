/* The server's end of work/connecting.h: it answers. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "ctl/pack.h"
#include "work/connecting_priv.h"

#define PULSE_NS 50000000u
enum { SERVER_SLICE_MS = 5 };

static int answer_open(struct connecting *c, unsigned first, unsigned n,
		       struct err *err)
{
	struct conns_end *ends = calloc(n, sizeof(*ends));
	int ret;

	if (!ends)
		return err_sys(err, -ENOMEM, "%u connections", n);
	ret = connecting_recv_ends(c, ends, n, err);
	if (!ret)
		ret = conns_make(c->conns, first, n, err);
	if (!ret)
		ret = connecting_join_all(c, first, ends, n, err);
	if (!ret)
		ret = connecting_send_ends(c, first, n, err);
	free(ends);
	/* The pool is filled once, in whichever phase is the first. */
	if (!ret && c->method == CONNECTING_CACHED)
		connecting_take_before(c);
	return ret;
}

static int answer_check(struct connecting *c, unsigned first, unsigned n,
			struct err *err)
{
	unsigned i;
	int ret = 0;

	if (c->method == CONNECTING_TCP)
		ret = sockets_hear(&c->sockets, first, n, err);
	else
		for (i = first; !ret && i < first + n; i++)
			ret = conns_hear(c->conns, i, err);
	c->checked += n;
	return ret;
}

static int answer_close(struct connecting *c, unsigned first, unsigned n,
			struct err *err)
{
	if (c->method == CONNECTING_TCP) {
		sockets_close(&c->sockets, first, n);
		return 0;
	}
	/* What RDMA CM has disconnected is gone already. */
	return conns_destroy(c->conns, first, n, err);
}

static int handle(struct connecting *c, uint32_t what, unsigned first,
		  unsigned n, struct err *err)
{
	switch (what) {
	case ASK_OPEN:
		return c->conns ? answer_open(c, first, n, err) : -EPROTO;
	case ASK_CHECK:
		return answer_check(c, first, n, err);
	case ASK_CLOSE:
		return answer_close(c, first, n, err);
	case ASK_MEMORY:
		connecting_tally_memory(c);
		return 0;
	default:
		return -EPROTO;
	}
}

static int serve_request(struct connecting *c, struct err *err)
{
	uint8_t buf[4 * ASK_WORDS], out[4];
	struct reader r = {.buf = buf, .len = sizeof(buf)};
	struct writer w = {.buf = out, .cap = sizeof(out)};
	uint32_t what, first, n;
	int ret = side_recv(&c->side, buf, sizeof(buf), err);

	if (ret)
		return ret;
	what = get_u32(&r);
	first = get_u32(&r);
	n = get_u32(&r);
	if (!n || first >= c->keep || n > c->keep - first)
		ret = -EPROTO;
	else
		ret = handle(c, what, first, n, err);
	if (ret == -EPROTO)
		return err_set(err, ret, REASON_PEER_PROTOCOL,
			       "the client asks %u of connections %u + %u",
			       what, first, n);
	put_u32(&w, n);
	return ret || what == ASK_OPEN ? ret
				       : side_send(&c->side, out, w.len, err);
}

static int serve_arrivals(struct connecting *c, struct err *err)
{
	return c->method == CONNECTING_TCP ? sockets_accept(&c->sockets, err)
					   : conns_serve(c->conns, err);
}

static int arrivals_fd(const struct connecting *c)
{
	if (c->method == CONNECTING_TCP)
		return c->sockets.listener;
	return c->method == CONNECTING_CM ? conns_fd(c->conns) : -1;
}

/* One turn: what has come, or a slice for nothing.  *quiet tells. */
static int serve_turn(struct connecting *c, bool *quiet, struct err *err)
{
	struct pollfd fds[] = {
		{.fd = c->side.fd, .events = POLLIN},
		{.fd = arrivals_fd(c), .events = POLLIN},
	};
	int ret = 0;

	*quiet = poll(fds, 2, SERVER_SLICE_MS) <= 0;
	/* First who arrives: a request may be about them. */
	if (fds[1].revents)
		ret = serve_arrivals(c, err);
	if (!ret && fds[0].revents)
		ret = serve_request(c, err);
	return ret;
}

static int serve_until_finished(struct connecting *c, struct err *err)
{
	uint64_t last = 0, t;
	bool quiet;
	int ret;

	for (;;) {
		ret = serve_turn(c, &quiet, err);
		t = clock_raw_ns();
		if (!ret && (quiet || t - last > PULSE_NS)) {
			ret = c->end->pulse(c->end->pulse_arg, true, err);
			last = t;
		}
		if (ret)
			return ret > 0 ? 0 : ret;
	}
}

int connecting_server(struct connecting *c, struct err *err)
{
	int ret = 0;

	if (c->side.fd < 0)
		ret = side_accept(&c->side, c->end->nonce, err);
	if (ret)
		return ret;
	connecting_begin_phase(c);
	ret = serve_until_finished(c, err);
	c->recording = false;
	return ret ? ret : connecting_end_phase(c, err);
}
