# Gain of RDMA over TCP against the size of the response, in percent of TCP's
# round trip (medians): figure 3.5 of the ETH thesis "End-to-end considerations
# in the unification of high-performance I/O".
# Data: sendrecv_gain.dat: size_bytes gain_percent tcp_p50_us rdma_p50_us
if (!exists('base')) base = 'sendrecv_gain'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Send/receive: gain of RDMA over TCP in round-trip latency'
set ylabel 'gain in % of the time over TCP   (TCP - RDMA) / TCP, of p50' \
	offset -0.5,0

ymin = 0.0
ymax = 0.0
take_y(v) = v == v ? (ymin = low(ymin, v), ymax = high(ymax, v), 0) : 0
set table $nothing
do for [i=1:n_series] { plot dat index i + 1 using (0):(take_y(column(2))) }
unset table

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
set label 103 '↑ RDMA faster' at graph 1.01, first 0 left offset 0,0.9
set label 104 '↓ RDMA slower' at graph 1.01, first 0 left offset 0,-0.9

n_values = single_size && n_series == 1
do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
			with linespoints lt style[i] title name[i], \
		for [k=1:n_values] dat index k + 1 \
			using 1:2:(sprintf('%+.3g %%', $2)) \
			with labels left offset 1.5,0 notitle
	unset output
}
