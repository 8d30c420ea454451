# Time of a recovery's scan against the bytes of log that it read; whiskers: the
# interval over trials.
# x is what the scan read: a ring is as full as its trial made it.
# Data: oplog_recovery.dat: log_bytes scan_ms scan_low_ms scan_high_ms
#	scanned_bytes trials
if (!exists('base')) base = 'oplog_recovery'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Recovery: the scan of a log, by the bytes that it reads'
trials_column = 6
eval interval_name
set ylabel 'time in ms   (median, '.whisker.')' offset -0.5,0
set xlabel 'log between head and end in bytes (1k = 1024)' offset 0,-0.3
# What a ring holds is no round number: ticks at powers of two.
set xtics () scale 0.7
do for [k=0:40] { set xtics add (size_name(2.0**k) 2.0**k) }
xmin = 1e300
xmax = -1e300
take_x(v) = v > 0 ? (xmin = low(xmin, v), xmax = high(xmax, v), 0) : 0
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(3)) + take_y(column(4)) \
		+ take_x(column(5)))
}
unset table
set xrange [xmin / 1.35:xmax * 1.35]
eval log_y

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 5:2:3:4 \
			with yerrorbars lt style[i] dt 1 lw 1.5 ps 0 notitle, \
		for [i=1:n_series] dat index i + 1 using 5:2 \
			with linespoints lt style[i] title name[i]
	unset output
}
