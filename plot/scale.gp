# Rate, or with "tail" in the figure's name p99, against what there is many of;
# which, the name says; or what a queue pair takes.  Whiskers: the 95 % interval
# over trials.
# Where it is at the best window, the last column says which has the highest
# rate.
# Data: scale_*.dat: x thousands_of_operations_per_s (or p99_us, or kB of a
# queue pair) low high trials
if (!exists('base')) base = 'scale_qps'
if (!exists('style_loaded')) load 'style.gp'

is(what) = strstrt(base, what) > 0
what = is('qps') ? 'queue pairs' : \
	is('window') ? 'operations outstanding' : \
	is('regions') ? 'memory regions' : \
	is('threads') ? 'threads of each end' : \
	is('processes') ? 'processes of each end' : \
	is('memory') ? 'how many there are' : \
	is('rnr') ? 'how long it waits for a receive' : \
	'memory gone to at random'
# p99 goes with the window: there it is that of the smallest, or of each.
best = !(is('tail') || is('window') || is('memory') || is('rnr'))
set label 101 'Scale: '.(is('tail') ? 'p99' : \
	is('memory') ? 'memory of a queue pair' : 'rate').' against '.what. \
	(best ? ', at the best window of each' : '')
set xlabel (is('qps') || is('memory') ? 'queue pairs (1k = 1024)' : \
	is('threads') || is('processes') ? what : \
	is('rnr') ? 'min_rnr_timer (1: 10 µs, 12: 0.64 ms, 16: 2.56 ms)' : \
	is('window') ? 'operations outstanding, over all queue pairs' : \
	is('regions') ? 'memory regions (1k = 1024)' : \
	'bytes of memory that are gone to at random (1k = 1024)'). \
	(best ? '; numbers: the window' : '') offset 0,-0.3
eval interval_name
set ylabel (is('tail') ? 'p99, post to completion, in µs' : \
	is('memory') ? 'kB of the host for each, at the client' : \
	'thousand operations/s').'   ('.whisker.')' offset -0.5,0

eval is('tail') ? interval_log_y : interval_y
if (best) {
	# As style.gp sets the range of x.
	room = single_size ? 3 : 1.35
	part(x) = log(x * room / xmin) / log(xmax * room**2 / xmin)
	set table $nothing
	do for [i=1:n_series] {
		plot dat index i + 1 using (0):(take_number(i, $6, \
			part(beside($1, i)), $2 / (ymax * 1.08)))
	}
	unset table
	eval place_numbers
}

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot @intervals
	unset output
}
