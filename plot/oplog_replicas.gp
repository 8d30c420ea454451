# Bars: p50 by method and number of replicas; whiskers: the interval over
# trials; a dash: p99.
# Data: oplog_replicas.dat: rf p50_us p50_low_us p50_high_us p99_us trials
if (!exists('base')) base = 'oplog_replicas'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'A log write of 4 KiB by the number of replicas'
trials_column = 6
eval interval_name
set ylabel 'time in µs   (bar: p50, whisker: over trials)' offset -0.5,0
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(2)) + take_y(column(3)) + \
		take_y(column(4)) + take_y(column(5)))
}
unset table
# A log here alone takes a hundredth of one that crosses a link.
if (ymax / ymin > 30) { eval log_y } else { set yrange [0:ymax * 1.05] }
# Bars that differ in replicas and in how their ends poll (a host spins only
# where it has a CPU for each end) stand in one group, and say how they poll.
cut(s, at, n) = at ? s[1:at - 1].s[at + n:*] : s
without(s, word) = cut(s, strstrt(s, ', '.word.','), strlen(word) + 2)
no_poll(s) = without(without(without(s, 'spin'), 'yield'), 'event')
key_of(s) = no_poll(', '.s.',')
poll_of(s) = strstrt(s, 'spin') ? 'spin' : strstrt(s, 'yield') ? 'yield' : \
	strstrt(s, 'event') ? 'event' : ''
array has[n_series]
set table $nothing
do for [i=1:n_series] {
	has[i] = ''
	plot dat index i + 1 using (0):(has[i] = has[i].sprintf('%d ', \
		column(1)), 0)
}
unset table
has_bar(list, k) = strstrt(list, sprintf('%d ', k)) > 0
overlap(a, b) = sum [k=1:3] (has_bar(a, k) && has_bar(b, k))
n_groups = 0
array group_key[n_series]
array group_has[n_series]
array group_poll[n_series]
array of_group[n_series]
do for [i=1:n_series] {
	g = n_groups + 1
	do for [j=1:n_groups] { if (group_key[j] eq key_of(name[i]) && \
		!overlap(group_has[j], has[i])) { g = j } }
	if (g > n_groups) {
		n_groups = g
		group_key[g] = key_of(name[i])
		group_has[g] = ''
		group_poll[g] = poll_of(name[i])
	}
	group_has[g] = group_has[g].has[i]
	if (group_poll[g] ne poll_of(name[i])) { group_poll[g] = 'mixed' }
	of_group[i] = g
}
before(g, k) = k == 1 ? 0 : sum [j=1:k-1] has_bar(group_has[g], j)
place(g, k) = g + 0.26 * (before(g, k) - (before(g, 4) - 1) / 2.0)

unset logscale x
unset xlabel
set xrange [0.4:n_groups + 0.6]
set xtics () scale 0 font ',11'
# A line for each word that tells a group of bars from the others.
lines(s) = strstrt(s, ', ') ? s[1:strstrt(s, ', ') - 1]."\n" \
	.lines(s[strstrt(s, ', ') + 2:*]) : s
bare(s) = strstrt(s, 'method ') ? s[1:strstrt(s, 'method ') - 1] \
	.s[strstrt(s, 'method ') + 7:*] : s
# One replica has no method, and maybe no word of its own.
group(s) = s eq '' ? 'no peer' : lines(bare(s))
inner(s) = s[3:strlen(s) - 1]
do for [i=1:n_series] {
	g = of_group[i]
	mixed = group_poll[g] eq 'mixed'
	set xtics add (group(mixed ? inner(group_key[g]) : name[i]) g)
	do for [k=1:3] { if (mixed && has_bar(has[i], k)) {
		set label poll_of(name[i]) at first place(g, k), graph 0.015 \
			rotate by 90 left front font ',12' tc rgb 'white'
	} }
}
set bmargin at screen 0.16
set grid noxtics
set style fill solid 0.85 noborder
set boxwidth 0.24
key_rows = 1
set key maxrows 1 samplen 1.5 width 0
set tmargin at screen key_top - 0.056
of(i, k) = column(1) == k ? place(of_group[i], k) : NaN

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [k=1:3] for [i=1:n_series] dat index i + 1 \
		using (of(i, k)):2 with boxes lc rgb pick(colours, k) notitle, \
		for [k=1:3] for [i=1:n_series] dat index i + 1 \
		using (of(i, k)):3:(0):($4 - $3) with vectors \
		heads size screen 0.004,90 lw 1.5 dt 1 lc rgb '#222222' notitle, \
		for [k=1:3] for [i=1:n_series] dat index i + 1 \
		using (of(i, k) - 0.06):5:(0.12):(0) with vectors nohead lw 2 \
		dt 1 lc rgb '#888888' notitle, \
		for [k=1:3] keyentry with boxes lc rgb pick(colours, k) \
		title sprintf(k == 1 ? '%d replica' : '%d replicas', k), \
		keyentry with yerrorbars ps 0 lw 1.5 dt 1 lc rgb '#222222' \
		title whisker, \
		keyentry with lines lw 2 dt 1 lc rgb '#888888' title 'p99'
	unset output
}
