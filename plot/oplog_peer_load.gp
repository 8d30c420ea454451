# Acknowledged write by what an application at each peer wants of the CPU that
# serves the log: the mean as a line, for the writes that wait are few and wait
# long; p50 dotted.
# Data: oplog_peer_load.dat: peer_load_percent mean_us p50_us trials
if (!exists('base')) base = 'oplog_peer_load'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'A log write of 4 KiB on two replicas, by how busy the peer is'
set ylabel 'time in µs   (line: mean, dotted: p50)' offset -0.5,0
set xlabel 'CPU that an application beside the log wants, in percent' offset 0,-0.3
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(2)) + take_y(column(3)))
}
unset table
eval log_y
eval linear_x
set xrange [-3:xmax + 3]

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:3 \
			with lines lt style[i] lw 1.3 dt 3 notitle, \
		for [i=1:n_series] dat index i + 1 using 1:2 \
			with linespoints lt style[i] title name[i]
	unset output
}
