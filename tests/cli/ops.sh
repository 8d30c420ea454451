#!/bin/bash
# ops over TCP and loop, without any RDMA device: the plan, exact counts, and
# what does not go together.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

try "$bench" run ops --preset smoke --transport tcp,loop --out smoke
ok "smoke over tcp and loop" is "$status" 0
ok "what has no such operation says so" eval '
	! column smoke/ops.csv reason | grep -v "^$" | grep -qv "not-in-transport"'
ok "sends are ok" all_are ok <(awk -F, "NR == 1 || /,send,/ && !/to moderate/" smoke/ops.csv) status
ok "both modes" is "$(column smoke/ops.csv mode | sort -u | tr '\n' ' ')" "latency rate "
ok "rows are whole" whole_rows smoke/ops.csv
try "$bench" check smoke
ok "check: the invariants hold" is "$status" 0

# Nothing is empty without a reason, and each is a word of the list.
empties() { # FILE: columns that are empty in a row that is ok
	gawk -F, 'NR == 1 { for (i = 1; i <= NF; i++) { name[i] = $i; if ($i == "status") s = i }; next }
		$s == "ok" { for (i = 1; i <= NF; i++) if ($i == "" && name[i] != "reason") print name[i] }' "$1" |
		sort -u
}
ok "some columns are empty" eval 'empties smoke/ops.csv | grep -q path_mtu_asked'
ok "each has its reason" is "$(empties smoke/ops.csv |
	comm -23 - <(jq -r ".empty_columns | keys[]" smoke/run.json | sort))" ""
ok "and that begins with a word of the list" eval '! jq -r ".empty_columns[]" smoke/run.json |
	grep -vqE "^(not-asked|not-in-transport|device-limit|no-pmu|no-permission|io-error): ..."'

# A cross product is what lists ask for; what contradicts itself is left out.
try "$bench" run ops --plan --transport loop --op send --outstanding 1,8 --post-list 1,4
ok "the plan of lists" is "$status" 0
ok "without lists longer than the window" eval '[[ $(grep -c loop "$work/out") == 3 ]]'
ok "an atomic operation has 8 bytes" fails_with 2 "8 bytes" run ops --op fetch-add -s 64
ok "more pieces than bytes" fails_with 2 "--sges" run ops -s 4 --sges 8
ok "--poll-memory is for writes" fails_with 2 "--poll-memory" run ops --op send --poll-memory

# Rates count what was asked for, not the credit that goes along: at one byte
# there is as much of it.
try "$bench" run ops --op send --mode rate -s 1 --outstanding 16 --transport loop -D 10ms \
	--trials 1 --out tiny
try "$bench" check tiny
ok "bytes a second are payload" eval 'is "$status" 0 && grep -q "^ok .*are payload" "$work/out"'
gawk -v FPAT='([^,]*)|("([^"]|"")*")' -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "bw_bytes_per_s") c = i }
	NR > 1 { $c = 2 * $c } 1' tiny/ops.csv >twice && mv twice tiny/ops.csv
try "$bench" check tiny
ok "and check says when they are not" eval 'is "$status" 1 && grep -q "are payload" "$work/out"'

# In version 1 of the columns they were not only that.
version() { # DIR VERSION: a copy of tiny
	mkdir "$1" && gawk -F, -v OFS=, -v v="$2" 'NR > 1 { $1 = v } 1' tiny/ops.csv >"$1/ops.csv" &&
		cp tiny/run.json "$1"
}
version first 1
version later 3
try "$bench" check first
ok "of version 1 nothing is said of it" eval 'is "$status" 0 && ! grep -q "are payload" "$work/out"'
ok "versions do not compare what changed" fails_with 2 "schema_version of OLD" \
	compare first tiny --metric bw_bytes_per_s
ok "but the rest" eval 'try "$bench" compare first tiny; out_has "ops: ops_per_s"'
ok "a later version is refused" fails_with 3 "later rdmabench" check later

cell() { column "$1/ops.csv" "$2"; }
for transport in tcp loop; do
	try "$bench" run ops --transport $transport --mode rate -s 100 --outstanding 32 \
		--post-list 8 -Q 4 -n 1001 --trials 1 --sges 3 --verify each --out "r-$transport"
	ok "$transport: 1001 operations in lists of 8" is "$status" 0
	ok "$transport: all of them" is "$(cell "r-$transport" operations)" 1001
	ok "$transport: by 126 doorbells" is "$(cell "r-$transport" operation_doorbells)" 126
	ok "$transport: a completion of every 4th, and of the last" \
		is "$(cell "r-$transport" completions)" 251
	ok "$transport: never more outstanding" eval '(($(cell "r-$transport" outstanding_max) <= 32))'
	ok "$transport: each payload verified" is "$(cell "r-$transport" server_verified)" 1001
	try "$bench" run ops --transport $transport --mode latency -s 100 -n 50 --trials 1 \
		--verify each --out "l-$transport"
	ok "$transport: there and back" is "$(cell "l-$transport" samples)" 50
	ok "$transport: verified at both ends" \
		is "$(cell "l-$transport" client_verified) $(cell "l-$transport" server_verified)" "50 50"
done
# Both directions at once: the server goes on until it hears that the client is
# done, and every message of either arrives.
try "$bench" run ops --transport tcp,loop --mode rate --directions 2 -s 8,5000 -n 2000 --trials 1 \
	--outstanding 8 --post-list 4 --verify each --out both
ok "two directions" eval 'is "$status" 0 && all_are ok both/ops.csv status'
try "$bench" check both
ok "two directions: bytes a second are payload of one" eval 'is "$status" 0 &&
	grep -q "^ok .*are payload" "$work/out"'
ok "two directions: the client's" all_are 2000 both/ops.csv operations
ok "two directions: verified at the server" all_are 2000 both/ops.csv server_verified
ok "two directions: the server's are verified at the client" is \
	"$(column both/ops.csv operations_back | xargs)" "$(column both/ops.csv client_verified | xargs)"
ok "two directions: both have rates" eval '
	[[ -z $(column both/ops.csv back_ops_per_s | gawk "!(\$1 > 0)") ]]'
ok "one at a time has one direction" fails_with 2 "rate mode" \
	run ops --mode latency --directions 2
# What is one at a time is judged by its latency, a full window by its rate.
try "$bench" run ops --transport loop --op send --mode latency,rate -n 50 --trials 7 --out heads
ok "each point's headline" is "$(cell heads mode | paste - <(cell heads headline) | sort -u | xargs)" \
	"latency lat_p50_ns rate ops_per_s"
ok "in points.csv too, with its interval" is \
	"$(column heads/ops.points.csv headline | sort | xargs)" "lat_p50_ns ops_per_s"
off=$(gawk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	$at["headline"] == "ops_per_s" {
		width = $at["rate_ci_high_per_s"] - $at["rate_ci_low_per_s"]
		print 50 * width / $at["rate_median_per_s"] - $at["half_width_pct"]
	}' heads/ops.points.csv)
ok "which is half the rate's width" eval 'gawk "BEGIN { exit !($off < 0.02 && $off > -0.02) }"'
try "$bench" compare heads heads
ok "compare judges each by its own" eval 'out_has "ops: lat_p50_ns" &&
	out_has "ops: ops_per_s, higher is better"'
gawk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "headline") $i = "other" } 1' \
	heads/ops.csv >x && mkdir before && mv x before/ops.csv
try "$bench" compare before heads
ok "and where only one of them says it" out_has "ops: ops_per_s, higher is better"
gawk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "operation_doorbells") c = i }
	NR > 1 { $c++ } 1' heads/ops.csv >x && mkdir bells && mv x bells/ops.csv && cp heads/run.json bells
try "$bench" check heads
ok "a doorbell for each list" eval 'is "$status" 0 && grep -q "^ok .*doorbell" "$work/out"'
try "$bench" check bells
ok "and check says when there is one more" eval 'is "$status" 1 && grep -q "doorbell" "$work/out"'
gawk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "operation_posts") c = i }
	NR > 1 && $c != "" { $c++ } 1' heads/ops.csv >x && mv x bells/ops.csv
try "$bench" check bells
ok "and when there is a work request more" eval 'is "$status" 1 &&
	grep -q "^VIOLATED .*a work request for each" "$work/out"'
try "$bench" run ops --transport tcp --poll event --cq-count 4 -n 5 --trials 1 --out moderate
ok "no events to moderate without verbs" grep -q not-in-transport moderate/ops.csv
# One at a time has no window: it is not measured again for each of them.
try "$bench" run ops --transport loop --op send --mode latency,rate --outstanding 4,16 --post-list 1,4 \
	-Q 1,2 -n 32 --trials 1 --out each
ok "latency once, rate for each window and list" is \
	"$(cell each mode | sort | uniq -c | xargs)" "2 latency 8 rate"
ok "and that has one on its way" is "$(paste -d' ' <(cell each mode) <(cell each outstanding) \
	<(cell each post_list) | grep latency | sort -u)" "latency 1 1"
ok "--cq-mod is an axis" is "$(paste -d' ' <(cell each mode) <(cell each signal_every) \
	<(cell each completions) | grep rate | sort -u | xargs)" "rate 1 32 rate 2 16"
ok "--inline is one, too" is "$("$bench" run ops --plan --transport loop --op send \
	--inline 0,64,auto | grep -c "inline=")" 3
try "$bench" run ops --transport loop --op send --mode latency --outstanding 8 -n 5 --trials 1 --out vain
ok "what has no effect is said" err_has "--outstanding 8 has no effect"
# Fewer buffers than operations on their way.
try "$bench" run ops --transport tcp,loop --op send --mode latency,rate -s 8,5000 --rotate 0,1,3 \
	--outstanding 8 -n 200 --trials 1 --out turns
ok "buffers that take turns" eval 'is "$status" 0 && all_are ok turns/ops.csv status'
ok "each number of them in rate mode" is "$(paste -d' ' <(cell turns mode) <(cell turns rotate) |
	sort | uniq -c | xargs)" "4 latency 0 4 rate 0 4 rate 1 4 rate 3"
ok "and payload is looked at" eval '[[ $(cell turns server_verified | sort -n | head -1) -ge 1 ]]'
ok "of each only where each has its own" fails_with 2 "no --verify each" \
	run ops --mode rate --rotate 4 --verify each
ok "nor results of atomic operations" fails_with 2 "no atomic ones" \
	run ops --op fetch-add -s 8 --mode rate --rotate 4
ok "help has the options" eval '"$bench" help ops | grep -q -- --post-list'
done_testing
