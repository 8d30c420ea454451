# Time to register one more region, against how many there are.
# Data: regcost_regions.dat: regions register_us deregister_us trials
if (!exists('base')) base = 'regcost_regions'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Registering memory: time against regions at the same time'
set ylabel 'of one region, in µs   (p50)' offset -0.5,0
set xlabel 'regions registered at the same time' offset 0,-0.3
eval log_y

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
		with linespoints lt style[i] title name[i]
	unset output
}
