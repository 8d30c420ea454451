# The distribution of latency at 4 KiB, by its quantiles: how many writes took
# longer (1: all, 0.001: one in a thousand).
# Data: oplog_cdf.dat: us slower trials
if (!exists('base')) base = 'oplog_cdf'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'A log write of 4 KiB on two replicas, one writer: how its latency is distributed'
set ylabel 'share of the writes that took longer' offset -0.5,0
set xlabel 'time in µs   (points: min, p50, p90, p99, p99.9)' offset 0,-0.3
unset logscale x
set logscale x 10
set xrange [xmin / 1.4:xmax * 1.4]
set xtics () scale 0.7
do for [e=-1:8] { do for [d in (xmax / xmin < 500 ? "1 2 5" : "1")] {
	set xtics add (y_name(real(d) * 10.0**e) real(d) * 10.0**e)
} }
set logscale y 10
set yrange [0.0007:1.6]
set ytics () scale 0.7
set ytics add ('all' 1, '0.5' 0.5, '0.1' 0.1, '0.01' 0.01, '0.001' 0.001)

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
		with linespoints lt style[i] title name[i]
	unset output
}
