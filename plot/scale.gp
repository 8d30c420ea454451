# Rate, or with "tail" in the figure's name p99, against what there is many of;
# which, the name says; or what a queue pair takes.  Whiskers: the 95 % interval
# over trials.
# scale_qps has of each number of queue pairs the window (the last column) with
# the highest rate.
# Data: scale_*.dat: x thousands_of_operations_per_s (or p99_us, or kB of a
# queue pair) low high trials
if (!exists('base')) base = 'scale_qps'
if (!exists('style_loaded')) load 'style.gp'

is(what) = strstrt(base, what) > 0
# p99 goes with the window: there it is that of the smallest.
best = is('qps') && !is('tail')
against = best ? 'queue pairs, at the best window of each' : \
	is('qps') ? 'queue pairs' : is('window') ? 'operations outstanding' : \
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
eval interval_name
set ylabel (is('tail') ? 'p99, post to completion, in µs' : \
	is('memory') ? 'kB of the host that the client takes for each' : \
	'thousand operations/s').'   ('.whisker.(best ? '; number: window' : \
	'').')' offset -0.5,0

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
