/*
 * A plugin of QEMU's emulator that counts what a guest executes for one
 * operation: instructions, which know no speed.  bench.sh uses it ("insns"),
 * and scripts/rxe.sh gives it to the guest, whose side asks by lines:
 *
 *	count ADDRESS CPU N	A program is about to do N operations, each of
 *				which enters the kernel's function at ADDRESS
 *				(hexadecimal) once, on CPU.  Answer: counting
 *	end			It has done them.  Answer: how many operations
 *				were counted, and for each CPU from 0 on what it
 *				executed meanwhile: in the kernel, outside of
 *				it, and outside of it in that operation of its
 *				own which took the fewest (0: it began none).
 *				Or: none
 *
 * Counted is the steady state: N is cut into PARTS, and the MIDDLE of them
 * count that end at least one part before the last operation; so a program may
 * do more of them first, to warm up.  A window begins and ends where the client
 * enters that function, so it holds whole operations and their exact number.
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
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum { PARTS = 8, MIDDLE = 5, KEPT = 16, PATH_MAX_BYTES = 4096 };

#define NEVER UINT64_MAX

typedef _Atomic uint64_t count;

/* Where a part of the operations began. */
struct mark {
	count kernel, user;
	count least; /* outside of the kernel, in one operation of the part */
};

/* Written by the thread that runs the CPU, but the marks by the client's. */
struct vcpu {
	_Alignas(64) count kernel, user;
	uint64_t user_before; /* user, where its last operation began */
	struct mark marks[KEPT];
};

/* QEMU calls back without an argument of ours, hence one of it for all. */
static struct {
	struct vcpu *vcpu;
	unsigned n;
	/* As in a block's name; 0: nothing is counted. */
	count post;
	unsigned client;
	uint64_t step; /* operations of a part */
	uint64_t ops;  /* that the client began */
	count part;
	FILE *in, *out;
} insns;

/* One thread adds, others read. */
static void add(count *c, uint64_t n)
{
	atomic_store_explicit(c,
			      atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static void begin_part(uint64_t part)
{
	unsigned i;

	for (i = 0; i < insns.n; i++) {
		struct vcpu *v = &insns.vcpu[i];
		struct mark *m = &v->marks[part % KEPT];

		m->kernel = v->kernel;
		m->user = v->user;
		m->least = NEVER;
	}
	insns.part = part;
}

static void begin_operation(unsigned cpu)
{
	struct vcpu *v = &insns.vcpu[cpu];
	count *least = &v->marks[insns.part % KEPT].least;
	uint64_t user = v->user - v->user_before;

	if (user < *least)
		*least = user;
	v->user_before = v->user;
	if (cpu == insns.client && ++insns.ops % insns.step == 0)
		begin_part(insns.ops / insns.step);
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
	if (block >> 16 ==
	    atomic_load_explicit(&insns.post, memory_order_relaxed))
		begin_operation(cpu);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(
		tb, executed, QEMU_PLUGIN_CB_NO_REGS,
		name_of(qemu_plugin_tb_vaddr(tb), qemu_plugin_tb_n_insns(tb)));
}

static void start(uint64_t post, unsigned client, uint64_t n)
{
	insns.post = 0;
	insns.client = client;
	insns.step = n / PARTS;
	insns.ops = 0;
	begin_part(0);
	insns.post = (uintptr_t)name_of(post, 0) >> 16;
}

static uint64_t fewest(const struct vcpu *v, uint64_t begin, uint64_t end)
{
	uint64_t part, least = NEVER;

	for (part = begin; part < end; part++)
		if (v->marks[part % KEPT].least < least)
			least = v->marks[part % KEPT].least;
	return least == NEVER ? 0 : least;
}

static void print_vcpu(FILE *f, const struct vcpu *v, uint64_t begin,
		       uint64_t end)
{
	const struct mark *from = &v->marks[begin % KEPT];
	const struct mark *to = &v->marks[end % KEPT];

	fprintf(f, " %" PRIu64 " %" PRIu64 " %" PRIu64,
		to->kernel - from->kernel, to->user - from->user,
		fewest(v, begin, end));
}

/* The last operation begins a part, but has no end: hence the 1. */
static void stop(FILE *f)
{
	uint64_t end = insns.ops ? (insns.ops - 1) / insns.step : 0;
	unsigned i;

	insns.post = 0;
	if (end <= MIDDLE) {
		fprintf(f, "none\n");
		return;
	}
	fprintf(f, "%" PRIu64, MIDDLE * insns.step);
	for (i = 0; i < insns.n; i++)
		print_vcpu(f, &insns.vcpu[i], end - MIDDLE, end);
	fprintf(f, "\n");
}

static void answer(FILE *f, const char *line)
{
	uint64_t post, n;
	unsigned client;

	if (sscanf(line, "count %" SCNx64 " %u %" SCNu64, &post, &client, &n) ==
		    3 &&
	    client < insns.n && n >= PARTS) {
		start(post, client, n);
		fprintf(f, "counting\n");
	} else if (!strcmp(line, "end\n")) {
		stop(f);
	} else {
		fprintf(f, "what?\n");
	}
	fflush(f);
}

static void *answer_all(void *arg)
{
	char line[256];

	(void)arg;
	while (fgets(line, sizeof(line), insns.in))
		answer(insns.out, line);
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
