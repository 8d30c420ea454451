# Rate of single operations against one thing that software decides; which,
# the figure's name says.
# Data: ops_rate_*.dat: x millions_of_operations_per_s trials
if (!exists('base')) base = 'ops_rate_outstanding'
if (!exists('style_loaded')) load 'style.gp'

is(what) = strstrt(base, what) > 0
against = is('outstanding') ? 'how many are outstanding' : \
	is('post_list') ? 'how many one doorbell posts' : \
	is('inline') ? 'how much may be inlined' : \
	is('signal') ? 'how seldom one is signalled' : \
	is('directions') ? 'what the other end does meanwhile' : \
	is('sges') ? 'how many pieces it has' : 'its size'
axis = is('outstanding') ? 'operations outstanding' : \
	is('post_list') ? 'operations posted by one doorbell' : \
	is('inline') ? 'inline data granted, in bytes' : \
	is('signal') ? 'one operation in so many is signalled' : \
	is('sges') ? 'pieces of memory of an operation' : \
	is('directions') ? 'directions (2: the server does the same)' : \
	'payload in bytes (1k = 1024)'
set label 101 'Single operations: rate against '.against
set xlabel axis offset 0,-0.3
set ylabel 'operations in thousands per second' offset -0.5,0

ymax = 0.0
take_y(v) = v == v ? (ymax = high(ymax, v), 0) : 0
set table $nothing
do for [i=1:n_series] { plot dat index i + 1 using (0):(take_y(column(2))) }
unset table
set yrange [0:ymax * 1.08]
if (xmin <= 0) { set xrange [-0.06 * xmax:1.06 * xmax]; unset offsets }
set ytics autofreq scale 0.7

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
		with linespoints lt style[i] title name[i]
	unset output
}
