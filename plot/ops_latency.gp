# Latency of single operations against their size: medians (p50) with whiskers,
# their 95 % intervals over trials.
# Data: ops_latency.dat: size_bytes p50_us low high p99_us thousands_per_s trials
if (!exists('base')) base = 'ops_latency'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Single operations: latency against size, one at a time'
trials_column = 7
eval interval_name
set ylabel 'full round trip in µs   (p50, '.whisker.')' offset -0.5,0
set xlabel 'payload in bytes (1k = 1024)' offset 0,-0.3

eval interval_log_y

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot @intervals
	unset output
}
