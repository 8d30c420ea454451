# Connections a second against how many are made at the same time.
# Data: conncost_rate.dat: at_once conns_per_s trials
if (!exists('base')) base = 'conncost_rate'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Connections a second, by how many are made at once'
set ylabel 'connections a second' offset -0.5,0
set xlabel 'made at the same time' offset 0,-0.3
eval log_y

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
		with linespoints lt style[i] title name[i]
	unset output
}
