# Stages of a write one on the other (means add up to the whole), at the largest
# size that every method has.  The wait is what the stages before it did not
# hide of the wire and of the peers.
# Data: oplog_stack.dat: size_bytes encode_us post_us append_us persist_us
#	wait_us trials
if (!exists('base')) base = 'oplog_stack'
if (!exists('style_loaded')) load 'style.gp'

n_steps = 5
step(k) = word('encode+CRC post append persist wait', k)
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

set label 101 'A log write of '.bytes_name(at).', two replicas, one writer: where the time goes'
set ylabel 'time in µs   (means over a trial)' offset -0.5,0
unset logscale x
unset xlabel
set xrange [0.4:n_series + 0.6]
set xtics () scale 0
# A line for each word that tells a bar from the others.
lines(s) = strstrt(s, ', ') ? s[1:strstrt(s, ', ') - 1]."\n" \
	.lines(s[strstrt(s, ', ') + 2:*]) : s
do for [i=1:n_series] { set xtics add (lines(name[i]) i) }
set bmargin at screen 0.14
set grid noxtics
set style fill solid 0.85 noborder
set boxwidth 0.6
set yrange [0:*]
key_rows = 1
set key maxrows 1 samplen 1.5 width 3
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
		for [k=1:n_steps] keyentry with boxes \
		lc rgb pick(colours, k) title step(k)
	unset output
}
