# Two runs compared: the ratio new/old of every point with its interval, a
# line each; between the dotted lines is what the threshold lets pass.
# Data: compare.dat: ratio low high place label
if (!exists('base')) base = 'compare'
if (!exists('threshold')) threshold = 0.05
if (!exists('style_loaded')) load 'style.gp'

set label 101 'New against old'
eval linear_x
set offsets 0, 0, 0, 0
set xlabel 'new / old   (1: the same)'
unset ylabel

xlow = 1 / (1 + threshold)
xhigh = 1 + threshold
take_place(v) = (n_places = high(n_places, v), 0)
take_interval(a, b) = (xlow = low(xlow, a), xhigh = high(xhigh, b), 0)
if (!exists('n_places')) n_places = 1
set xrange [-1:1]
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_interval(column(2), column(3)) \
		+ take_place(column(4)))
}
unset table
span = high(xhigh - xlow, 0.02)
set xrange [xlow - 0.06 * span:xhigh + 0.06 * span]
set yrange [0:n_places + 1]

# A name for each line while there is room for it.
named = n_places <= 45
set ytics () scale 0
if (n_places > 28) { set ytics font ',11' } else { set ytics font ',14' }
if (!named) { set ytics auto; set format y '' }
set lmargin at screen (named ? 0.34 : 0.05)
unset grid
set grid xtics lt 1 dt 1 lw 0.7 lc rgb '#dddddd'
set arrow 1 from 1, graph 0 to 1, graph 1 nohead back lt 1 dt 1 lw 2 \
	lc rgb '#000000'
set arrow 2 from 1 + threshold, graph 0 to 1 + threshold, graph 1 nohead \
	back lt 1 dt 3 lw 2 lc rgb '#888888'
set arrow 3 from 1 / (1 + threshold), graph 0 to 1 / (1 + threshold), graph 1 \
	nohead back lt 1 dt 3 lw 2 lc rgb '#888888'

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	if (named) {
		plot for [i=1:n_series] dat index i + 1 \
			using 1:4:2:3:ytic(5) with xerrorbars lt style[i] \
			dt 1 lw 2 ps 1.1 title name[i]
	} else {
		plot for [i=1:n_series] dat index i + 1 using 1:4:2:3 \
			with xerrorbars lt style[i] dt 1 lw 1.5 ps 0.7 \
			title name[i]
	}
	unset output
}
