# Bars: p50 by method and number of replicas; whiskers: the interval over
# trials; a dash: p99.
# Data: oplog_replicas.dat: rf p50_us p50_low_us p50_high_us p99_us trials
if (!exists('base')) base = 'oplog_replicas'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'A log write of 4 KiB by the number of replicas'
set ylabel 'time in µs   (bar: p50, whisker: over trials)' offset -0.5,0
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(2)) + take_y(column(3)) + \
		take_y(column(4)) + take_y(column(5)))
}
unset table
# A log here alone takes a hundredth of one that crosses a link.
if (ymax / ymin > 30) { eval log_y } else { set yrange [0:ymax * 1.05] }
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
		using (of(i, k)):2:3:4 with yerrorbars ps 0 lw 1.5 dt 1 \
		lc rgb '#222222' notitle, \
		for [k=1:3] for [i=1:n_series] dat index i + 1 \
		using (of(i, k) - 0.06):5:(0.12):(0) with vectors nohead lw 2 \
		dt 1 lc rgb '#888888' notitle, \
		for [k=1:3] keyentry with boxes lc rgb pick(colours, k) \
		title sprintf(k == 1 ? '%d replica' : '%d replicas', k), \
		keyentry with yerrorbars ps 0 lw 1.5 dt 1 lc rgb '#222222' \
		title '95 % interval', \
		keyentry with lines lw 2 dt 1 lc rgb '#888888' title 'p99'
	unset output
}
