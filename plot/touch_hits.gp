# Hits in the last-level cache, in percent of its references, of the scan or
# of the send: figure 3.8 of the ETH thesis.  Drawn only where the processor's
# counters can be read.  One bar for each mode and transport at each size.
# Data: <base>.dat: size_bytes references misses trials
if (!exists('base')) base = 'touch_hits_scan_write'
if (!exists('style_loaded')) load 'style.gp'

has(w) = strstrt(base, w)
set label 101 'Last-level cache hits of the '.(has('_scan') ? 'scan' : 'send'). \
	', scan '.(has('_write') ? 'write' : 'read')
set ylabel 'hits in % of references of the last-level cache' offset -0.5,0
set yrange [0:105]
set ytics scale 0.7
set format y '%g %%'
step = n_sizes > 1 ? (xmax / xmin)**(1.0 / (n_sizes - 1)) : 4.0
wide = 0.8 / n_series
left(i) = step**(-0.4 + wide * (i - 1))
right(i) = step**(-0.4 + wide * (i - 0.06))
set xrange [xmin / sqrt(step) / 1.05:xmax * sqrt(step) * 1.05]
set style fill solid 0.85 noborder
hits(references, misses) = 100.0 * (1 - low(1, misses / references))

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 \
			using 1:(0):($1 * left(i)):($1 * right(i)):(0): \
			(hits($2, $3)) with boxxyerror \
			fc rgb pick(colours, i) title name[i]
	unset output
}
