# Gain of prefetching against the size of the response, in percent of the time
# without it (medians): figure 3.10 of the ETH thesis "End-to-end
# considerations in the unification of high-performance I/O" for the hardware
# prefetchers; the same for prefetch instructions.
# Data: prefetch_gain.dat: size_bytes gain_percent off_p50_us on_p50_us
# prefetch_software.dat: size_bytes gain_percent without_ns with_ns (per line)
# lines_ahead
if (!exists('base')) base = 'prefetch_gain'
if (!exists('style_loaded')) load 'style.gp'

software = strstrt(base, 'software') > 0
if (software) {
	set ylabel 'gain in % of the time per line' offset -0.5,0
} else {
	set label 101 'Prefetch: gain of the hardware prefetchers'
	set ylabel 'gain in % of the round trip with all off   (off - on) / off' \
		offset -0.5,0
}

# The thesis' own (tables 3.4 to 3.6: Xeon E7520, Chelsio T4, 10 Gbit/s
# Ethernet, real RDMA): round trips in us with prefetchers, and with all off.
$thesis << EOD
1024	31	32	30	30
4096	39	47	38	39
16384	72	93	59	60
65536	173	249	111	115
262144	470	869	315	330
1048576	1481	3367	1128	1189
4194304	5586	13333	4385	4629
16777216	22222	55555	17543	18518
EOD
thesis = software ? '' : 'write read'
gain(on, off) = 100.0 * (off - on) / off

ymin = 0.0
ymax = software ? 0.0 : 62.0
take_y(v) = v == v ? (ymin = low(ymin, v), ymax = high(ymax, v), 0) : 0
set table $nothing
do for [i=1:n_series] { plot dat index i + 1 using (0):(take_y(column(2))) }
ahead = ''
do for [i=1:software ? n_series : 0] {
	plot dat index i + 1 using (0):(ahead = sprintf('%d', column(5)), 0)
}
unset table
# Where distances differ, the legend has them.
if (software) {
	set label 101 'Prefetch: gain of prefetch instructions'. \
		(strstrt(name[1], 'distance') ? '' : ', '.ahead.' lines ahead')
}

# The names have grown.
eval legend

# One bad point must not flatten the others: it leaves the frame, and that is
# said.  (No gain is above 100 %.)
floor_at = -150
outside = ymin < floor_at
ymin = high(ymin, floor_at)
# Both sides of zero have room for their words.
span = high(ymax - ymin, 2)
set yrange [low(ymin - 0.08 * span, -0.15 * span): \
	high(ymax + 0.08 * span, 0.15 * span)]
set ytics scale 0.7
set format y '%+g %%'
set ytics add ('0' 0)

set rmargin at screen 0.87
set object 1 rectangle from graph 0, first 0 to graph 1, graph 1 behind \
	fillcolor rgb '#009E73' fillstyle solid 0.05 noborder
set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead back \
	lt 1 dt 1 lw 2 lc rgb '#000000'
set label 103 '↑ prefetch helps' at graph 1.01, first 0 left offset 0,0.9
set label 104 '↓ prefetch hurts' at graph 1.01, first 0 left offset 0,-0.9
if (outside) {
	set label 110 '▼ points below '.sprintf('%g', floor_at). \
		' % are outside the frame' at graph 0.01, graph 0.03 left \
		font ',14' textcolor rgb '#444444'
}
if (software) {
	set xlabel 'buffer size in bytes (1k = 1024)'
} else {
	do for [k=1:2] {
		set label 104 + k 'thesis, '.word(thesis, k) at graph 0.99, \
			first gain(word('22222 17543', k), \
			word('55555 18518', k)) right offset 0,0.7 \
			textcolor rgb '#888888'
	}
}

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [k=1:words(thesis)] $thesis \
			using 1:(gain(column(2 * k), column(2 * k + 1))) \
			with linespoints lc rgb '#999999' dt 2 * k - 1 \
			lw 1.5 pt 2 ps 1 notitle, \
		for [i=1:n_series] dat index i + 1 using 1:2 \
			with linespoints lt i title name[i]
	unset output
}
