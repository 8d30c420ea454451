# The pin-down cache: found, not found, dropped; against the size.
# Data: regcost_cache.dat: size_bytes miss_us hit_us evict_us trials
if (!exists('base')) base = 'regcost_cache'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Pin-down cache: what a hit saves'
set ylabel 'time in µs   (p50)' offset -0.5,0
set xlabel 'size of the region in bytes (1k = 1024)' offset 0,-0.3
do for [k=3:4] {
	set table $nothing
	do for [i=1:n_series] {
		plot dat index i + 1 using (0):(take_y(column(k)))
	}
	unset table
}
eval log_y

what(k) = word('miss hit eviction', k)
do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] for [k=1:3] dat index i + 1 \
		using 1:(column(k + 1)) \
		with linespoints lt k + 3 * (i - 1) \
		title n_series > 1 ? name[i].': '.what(k) : what(k)
	unset output
}
