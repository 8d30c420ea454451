#include "machine/touch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "machine/cpu.h"

struct toucher {
	struct touchers *all;
	pthread_t id;
	unsigned number;
};

struct touchers {
	unsigned threads; /* the caller is number 0 */
	unsigned started; /* beside it */
	const unsigned *cpus;
	unsigned n_cpus;
	pthread_mutex_t lock;
	pthread_cond_t go, done;
	unsigned round, busy; /* under the lock, like `quit` */
	bool quit;
	char *addr;
	size_t len, page;
	struct toucher other[];
};

/* The n-th share: whole pages. */
static void touch_share(const struct touchers *t, unsigned n)
{
	size_t pages = (t->len + t->page - 1) / t->page;
	size_t i, to = pages * (n + 1) / t->threads;

	for (i = pages * n / t->threads; i < to; i++)
		*(volatile char *)(t->addr + i * t->page) = 0;
}

/* True for another round, false to end. */
static bool next_round(struct touchers *t, unsigned *seen)
{
	bool quit;

	pthread_mutex_lock(&t->lock);
	while (t->round == *seen && !t->quit)
		pthread_cond_wait(&t->go, &t->lock);
	*seen = t->round;
	quit = t->quit;
	pthread_mutex_unlock(&t->lock);
	return !quit;
}

static void round_over(struct touchers *t)
{
	pthread_mutex_lock(&t->lock);
	if (!--t->busy)
		pthread_cond_signal(&t->done);
	pthread_mutex_unlock(&t->lock);
}

static void *toucher(void *arg)
{
	struct toucher *me = arg;
	struct touchers *t = me->all;
	unsigned seen = 0;
	struct err ignored;

	/* If it may not, it stays where the caller is. */
	(void)cpu_unpin(t->cpus, t->n_cpus, &ignored);
	while (next_round(t, &seen)) {
		touch_share(t, me->number);
		round_over(t);
	}
	return NULL;
}

/* Signals are for the thread that measures. */
static int start_all(struct touchers *t)
{
	sigset_t all, old;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	while (!ret && t->started + 1 < t->threads) {
		struct toucher *o = &t->other[t->started];

		*o = (struct toucher){.all = t, .number = t->started + 1};
		ret = pthread_create(&o->id, NULL, toucher, o);
		t->started += !ret;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}

int touchers_new(struct touchers **touchers, unsigned threads,
		 const unsigned *cpus, unsigned n_cpus, struct err *err)
{
	struct touchers *t;
	int ret;

	t = calloc(1, sizeof(*t) + (threads - 1) * sizeof(t->other[0]));
	if (!t)
		return err_sys(err, -ENOMEM, "%u threads", threads);
	t->threads = threads;
	t->cpus = cpus;
	t->n_cpus = n_cpus;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->go, NULL);
	pthread_cond_init(&t->done, NULL);
	ret = start_all(t);
	if (!ret) {
		*touchers = t;
		return 0;
	}
	touchers_free(t);
	return err_sys(err, ret, "cannot start %u threads to touch memory",
		       threads);
}

void touchers_free(struct touchers *t)
{
	unsigned i;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->quit = true;
	pthread_cond_broadcast(&t->go);
	pthread_mutex_unlock(&t->lock);
	for (i = 0; i < t->started; i++)
		pthread_join(t->other[i].id, NULL);
	pthread_cond_destroy(&t->done);
	pthread_cond_destroy(&t->go);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void begin_round(struct touchers *t)
{
	pthread_mutex_lock(&t->lock);
	t->round++;
	t->busy = t->started;
	pthread_cond_broadcast(&t->go);
	pthread_mutex_unlock(&t->lock);
}

void touchers_run(struct touchers *t, void *addr, size_t len, size_t page)
{
	t->addr = addr;
	t->len = len;
	t->page = page;
	if (t->started)
		begin_round(t);
	touch_share(t, 0);
	if (!t->started)
		return;
	pthread_mutex_lock(&t->lock);
	while (t->busy)
		pthread_cond_wait(&t->done, &t->lock);
	pthread_mutex_unlock(&t->lock);
}
