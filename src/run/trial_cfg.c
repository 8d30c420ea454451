#include "run/trial_cfg.h"

#define AT(field) offsetof(struct trial_cfg, field)
#define HOUR_NS 3600000000000u

static const struct opt opts[] = {
	{.name = "iterations",
	 .letter = 'n',
	 .type = OPT_COUNT,
	 .role = OPT_KNOB,
	 .offset = AT(iterations),
	 .min = 1,
	 .max = 1000000000000u,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "N",
	 .column = "iterations",
	 .help = "measured operations in a trial; auto: as --duration says"},
	{.name = "duration",
	 .letter = 'D',
	 .type = OPT_TIME,
	 .role = OPT_KNOB,
	 .offset = AT(duration_ns),
	 .min = 1000,
	 .max = 24 * HOUR_NS,
	 .def = "100ms",
	 .metavar = "TIME",
	 .column = "duration_ns",
	 .help = "length of a trial's measured part"},
	{.name = "min-ops",
	 .type = OPT_COUNT,
	 .role = OPT_KNOB,
	 .offset = AT(min_ops),
	 .min = 1,
	 .max = 1000000,
	 .def = "5",
	 .metavar = "N",
	 .column = "min_ops",
	 .help = "operations in a trial at least, however slow"},
	{.name = "warmup",
	 .type = OPT_TIME,
	 .role = OPT_KNOB,
	 .offset = AT(warmup_ns),
	 .max = HOUR_NS,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "TIME",
	 .column = "warmup_ns",
	 .help = "unmeasured operations before it, both ways (two at least); "
		 "auto: stretches of a tenth of the duration, 10 ms at least, "
		 "until the medians of two agree within 5 % (eight at most, or "
		 "as long as --duration)"},
	{.name = "op-timeout",
	 .type = OPT_TIME,
	 .role = OPT_KNOB,
	 .offset = AT(op_timeout_ns),
	 .min = 1000000,
	 .max = HOUR_NS,
	 .def = "10s",
	 .metavar = "TIME",
	 .column = "op_timeout_ns",
	 .help = "give up a link on which nothing arrives for so long (and a "
		 "second more for each MiB of the message)"},
	{.name = "counters",
	 .type = OPT_TEXT,
	 .role = OPT_KNOB,
	 .offset = AT(counters),
	 .def = "default",
	 .metavar = "SET|EVENT[,...]",
	 .help = "counted around the measured part, at both ends: sets "
		 "(default, cache, tlb, prefetch, memory) and libpfm's event "
		 "names, or none; see `rdmabench list counters`"},
};

const struct opt_group trial_opts = {
	.title = "trial",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};
