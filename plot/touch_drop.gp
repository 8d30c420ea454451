# What touching a buffer before it is sent costs, against the same scan of
# another buffer: figure 3.9 of the ETH thesis "End-to-end considerations in
# the unification of high-performance I/O", whose own values (tables 3.4 and
# 3.5) stand beside the measured ones.
# Data: touch_drop.dat: size_bytes drop_percent touch_p50_us notouch_p50_us
if (!exists('base')) base = 'touch_drop'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Touching a buffer before it is sent: drop in performance'
set ylabel 'drop in %   (touch - notouch) / touch, of p50' offset -0.5,0

# Size, then touch and notouch with writes, touch and notouch with reads, us.
$thesis << EOD
1024 31 30 30 29
4096 39 38 38 38
16384 72 56 59 56
65536 173 105 111 101
262144 470 300 315 275
1048576 1481 1107 1128 974
4194304 5586 4310 4385 3777
16777216 22222 19230 17543 15873
EOD
drop(touch, notouch) = (touch - notouch) / touch * 100
paper = 'thesis (Xeon E7520, Chelsio T4, 10 GbE)'

ymin = 0.0
ymax = 40.0
take_y(v) = v == v ? (ymin = low(ymin, v), ymax = high(ymax, v), 0) : 0
set table $nothing
do for [i=1:n_series] { plot dat index i + 1 using (0):(take_y(column(2))) }
unset table
# One bad point must not flatten the others: it leaves the frame, and that is
# said.  (No drop is above 100 %.)
floor_at = -150
outside = ymin < floor_at
ymin = high(ymin, floor_at)
span = high(ymax - ymin, 2)
set yrange [low(ymin - 0.08 * span, -0.12 * span):ymax + 0.08 * span]
set ytics scale 0.7
set format y '%+g %%'
set ytics add ('0' 0)

# The series are those without the touch; what they are named after is both.
strip(s, w) = strstrt(s, w) ? \
	substr(s, 1, strstrt(s, w) - 1).substr(s, strstrt(s, w) + strlen(w), \
	strlen(s)) : s
label_of(i) = strip(name[i], ', notouch')

# Two more in the legend, and longer ones.
longest = high(longest, strlen(paper) + 7)
key_columns = high(1, low(n_series + 2, int(108 / (longest + 8))))
key_rows = ceil((n_series + 2.0) / key_columns)
set key maxrows key_rows
set tmargin at screen key_top - 0.031 * key_rows - 0.025
set rmargin at screen 0.87
set object 1 rectangle from graph 0, first 0 to graph 1, graph 1 behind \
	fillcolor rgb '#D55E00' fillstyle solid 0.05 noborder
set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead back \
	lt 1 dt 1 lw 2 lc rgb '#000000'
if (outside) {
	set label 105 '▼ points below '.sprintf('%g', floor_at). \
		' % are outside the frame' at graph 0.01, graph 0.03 left \
		font ',14' textcolor rgb '#444444'
}
set label 103 '↑ touch slower' at graph 1.01, first 0 left offset 0,0.9
set label 104 '↓ touch faster' at graph 1.01, first 0 left offset 0,-0.9

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
			with linespoints lt i title label_of(i), \
		$thesis using (real(word(strcol(1), 1))): \
			(drop(real(word(strcol(1), 2)), \
			real(word(strcol(1), 3)))) with linespoints \
			lt 1 dt (2,6) pt 12 ps 1.4 lw 2 lc rgb '#888888' \
			title paper.', write', \
		$thesis using (real(word(strcol(1), 1))): \
			(drop(real(word(strcol(1), 4)), \
			real(word(strcol(1), 5)))) with linespoints \
			lt 1 dt (6,6) pt 10 ps 1.4 lw 2 lc rgb '#bbbbbb' \
			title paper.', read'
	unset output
}
