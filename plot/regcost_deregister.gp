# Time to take memory back from the NIC, against its size.
# Data: regcost_deregister.dat: size_bytes deregister_us register_us trials
if (!exists('base')) base = 'regcost_deregister'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Deregistering memory: time against size'
set ylabel 'until the device may not, in µs   (p50; its pages are there)' offset -0.5,0
set xlabel 'size of the region in bytes (1k = 1024)' offset 0,-0.3
eval log_y

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
		with linespoints lt style[i] title name[i]
	unset output
}
