#!/bin/bash
# sendrecv over TCP and loop, without any RDMA device: what job 1 of the
# design promises on a laptop.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

try "$bench" run sendrecv --preset smoke -n 20 --transport tcp,loop -s 1,7,64,1k-16Mx4 --out a
ok "smoke over tcp and loop" is "$status" 0
ok "every row ok" all_are ok a/sendrecv.csv status
ok "rows: 11 sizes, 2 transports" is "$(column a/sendrecv.csv status | wc -l)" 22
ok "every payload verified" all_are 20 a/sendrecv.csv client_verified
ok "sends equal receives" is "$(column a/sendrecv.csv client_sends)" \
	"$(column a/sendrecv.csv server_recvs)"
ok "rows are whole" whole_rows a/sendrecv.csv
ok "run.json is JSON" json '.state == "finished" and (.hosts | length) == 2' a/run.json
ok "stdout names the folder" out_has "results: a"
ok "histograms: as many values as samples in every row" is \
	"$(awk -F, 'NR > 1 { n[$1] += $4 } END { for (r = 1; r <= 22; r++) print n[r] }' \
		a/sendrecv.hist.csv)" "$(column a/sendrecv.csv samples)"
ok "points: one each, stopped at the limit" is \
	"$(column a/sendrecv.points.csv stopped | sort | uniq -c | tr -s ' ')" " 22 limit"
ok "points: no interval of one trial" all_are "" a/sendrecv.points.csv p50_ci_low_ns
try "$bench" run sendrecv --transport loop -s 64 -D 5ms --trials 7,12 --confidence 95,99 --out ci
# Whether it gets narrow is the machine's business; that it is said is ours.
ok "it stops when the interval is narrow, or its trials are used up" eval '
	gawk -v why="$(column ci/sendrecv.points.csv stopped)" \
		-v half="$(column ci/sendrecv.points.csv half_width_pct)" \
		-v n="$(column ci/sendrecv.csv trial | wc -l)" "BEGIN {
			narrow = half != \"\" && half <= 99
			exit !(n >= 7 && n <= 12 && why == (narrow ? \"narrow\" : \"limit\") &&
			       (narrow || n == 12)) }"'
ok "and is stated" eval '[[ -n $(column ci/sendrecv.points.csv p50_ci_low_ns) ]]'

try "$bench" run sendrecv --transport tcp -s 1k --poll spin,event,yield -D 20ms --trials 2 --out p
ok "three poll modes" is "$status" 0
ok "their rows" is "$(column p/sendrecv.csv poll | sort | uniq -c | tr -s ' \n' ' ')" \
	" 2 event 2 spin 2 yield "
try "$bench" run sendrecv --transport tcp -s 1k -n 50 --trials 1 --cpus 0,0 --out pinned
ok "both pinned to one CPU: events, and said" eval '
	all_are event pinned/sendrecv.csv poll && err_has "2 ends on 1 CPU"'
try taskset -c 0 "$bench" run sendrecv --transport tcp -s 1k -n 50 --trials 1 --poll spin --out one
ok "one CPU: events instead, ok" is "$status" 0
ok "one CPU: said" err_has "waiting by events"
ok "one CPU: recorded" all_are event one/sendrecv.csv poll

try "$bench" run sendrecv --transport tcp -s 64 --request-size same --prepare none \
	-n 100 --trials 1 --out same
ok "request-size same, prepare none" is "$status" 0
ok "nothing was scanned" all_are 0 same/sendrecv.csv server_lines_scanned

if ! "$bench" list devices | grep -q active; then
	try "$bench" run sendrecv -s 1k -n 10 --trials 1 --out b
	ok "no device: exit 0" is "$status" 0
	ok "no device: tcp ok, rdma unsupported" is \
		"$(column b/sendrecv.csv status | sort | tr '\n' ' ')" "ok unsupported "
	ok "no device: reason" grep -q "no-device" b/sendrecv.csv
	try "$bench" run sendrecv --transport rdma -s 1k -n 10 --trials 1 --out c
	ok "nothing could run: exit 77" is "$status" 77
	try "$bench" run sendrecv -d mlx5_9 -s 1k -n 10 --trials 1 --out d
	ok "a device by name: exit 3" is "$status" 3
	ok "a device by name: named" err_has mlx5_9
fi

# Ctrl-C: what was measured is there, in whole rows; no process is left.
"$bench" run sendrecv --transport tcp -s 1k -D 300ms --trials 100 --out "$work/int" \
	>"$work/out" 2>"$work/err" &
pid=$!
within 30 eval '[[ $(wc -l 2>/dev/null <int/sendrecv.csv) -ge 3 ]]'
kill -INT $pid
status=0
wait $pid || status=$?
ok "Ctrl-C: exit 130" is "$status" 130
ok "Ctrl-C: rows stay, whole" whole_rows int/sendrecv.csv
ok "Ctrl-C: run.json says so" json '.state == "interrupted"' int/run.json
ok "Ctrl-C: nobody is left" within 10 eval '! pgrep -f -- "--out $work/int" >/dev/null'

# A client that is killed takes its own server along.
"$bench" run sendrecv --transport tcp -s 1k -D 300ms --trials 100 --out "$work/killed" \
	>/dev/null 2>&1 &
pid=$!
within 30 test -s killed/sendrecv.csv
kill -9 $pid
ok "kill -9: its server goes too" within 10 eval '! pgrep -f -- "--out $work/killed" >/dev/null'

# Disk full: whole rows only, the disk named.
if [[ $(id -u) == 0 ]] && mkdir small && mount -t tmpfs -o size=112k tmpfs small 2>/dev/null; then
	try "$bench" run sendrecv --transport tcp -s 1k -n 5 --trials 200 --out small/r
	ok "disk full: exit 3" is "$status" 3
	ok "disk full: said" err_has "No space left"
	ok "disk full: whole rows" whole_rows small/r/sendrecv.csv
	umount small
else
	skip "disk full" "a file system of its own needs root"
fi
done_testing
