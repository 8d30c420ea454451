# Round-trip latency of send/recv against the size of the response: a line
# for the median (p50), a band from there up to p99.
# Data: sendrecv_latency.dat: size_bytes p50_us p99_us trials
if (!exists('base')) base = 'sendrecv_latency'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Send/receive: round-trip latency against response size'
# With many series bands on bands are mud: the dotted edge alone, then.
bands = n_series <= 4
set ylabel 'round trip in µs   ('.(single_size ? 'point: p50, bar: up to p99' : \
	bands ? 'line: p50, band: up to p99' : 'line: p50, dotted: p99').')' \
	offset -0.5,0

ymin = 1e300
ymax = -1e300
take_y(v) = v == v && v > 0 ? \
	(ymin = low(ymin, v), ymax = high(ymax, v), 0) : 0
set table $nothing
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_y(column(2)) + take_y(column(3)))
}
unset table

# At least half a decade, so that two ticks are seen; and 1-2-5 or finer
# ticks where decades alone would be too few.
middle = sqrt(ymin * ymax)
ymin = low(ymin / 1.3, middle / 2)
ymax = high(ymax * 1.3, middle * 2)
thousands(v) = v < 1000 ? sprintf('%g', v < 100 ? v : floor(v)) : \
	thousands(floor(v / 1000)).sprintf(' %03.0f', v - 1000 * floor(v / 1000))
steps = ymax / ymin < 15 ? '1 1.5 2 3 4 5 7' : \
	ymax / ymin < 2e4 ? '1 2 5' : '1'
set logscale y 10
set yrange [ymin:ymax]
set ytics () scale 0.7
do for [e=-4:9] {
	do for [s in steps] {
		v = real(s) * 10.0**e
		set ytics add (thousands(v) v)
	}
}

# A series of one point has no band: a bar there.  Where there is but one
# size, the series stand side by side, with their values.
array line[64]
array bar[64]
n_lines = 0
n_bars = 0
do for [i=1:64] { line[i] = 1; bar[i] = 1 }
do for [i=1:n_series] {
	if (n_points[i] == 1) {
		n_bars = n_bars + 1
		bar[n_bars] = i
	} else {
		n_lines = n_lines + 1
		line[n_lines] = i
	}
}
n_bands = bands ? n_lines : 0
n_values = single_size && n_series < 7 ? n_bars : 0
nudge(i) = single_size ? 4.0**((i - 0.5) / n_series - 0.5) : 1
time_name(us) = us < 1000 ? sprintf('%.3g µs', us) : thousands(us).' µs'

do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [k=1:n_bands] dat index line[k] + 1 using 1:2:3 \
			with filledcurves lt style[line[k]] notitle, \
		for [k=1:n_lines] dat index line[k] + 1 using 1:3 \
			with lines lt style[line[k]] lw 1.3 dt 3 notitle, \
		for [k=1:n_bars] dat index bar[k] + 1 \
			using ($1 * nudge(bar[k])):2:2:3 \
			with yerrorbars lt style[bar[k]] dt 1 lw 2 ps 0 \
			notitle, \
		for [i=1:n_series] dat index i + 1 \
			using ($1 * nudge(i)):2 \
			with linespoints lt style[i] title name[i], \
		for [k=1:n_values] dat index bar[k] + 1 \
			using ($1 * nudge(bar[k])):2:(time_name($2)) \
			with labels left offset 1.2,0 notitle
	unset output
}
