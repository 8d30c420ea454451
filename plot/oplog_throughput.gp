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

# Numbers: each beside its point at the first place that no point and no number
# before it has.  Places are parts of the plot's width and height.
array at_x[512]
array at_y[512]
array series[512]
array writers[512]
array label_x[512]
array label_y[512]
n = 0
take_point(i, w, x, y) = n == 512 || x != x || y != y ? 0 : (n = n + 1, \
	at_x[n] = x / xmost, at_y[n] = log(y / ymin) / log(ymax / ymin), \
	series[n] = i, writers[n] = w, 0)
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_point(i, $1, $2, $3))
}
unset table
WIDE = 0.022
HIGH = 0.03
near(x, y, to_x, to_y, part) = \
	abs(x - to_x) < WIDE * part && abs(y - to_y) < HIGH * part
place_x(c) = word('1 1 -1 -1 0 0 2 -2 2 -2', c) * WIDE * 0.75
place_y(c) = word('1 -1 1 -1 1.3 -1.3 0 0 2 -2', c) * HIGH * 0.8
do for [k=1:n] {
	placed = 0
	do for [c=1:10] {
		x = at_x[k] + place_x(c)
		y = at_y[k] + place_y(c)
		free = y > 0.01
		do for [m=1:n] {
			if (near(x, y, at_x[m], at_y[m], 0.7)) { free = 0 }
			if (m < k) {
				if (near(x, y, label_x[m], label_y[m], 1)) { free = 0 }
			}
		}
		if (!placed && (free || c == 10)) {
			placed = 1
			label_x[k] = x
			label_y[k] = y
		}
	}
	set label 200 + k sprintf('%d', writers[k]) \
		at graph label_x[k], graph label_y[k] center \
		font ',12' textcolor lt style[series[k]]
}

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 2:3 \
		with linespoints lt style[i] title name[i]
	unset output
}
