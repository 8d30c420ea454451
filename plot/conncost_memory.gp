# Memory of one connection, against how many stand: of the processes, exact;
# of the kernel, an estimate.
# Data: conncost_memory.dat: keep_open kernel_kib client_kib server_kib trials
if (!exists('base')) base = 'conncost_memory'
if (!exists('style_loaded')) load 'style.gp'

set label 101 'Memory of a connection'
set ylabel 'KiB a connection' offset -0.5,0
set xlabel 'connections that stand' offset 0,-0.3
# Lines of three kinds for each series: the legend wants their room.
key_rows = ceil(1.5 * n_series)
set key maxrows key_rows width 1
set tmargin at screen key_top - 0.031 * key_rows - 0.025
eval linear_x
set yrange [0:*]

what(k) = word('kernel-(estimate,-host) client-process server-process', k)
words_of(s) = strstrt(s, '-') ? s[1:strstrt(s, '-') - 1].' ' \
	.words_of(s[strstrt(s, '-') + 1:*]) : s
do for [out in 'svg png'] {
	eval 'set terminal '.(out eq 'svg' ? svg : png)
	set output base.'.'.out
	plot for [k=1:3] for [i=1:n_series] dat index i + 1 \
		using 1:(column(k + 1)) \
		with linespoints lc rgb pick(colours, style[i]) \
		dt 4-k lw 2.5 ps 1.6 pt int(pick(points, 3 * i + k)) \
		title (strlen(name[i]) ? name[i].': ' : '').words_of(what(k))
	unset output
}
