# Time to populate a region by touching it, against the number of threads.
# Data: regcost_populate.dat: touch_threads populate_ms trials
if (!exists('base')) base = 'regcost_populate'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Populating memory: time against threads that touch it'
set ylabel 'all pages touched, in ms   (p50)' offset -0.5,0
eval linear_x
set xlabel 'threads' offset 0,-0.3
set xtics 1
eval log_y

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
		with linespoints lt style[i] title name[i]
	unset output
}
