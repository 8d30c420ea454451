# The life of a region, its steps one on the other (means add up to the whole),
# at the largest size that every bar has: figure 5.8 of the ETH thesis.
# Data: regcost_steps.dat: size_bytes map_us populate_us register_us
#	first_use_us second_use_us deregister_us unmap_us trials
if (!exists('base')) base = 'regcost_steps'
if (!exists('style_loaded')) load 'style.gp'

n_steps = 7
step(k) = word('map populate register first-use second-use deregister unmap', k)
# How many series have the size.
at = 0
do for [s in sizes] {
	n_with = 0
	set table $nothing
	do for [i=1:n_series] {
		seen = 0
		plot dat index i + 1 using (0):(column(1) == real(s) ? \
			(seen = 1, 0) : 0)
		n_with = n_with + seen
	}
	unset table
	if (n_with == n_series && real(s) > at) { at = real(s) }
}
if (at == 0) { at = real(word(sizes, 1)) }

set label 101 'Life of a region of '.bytes_name(at).', step by step'
set ylabel 'time in µs   (means over a trial)' offset -0.5,0
unset logscale x
unset xlabel
set xrange [0.4:n_series + 0.6]
set xtics () scale 0
# A line for each word that tells a bar from the others: "anon", not "memory
# anon", which has no room beside others.
last_of(s) = strstrt(s, ' ') ? s[strstrt(s, ' ') + 1:*] : s
lines(s) = strstrt(s, ', ') ? last_of(s[1:strstrt(s, ', ') - 1])."\n" \
	.lines(s[strstrt(s, ', ') + 2:*]) : last_of(s)
do for [i=1:n_series] { set xtics add (lines(name[i]) i) }
set bmargin at screen 0.14
set grid noxtics
set style fill solid 0.85 noborder
set boxwidth 0.6
set yrange [0:*]
set offsets 0, 0, graph 0.05, 0
key_rows = 1
set key maxrows 1 samplen 1.5 width 1
set tmargin at screen key_top - 0.056
zero(v) = v == v ? v : 0
# Bars from the top down: each is drawn over the longer one.
upto(k) = k == 0 ? 0 : upto(k - 1) + zero(column(k + 1))

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [k=n_steps:1:-1] for [i=1:n_series] dat index i + 1 \
		using (i):(column(1) == at ? upto(k) : NaN) \
		with boxes lc rgb pick(colours, k) notitle, \
		for [i=1:n_series] dat index i + 1 \
		using (i):(column(1) == at ? upto(n_steps) : NaN):(sprintf(upto(n_steps) < 100 ? '%.3g' : '%.0f', upto(n_steps))) \
		with labels offset 0,0.7 notitle, \
		for [k=1:n_steps] keyentry with boxes \
		lc rgb pick(colours, k) title step(k)
	unset output
}
