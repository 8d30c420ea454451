# Where the time of an operation goes, in percent of the notouch round trip
# (means): the scan, the send from its posting until its completion was seen,
# and the rest (the request, the client, and what of the two overlaps
# nothing).  One bar for each mode at each size.
# Data: <base>.dat: size_bytes scan_percent send_percent rest_percent
# round_trip_us; a series is a mode
if (!exists('base')) base = 'touch_stack_rdma_write'
if (!exists('style_loaded')) load 'style.gp'

has(w) = strstrt(base, w)
set label 101 'Where the time goes, touch against notouch: '.(has('_rdma') ? 'RDMA' : 'TCP'). \
	', scan '.(has('_write') ? 'write' : 'read')
set ylabel 'time in % of the notouch round trip (means)' offset -0.5,0

# Bars beside each other within a step of the logarithmic axis.
step = n_sizes > 1 ? (xmax / xmin)**(1.0 / (n_sizes - 1)) : 4.0
wide = 0.8 / n_series
left(i) = step**(-0.4 + wide * (i - 1))
right(i) = step**(-0.4 + wide * (i - 0.06))
middle(i) = sqrt(left(i) * right(i))
set xrange [xmin / sqrt(step) / 1.05:xmax * sqrt(step) * 1.05]

ymax = 110.0
take_y(v) = v == v ? (ymax = high(ymax, v), 0) : 0
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(2) + column(3) + column(4)))
}
unset table
set yrange [0:ymax * 1.16]
set ytics scale 0.7
set format y '%g %%'
set arrow 1 from graph 0, first 100 to graph 1, first 100 nohead back \
	lt 1 dt (6,6) lw 1.5 lc rgb '#000000'

mode(i) = strstrt(name[i], 'notouch') ? 'notouch' : 'touch'
array stage[3] = ['scan', 'send, posted to completed', \
	'rest: request, transfer, client']
# Above the line of 100 %, not across it.
above(y) = high(y, 100) + ymax * 0.012
colour(k) = pick('#D55E00 #0072B2 #cccccc', k)
set style fill solid 0.85 noborder
key_rows = 1
set key maxrows 1
set tmargin at screen key_top - 0.031 - 0.025

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 \
			using 1:(0):($1 * left(i)):($1 * right(i)):(0):2 \
			with boxxyerror fc rgb colour(1) \
			title i == 1 ? stage[1] : '', \
		for [i=1:n_series] dat index i + 1 \
			using 1:(0):($1 * left(i)):($1 * right(i)):2:($2 + $3) \
			with boxxyerror fc rgb colour(2) \
			title i == 1 ? stage[2] : '', \
		for [i=1:n_series] dat index i + 1 \
			using 1:(0):($1 * left(i)):($1 * right(i)):($2 + $3): \
			($2 + $3 + $4) with boxxyerror fc rgb colour(3) \
			title i == 1 ? stage[3] : '', \
		for [i=1:n_series] dat index i + 1 \
			using ($1 * middle(i)):(above($2 + $3 + $4)): \
			(mode(i)) with labels rotate left font ',12' notitle
	unset output
}
