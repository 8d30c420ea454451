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
eval interval_name
set ylabel (is('directions') ? "the client's" : '').\
	' thousand operations/s   ('.whisker.')' offset -0.5,0

# From a few bytes to megabytes the rate falls by orders of magnitude.
eval is('_size') ? interval_log_y : interval_y
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
	plot @intervals
	unset output
}
