# Bars: p50 by method and number of replicas; whiskers reach up to p99.
# Data: oplog_replicas.dat: rf p50_us p99_us trials
if (!exists('base')) base = 'oplog_replicas'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'A log write of 4 KiB by the number of replicas'
set ylabel 'time in µs   (bar: p50, whisker: up to p99)' offset -0.5,0
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(3)))
}
unset table
set yrange [0:ymax * 1.05]
unset logscale x
unset xlabel
set xrange [0.4:n_series + 0.6]
set xtics () scale 0 font ',11'
# A line for each word that tells a group of bars from the others.
lines(s) = strstrt(s, ', ') ? s[1:strstrt(s, ', ') - 1]."\n" \
	.lines(s[strstrt(s, ', ') + 2:*]) : s
bare(s) = strstrt(s, 'method ') ? s[1:strstrt(s, 'method ') - 1] \
	.s[strstrt(s, 'method ') + 7:*] : s
# One replica has no method, and maybe no word of its own.
group(s) = s eq '' ? 'no peer' : lines(bare(s))
do for [i=1:n_series] { set xtics add (group(name[i]) i) }
set bmargin at screen 0.16
set grid noxtics
set style fill solid 0.85 noborder
set boxwidth 0.24
key_rows = 1
set key maxrows 1 samplen 1.5 width 0
set tmargin at screen key_top - 0.056
of(i, k) = column(1) == k ? i + (k - 2) * 0.26 : NaN

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [k=1:3] for [i=1:n_series] dat index i + 1 \
		using (of(i, k)):2 with boxes lc rgb pick(colours, k) notitle, \
		for [k=1:3] for [i=1:n_series] dat index i + 1 \
		using (of(i, k)):2:2:3 with yerrorbars ps 0 lw 1.5 dt 1 \
		lc rgb '#444444' notitle, \
		for [k=1:3] keyentry with boxes lc rgb pick(colours, k) \
		title sprintf(k == 1 ? '%d replica' : '%d replicas', k)
	unset output
}
