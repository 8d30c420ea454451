#include "work/connecting.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/smaller.h"
#include "ctl/pack.h"
#include "machine/sysfs.h"
#include "work/connecting_priv.h"

/* Fewer say nothing: pages and slabs are larger than a connection. */
enum { MEMORY_CONNS = 16 };
enum { SPARE_FDS = 64 };

static uint64_t now(const struct connecting *c)
{
	return clock_ticks(c->end->clock);
}

/* --- what a step took -------------------------------------------------------- */

static void took(void *arg, enum conns_step step, unsigned i, uint64_t ticks)
{
	struct connecting *c = arg;
	const struct clock *clk = c->end->clock;

	(void)i;
	if (!c->recording)
		return;
	hist_record(c->dist[step], clock_ns(clk, ticks));
	if (step == c->last && c->end->role == ROLE_ACTIVE)
		hist_record(&c->end->tally.latency,
			    clock_ns(clk, now(c) - c->batch_t0));
}

static void sample_memory(struct connecting_memory *m)
{
	static const char *const kernel[] = {
		"Slab:", "KernelStack:", "PageTables:", "VmallocUsed:",
		"Percpu:"};
	uint64_t v;
	size_t i;

	memset(m, 0, sizeof(*m));
	sysfs_field("/proc/self/smaps_rollup", "Rss:", &m->rss);
	for (i = 0; i < sizeof(kernel) / sizeof(kernel[0]); i++)
		if (!sysfs_field("/proc/meminfo", kernel[i], &v))
			m->kernel += v;
}

/* What shrank meanwhile was not ours: no number then. */
static void tally_growth(struct connecting *c, unsigned metric, uint64_t before,
			 uint64_t after)
{
	if (after >= before)
		tally_set(&c->end->tally, metric, (after - before) / c->keep);
}

void connecting_tally_memory(struct connecting *c)
{
	struct connecting_memory m;

	if (c->keep < MEMORY_CONNS || c->method == CONNECTING_CACHED)
		return;
	sample_memory(&m);
	tally_growth(c, CONNECTING_RSS, c->memory.rss, m.rss);
	tally_growth(c, CONNECTING_KERNEL, c->memory.kernel, m.kernel);
}

static void get_counts(const struct connecting *c, struct conns_counts *counts)
{
	*counts = (struct conns_counts){.made = c->sockets.made,
					.ended = c->sockets.ended};
	if (c->conns)
		conns_counts(c->conns, counts);
}

void connecting_take_before(struct connecting *c)
{
	get_counts(c, &c->before.counts);
	remains_begin(&c->before.remains,
		      c->conns ? conns_device(c->conns) : "");
}

/* What an earlier phase freed would be used again, and not grow.  With a
 * sanitizer's own allocator glibc's is not set up, and two threads that trim it
 * would both do that. */
static void give_back(void)
{
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
	malloc_trim(0);
#endif
}

void connecting_begin_phase(struct connecting *c)
{
	unsigned i;

	for (i = 0; i < CONNS_STEPS; i++)
		c->dist[i] = tally_dist(&c->end->tally, CONNECTING_STEPS + i);
	c->opening = c->checked = 0;
	connecting_take_before(c);
	give_back();
	sample_memory(&c->memory);
	c->recording = true;
}

int connecting_end_phase(struct connecting *c, struct err *err)
{
	const struct conns_counts *b = &c->before.counts;
	struct tally *t = &c->end->tally;
	struct conns_counts now_is;
	uint64_t made, ended;

	c->recording = false;
	get_counts(c, &now_is);
	made = now_is.made - b->made;
	ended = now_is.ended - b->ended;
	tally_set(t, METRIC_OPS, c->checked);
	tally_set(t, CONNECTING_QPS, now_is.qps - b->qps);
	tally_set(t, CONNECTING_MADE, made);
	tally_set(t, CONNECTING_ENDED, ended);
	if (made != ended)
		return err_set(err, -EBADMSG, REASON_MISCOUNT,
			       "%llu objects made, %llu ended",
			       (unsigned long long)made,
			       (unsigned long long)ended);
	return remains_end(&c->before.remains, t, CONNECTING_REMAINS, err);
}

/* --- the side channel -------------------------------------------------------- */

static int ask(struct connecting *c, uint32_t what, unsigned first, unsigned n,
	       struct err *err)
{
	uint8_t buf[4 * ASK_WORDS];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};

	put_u32(&w, what);
	put_u32(&w, first);
	put_u32(&w, n);
	return side_send(&c->side, buf, w.len, err);
}

static int answer_is(struct connecting *c, unsigned n, struct err *err)
{
	uint8_t buf[4];
	struct reader r = {.buf = buf, .len = sizeof(buf)};
	int ret = side_recv(&c->side, buf, sizeof(buf), err);
	uint32_t got;

	if (ret)
		return ret;
	got = get_u32(&r);
	if (got == n)
		return 0;
	return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
		       "%u connections, the server answers %u", n, got);
}

static int ask_and_wait(struct connecting *c, uint32_t what, unsigned first,
			unsigned n, struct err *err)
{
	int ret = ask(c, what, first, n, err);

	return ret ? ret : answer_is(c, n, err);
}

static void put_end(struct writer *w, const struct conns_end *e)
{
	put_u32(w, e->qpn);
	put_u32(w, e->psn);
	put_u32(w, e->mtu_bytes);
	put_u32(w, e->lid);
	put_u32(w, e->rd_atomic);
	put_bytes(w, e->gid, sizeof(e->gid));
}

static void get_end(struct reader *r, struct conns_end *e)
{
	e->qpn = get_u32(r);
	e->psn = get_u32(r);
	e->mtu_bytes = get_u32(r);
	e->lid = (uint16_t)get_u32(r);
	e->rd_atomic = (uint8_t)get_u32(r);
	get_bytes(r, e->gid, sizeof(e->gid));
}

int connecting_send_ends(struct connecting *c, unsigned first, unsigned n,
			 struct err *err)
{
	size_t cap = (size_t)n * END_BYTES;
	struct writer w = {.buf = malloc(cap), .cap = cap};
	struct conns_end end;
	unsigned i;
	int ret;

	if (!w.buf)
		return err_sys(err, -ENOMEM, "%u connections", n);
	for (i = first; i < first + n; i++) {
		conns_end_of(c->conns, i, &end);
		put_end(&w, &end);
	}
	ret = side_send(&c->side, w.buf, w.len, err);
	free(w.buf);
	return ret;
}

int connecting_recv_ends(struct connecting *c, struct conns_end *ends,
			 unsigned n, struct err *err)
{
	uint8_t buf[END_BYTES];
	struct reader r;
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < n; i++) {
		ret = side_recv(&c->side, buf, sizeof(buf), err);
		r = (struct reader){.buf = buf, .len = sizeof(buf)};
		get_end(&r, &ends[i]);
		if (!ret && !reader_done(&r))
			ret = err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
				      "the other end's queue pair does not "
				      "parse");
	}
	return ret;
}

int connecting_join_all(struct connecting *c, unsigned first,
			const struct conns_end *ends, unsigned n,
			struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < n; i++)
		ret = conns_join(c->conns, first + i, &ends[i], err);
	return ret;
}

/* --- client: open, check, close ----------------------------------------------- */

static int exchange(struct connecting *c, unsigned first,
		    struct conns_end *ends, unsigned n, struct err *err)
{
	uint64_t t0 = now(c), ticks;
	unsigned i;
	int ret = ask(c, ASK_OPEN, first, n, err);

	if (!ret)
		ret = connecting_send_ends(c, first, n, err);
	if (!ret)
		ret = connecting_recv_ends(c, ends, n, err);
	ticks = now(c) - t0;
	for (i = first; !ret && i < first + n; i++)
		took(c, CONNS_HANDSHAKE, i, ticks);
	return ret;
}

static int open_verbs(struct connecting *c, unsigned first, unsigned n,
		      struct err *err)
{
	struct conns_end *ends = calloc(n, sizeof(*ends));
	int ret;

	if (!ends)
		return err_sys(err, -ENOMEM, "%u connections", n);
	ret = conns_make(c->conns, first, n, err);
	if (!ret)
		ret = exchange(c, first, ends, n, err);
	if (!ret)
		ret = connecting_join_all(c, first, ends, n, err);
	free(ends);
	return ret;
}

/* From the top of the pool. */
static int open_cached(struct connecting *c, unsigned n, struct err *err)
{
	uint64_t t0;

	if (n > c->n_idle)
		return err_set(err, -ENOENT, REASON_INTERNAL,
			       "the pool has %u connections", c->n_idle);
	while (n--) {
		t0 = now(c);
		c->n_idle--;
		took(c, CONNS_HANDSHAKE, c->idle[c->n_idle], now(c) - t0);
	}
	return 0;
}

static int open_batch(struct connecting *c, unsigned first, unsigned n,
		      struct err *err)
{
	int ret;

	c->batch_t0 = now(c);
	switch (c->method) {
	case CONNECTING_TCP:
		ret = sockets_connect(&c->sockets, first, n, &c->peer, err);
		break;
	case CONNECTING_VERBS:
		ret = open_verbs(c, first, n, err);
		break;
	case CONNECTING_CM:
		ret = conns_connect(c->conns, first, n, &c->peer, err);
		break;
	default:
		ret = open_cached(c, n, err);
		break;
	}
	c->opening += now(c) - c->batch_t0;
	return ret;
}

static int close_batch(struct connecting *c, unsigned first, unsigned n,
		       struct err *err)
{
	int ret = 0;

	switch (c->method) {
	case CONNECTING_TCP:
		sockets_close(&c->sockets, first, n);
		break;
	case CONNECTING_CM:
		ret = conns_disconnect(c->conns, first, n, err);
		/* fall through */
	case CONNECTING_VERBS:
		if (!ret)
			ret = conns_destroy(c->conns, first, n, err);
		break;
	default:
		c->n_idle += n;
		return 0;
	}
	return ret ? ret : ask_and_wait(c, ASK_CLOSE, first, n, err);
}

static int check_all(struct connecting *c, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < c->keep; i++)
		ret = c->method == CONNECTING_TCP
			      ? sockets_say(&c->sockets, i, err)
			      : conns_say(c->conns, i, err);
	if (!ret)
		ret = ask_and_wait(c, ASK_CHECK, 0, c->keep, err);
	c->checked += c->keep;
	return ret;
}

/* Batch by batch, with an ear for the server's failure. */
static int in_batches(struct connecting *c,
		      int (*batch)(struct connecting *c, unsigned first,
				   unsigned n, struct err *err),
		      struct err *err)
{
	unsigned first, n;
	int ret = 0;

	for (first = 0; !ret && first < c->keep; first += n) {
		n = smaller((unsigned)c->cfg->at_once, c->keep - first);
		ret = batch(c, first, n, err);
		if (!ret)
			ret = c->end->pulse(c->end->pulse_arg, true, err);
	}
	return ret;
}

static int cycle(struct connecting *c, struct err *err)
{
	int ret = in_batches(c, open_batch, err);

	if (!ret)
		ret = ask_and_wait(c, ASK_MEMORY, 0, c->keep, err);
	if (ret)
		return ret;
	connecting_tally_memory(c);
	ret = check_all(c, err);
	return ret ? ret : in_batches(c, close_batch, err);
}

static bool same_host(const struct sockaddr_storage *a,
		      const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	return a->ss_family == AF_INET6
		       ? !memcmp(&a6->sin6_addr, &b6->sin6_addr, 16)
		       : a4->sin_addr.s_addr == b4->sin_addr.s_addr;
}

/* The first time: the other end's addresses, and what the pool holds. */
static int get_going(struct connecting *c, struct err *err)
{
	struct reader r = {.buf = c->end->peer_token.data,
			   .len = c->end->peer_token.len};
	struct sockaddr_storage side;
	unsigned i;
	int ret;

	if (c->side.fd >= 0)
		return 0;
	get_bytes(&r, &side, sizeof(side));
	get_bytes(&r, &c->peer, sizeof(c->peer));
	if (!reader_done(&r))
		return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
			       "the server's addresses do not parse");
	if (!same_host(&side, &c->end->data_addr))
		strcpy(c->end->local.path, "wire");
	ret = side_connect(&c->side, &side, c->end->nonce, err);
	if (ret || c->method != CONNECTING_CACHED)
		return ret;
	for (i = 0; i < c->keep; i++)
		c->idle[c->n_idle++] = c->keep - 1 - i;
	return open_verbs(c, 0, c->keep, err);
}

static void tally_client(struct connecting *c, uint64_t begin_ns)
{
	struct tally *t = &c->end->tally;
	uint64_t ns = clock_ns(c->end->clock, c->opening);

	tally_set(t, METRIC_ELAPSED, clock_raw_ns() - begin_ns);
	if (ns)
		tally_set(t, CONNECTING_RATE,
			  (uint64_t)((double)c->checked * 1e9 / (double)ns));
}

int connecting_client(struct connecting *c, const struct phase *ph,
		      struct err *err)
{
	uint64_t begin;
	int ret;

	c->recording = false;
	ret = get_going(c, err);
	if (ret)
		return ret;
	connecting_begin_phase(c);
	begin = clock_raw_ns();
	do {
		ret = cycle(c, err);
	} while (!ret && c->checked < ph->max_ops &&
		 (c->checked < ph->min_ops ||
		  clock_raw_ns() - begin < ph->max_ns));
	c->recording = false;
	if (ret)
		return ret;
	tally_client(c, begin);
	return connecting_end_phase(c, err);
}

/* --- made and undone ----------------------------------------------------------- */

/* Every TCP connection is a descriptor. */
static int check_descriptors(unsigned n, struct err *err)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return 0;
	if (lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	if (lim.rlim_cur >= n + SPARE_FDS)
		return 0;
	return err_set(
		err, -EMFILE, REASON_NO_MEMORY,
		"%u connections and %d descriptors more, but %llu may be "
		"open: ulimit -n %u",
		n, SPARE_FDS, (unsigned long long)lim.rlim_cur, n + SPARE_FDS);
}

static int pulse(void *arg, struct err *err)
{
	struct connecting *c = arg;

	return c->end->pulse(c->end->pulse_arg, false, err);
}

static int open_method(struct connecting *c, struct err *err)
{
	const struct link_cfg *l = &c->end->pt->link;
	const struct rdma_want want = {
		.device = l->device,
		.port = l->ib_port == OPT_WORD ? 0 : (unsigned)l->ib_port,
		.gid_index = l->gid_index == OPT_WORD ? -1 : (int)l->gid_index,
	};
	const struct conns_attr attr = {
		.want = &want,
		.n = c->keep,
		.passive = c->end->role == ROLE_PASSIVE,
		.nonce = c->end->nonce,
		.clock = c->end->clock,
		.took = took,
		.pulse = pulse,
		.arg = c,
	};
	int ret;

	if (c->method == CONNECTING_TCP) {
		end_set_local(c->end, "", false);
		ret = check_descriptors(c->keep, err);
		return ret ? ret : sockets_init(&c->sockets, &attr, err);
	}
	ret = conns_new(&c->conns, &attr, err);
	if (ret)
		return ret;
	end_set_local(c->end, conns_device(c->conns), conns_software(c->conns));
	if (conns_iwarp(c->conns) && c->method != CONNECTING_CM)
		return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "iWARP connects by RDMA CM alone");
	return 0;
}

/* Where the client finds us: the side channel, and who listens. */
static int fill_token(struct connecting *c, struct err *err)
{
	struct blob *token = &c->end->token;
	struct writer w = {.buf = token->data, .cap = sizeof(token->data)};
	struct sockaddr_storage side = c->end->data_addr;
	struct sockaddr_storage data = c->end->data_addr;
	int ret = side_listen(&c->side, &side, err);

	if (!ret && c->method == CONNECTING_TCP)
		ret = sockets_listen(&c->sockets, &data, err);
	else if (!ret && c->method == CONNECTING_CM)
		ret = conns_listen(c->conns, &data, err);
	put_bytes(&w, &side, sizeof(side));
	put_bytes(&w, &data, sizeof(data));
	token->len = (uint32_t)w.len;
	return ret;
}

/* The step after which a connection can be used. */
static enum conns_step last_step(const struct connecting *c)
{
	if (c->method == CONNECTING_TCP || c->method == CONNECTING_CACHED ||
	    conns_iwarp(c->conns))
		return CONNS_HANDSHAKE;
	return CONNS_RTS;
}

int connecting_init(struct connecting *c, struct end *e,
		    const struct connecting_cfg *cfg, struct err *err)
{
	int ret;

	memset(c, 0, sizeof(*c));
	c->end = e;
	c->cfg = cfg;
	c->method = (enum connecting_method)cfg->method;
	c->keep =
		(unsigned)(cfg->keep > cfg->at_once ? cfg->keep : cfg->at_once);
	c->side.fd = c->side.listener = -1;
	c->idle = calloc(c->keep, sizeof(*c->idle));
	if (!c->idle)
		return err_sys(err, -ENOMEM, "%u connections", c->keep);
	ret = open_method(c, err);
	if (ret)
		return ret;
	c->last = last_step(c);
	return e->role == ROLE_PASSIVE ? fill_token(c, err) : 0;
}

void connecting_fini(struct connecting *c)
{
	c->recording = false;
	conns_free(c->conns);
	sockets_fini(&c->sockets);
	side_close(&c->side);
	free(c->idle);
}
