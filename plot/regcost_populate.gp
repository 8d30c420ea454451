# Time to map and populate a region: by touching it, against the number of
# threads; by the kernel, a level across.
# Data: regcost_populate.dat: touch_threads map_ms populate_ms trials
if (!exists('base')) base = 'regcost_populate'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Populating memory: by threads that touch it, and by the kernel'
set ylabel 'mapped, and all pages there, in ms   (p50)' offset -0.5,0
eval linear_x
set xlabel 'threads that touch' offset 0,-0.3
set xtics 1

# MAP_POPULATE does it while mapping: there is no step of its own.
zero(v) = v == v ? v : 0
both = 'zero(column(2)) + zero(column(3))'
array level[64]
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(level[i] = @both, take_y(level[i]))
}
unset table
y_column = 2
ymin = low(ymin / 1.3, sqrt(ymin * ymax) / 3)
ymax = high(ymax * 1.3, sqrt(ymin * ymax) * 3)
set logscale y 10
set yrange [ymin:ymax]
set ytics () scale 0.7
do for [e=-4:9] { do for [d in "1 2 5"] {
	set ytics add (y_name(real(d) * 10.0**e) real(d) * 10.0**e)
} }

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 \
		using 1:(n_points[i] > 1 ? @both : NaN) \
		with linespoints lt style[i] title (n_points[i] > 1 ? name[i] : ''), \
		for [i=1:n_series] [xmin:xmax] \
		(n_points[i] > 1 ? NaN : level[i]) with lines lt style[i] \
		title (n_points[i] > 1 ? '' : name[i])
	unset output
}
