#include "work/scan_kind.h"

#include <errno.h>

#include "machine/cpu_isa.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

const char *const scan_kind_names[SCAN_KINDS + 1] = {
	[SCAN_NONE] = "none",
	[SCAN_READ] = "read",
	[SCAN_WRITE] = "write",
	[SCAN_WRITE_NT] = "write-nt",
	[SCAN_WRITE_CLWB] = "write-clwb",
	[SCAN_WRITE_CLDEMOTE] = "write-cldemote",
};

/* The last line if it is shorter than a word: its bytes. */
static uint64_t read_rest(const char *p, size_t rest)
{
	uint64_t word = 0;

	__builtin_memcpy(&word, p, rest < sizeof(word) ? rest : sizeof(word));
	return word;
}

static void write_rest(char *p, size_t rest, uint64_t op)
{
	__builtin_memcpy(p, &op, rest < sizeof(op) ? rest : sizeof(op));
}

static uint64_t scan_read(void *buf, size_t len, size_t line, uint64_t op)
{
	const char *p = buf, *end = p + len;
	uint64_t lines = 0, sum = 0;
	volatile uint64_t used;

	(void)op;
	for (; (size_t)(end - p) >= line; p += line, lines++)
		sum += *(const volatile uint64_t *)(const void *)p;
	if (p < end) {
		sum += read_rest(p, (size_t)(end - p));
		lines++;
	}
	/* A load whose value nobody wants may be dropped by what translates
	 * machine code (valgrind does so). */
	used = sum;
	(void)used;
	return lines;
}

static uint64_t scan_write_plain(void *buf, size_t len, size_t line,
				 uint64_t op)
{
	char *p = buf, *end = p + len;
	uint64_t lines = 0;

	for (; (size_t)(end - p) >= line; p += line, lines++)
		*(volatile uint64_t *)(void *)p = op;
	if (p < end) {
		write_rest(p, (size_t)(end - p), op);
		lines++;
	}
	return lines;
}

#if defined(__x86_64__)

/* The rest of a line is written as usual: there is no such store of less
 * than a word. */
static uint64_t scan_write_nt(void *buf, size_t len, size_t line, uint64_t op)
{
	char *p = buf, *end = p + len;
	uint64_t lines = 0;

	for (; (size_t)(end - p) >= line; p += line, lines++)
		_mm_stream_si64((long long *)(void *)p, (long long)op);
	if (p < end) {
		write_rest(p, (size_t)(end - p), op);
		lines++;
	}
	_mm_sfence();
	return lines;
}

/* In assembly, so that the file needs no flag that would let a compiler use
 * these instructions elsewhere. */
static inline void clwb(char *p)
{
	__asm__ volatile("clwb %0" : "+m"(*p));
}

static inline void cldemote(char *p)
{
	__asm__ volatile("cldemote %0" : "+m"(*p));
}

static inline void clflushopt(const char *p)
{
	__asm__ volatile("clflushopt %0" : "+m"(*(volatile char *)p));
}

static uint64_t scan_write_clwb(void *buf, size_t len, size_t line, uint64_t op)
{
	char *p = buf, *end = p + len;
	uint64_t lines = 0;

	for (; (size_t)(end - p) >= line; p += line, lines++) {
		*(volatile uint64_t *)(void *)p = op;
		clwb(p);
	}
	if (p < end) {
		write_rest(p, (size_t)(end - p), op);
		clwb(p);
		lines++;
	}
	_mm_sfence();
	return lines;
}

static uint64_t scan_write_cldemote(void *buf, size_t len, size_t line,
				    uint64_t op)
{
	char *p = buf, *end = p + len;
	uint64_t lines = 0;

	for (; (size_t)(end - p) >= line; p += line, lines++) {
		*(volatile uint64_t *)(void *)p = op;
		cldemote(p);
	}
	if (p < end) {
		write_rest(p, (size_t)(end - p), op);
		cldemote(p);
		lines++;
	}
	return lines;
}

static void flush(const void *buf, size_t len, size_t line)
{
	const char *p = buf, *end = p + len;

	for (; p < end; p += line)
		_mm_clflush(p);
	_mm_mfence();
}

static void flush_opt(const void *buf, size_t len, size_t line)
{
	const char *p = buf, *end = p + len;

	for (; p < end; p += line)
		clflushopt(p);
	_mm_mfence();
}

#else
#define scan_write_nt NULL
#define scan_write_clwb NULL
#define scan_write_cldemote NULL
#define flush NULL
#define flush_opt NULL
#endif

static const struct {
	scan_fn *loop;
	unsigned needs; /* of cpu_isa */
	const char *instruction;
} kinds[SCAN_KINDS] = {
	[SCAN_NONE] = {NULL, 0, ""},
	[SCAN_READ] = {scan_read, 0, ""},
	[SCAN_WRITE] = {scan_write_plain, 0, ""},
	[SCAN_WRITE_NT] = {scan_write_nt, CPU_NT_STORE, "movnti"},
	[SCAN_WRITE_CLWB] = {scan_write_clwb, CPU_CLWB, "clwb"},
	[SCAN_WRITE_CLDEMOTE] = {scan_write_cldemote, CPU_CLDEMOTE, "cldemote"},
};

int scan_kind_loop(enum scan_kind kind, unsigned isa, scan_fn **fn,
		   struct err *err)
{
	if ((isa & kinds[kind].needs) != kinds[kind].needs)
		return err_set(err, -EOPNOTSUPP, REASON_NO_INSTRUCTION,
			       "scan %s: this processor has no %s",
			       scan_kind_names[kind], kinds[kind].instruction);
	*fn = kinds[kind].loop;
	return 0;
}

int scan_flush_loop(unsigned isa, scan_flush_fn **fn, struct err *err)
{
	if (!(isa & (CPU_FLUSH | CPU_FLUSH_OPT)))
		return err_set(err, -EOPNOTSUPP, REASON_NO_INSTRUCTION,
			       "cold buffers: this processor has no clflush");
	*fn = isa & CPU_FLUSH_OPT ? flush_opt : flush;
	return 0;
}
