#include "work/crew.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/stop.h"
#include "machine/cputime.h"
#include "work/mux.h"

/* Between two looks at a worker that is waited for. */
#define LOOK_NS 5000000
#define CONNECT_NS 4000000000ull

enum order {
	ORDER_OPEN,
	ORDER_CONNECT,
	ORDER_PHASE,
	ORDER_FLUSH,
	ORDER_VERIFY,
	ORDER_END,
};

/* In shared memory; what pointers in it lead to is the worker's own. */
struct worker {
	struct crew *crew;
	unsigned index;
	pid_t pid; /* 0: a thread, or gone */
	pthread_t thread;
	bool alive;
	sem_t go, done;
	enum order order; /* valid from go to done, as are the results */
	struct phase ph;
	struct err err;
	int ret;
	struct end end;
	struct blob blob, peer;
	struct ep_counts counts;
	uint64_t cpu_ns;  /* a process's: of the last phase */
	unsigned resumed; /* a process's: so often stopped since it was last
			   * asked, and gone on */
	_Alignas(max_align_t) char state[CREW_STATE_MAX];
};

struct crew {
	struct end *end; /* the caller's */
	struct crew_attr a;
	const struct crew_work *work;
	struct mux *mux;
	size_t bytes;
	bool set_up;
	_Atomic bool finished, failed; /* the phase: for the server; for all */
	struct worker w[];
};

/* --- a worker --------------------------------------------------------------- */

static int others_failed(struct err *err)
{
	return err_set(err, -ECANCELED, REASON_LINK_FAILED,
		       "another worker failed");
}

static int worker_pulse(void *arg, bool progressed, struct err *err)
{
	const struct worker *w = arg;
	struct crew *c = w->crew;

	(void)progressed;
	if (c->failed)
		return others_failed(err);
	return w->end.role == ROLE_PASSIVE && c->finished;
}

/* Worker 0 has the word with the other host. */
static int first_pulse(void *arg, bool progressed, struct err *err)
{
	const struct worker *w = arg;
	struct end *e = w->crew->end;

	if (w->crew->failed)
		return others_failed(err);
	return e->pulse(e->pulse_arg, progressed, err);
}

static int open_link(struct worker *w)
{
	struct crew *c = w->crew;

	if (c->mux)
		w->end.ep = mux_ep(c->mux, w->index);
	else if (!w->index)
		w->end.ep = c->end->ep;
	else
		return end_open_own(&w->end, &w->blob, &w->err);
	return 0;
}

static int do_open(struct worker *w)
{
	int ret = open_link(w);

	return ret ? ret : w->crew->work->setup(&w->end, w->state, &w->err);
}

static int do_connect(struct worker *w)
{
	struct ep *ep = w->end.ep;

	if (w->crew->mux || !w->index)
		return 0;
	return ep->tp->connect(ep, &w->peer, CONNECT_NS, &w->err);
}

static int do_phase(struct worker *w)
{
	const struct crew_work *work = w->crew->work;
	struct cputime before, after, used;
	int ret;

	tally_init(&w->end.tally);
	cputime_now(&before);
	ret = w->end.role == ROLE_ACTIVE
		      ? work->client(&w->end, w->state, &w->ph, &w->err)
		      : work->server(&w->end, w->state, &w->ph, &w->err);
	cputime_now(&after);
	cputime_diff(&used, &before, &after);
	w->cpu_ns = used.process_ns;
	w->counts = w->end.ep->counts;
	if (ret)
		w->crew->failed = true;
	return ret;
}

/* Those who share a link have written on the same lanes. */
static int do_flush(struct worker *w)
{
	if (w->crew->mux && w->index)
		return 0;
	return w->crew->work->flush(&w->end, w->state, &w->err);
}

static int do_end(struct worker *w)
{
	w->crew->work->teardown(&w->end, w->state);
	if (w->end.ep && w->index && !w->crew->mux)
		w->end.ep->tp->close(w->end.ep);
	w->end.ep = NULL;
	return 0;
}

static void carry_out(struct worker *w)
{
	const struct crew_work *work = w->crew->work;

	switch (w->order) {
	case ORDER_OPEN:
		w->ret = do_open(w);
		break;
	case ORDER_CONNECT:
		w->ret = do_connect(w);
		break;
	case ORDER_PHASE:
		w->ret = do_phase(w);
		break;
	case ORDER_FLUSH:
		w->ret = do_flush(w);
		break;
	case ORDER_VERIFY:
		w->ret = work->verify(&w->end, w->state, &w->err);
		break;
	case ORDER_END:
		w->ret = do_end(w);
		break;
	}
}

/* The client's go up from the first CPU, the server's down from the last. */
static void pin(const struct worker *w)
{
	const struct end *e = w->crew->end;
	const unsigned i = w->index % (e->n_cpus ? e->n_cpus : 1);
	struct err ignored;

	if (e->pinned_cpu != UINT32_MAX && e->n_cpus)
		(void)cpu_pin(e->role == ROLE_ACTIVE
				      ? e->cpus[i]
				      : e->cpus[e->n_cpus - 1 - i],
			      &ignored);
}

static void *work_on(void *arg)
{
	struct worker *w = arg;
	sig_atomic_t known = stop_resumed, now;
	bool last = false;

	pin(w);
	while (!last) {
		while (sem_wait(&w->go))
			;
		last = w->order == ORDER_END;
		carry_out(w);
		now = stop_resumed;
		w->resumed = (unsigned)(now - known);
		known = now;
		sem_post(&w->done);
	}
	return NULL;
}

/* --- the crew --------------------------------------------------------------- */

/* The child's own result is nothing for their shared memory: it may come after
 * the parent's. */
static int start_process(struct worker *w, struct err *err)
{
	const pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return err_sys(err, -errno, "fork");
	if (pid) {
		w->pid = pid;
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		work_on(w);
	_exit(0);
}

static int start(struct crew *c, unsigned i, struct err *err)
{
	struct worker *w = &c->w[i];
	int ret;

	w->crew = c;
	w->index = i;
	w->end = *c->end;
	w->end.seed += i; /* each draws its own */
	w->end.pulse = i ? worker_pulse : first_pulse;
	w->end.rest = NULL;
	w->end.pulse_arg = w;
	if (!i)
		return 0;
	if (sem_init(&w->go, 1, 0) || sem_init(&w->done, 1, 0))
		return err_sys(err, -errno, "a semaphore");
	if (c->a.processes) {
		ret = start_process(w, err);
	} else {
		ret = pthread_create(&w->thread, NULL, work_on, w);
		ret = ret ? err_sys(err, -ret, "a thread") : 0;
	}
	w->alive = !ret;
	return ret;
}

int crew_begin(struct crew **out, struct end *e, const struct crew_attr *a,
	       const struct crew_work *work, struct err *err)
{
	const size_t bytes = sizeof(struct crew) + a->n * sizeof(struct worker);
	struct crew *c;
	unsigned i;
	int ret = 0;

	assert(a->n && a->n <= CREW_MAX);
	c = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		return err_sys(err, -errno, "memory of %u workers", a->n);
	*out = c;
	e->n_workers = a->n;
	c->end = e;
	c->a = *a;
	c->work = work;
	c->bytes = bytes;
	for (i = 0; !ret && i < a->n; i++)
		ret = start(c, i, err);
	return ret;
}

static void order(struct worker *w, enum order order)
{
	w->order = order;
	w->ret = 0;
	if (w->index)
		sem_post(&w->go);
	else
		carry_out(w);
}

static bool has_died(struct worker *w)
{
	if (w->pid <= 0 || waitpid(w->pid, NULL, WNOHANG) != w->pid)
		return false;
	w->pid = 0;
	w->alive = false;
	return true;
}

static bool is_done(struct worker *w)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOOK_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return !sem_timedwait(&w->done, &until);
}

/* Its result.  While a phase lasts the other host hears of us. */
static int await(struct worker *w, struct err *err)
{
	struct crew *c = w->crew;
	struct end *e = c->end;
	struct err ignored;

	while (w->index && !is_done(w)) {
		if (has_died(w)) {
			c->failed = true;
			return err_set(err, -ECHILD, REASON_INTERNAL,
				       "the process of worker %u ended",
				       w->index);
		}
		if (w->order == ORDER_PHASE &&
		    e->pulse(e->pulse_arg, true, &ignored) < 0)
			c->failed = true;
	}
	/* A thread's stops are the process's, which counts them by itself. */
	if (w->index && c->a.processes)
		stop_count_resumed(w->resumed);
	if (w->ret)
		*err = w->err;
	return w->ret;
}

/* All of them at once; the first failure that is not another's. */
static int all(struct crew *c, enum order what, struct err *err)
{
	struct err other;
	unsigned i;
	int ret = 0, got;

	for (i = 1; i < c->a.n; i++)
		if (c->w[i].alive)
			order(&c->w[i], what);
	order(&c->w[0], what);
	c->finished = true;
	for (i = 0; i < c->a.n; i++) {
		if (i && !c->w[i].alive)
			continue;
		got = await(&c->w[i], &other);
		if (!got || (ret && ret != -ECANCELED))
			continue;
		ret = got;
		*err = other;
	}
	return ret;
}

/* --- tokens ---------------------------------------------------------------- */

static int put(struct blob *to, const struct blob *b, struct err *err)
{
	const uint32_t len = b->len;

	if (to->len + sizeof(len) + len > sizeof(to->data))
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "the numbers of so many queue pairs of several "
			       "workers do not fit a message");
	memcpy(to->data + to->len, &len, sizeof(len));
	memcpy(to->data + to->len + sizeof(len), b->data, len);
	to->len += (uint32_t)sizeof(len) + len;
	return 0;
}

/* Links of this end, which is what the other one has, too. */
static unsigned n_links(const struct crew *c)
{
	return c->a.share ? 1 : c->a.n;
}

static int put_all(struct crew *c, struct err *err)
{
	struct blob *t = &c->end->token;
	unsigned i;
	int ret;

	t->len = 0;
	ret = put(t, &c->w[0].end.token, err);
	for (i = 1; !ret && i < n_links(c); i++) {
		ret = put(t, &c->w[i].blob, err);
		if (!ret)
			ret = put(t, &c->w[i].end.token, err);
	}
	return ret;
}

static int get(const struct blob *from, uint32_t *at, struct blob *b,
	       struct err *err)
{
	const uint32_t left = from->len - *at;
	uint32_t len;

	if (left >= sizeof(len)) {
		memcpy(&len, from->data + *at, sizeof(len));
		if (len <= left - sizeof(len)) {
			b->len = len;
			memcpy(b->data, from->data + *at + sizeof(len), len);
			*at += (uint32_t)sizeof(len) + len;
			return 0;
		}
	}
	return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
		       "the peer's workers do not parse");
}

static int get_all(struct crew *c, struct err *err)
{
	const struct blob *t = &c->end->peer_token;
	uint32_t at = 0;
	unsigned i;
	int ret = get(t, &at, &c->w[0].end.peer_token, err);

	for (i = 1; !ret && i < c->a.n; i++) {
		if (c->a.share) {
			c->w[i].end.peer_token = c->w[0].end.peer_token;
			continue;
		}
		ret = get(t, &at, &c->w[i].peer, err);
		if (!ret)
			ret = get(t, &at, &c->w[i].end.peer_token, err);
	}
	return ret;
}

int crew_setup(struct crew *c, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < c->a.n; i++)
		c->w[i].end.is = c->end->is;
	if (c->a.share)
		ret = mux_new(&c->mux, c->end->ep, c->a.n, c->a.depth, err);
	if (ret)
		return ret;
	c->set_up = true;
	ret = all(c, ORDER_OPEN, err);
	return ret ? ret : put_all(c, err);
}

int crew_connect(struct crew *c, struct err *err)
{
	int ret = get_all(c, err);

	return ret ? ret : all(c, ORDER_CONNECT, err);
}

/* --- phases ---------------------------------------------------------------- */

static uint64_t share_of(uint64_t n, unsigned i, unsigned workers)
{
	return n == UINT64_MAX ? n : n / workers + (i < n % workers);
}

static void divide(struct crew *c, const struct phase *ph)
{
	unsigned i;

	for (i = 0; i < c->a.n; i++) {
		struct phase *p = &c->w[i].ph;

		*p = *ph;
		p->min_ops = share_of(ph->min_ops, i, c->a.n);
		p->max_ops = share_of(ph->max_ops, i, c->a.n);
	}
}

static void add_up(struct crew *c)
{
	struct end_others *o = &c->end->others;
	unsigned i;

	memset(&o->counts, 0, sizeof(o->counts));
	for (i = 0; i < c->a.n; i++) {
		struct worker *w = &c->w[i];

		tally_merge(&c->end->tally, &w->end.tally, c->work->metrics,
			    c->work->n_metrics);
		if (i && !c->mux)
			ep_counts_add(&o->counts, &w->counts);
		if (i && c->a.processes)
			o->cpu_ns += w->cpu_ns;
	}
}

int crew_phase(struct crew *c, const struct phase *ph, struct err *err)
{
	int ret;

	c->finished = c->failed = false;
	divide(c, ph);
	ret = all(c, ORDER_PHASE, err);
	add_up(c);
	return ret;
}

int crew_flush(struct crew *c, struct err *err)
{
	return all(c, ORDER_FLUSH, err);
}

/* Link by link. */
static int judge(const struct crew *c, struct err *err)
{
	const unsigned of_link = c->a.share ? c->a.n : 1;
	const void *states[CREW_MAX];
	unsigned i;
	int ret = 0;

	if (!c->work->judge || c->end->role == ROLE_PASSIVE)
		return 0;
	for (i = 0; i < c->a.n; i++)
		states[i] = c->w[i].state;
	for (i = 0; !ret && i < c->a.n; i += of_link)
		ret = c->work->judge(states + i, of_link, err);
	return ret;
}

int crew_verify(struct crew *c, struct err *err)
{
	const int ret = all(c, ORDER_VERIFY, err);
	unsigned i;

	for (i = 0; i < c->a.n; i++)
		c->end->verified += c->w[i].end.verified;
	return ret ? ret : judge(c, err);
}

void crew_end(struct crew *c)
{
	struct err ignored;
	unsigned i;

	if (!c)
		return;
	c->failed = true;
	if (c->set_up)
		(void)all(c, ORDER_END, &ignored);
	for (i = 1; i < c->a.n; i++) {
		struct worker *w = &c->w[i];

		if (!w->alive)
			continue;
		if (!c->set_up)
			order(w, ORDER_END), (void)await(w, &ignored);
		if (!c->a.processes)
			pthread_join(w->thread, NULL);
		else if (w->alive)
			waitpid(w->pid, NULL, 0);
		sem_destroy(&w->go);
		sem_destroy(&w->done);
	}
	mux_free(c->mux);
	munmap(c, c->bytes);
}
