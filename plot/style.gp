# What every figure of rdmabench shares; loaded before the figure's script.
# To draw one again: copy NAME.gp, style.gp and NAME.dat (beside the figure)
# into a folder and run `gnuplot NAME.gp` there.
style_loaded = 1
set encoding utf8
set datafile separator "\t"
set datafile missing "NaN"

# --- lines ------------------------------------------------------------------
# Okabe and Ito's palette: told apart with every kind of colour vision.  The
# dash and the point differ as well, for print.  1 TCP, 2 RDMA, 3 loop.
colours = '#0072B2 #D55E00 #555555 #009E73 #CC79A7 #E69F00 #56B4E9 #000000'
points = '7 5 8 9 11 13 6 4 10 12 14'
dashes = 'solid (16,5) (3,4) (16,4,3,4) (8,4)'
pick(list, i) = word(list, 1 + (i - 1) % words(list))
do for [i=1:64] {
	set linetype i lc rgb pick(colours, i) pt int(pick(points, i)) \
		lw 2.5 ps 1.6
	eval sprintf('set linetype %d dt %s', i, pick(dashes, i))
}
set style fill transparent solid 0.16 noborder

# --- the data file: index 0 the caption, 1 the series, 2.. their points -----
dat = base.'.dat'
caption = ''
caption_lines = 0
n_series = 0
sizes = ' '
n_sizes = 0
xmin = 1e300
xmax = -1e300
array style[64]
array name[64]
array n_points[64]

low(a, b) = a < b ? a : b
high(a, b) = a > b ? a : b
take_caption(s) = (caption = caption.(caption_lines ? "\n" : '').s, \
	caption_lines = caption_lines + 1, 0)
take_series(i, s) = (n_series = n_series + 1, style[n_series] = i, \
	name[n_series] = s, n_points[n_series] = 0, 0)
new_size(key, v) = strstrt(sizes, ' '.key) ? 0 : \
	(sizes = sizes.key, n_sizes = n_sizes + 1, 0)
take_size(i, v) = (n_points[i] = n_points[i] + 1, xmin = low(xmin, v), \
	xmax = high(xmax, v), new_size(sprintf('%.10g ', v), v))

# Plotting into a table calls these for every row, and draws nothing.
set xrange [-1:1]
set yrange [-1:1]
set table $nothing
plot dat index 0 using (0):(take_caption(stringcolumn(1)))
plot dat index 1 using (0):(take_series(int(column(1)), stringcolumn(2)))
if (n_series == 0) exit error dat.': no series'
do for [i=1:n_series] {
	plot dat index i + 1 using (0):(take_size(i, column(1)))
}
unset table
single_size = xmin == xmax

# --- axes -------------------------------------------------------------------
set border 3 lc rgb '#444444'
set tics nomirror textcolor rgb '#222222'
set grid xtics ytics lt 1 dt 1 lw 0.7 lc rgb '#dddddd'
set xlabel 'response size in bytes (1k = 1024)' offset 0,-0.3

size_name(b) = \
	b >= 2**30 && int(b) % 2**30 == 0 ? sprintf('%.0fG', b / 2**30) : \
	b >= 2**20 && int(b) % 2**20 == 0 ? sprintf('%.0fM', b / 2**20) : \
	b >= 2**10 && int(b) % 2**10 == 0 ? sprintf('%.0fk', b / 2**10) : \
	sprintf('%.0f', b)

# "4 KiB", for a title.
spaced(s) = s[1:strlen(s) - 1].' ' \
	.(s[strlen(s):*] eq 'k' ? 'K' : s[strlen(s):*]).'iB'
bytes_name(b) = b < 2**10 || int(b) % 2**10 ? sprintf('%.0f bytes', b) : \
	spaced(size_name(b))

# Where x is no size a script says `eval linear_x`, and its own xlabel.
linear_x = 'unset logscale x; set xrange [*:*]; set xtics autofreq scale 0.7;' \
	.' set offsets graph 0.03, graph 0.03, 0, 0'

# The sizes themselves where they have room, else powers of two.
crowded = n_sizes > 14
crowds(a, b) = a != b && abs(log(a / b)) < 0.05 * log(xmax / xmin)
if (xmin <= 0) {
	eval linear_x
} else {
	do for [a in sizes] {
		do for [b in sizes] {
			if (crowds(real(a), real(b))) { crowded = 1 }
		}
	}
	set logscale x 2
	set xrange [xmin / (single_size ? 3 : 1.35): \
		xmax * (single_size ? 3 : 1.35)]
	set xtics () scale 0.7
	if (crowded) {
		octaves = ceil((log(xmax) - log(xmin)) / log(2) / 12)
		do for [k=0:40:octaves] {
			set xtics add (size_name(2.0**k) 2.0**k)
		}
	} else {
		do for [s in sizes] { set xtics add (size_name(real(s)) real(s)) }
	}
}

# `eval log_y`: y is logarithmic, from the values of column y_column (2), with
# ticks at 1-2-5 and room for at least a decade.
y_column = 2
ymin = 1e300
ymax = -1e300
take_y(v) = v == v && v > 0 ? \
	(ymin = low(ymin, v), ymax = high(ymax, v), 0) : 0
y_name(v) = v < 1000 ? sprintf('%g', v < 100 ? v : floor(v)) : \
	y_name(floor(v / 1000)).sprintf(' %03.0f', v - 1000 * floor(v / 1000))
log_y = 'set table $nothing;' \
	.' do for [i=1:n_series] {' \
	.' plot dat index i + 1 using (0):(take_y(column(y_column))) };' \
	.' unset table;' \
	.' middle = sqrt(ymin * ymax);' \
	.' ymin = low(ymin / 1.3, middle / 3);' \
	.' ymax = high(ymax * 1.3, middle * 3);' \
	.' set logscale y 10; set yrange [ymin:ymax]; set ytics () scale 0.7;' \
	.' do for [e=-4:9] { do for [d in (ymax / ymin < 2e4 ? "1 2 5" : "1")] {' \
	.' set ytics add (y_name(real(d) * 10.0**e) real(d) * 10.0**e) } }'

# --- medians with their 95 % intervals (columns 2; 3 and 4) -----------------
# `eval interval_y` or `eval interval_log_y`: y has room for both; the former
# begins at 0.  `plot @intervals` draws them.
take_interval(v) = v == v ? (ymax = high(ymax, v), 0) : 0
interval_y = 'ymax = 0.0; set table $nothing;' \
	.' do for [i=1:n_series] { plot dat index i + 1 using' \
	.' (0):(take_interval(column(2)) + take_interval(column(4))) };' \
	.' unset table;' \
	.' set yrange [0:ymax * 1.08]; set ytics autofreq scale 0.7'
interval_log_y = 'set table $nothing;' \
	.' do for [i=1:n_series] { plot dat index i + 1 using' \
	.' (0):(take_y(column(3)) + take_y(column(4))) };' \
	.' unset table;'.log_y
# `eval interval_name`: what whiskers are, by how many trials there are (column
# trials_column); so few have no interval.
few = 6
trials_column = 5
least = 1e9
most = 0
take_trials(n) = (least = low(least, n), most = high(most, n), 0)
interval_name = "set table $nothing;" \
	." do for [i=1:n_series] { plot dat index i + 1 using" \
	." (0):(take_trials(column(trials_column))) }; unset table;" \
	." whisker = most < few ? 'range of trials' :" \
	." least < few ? '95 % interval or range' :" \
	." '95 % interval'"
# Series stand a little beside each other, so that no whisker hides another.
span = xmin > 0 ? (single_size ? log(9) : log(xmax / xmin)) : xmax - xmin
step = n_series > 1 ? span * low(0.009, 0.045 / (n_series - 1)) : 0
aside(i) = step * (i - (n_series + 1) / 2.0)
beside(x, i) = xmin > 0 ? x * exp(aside(i)) : x + aside(i)
intervals = "for [i=1:n_series] dat index i + 1 using" \
	." (beside($1, i)):2:3:4 with yerrorbars lt style[i] dt 1 lw 1 ps 0" \
	." notitle, for [i=1:n_series] dat index i + 1 using" \
	." (beside($1, i)):2 with linespoints lt style[i] title name[i]"

# --- numbers beside points --------------------------------------------------
# take_number(i, number, x, y): of a point of series i, at these parts of the
# plot's width and height.  `eval place_numbers` puts each beside its point, at
# the first place that no point and no number before it has.
array at_x[512]
array at_y[512]
array label_x[512]
array label_y[512]
array number[512]
array number_of[512]
n_numbers = 0
take_number(i, v, x, y) = n_numbers == 512 || x != x || y != y ? 0 : \
	(n_numbers = n_numbers + 1, at_x[n_numbers] = x, at_y[n_numbers] = y, \
	number[n_numbers] = v, number_of[n_numbers] = i, 0)
WIDE = 0.024
HIGH = 0.03
near(x, y, to_x, to_y, part) = \
	abs(x - to_x) < WIDE * part && abs(y - to_y) < HIGH * part
PLACES = 10
place_x(c) = word('1 1 -1 -1 0 0 2 -2 2 -2', c) * WIDE * 0.7
place_y(c) = word('1 -1 1 -1 1.3 -1.3 0 0 2 -2', c) * HIGH * 0.8
place_numbers = "do for [k=1:n_numbers] { placed = 0;" \
	." do for [c=1:PLACES] {" \
	." x = at_x[k] + place_x(c); y = at_y[k] + place_y(c);" \
	." free = y > 0.01;" \
	." do for [m=1:n_numbers] {" \
	." if (near(x, y, at_x[m], at_y[m], 0.7)) { free = 0 };" \
	." if (m < k) {" \
	." if (near(x, y, label_x[m], label_y[m], 1)) { free = 0 } } };" \
	." if (!placed && (free || c == PLACES)) {" \
	." placed = 1; label_x[k] = x; label_y[k] = y } };" \
	." set label 200 + k sprintf('%d', number[k])" \
	." at graph label_x[k], graph label_y[k] center" \
	." font ',12' textcolor lt style[number_of[k]] }"

# --- page -------------------------------------------------------------------
# Title, caption and legend stand above each other over the plot, which takes
# what is left: nothing covers data, however many series there are.
key_top = 0.925 - 0.025 * caption_lines
set label 101 '' at screen 0.02, screen 0.965 left font ',24' \
	textcolor rgb '#000000'
set label 102 caption at screen 0.02, screen 0.925 left font ',14' \
	textcolor rgb '#444444'
set key at screen 0.02, screen key_top left top Left reverse vertical \
	font ',16' samplen 3.5 width 2 spacing 1.15
# Room for all names; a script that changes them evaluates it again.
legend = 'longest = 0;' \
	.'do for [i=1:n_series] { longest = high(longest, strlen(name[i])) };' \
	.'key_columns = high(1, low(n_series, int(108 / (longest + 8))));' \
	.'key_rows = ceil(1.0 * n_series / key_columns);' \
	.'set key maxrows key_rows;' \
	.'set tmargin at screen key_top - 0.031 * key_rows - 0.025'
eval legend
set bmargin at screen 0.095
set lmargin at screen 0.105
set rmargin at screen 0.97

# --- output -----------------------------------------------------------------
page = "size 1600,1000 noenhanced background '#ffffff' font 'sans-serif,16'"
svg = 'svg dynamic '.page
png = 'pngcairo '.page
