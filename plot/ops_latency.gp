# Latency of single operations against their size: medians (p50).
# Data: ops_latency.dat: size_bytes p50_us p99_us thousands_per_s trials
if (!exists('base')) base = 'ops_latency'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Single operations: latency against size, one at a time'
set ylabel 'full round trip in µs   (p50)' offset -0.5,0
set xlabel 'payload in bytes (1k = 1024)' offset 0,-0.3

ymin = 1e300
ymax = -1e300
take_y(v) = v == v && v > 0 ? \
	(ymin = low(ymin, v), ymax = high(ymax, v), 0) : 0
set table $nothing
do for [i=1:n_series] { plot dat index i + 1 using (0):(take_y(column(2))) }
unset table
middle = sqrt(ymin * ymax)
ymin = low(ymin / 1.2, middle / 2)
ymax = high(ymax * 1.2, middle * 2)
set logscale y 10
set yrange [ymin:ymax]
set ytics () scale 0.7
do for [e=-4:9] {
	do for [s in '1 2 5'] {
		v = real(s) * 10.0**e
		set ytics add (sprintf('%g', v) v)
	}
}

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
		with linespoints lt style[i] title name[i]
	unset output
}
