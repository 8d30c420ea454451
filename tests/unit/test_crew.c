/* A crew's processes, whatever the order that a machine runs them in. */
#include "unit.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "work/crew.h"

/* Long beside what a parent does next after a fork. */
#define LATE_NS 50000000

static pid_t forked;
static unsigned joins;

/* The child comes back from it late. */
pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
	const struct timespec late = {.tv_nsec = LATE_NS};

	forked = __real_fork();
	if (!forked)
		nanosleep(&late, NULL);
	return forked;
}

int __real_pthread_join(pthread_t thread, void **ret);
int __wrap_pthread_join(pthread_t thread, void **ret);
int __wrap_pthread_join(pthread_t thread, void **ret)
{
	joins++;
	return __real_pthread_join(thread, ret);
}

static void tear_down(struct end *e, void *state)
{
	(void)e;
	(void)state;
}

static const struct crew_work nothing = {.teardown = tear_down};

static struct crew *two_processes(struct end *e)
{
	const struct crew_attr attr = {.n = 2, .processes = true};
	struct crew *c = NULL;
	struct err err;

	joins = 0;
	memset(e, 0, sizeof(*e));
	e->pinned_cpu = UINT_MAX;
	assert_int_equal(crew_begin(&c, e, &attr, &nothing, &err), 0);
	return c;
}

static bool is_gone(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) < 0;
}

/* What is known of a child is not for the child to write. */
static void a_late_child_is_waited_for(void **state)
{
	struct end e;
	struct crew *c = two_processes(&e);

	(void)state;
	crew_end(c);
	assert_true(is_gone(forked));
	assert_int_equal(joins, 0);
}

static void a_dead_child_is_no_thread(void **state)
{
	struct end e;
	struct crew *c = two_processes(&e);

	(void)state;
	kill(forked, SIGKILL);
	crew_end(c);
	assert_true(is_gone(forked));
	assert_int_equal(joins, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_child_is_waited_for),
		cmocka_unit_test(a_dead_child_is_no_thread),
	};

	return cmocka_run_group_tests_name("crew", tests, NULL, NULL);
}
