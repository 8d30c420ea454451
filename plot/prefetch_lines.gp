# Time per cache line against the size of the buffer, for each order of
# access; dotted lines mark the caches of the CPU that scans.
# Data: prefetch_lines_read.dat, prefetch_lines_write.dat: size_bytes
# ns_per_line trials l1d_bytes l2_bytes l3_bytes
if (!exists('base')) base = 'prefetch_lines_read'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Prefetch: time to '.(strstrt(base, 'write') ? 'write' : 'read'). \
	' a cache line, by order and size'
set ylabel 'ns per line of 64 bytes   (p50 of the scan / lines)' offset -0.5,0

ymin = 1e300
ymax = -1e300
array cache[3]
array level[3]
do for [k=1:3] { cache[k] = 0; level[k] = 'L'.k }
take(y, a, b, c) = (ymin = low(ymin, y), ymax = high(ymax, y), \
	cache[1] = a, cache[2] = b, cache[3] = c, 0)
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take(column(2), column(4), column(5), \
		column(6)))
}
unset table

set logscale y 10
set yrange [ymin / 1.4:ymax * 2]
set ytics () scale 0.7
do for [e=-3:6] {
	do for [s in ymax / ymin < 100 ? '1 2 5' : '1'] {
		v = real(s) * 10.0**e
		set ytics add (sprintf('%g', v) v)
	}
}

do for [k=1:3] {
	if (cache[k] > xmin / 1.35 && cache[k] < xmax * 1.35) {
		set arrow k from first cache[k], graph 0 to \
			first cache[k], graph 1 nohead back \
			lt 1 dt 3 lw 1.5 lc rgb '#000000'
		set label k level[k].' '.size_name(cache[k]) at \
			first cache[k], graph 0.97 left offset 0.5,0 \
			textcolor rgb '#444444'
	}
}
set xlabel 'buffer size in bytes (1k = 1024)'

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
		with linespoints lt i title name[i]
	unset output
}
