# Time of a recovery's scan against the size of the ring (half full to full).
# Data: oplog_recovery.dat: log_bytes scan_ms trials
if (!exists('base')) base = 'oplog_recovery'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Recovery: the scan of a log, by its size'
set ylabel 'time in ms' offset -0.5,0
set xlabel 'size of the ring in bytes (1k = 1024), as full as a trial made it' offset 0,-0.3
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(2)))
}
unset table
eval log_y

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [i=1:n_series] dat index i + 1 using 1:2 \
		with linespoints lt style[i] title name[i]
	unset output
}
