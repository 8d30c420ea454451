# Making a connection, its steps one on the other (means add up to the whole),
# one connection at a time: figure 6.5 of the ETH thesis.
# Data: conncost_steps.dat: at_once handshake_us id_us addr_us route_us cq_us
#	qp_us rtr_us rts_us trials
if (!exists('base')) base = 'conncost_steps'
if (!exists('style_loaded')) load 'style.gp'

n_steps = 8
step(k) = word('handshake id address route CQ QP RTR RTS', k)
set label 101 sprintf('Making a connection, %g at a time, step by step (client)', xmin)
set ylabel 'time in µs   (means over a trial)' offset -0.5,0
unset logscale x
unset xlabel
set xrange [0.4:n_series + 0.6]
set xtics () scale 0
# A line for each word that tells a bar from the others.
lines(s) = strstrt(s, ', ') ? s[1:strstrt(s, ', ') - 1]."\n" \
	.lines(s[strstrt(s, ', ') + 2:*]) : s
bare(s) = strstrt(s, 'method ') ? s[1:strstrt(s, 'method ') - 1] \
	.s[strstrt(s, 'method ') + 7:*] : s
do for [i=1:n_series] { set xtics add (lines(bare(name[i])) i) }
set bmargin at screen 0.14
set grid noxtics
set style fill solid 0.85 noborder
set boxwidth 0.6
set yrange [0:*]
set offsets 0, 0, graph 0.05, 0
set key maxrows 1 samplen 1.5 width 0.7
set tmargin at screen key_top - 0.056
zero(v) = v == v ? v : 0
# Bars from the top down: each is drawn over the longer one.
upto(k) = k == 0 ? 0 : upto(k - 1) + zero(column(k + 1))

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [k=n_steps:1:-1] for [i=1:n_series] dat index i + 1 \
		using (i):(column(1) == xmin ? upto(k) : NaN) \
		with boxes lc rgb pick(colours, k) notitle, \
		for [i=1:n_series] dat index i + 1 \
		using (i):(column(1) == xmin ? upto(n_steps) : NaN):(sprintf(upto(n_steps) < 100 ? '%.3g' : '%.0f', upto(n_steps))) \
		with labels offset 0,0.7 notitle, \
		for [k=1:n_steps] keyentry with boxes \
		lc rgb pick(colours, k) title step(k)
	unset output
}
