/* The ends of scale: a crew of workers, and what memory they took. */
#include <errno.h>
#include <stdlib.h>

#include "machine/mem.h"
#include "scale.h"
#include "work/crew.h"

/* Of the host and of this process. */
struct scale_memory {
	uint64_t available, resident;
};

struct scale_state {
	struct scale_memory before, link; /* before it; what it took */
	struct crew *crew;
};

/* --- a worker --------------------------------------------------------------- */

_Static_assert(sizeof(struct spread) <= CREW_STATE_MAX, "a worker's state");

static int worker_setup(struct end *e, void *state, struct err *err)
{
	const struct spread_attr a = scale_attr((const void *)e->pt->scn_cfg);

	return spread_init(state, e, &a, err);
}

static int worker_client(struct end *e, void *state, const struct phase *ph,
			 struct err *err)
{
	struct spread *s = state;
	int ret = spread_client(s, ph, err);

	tally_set(&e->tally, SCALE_DONE, s->done);
	tally_set(&e->tally, SCALE_MOST, s->most);
	if (s->a.op == OP_SEND)
		tally_set(&e->tally, SCALE_AHEAD, s->ahead);
	if (s->lossy)
		tally_set(&e->tally, SCALE_LOST, s->lost);
	return ret;
}

static int worker_server(struct end *e, void *state, const struct phase *ph,
			 struct err *err)
{
	struct spread *s = state;
	int ret = spread_server(s, ph, err);

	if (s->a.op == OP_SEND)
		tally_set(&e->tally, SCALE_DEPTH, s->n_recvs);
	return ret;
}

static int worker_flush(struct end *e, void *state, struct err *err)
{
	(void)e;
	return spread_flush(state, err);
}

static int worker_verify(struct end *e, void *state, struct err *err)
{
	(void)e;
	return spread_verify(state, err);
}

/* Threads that share queue pairs share the word that they add to. */
static int judge(const void *const states[], unsigned n, struct err *err)
{
	struct spread_adds sum = {.n = 0};
	unsigned i;

	for (i = 0; i < n; i++) {
		const struct spread *s = states[i];

		sum.n += s->adds.n;
		sum.print += s->adds.print;
	}
	return spread_check_adds(&sum, err);
}

static void worker_teardown(struct end *e, void *state)
{
	struct spread *s = state;

	(void)e;
	if (s->end)
		spread_fini(s);
}

static const struct crew_work crew_work = {
	.setup = worker_setup,
	.client = worker_client,
	.server = worker_server,
	.flush = worker_flush,
	.verify = worker_verify,
	.judge = judge,
	.teardown = worker_teardown,
	.metrics = scale_metrics,
	.n_metrics = SCALE_METRICS,
};

/* --- an end ------------------------------------------------------------------ */

static struct scale_memory memory_now(void)
{
	return (struct scale_memory){
		.available = mem_available(),
		.resident = mem_resident(),
	};
}

static struct crew_attr crew_of(const struct end *e,
				const struct scale_cfg *cfg)
{
	struct crew_attr a = {
		.n = scale_workers(cfg),
		.processes = cfg->processes > 1,
		.depth = (unsigned)cfg->outstanding / scale_workers(cfg),
	};

	/* Threads that share have one link, and so one server. */
	a.share = cfg->share && e->role == ROLE_ACTIVE;
	if (cfg->share && e->role == ROLE_PASSIVE)
		a.n = 1;
	return a;
}

int scale_begin(struct end *e, const void *cfg, struct err *err)
{
	const struct crew_attr a = crew_of(e, cfg);
	struct scale_state *s = calloc(1, sizeof(*s));
	int ret;

	e->state = s;
	if (!s)
		return err_sys(err, -ENOMEM, "scale");
	ret = crew_begin(&s->crew, e, &a, &crew_work, err);
	s->before = memory_now();
	return ret;
}

int scale_setup(struct end *e, const void *cfg, struct err *err)
{
	struct scale_state *s = e->state;
	const struct scale_memory now = memory_now(), *was = &s->before;

	(void)cfg;
	if (now.available < was->available)
		s->link.available = was->available - now.available;
	if (now.resident > was->resident)
		s->link.resident = now.resident - was->resident;
	return crew_setup(s->crew, err);
}

int scale_connect(struct end *e, struct err *err)
{
	struct scale_state *s = e->state;

	return crew_connect(s->crew, err);
}

/* What comes and goes on a host by itself. */
enum { NOISE_BYTES = 4 << 20 };

/* Of one link: those of other workers are opened later, or elsewhere.  A link
 * that took less than what comes and goes on a host was not seen. */
static void tally_memory(struct end *e, const struct scale_state *s)
{
	const struct scale_cfg *cfg = (const void *)e->pt->scn_cfg;
	const unsigned qps = e->ep->caps.n_qps;
	const uint64_t resident = mem_resident();
	struct tally *t = &e->tally;

	if (qps) {
		const unsigned links = cfg->share ? 1 : scale_workers(cfg);

		tally_set(t, SCALE_QPS, (uint64_t)qps * links);
		tally_set(t, SCALE_CQS, (uint64_t)e->ep->caps.n_cqs * links);
	}
	if (cfg->processes == 1 && resident)
		tally_set(t, SCALE_PROCESS, resident);
	if (scale_workers(cfg) > 1)
		return;
	if (s->link.resident)
		tally_set(t, SCALE_RESIDENT, s->link.resident);
	if (s->link.available)
		tally_set(t, SCALE_MEMORY, s->link.available);
	if (qps && s->link.available > NOISE_BYTES)
		tally_set(t, SCALE_PER_QP, s->link.available / qps);
}

int scale_phase(struct end *e, const struct phase *ph, struct err *err)
{
	struct scale_state *s = e->state;
	int ret = crew_phase(s->crew, ph, err);

	tally_memory(e, s);
	return ret;
}

int scale_flush(struct end *e, struct err *err)
{
	struct scale_state *s = e->state;

	return crew_flush(s->crew, err);
}

int scale_verify(struct end *e, struct err *err)
{
	struct scale_state *s = e->state;
	const struct spread_attr a = scale_attr((const void *)e->pt->scn_cfg);
	int ret = crew_verify(s->crew, err);

	if (!ret && e->role == ROLE_ACTIVE)
		ret = spread_check_found(&a, e, err);
	return ret;
}

void scale_teardown(struct end *e)
{
	struct scale_state *s = e->state;

	if (s)
		crew_end(s->crew);
	free(s);
	e->state = NULL;
}
