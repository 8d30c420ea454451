# Rate (lines) and tail (p99, dotted, right axis) against what there is many
# of; which, the figure's name says.
# Data: scale_*.dat: x thousands_of_operations_per_s p50_us p99_us trials
if (!exists('base')) base = 'scale_qps'
if (!exists('style_loaded')) load 'style.gp'

is(what) = strstrt(base, what) > 0
axis = is('qps') ? 'queue pairs' : \
	is('window') ? 'operations outstanding, over all queue pairs' : \
	is('regions') ? 'memory regions' : \
	'bytes of memory that are gone to at random (1k = 1024)'
set label 101 'Scale: rate (line) and tail (dotted) against '.(is('qps') ? \
	'queue pairs' : is('window') ? 'operations outstanding' : \
	is('regions') ? 'memory regions' : 'memory gone to')
set xlabel axis offset 0,-0.3
set ylabel 'operations in thousands per second' offset -0.5,0
set y2label 'p99 in µs (dotted)' offset 0.5,0
set rmargin at screen 0.92
set border 11 lc rgb '#444444'

ymax = 0.0
tmax = 0.0
take_y(v, t) = (ymax = v == v ? high(ymax, v) : ymax, \
	tmax = t == t ? high(tmax, t) : tmax, 0)
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(2), column(4)))
}
unset table
set yrange [0:ymax * 1.08]
set ytics autofreq scale 0.7
set y2range [0:tmax * 1.08]
set y2tics autofreq scale 0.7

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:4 axes x1y2 \
			with lines lt style[i] lw 1.3 dt 3 notitle, \
		for [i=1:n_series] dat index i + 1 using 1:2 \
			with linespoints lt style[i] title name[i]
	unset output
}
