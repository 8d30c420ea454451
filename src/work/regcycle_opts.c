/* The options and the metrics of work/regcycle.h. */
#include "work/regcycle.h"

#define AT(field) offsetof(struct regcycle_cfg, field)

static const char *const way_names[] = {
	[REGS_PIN] = "pin",
	[REGS_ODP] = "odp",
	[REGS_ODP_IMPLICIT] = "odp-implicit",
	[REGS_REREG] = "rereg",
	[REGS_WINDOW] = "window",
	[REGS_WINDOW2] = "window2",
	[REGS_RIGHTS] = "rights",
	[REGCYCLE_CACHED] = "cached",
	NULL,
};

static const char *const populate_names[] = {
	[POPULATE_NONE] = "none",
	[POPULATE_MAP] = "map",
	[POPULATE_MADVISE] = "madvise",
	[POPULATE_TOUCH] = "touch",
	NULL,
};

static const char *const access_names[] = {
	[REGS_READ] = "read",	    [REGS_LOCAL] = "local",
	[REGS_REMOTE] = "remote",   [REGS_ATOMIC] = "atomic",
	[REGS_RELAXED] = "relaxed", NULL,
};

static const char *const use_names[] = {
	[USE_NONE] = "none",
	[USE_LINE] = "line",
	[USE_WHOLE] = "whole",
	NULL,
};

static const struct opt opts[] = {
	{.name = "size",
	 .letter = 's',
	 .type = OPT_SIZE,
	 .role = OPT_AXIS,
	 .offset = AT(size),
	 .min = 1,
	 .max = 1ull << 46,
	 .def = "64k",
	 .metavar = "SIZE[,...]",
	 .help = "bytes of a region: 4k, a list, a range 4k-1Gx4; mapped and "
		 "populated in whole pages of its kind of memory"},
	{.name = "memory",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(memory),
	 .def = "anon",
	 .names = memkind_names,
	 .metavar = "KIND[,...]",
	 .column = "memory",
	 .help = "anon (4 KiB pages), thp, huge2m, huge1g, memfd, file (page "
		 "cache), fsdax, devdax"},
	{.name = "way",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(way),
	 .def = "pin",
	 .names = way_names,
	 .metavar = "WAY[,...]",
	 .column = "way",
	 .help = "how it is made usable: pin (ibv_reg_mr), odp and "
		 "odp-implicit (on-demand paging), rereg (a registration is "
		 "pointed at it), rights (a registration's are changed), "
		 "window, window2 (memory windows of type 1 and 2B on "
		 "registered memory), cached (pin-down cache)"},
	{.name = "populate",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(populate),
	 .def = "touch",
	 .names = populate_names,
	 .metavar = "HOW[,...]",
	 .column = "populate",
	 .help = "how pages come before registering: none, map (MAP_POPULATE, "
		 "in the step map), madvise (MADV_POPULATE_WRITE), touch (a "
		 "write to each)"},
	{.name = "touch-threads",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(threads),
	 .min = 1,
	 .max = TOUCHERS_MAX,
	 .def = "1",
	 .metavar = "N[,...]",
	 .column = "touch_threads",
	 .help = "threads that touch, for --populate touch"},
	{.name = "access",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(access),
	 .def = "remote",
	 .names = access_names,
	 .metavar = "FLAGS[,...]",
	 .column = "access",
	 .help = "what the device may do: read, local (and write), remote "
		 "(and the peer both), atomic, relaxed (remote, relaxed "
		 "ordering)"},
	{.name = "regions",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(regions),
	 .min = 1,
	 .max = 1u << 20,
	 .def = "1",
	 .metavar = "N[,...]",
	 .column = "regions",
	 .help = "regions that are registered at the same time; where the "
		 "device stops is in regions_registered and register_errno"},
	{.name = "use",
	 .type = OPT_ENUM,
	 .role = OPT_KNOB,
	 .offset = AT(use),
	 .def = "line",
	 .names = use_names,
	 .metavar = "WHAT",
	 .column = "use",
	 .help = "what the device reads from it, twice: none, line (its first "
		 "64 bytes), whole; of the first 16 regions"},
	{.name = "share",
	 .type = OPT_COUNT,
	 .role = OPT_KNOB,
	 .offset = AT(share_percent),
	 .min = 1,
	 .max = 95,
	 .def = "50",
	 .metavar = "PERCENT",
	 .help = "refuse regions that take more of the available memory"},
	{.name = "reserve-hugepages",
	 .type = OPT_FLAG,
	 .role = OPT_KNOB,
	 .offset = AT(reserve_hugepages),
	 .def = "no",
	 .help = "add to the kernel's pool the hugepages that are missing "
		 "(root); they are given back, whatever ends the run"},
	{.name = "cache-bytes",
	 .type = OPT_SIZE,
	 .role = OPT_KNOB,
	 .offset = AT(cache_bytes),
	 .min = 1,
	 .max = 1ull << 46,
	 .def = "1G",
	 .metavar = "SIZE",
	 .column = "cache_bytes",
	 .help = "the pin-down cache holds so much at most"},
	{.name = "cache-entries",
	 .type = OPT_COUNT,
	 .role = OPT_KNOB,
	 .offset = AT(cache_entries),
	 .min = 1,
	 .max = 1u << 20,
	 .def = "4096",
	 .metavar = "N",
	 .column = "cache_entries",
	 .help = "the pin-down cache holds so many registrations at most"},
	{.name = "file-dir",
	 .type = OPT_TEXT,
	 .role = OPT_KNOB,
	 .offset = AT(file_dir),
	 .def = "/var/tmp",
	 .metavar = "DIR",
	 .help = "where the file of --memory file is made (it has no name)"},
	{.name = "pmem-dir",
	 .type = OPT_TEXT,
	 .role = OPT_KNOB,
	 .offset = AT(pmem_dir),
	 .def = "",
	 .metavar = "DIR",
	 .help = "DAX file system of --memory fsdax; otherwise the first that "
		 "is mounted"},
	{.name = "dax-device",
	 .type = OPT_TEXT,
	 .role = OPT_KNOB,
	 .offset = AT(dax_device),
	 .def = "",
	 .metavar = "PATH",
	 .help = "of --memory devdax; otherwise the first"},
};

const struct opt_group regcycle_opts = {
	.title = "registration",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

#define STEP(id, text, words)                                                  \
	[REGCYCLE_##id - METRIC_BASE_COUNT] = {.name = text,                   \
					       .unit = "ns",                   \
					       .kind = METRIC_DIST,            \
					       .side = SIDE_CLIENT,            \
					       .help = words}
#define COUNT(id, text, of, how, words)                                        \
	[REGCYCLE_##id - METRIC_BASE_COUNT] = {.name = text,                   \
					       .unit = of,                     \
					       .side = SIDE_CLIENT,            \
					       .merge = how,                   \
					       .help = words}

const struct metric regcycle_metrics[] = {
	STEP(MAP, "map", "mmap (with --populate map: and its pages)"),
	STEP(POPULATE, "populate", "its pages, if not in map"),
	STEP(REGISTER, "register",
	     "until the device may use it; cached: found in the cache"),
	STEP(FIRST_USE, "first_use", "the device reads it for the first time"),
	STEP(SECOND_USE, "second_use", "and for the second"),
	STEP(DEREGISTER, "deregister",
	     "until the device may not; cached: given back to the cache"),
	STEP(UNMAP, "unmap", "munmap"),
	STEP(CACHE_HIT, "cache_hit", "pin-down cache: found"),
	STEP(CACHE_MISS, "cache_miss",
	     "pin-down cache: not found, registered and entered"),
	STEP(CACHE_EVICT, "cache_evict",
	     "pin-down cache: the least recently used deregistered"),
	COUNT(PAGE_BYTES, "page_bytes", "bytes", MERGE_MAX,
	      "page size of the memory"),
	COUNT(REGIONS, "regions_registered", "1", MERGE_MAX,
	      "registered at the same time, of --regions"),
	COUNT(ERRNO, "register_errno", "1", MERGE_MAX,
	      "what the next one met; 0: there was no end"),
	COUNT(MADE, "registered", "1", MERGE_SUM,
	      "registrations and windows made"),
	COUNT(ENDED, "deregistered", "1", MERGE_SUM, "and ended"),
	REMAINS_METRIC_TABLE(REGCYCLE_REMAINS - METRIC_BASE_COUNT, SIDE_CLIENT),
	COUNT(HITS, "cache_hits", "1", MERGE_SUM, "pin-down cache: found"),
	COUNT(MISSES, "cache_misses", "1", MERGE_SUM,
	      "pin-down cache: not found"),
	COUNT(EVICTIONS, "cache_evictions", "1", MERGE_SUM,
	      "pin-down cache: dropped while mapped"),
};
