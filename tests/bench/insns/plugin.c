/*
 * A plugin of QEMU's emulator that counts what a guest executes for one
 * operation: instructions, which know no speed.  bench.sh uses it ("insns"),
 * and scripts/rxe.sh gives it to the guest, whose side asks by lines:
 *
 *	count ADDRESS CPU N GROUP
 *				A program is about to do N operations, each of
 *				which enters the kernel's function at ADDRESS
 *				(hexadecimal) once, on CPU.  Answer: counting
 *	end			It has done them.  Answer, or "none":
 *				- how many operations were counted;
 *				- what all CPUs executed in the kernel for one,
 *				  and what CPU executed, in it and outside:
 *				  medians over groups of GROUP in a row,
 *				  divided by it;
 *				- what CPUs executed outside of the kernel for
 *				  those of their own that took the fewest, the
 *				  sum over CPUs that did N of them.
 *
 * An operation goes from where its CPU enters that function to where it does so
 * again.  Counted is the steady state: the middle of the last N, so that a
 * program may do more of them first, to warm up.  A median leaves out what time
 * brings and no operation: interrupts, others that run now and then.
 *
 * A block of instructions counts whole, though a fault may leave it early, and
 * a repeated string instruction as often as it repeats.
 *
 *	qemu-system-x86_64 -plugin insns.so,pipe=PATH
 *
 * Lines come from the fifo PATH.out, answers go to PATH.in, as the other side
 * of `-chardev pipe,path=PATH`.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metric/stats.h"

/*
 * What we use of version 1 of QEMU's plugin API (7.2, docs/devel/tcg-plugins).
 * Debian has no package with its header.
 */
typedef uint64_t qemu_plugin_id_t;

typedef struct {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus, max_vcpus;
	} system;
} qemu_info_t;

struct qemu_plugin_tb;
typedef void qemu_tb_trans_fn(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void qemu_tb_exec_fn(unsigned cpu, void *arg);
enum { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   qemu_tb_trans_fn *fn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  qemu_tb_exec_fn *fn, int flags,
					  void *arg);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

/* Called by QEMU. */
int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
			char **argv);
extern const int qemu_plugin_version;
const int qemu_plugin_version = 1;

enum { PATH_MAX_BYTES = 4096, OPERATIONS_MIN = 8, OPERATIONS_MAX = 1 << 20 };

typedef _Atomic uint64_t count;

/* In the kernel, all CPUs; the CPU's own, outside of it and all. */
enum sum { KERNEL, USER, OWN, SUMS };

struct op {
	uint64_t sums[SUMS];
};

/* Written by the thread that runs the CPU. */
struct vcpu {
	_Alignas(64) count kernel, user;
	/* The rest under the lock: */
	struct op before; /* where its operation began */
	uint64_t begun;
	struct op *ops; /* the last insns.kept */
};

/* QEMU calls back without an argument of ours, hence one of it for all. */
static struct {
	struct vcpu *vcpu;
	unsigned n;
	count post; /* as in a block's name; 0: nothing is counted */
	unsigned client;
	uint64_t kept, group; /* operations */
	pthread_mutex_t lock;
	FILE *in, *out;
} insns = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* One thread adds, others read. */
static void add(count *c, uint64_t n)
{
	n += atomic_load_explicit(c, memory_order_relaxed);
	atomic_store_explicit(c, n, memory_order_relaxed);
}

static struct op sums_of(const struct vcpu *v)
{
	struct op op = {
		.sums = {[USER] = v->user, [OWN] = v->user + v->kernel}};
	unsigned i;

	for (i = 0; i < insns.n; i++)
		op.sums[KERNEL] += insns.vcpu[i].kernel;
	return op;
}

/* Which ends the one before. */
static void begin_operation(struct vcpu *v)
{
	const struct op now = sums_of(v);
	struct op *op;
	unsigned i;

	if (v->begun) {
		op = &v->ops[(v->begun - 1) % insns.kept];
		for (i = 0; i < SUMS; i++)
			op->sums[i] = now.sums[i] - v->before.sums[i];
	}
	v->before = now;
	v->begun++;
}

/* A block's name: the lower 48 bits of its address, which tell all, and how
 * many instructions it has.  The kernel has the upper half of the addresses. */
static void *name_of(uint64_t address, size_t n)
{
	return (void *)(uintptr_t)(address << 16 | n);
}

static void executed(unsigned cpu, void *name)
{
	uintptr_t block = (uintptr_t)name;
	struct vcpu *v = &insns.vcpu[cpu];

	add(block >> 63 ? &v->kernel : &v->user, block & 0xffff);
	if (block >> 16 !=
	    atomic_load_explicit(&insns.post, memory_order_relaxed))
		return;
	pthread_mutex_lock(&insns.lock);
	if (insns.post)
		begin_operation(v);
	pthread_mutex_unlock(&insns.lock);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(
		tb, executed, QEMU_PLUGIN_CB_NO_REGS,
		name_of(qemu_plugin_tb_vaddr(tb), qemu_plugin_tb_n_insns(tb)));
}

static bool start(uint64_t post, unsigned client, uint64_t n, uint64_t group)
{
	unsigned i;

	if (client >= insns.n || n < OPERATIONS_MIN || n > OPERATIONS_MAX ||
	    !group)
		return false;
	insns.post = 0;
	insns.client = client;
	insns.kept = n;
	insns.group = group;
	for (i = 0; i < insns.n; i++) {
		struct vcpu *v = &insns.vcpu[i];

		free(v->ops);
		v->ops = calloc(n, sizeof(*v->ops));
		v->begun = 0;
		if (!v->ops)
			return false;
	}
	insns.post = (uintptr_t)name_of(post, 0) >> 16;
	return true;
}

/* Of the last insns.kept without a quarter at their begin and an eighth at
 * their end, where the last of them has not ended. */
static struct op *middle_of(const struct vcpu *v, uint64_t *n)
{
	uint64_t ended = v->begun ? v->begun - 1 : 0, i, from;
	struct op *middle;

	*n = 0;
	if (ended < insns.kept - 1)
		return NULL;
	from = v->begun - insns.kept + insns.kept / 4;
	middle = calloc(insns.kept, sizeof(*middle));
	for (i = from; middle && i < v->begun - insns.kept / 8; i++)
		middle[(*n)++] = v->ops[i % insns.kept];
	return middle;
}

/* The median of groups in a row, an operation's share. */
static double typical(const struct op *ops, uint64_t n, enum sum which)
{
	const uint64_t group = insns.group, groups = n / group;
	double *each = calloc(groups, sizeof(*each)), value = NAN;
	uint64_t i;

	for (i = 0; each && i < groups * group; i++)
		each[i / group] += (double)ops[i].sums[which] / (double)group;
	if (each && groups) {
		stats_sort(each, (unsigned)groups);
		value = stats_median(each, (unsigned)groups);
	}
	free(each);
	return value;
}

static uint64_t fewest(const struct vcpu *v)
{
	uint64_t n, i, least = 0;
	struct op *ops = middle_of(v, &n);

	for (i = 0; i < n; i++)
		if (!i || ops[i].sums[USER] < least)
			least = ops[i].sums[USER];
	free(ops);
	return least;
}

static void stop(FILE *f)
{
	uint64_t n, least = 0;
	unsigned i;
	struct op *ops = middle_of(&insns.vcpu[insns.client], &n);

	insns.post = 0;
	for (i = 0; i < insns.n; i++)
		least += fewest(&insns.vcpu[i]);
	if (n < insns.group)
		fprintf(f, "none\n");
	else
		fprintf(f, "%" PRIu64 " %.1f %.1f %" PRIu64 "\n", n,
			typical(ops, n, KERNEL), typical(ops, n, OWN), least);
	free(ops);
}

static void answer(FILE *f, const char *line)
{
	uint64_t post, n, group;
	unsigned client;

	if (sscanf(line, "count %" SCNx64 " %u %" SCNu64 " %" SCNu64, &post,
		   &client, &n, &group) == 4 &&
	    start(post, client, n, group))
		fprintf(f, "counting\n");
	else if (!strcmp(line, "end\n"))
		stop(f);
	else
		fprintf(f, "what?\n");
}

static void *answer_all(void *arg)
{
	char line[256];

	(void)arg;
	while (fgets(line, sizeof(line), insns.in)) {
		pthread_mutex_lock(&insns.lock);
		answer(insns.out, line);
		pthread_mutex_unlock(&insns.lock);
		fflush(insns.out);
	}
	return NULL;
}

/* Opened for both ways, a fifo waits for nobody and has no end. */
static FILE *open_fifo(const char *pipe, const char *suffix)
{
	char path[PATH_MAX_BYTES];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", pipe, suffix);
	f = fopen(path, "r+");
	if (!f)
		fprintf(stderr, "insns: %s: %s\n", path, strerror(errno));
	return f;
}

static int open_pipe(int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "pipe=", 5)) {
		fprintf(stderr, "insns: pipe=PATH is needed\n");
		return -EINVAL;
	}
	insns.in = open_fifo(argv[0] + 5, ".out");
	insns.out = open_fifo(argv[0] + 5, ".in");
	return insns.in && insns.out ? 0 : -ENOENT;
}

static int make_vcpus(unsigned n)
{
	insns.vcpu =
		aligned_alloc(_Alignof(struct vcpu), n * sizeof(*insns.vcpu));
	if (!insns.vcpu)
		return -ENOMEM;
	memset(insns.vcpu, 0, n * sizeof(*insns.vcpu));
	insns.n = n;
	return 0;
}

/* QEMU ends where this fails, and so does whatever was opened. */
int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
			char **argv)
{
	pthread_t thread;

	if (!info->system_emulation || open_pipe(argc, argv) ||
	    make_vcpus((unsigned)info->system.max_vcpus) ||
	    pthread_create(&thread, NULL, answer_all, NULL))
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
