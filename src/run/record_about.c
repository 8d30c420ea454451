#include "run/record_about.h"

#include <stddef.h>

const struct record_about record_about_row[] = {
	{"schema_version",
	 "of these columns' meaning: 2; in 1 bw_bytes_per_s of ops, scale and "
	 "oplog counted the tool's own credit, answers and headers, too, and "
	 "there was no headline; what a later version wrote is refused"},
	{"run_id", "UTC time and host; the same in every file of a run"},
	{"scenario", "what was run"},
	{"point", "number of the combination of values, from 0"},
	{"trial", "which measurement of that point, from 1"},
	{"transport", "tcp, rdma or loop; empty: the scenario has no link"},
	{"qp_type", "of an RDMA link"},
	{"cm", "how the link was made: verbs or rdma_cm"},
	{"poll", "how the ends waited: spin, event or yield"},
	{"path", "loopback: both ends on one host, no wire; wire: over a "
		 "network, or two ports of hardware in one host"},
	{"device", "RDMA device or network interface of the client"},
	{"software_device", "yes: it moves data by CPU"},
	{"op", "the operation that was measured"},
	{"size_bytes", "of its payload"},
	{"messages_per_op",
	 "into how many messages an operation was cut, as the device has a "
	 "limit"},
	{"loop", "closed: the next operation when the last one is done; open: "
		 "at a rate"},
	{"inline_bytes", "largest message that was posted inline"},
	{"cpu_client", "CPU that the client's thread was pinned to"},
	{"cpu_server", "CPU that the server's thread was pinned to"},
	{"status", "ok, unsupported, failed or interrupted"},
	{"reason", "unless ok: a word of a closed list, and more words"},
	{"samples", "operations measured"},
	{"warmup_ops", "operations before them"},
	{"headline",
	 "the column that the point is about: lat_p50_ns, or ops_per_s where "
	 "a window is kept full; by it points are measured until its interval "
	 "is narrow, and two runs compared"},
	{"lat_min_ns", "shortest latency; latency is the full round trip"},
	{"lat_mean_ns", "mean latency"},
	{"lat_stddev_ns", "standard deviation of the latencies"},
	{"lat_p50_ns", "median latency of the trial"},
	{"lat_p90_ns", "90th percentile"},
	{"lat_p99_ns", "99th percentile"},
	{"lat_p99_9_ns", "99.9th percentile"},
	{"lat_max_ns", "longest latency"},
	{"ops_per_s", "operations a second"},
	{"bw_bytes_per_s",
	 "payload a second: of round trips both ways together (perftest's BW "
	 "is one way), of ops in rate mode, scale and oplog operations times "
	 "size (--directions 2: those of the client, as ops_per_s; the "
	 "server's have back_ops_per_s); the tool's own credit, answers and "
	 "headers are not counted"},
	{"cpu_client_ns_per_op", "CPU time of the client's process, user and "
				 "system, for an operation"},
	{"cpu_server_ns_per_op", "the same of the server's"},
	{NULL, NULL},
};

const struct record_about record_about_points[] = {
	{"trials", "how often the point was tried"},
	{"trials_ok", "how many of them were ok"},
	{"p50_median_ns", "median over the trials of lat_p50_ns"},
	{"p50_ci_low_ns", "its confidence interval between order statistics; "
			  "empty: too few trials"},
	{"p50_ci_high_ns", "its upper end"},
	{"rate_median_per_s", "median over the trials of ops_per_s"},
	{"rate_ci_low_per_s", "its confidence interval, in the same way"},
	{"rate_ci_high_per_s", "its upper end"},
	{"ci_level", "the level that the interval reaches"},
	{"half_width_pct", "half the width of the headline's, in percent of "
			   "its median"},
	{"stopped", "narrow: the interval is; limit: as many trials as "
		    "allowed; unsupported; interrupted"},
	{NULL, NULL},
};
