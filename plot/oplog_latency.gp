# Acknowledged write by size: p50 as a line, p99 dotted.
# Data: oplog_latency.dat: size_bytes p50_us p99_us trials
if (!exists('base')) base = 'oplog_latency'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'A log write on two replicas: acknowledged latency by size'
set ylabel 'time in µs   (line: p50, dotted: p99)' offset -0.5,0
set xlabel 'payload of a record in bytes (1k = 1024)' offset 0,-0.3
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(2)) + take_y(column(3)))
}
unset table
eval log_y

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:3 \
			with lines lt style[i] lw 1.3 dt 3 notitle, \
		for [i=1:n_series] dat index i + 1 using 1:2 \
			with linespoints lt style[i] title name[i]
	unset output
}
