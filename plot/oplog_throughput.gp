# Latency against throughput: along a line the number of writers grows.
# Data: oplog_throughput.dat: outstanding kwrites_per_s p50_us trials
if (!exists('base')) base = 'oplog_throughput'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'A log write of 4 KiB on two replicas: latency against throughput'
set ylabel 'p50 in µs   (numbers: writers)' offset -0.5,0
set xlabel 'thousand writes per second' offset 0,-0.3
set table $nothing
xmost = 0
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(3)))
	plot dat index i + 1 using (0):(xmost = high(xmost, column(2)), 0)
}
unset table
y_column = 3
eval log_y
unset logscale x
set xtics autofreq
xmost = xmost * 1.12
set xrange [0:xmost]

set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_number(i, $1, $2 / xmost, \
		log($3 / ymin) / log(ymax / ymin)))
}
unset table
eval place_numbers

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 2:3 \
		with linespoints lt style[i] title name[i]
	unset output
}
