/*
 * The scripts of plot/, embedded by plots.S as strings that end in NUL:
 * plot_<name> is plot/<name>.gp.  A line each.
 */
#ifndef REPORT_PLOTS_H
#define REPORT_PLOTS_H

#define PLOTS(PLOT)                                                            \
	PLOT(style)                                                            \
	PLOT(compare)                                                          \
	PLOT(ops_latency)                                                      \
	PLOT(ops_rate)                                                         \
	PLOT(scale)                                                            \
	PLOT(sendrecv_latency)                                                 \
	PLOT(sendrecv_gain)                                                    \
	PLOT(oplog_latency)                                                    \
	PLOT(oplog_cdf)                                                        \
	PLOT(oplog_replicas)                                                   \
	PLOT(oplog_throughput)                                                 \
	PLOT(oplog_stack)                                                      \
	PLOT(oplog_peer_load)                                                  \
	PLOT(oplog_recovery)                                                   \
	PLOT(prefetch_lines)                                                   \
	PLOT(prefetch_gain)                                                    \
	PLOT(regcost_register)                                                 \
	PLOT(regcost_deregister)                                               \
	PLOT(regcost_populate)                                                 \
	PLOT(regcost_steps)                                                    \
	PLOT(regcost_regions)                                                  \
	PLOT(regcost_cache)                                                    \
	PLOT(touch_drop)                                                       \
	PLOT(touch_stack)                                                      \
	PLOT(touch_hits)                                                       \
	PLOT(conncost_rate)                                                    \
	PLOT(conncost_memory)                                                  \
	PLOT(conncost_steps)

#ifndef __ASSEMBLER__
#define PLOT_DECLARE(name) extern const char plot_##name[];
PLOTS(PLOT_DECLARE)
#undef PLOT_DECLARE
#endif

#endif
