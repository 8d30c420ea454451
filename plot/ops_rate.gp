# Rate of single operations against one thing that software decides; which,
# the figure's name says.
# Whiskers: the 95 % interval over trials.
# Data: ops_rate_*.dat: x thousands_of_operations_per_s low high trials
if (!exists('base')) base = 'ops_rate_outstanding'
if (!exists('style_loaded')) load 'style.gp'

is(what) = strstrt(base, what) > 0
against = is('outstanding') ? 'how many are outstanding' : \
	is('post_list') ? 'how many one doorbell posts' : \
	is('inline') ? 'whether data is inlined' : \
	is('signal') ? 'how seldom one is signalled' : \
	is('directions') ? 'directions at the same time' : \
	is('sges') ? 'how many pieces one has' : 'size'
axis = is('outstanding') ? 'operations outstanding' : \
	is('post_list') ? 'operations posted by one doorbell' : \
	is('inline') ? 'bytes that may be inlined (0: the device fetches all)' : \
	is('signal') ? 'one operation in so many is signalled' : \
	is('sges') ? 'pieces of memory of an operation' : \
	is('directions') ? 'directions (2: the server does the same to the client)' : \
	'payload in bytes (1k = 1024)'
set label 101 'Single operations: rate against '.against
set xlabel axis offset 0,-0.3
set ylabel (is('directions') ? "the client's" : '').\
	' thousand operations/s   (95 % interval)' offset -0.5,0

# From a few bytes to megabytes the rate falls by orders of magnitude.
if (is('_size')) {
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
# With or without: nothing lies between.
if (is('inline')) {
	set xrange [-0.2 * xmax:1.2 * xmax]
	unset offsets
	set xtics () scale 0.7
	do for [s in sizes] { set xtics add (s real(s)) }
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
