# Rate, or with "tail" in the figure's name p99, against what there is many of;
# which, the name says; or what a queue pair takes.  Whiskers: the 95 % interval
# over trials.
# Data: scale_*.dat: x thousands_of_operations_per_s (or p99_us, or kB of a
# queue pair) low high trials
if (!exists('base')) base = 'scale_qps'
if (!exists('style_loaded')) load 'style.gp'

is(what) = strstrt(base, what) > 0
against = is('qps') ? 'queue pairs' : is('window') ? 'operations outstanding' : \
	is('regions') ? 'memory regions' : \
	is('threads') ? 'threads of each end' : \
	is('processes') ? 'processes of each end' : \
	is('memory') ? 'how many there are' : \
	is('rnr') ? 'how long it waits for a receive' : \
	'memory gone to at random'
set label 101 'Scale: '.(is('tail') ? 'p99' : \
	is('memory') ? 'memory of a queue pair' : 'rate').' against '.against
set xlabel is('qps') || is('memory') ? 'queue pairs (1k = 1024)' : \
	is('threads') || is('processes') ? against : \
	is('rnr') ? 'min_rnr_timer (1: 10 µs, 12: 0.64 ms, 16: 2.56 ms)' : \
	is('window') ? 'operations outstanding, over all queue pairs' : \
	is('regions') ? 'memory regions (1k = 1024)' : \
	'bytes of memory that are gone to at random (1k = 1024)' offset 0,-0.3
set ylabel is('tail') ? 'p99, post to completion, in µs   (95 % interval)' : \
	is('memory') ? 'kB of the host that the client takes for each' : \
	'thousand operations/s   (95 % interval)' offset -0.5,0

if (is('tail')) {
	set table $nothing
	do for [i=1:n_series] {
		plot dat index i + 1 using (0):(take_y(column(3)) + take_y(column(4)))
	}
	unset table
	eval log_y
} else {
	ymax = 0.0
	take_y(v) = v == v ? (ymax = high(ymax, v), 0) : 0
	set table $nothing
	do for [i=1:n_series] {
		plot dat index i + 1 using (0):(take_y(column(2)) + take_y(column(4)))
	}
	unset table
	set yrange [0:ymax * 1.08]
	set ytics autofreq scale 0.7
}

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2:3:4 \
			with yerrorbars lt style[i] dt 1 lw 1 ps 0 notitle, \
		for [i=1:n_series] dat index i + 1 using 1:2 \
			with linespoints lt style[i] title name[i]
	unset output
}
