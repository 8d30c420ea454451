#!/bin/bash
# scale over TCP and loop: requests and answers over many lanes, and what does
# not go together.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

cell() { column "$1/scale.csv" "$2"; }
for transport in tcp loop; do
	try "$bench" run scale --transport $transport --op send --qps 1,4,16 --outstanding 16,64 \
		--verify each -n 500 --trials 1 --out $transport
	ok "$transport: many lanes" is "$status" 0
	ok "$transport: labels of the table stand apart" grep -Eq \
		"^queue pairs +p50 +p99 thousands/s$" "$work/out"
	ok "$transport: six points" is "$(cell $transport status | sort | uniq -c | xargs)" "6 ok"
	ok "$transport: every answer verified" all_are 500 $transport/scale.csv client_verified
	ok "$transport: the window was full" is "$(cell $transport outstanding_max | sort -nu | xargs)" \
		"16 64"
	try "$bench" check $transport
	ok "$transport: never more on their way than receives posted" is "$status" 0
	ok "$transport: and that was looked at" out_has "receives posted"
done
if command -v gnuplot >/dev/null; then
	try "$bench" report tcp
	try "$bench" run scale --transport loop --op send --qps 1,4,16 --outstanding 16,32,64 -n 100 \
		--trials 1 --out wide
	try "$bench" report wide
	ok "the page calls each figure by its own name" eval '
		grep -q "p99 against queue pairs. <code>scale_qps_tail.svg" tcp/report.html &&
		grep -q "rate against queue pairs, at the best window of each. <code>scale_qps.svg" tcp/report.html'
	ok "a rate lies within its interval" gawk -F'\t' '
		NF == 6 { n++; if ($3 > $2 || $2 > $4) bad = 1 } END { exit bad || !n }' tcp/scale_qps.dat
	# The highest rate of both windows, and whose it is.
	ok "of each number of queue pairs the best window" is \
		"$(gawk -F'\t' 'NF == 6 { print $1, $2, $6 }' tcp/scale_qps.dat)" \
		"$(paste -d' ' <(cell tcp qps) <(cell tcp ops_per_s) <(cell tcp outstanding) | sort -k1,1n -k2,2gr |
			gawk '$1 != last { printf "%d %.4f %d\n", $1, $2 / 1000, $3 } { last = $1 }')"
	ok "in one line, of which the window is no name" is "$(grep -c '^1.TCP$' tcp/scale_qps.dat)" 1
	ok "its tail, too, is one line: that of the smallest window" is \
		"$(grep -cE '^[0-9]+.TCP' tcp/scale_qps_tail.dat) $(grep -c 'outstanding 16' tcp/scale_qps_tail.dat)" \
		"1 1"
	ok "against the window, the fewest queue pairs and the most" is \
		"$(grep -oE '^[0-9]+.loop.*' wide/scale_window.dat | cut -f2 | xargs)" "loop, qps 1 loop, qps 16"
else
	skip "the page calls each figure by its own name" "no gnuplot"
	skip "a rate lies within its interval" "no gnuplot"
	skip "of each number of queue pairs the best window" "no gnuplot"
	skip "in one line, of which the window is no name" "no gnuplot"
	skip "its tail, too, is one line: that of the smallest window" "no gnuplot"
	skip "against the window, the fewest queue pairs and the most" "no gnuplot"
fi
# The NIC's own count of it warns, and does not condemn: it is all of the port's.
cp -r tcp marked
gawk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { $at["nic_marks"] = "client:rcvd_rnr_err" } 1' \
	tcp/scale.csv >marked/scale.csv
try "$bench" check marked
ok "a NIC that told to wait for a receive is a warning" eval '
	is "$status" 0 && grep -q "^warning *statistical .*wait for a receive" "$work/out"'
try "$bench" run scale --transport tcp --op write -n 5 --trials 1 --out lacks
ok "no writes without RDMA" is "$(cell lacks reason | tr -d '"')" \
	"not-in-transport: server: tcp has no write, which scale needs"
ok "a window that is no multiple" fails_with 2 "has to divide" run scale --qps 3 --outstanding 16
ok "regions smaller than a page" fails_with 2 "--regions" run scale --memory 64k --regions 256
try "$bench" run scale --plan
ok "the default plan is bounded" eval '(($(grep -cE "rdma|tcp" "$work/out") < 150))'
# A fixed window would measure itself: each count of what there is many of has
# several; not where receives are missing.
windows() { # of a plan, the fewest that a count has
	gawk '$2 == "scale" && !/ receives=4 / && !/ min-rnr-timer=[^1]/ && !/ qps=4 / {
		window = gensub(/.* outstanding=([0-9]+) .*/, "\\1", 1)
		$1 = ""; sub(/ outstanding=[0-9]+/, ""); sub(/, not here.*/, "")
		if (!seen[$0, window]++) n[$0]++
	} END { for (i in n) if (!least || n[i] < least) least = n[i]; print least + 0 }' "$work/out"
}
ok "each count has windows of its own" eval '(($(windows) >= 2))'

# Threads and processes, each with links of its own: all that was asked, once.
for who in threads processes; do
	try "$bench" run scale --transport tcp,loop --op send --qps 8 --outstanding 32 --$who 2,4 \
		--verify each -n 501 --trials 1 --out $who
	ok "$who: exit 0" is "$status" 0
	ok "$who: every operation once" all_are 501 $who/scale.csv operations
	ok "$who: and verified at the client" all_are 501 $who/scale.csv client_verified
	ok "$who: the window was full" all_are 32 $who/scale.csv outstanding_max
	ok "$who: receives of all" all_are 32 $who/scale.csv posted_receives
	ok "$who: a counter of one of them is none of all" eval \
		'! grep -q . <(cell $who client_task_clock_ns) && ! grep -q . <(cell $who server_page_faults)'
	ok "$who: and that is said" grep -q "client_task_clock_ns.*several threads or processes" $who/run.json
	try "$bench" check $who
	ok "$who: check holds" is "$status" 0
done
"$bench" run scale --transport loop --op send --qps 4 --outstanding 16 --processes 4 --poll yield \
	-D 20s --trials 1 --out killed >/dev/null 2>"$work/err" &
victim=$!
ok "a worker is there" within 30 eval '[[ -n $(pgrep -P $victim | sed -n 3p) ]]'
ok "no worker outlives its client" eval 'children=$(pgrep -P $victim | xargs)
	kill -9 $victim
	within 20 eval "! kill -0 $children 2>/dev/null"'
# Stopped for a moment, a worker alone: what was timed meanwhile is not kept.
# The client's own is its child, the server's a grandchild; until both are
# there, a child without one may be the server itself.
worker_of() { # WHOSE CLIENT
	local child below own='' far=''
	for child in $(pgrep -P "$2"); do
		below=$(pgrep -P "$child")
		if [[ -n $below ]]; then far=$below; else own=$child; fi
	done
	[[ -n $own && -n $far ]] || return
	case $1 in
	'this process') echo "$own" ;;
	'the server') echo "$far" ;;
	esac
}
for whose in 'this process' 'the server'; do
	"$bench" run scale --transport loop --op send --qps 2 --outstanding 16 --processes 2 \
		--poll yield -D 2s --trials 1 --out "paused-${whose##* }" >/dev/null 2>"$work/err" &
	client=$!
	ok "$whose: a worker is there" within 30 eval '[[ -n $(worker_of "$whose" $client 2>/dev/null) ]]'
	sleep 0.4
	worker=$(worker_of "$whose" $client)
	kill -STOP "$worker"
	# Longer than any operation takes on a machine that builds besides.
	sleep 2
	kill -CONT "$worker"
	wait $client
	ok "$whose: a worker was stopped: it goes on" is $? 0
	ok "$whose: a worker was stopped: the trial is made again" \
		grep -q "$whose was stopped .* made again" "$work/err"
	ok "$whose: a worker was stopped: not in what is timed" eval \
		'(($(cell "paused-${whose##* }" lat_max_ns) < 1900000000))'
done
ok "workers that do not divide the window" fails_with 2 "have to divide" \
	run scale --threads 3 --outstanding 16
ok "fetch-adds of 8 bytes" fails_with 2 "(-s 8)" run scale --op fetch-add
try "$bench" run scale --transport tcp --op send --rnr-retry 3 -n 5 --trials 1 --out vain
ok "what has no effect is said" err_has "--rnr-retry 3 has no effect"
ok "each operation is signalled" all_are 1 vain/scale.csv signal_every
ok "threads or processes" fails_with 2 "not both" run scale --qps 4 --threads 2 --processes 2
ok "sends are not shared" fails_with 2 "share-qps" \
	run scale --op send --qps 4 --threads 2 --share-qps yes
ok "more receives than may be on their way" fails_with 2 "receives" \
	run scale --op send --qps 4 --receives 64
try "$bench" run scale --transport tcp --op send --qps 4 --shared-receives yes -n 5 --trials 1 --out lacks2
ok "no shared receives without verbs" grep -q not-in-transport lacks2/scale.csv
done_testing
