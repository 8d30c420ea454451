#!/bin/bash
# compare: results that are known because they are made.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

try "$bench" run sendrecv --transport tcp,loop -s 64,4k -n 30 --trials 7 --seed 1 --out real
ok "a run" is "$status" 0

# fake DIR SEED TIMES [TRIALS]: as `real`, its medians replaced by made ones:
# 10 us with 2 % of noise, TIMES as much where loop sends 4k.
fake() {
	rm -rf "$1"
	cp -r real "$1"
	gawk -v FPAT='([^,]*)|("([^"]|"")*")' -v OFS=, -v seed="$2" -v times="$3" -v trials="${4:-7}" '
		BEGIN { srand(seed) }
		NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; print; next }
		$c["trial"] > trials { next }
		{
			z = sqrt(-2 * log(1 - rand())) * cos(6.28318530718 * rand())
			v = 10000 * (1 + 0.02 * z)
			if ($c["transport"] == "loop" && $c["size_bytes"] == 4096) v *= times
			$c["lat_p50_ns"] = sprintf("%d", v)
			print
		}' real/sendrecv.csv >"$1/sendrecv.csv"
}

# How often of ten it exits so.
exits() { # STATUS TIMES
	local i hits=0
	for i in 1 2 3 4 5 6 7 8 9 10; do
		fake old "$i" 1
		fake new "$((100 + i))" "$2"
		try "$bench" compare old new
		[[ $status == "$1" ]] && hits=$((hits + 1))
	done
	echo "$hits"
}
ok "the same build: quiet" eval '(( $(exits 0 1) >= 9 ))'
ok "10 % worse: found" eval '(( $(exits 1 1.1) >= 9 ))'

fake old 1 1
fake new 2 1.1
try "$bench" compare old new --out cmp
ok "exit 1 if something is worse" is "$status" 1
ok "the point is named" grep -q '^worse  *loop  *4k' out
ok "and no other" is "$(grep -c '^worse' out)" 1
ok "the method is named" out_has "Hodges and Lehmann"
ok "at most 80 columns" eval '! grep -q "^.\{81,\}" <(sed "/compare\.csv$/d" out)'
ok "compare.csv: a row a point" is "$(wc -l <cmp/compare.csv)" 5
ok "compare.csv: whole rows" whole_rows cmp/compare.csv
ok "compare.csv: the verdict" is "$(column cmp/compare.csv verdict | sort | uniq -c | xargs)" "3 same 1 worse"
ratio=$(column cmp/compare.csv ratio | sort -g | tail -1)
ok "compare.csv: the ratio" eval 'awk "BEGIN { exit !($ratio > 1.06 && $ratio < 1.14) }"'
if command -v gnuplot >/dev/null; then
	ok "compare.svg has the point" grep -q 'sendrecv loop 4k' cmp/compare.svg
	ok "compare.png is there" test -s cmp/compare.png
else
	skip "the figure" "no gnuplot here"
fi
try "$bench" compare new old
ok "better is no failure" is "$status" 0
ok "better is said" grep -q '^better  *loop  *4k' out
try "$bench" compare old new --threshold 30
ok "below the threshold: exit 0" is "$status" 0
ok "below the threshold: said" grep -q '^within  *loop  *4k' out

fake few 2 1.1 3
ok "three trials tell nothing" fails_with 5 "too few trials" compare old few
ok "and how many would" grep -Eq "of [0-9]+ points .* needs [4-9] or more" err
ok "but for what is worse elsewhere" eval 'try "$bench" compare old new; is "$status" 1'

# --- names ---------------------------------------------------------------------
try "$bench" run prefetch --local -s 4k --scan read --pattern seq,random --distance 0,4 -n 5 --trials 2 --out names
try "$bench" compare names names
ok "long names stand apart, whole" eval '
	grep -qx "  seq, prefetch distance 4" out && grep -qx "  random, prefetch distance 4" out'
ok "and at most 80 columns" eval '! grep -q "^.\{81,\}" out'

# --- other metrics -----------------------------------------------------------
try "$bench" compare real real --metric lat_p99_ns,ops_per_s
ok "other columns" eval 'is "$status" 0 && out_has "sendrecv: ops_per_s, higher is better"'
ok "no such column" fails_with 2 "no such column" compare real real --metric lat_p51_ns
ok "an empty metric" fails_with 2 "no such column" compare real real --metric ,

# --- runs that do not match --------------------------------------------------
try "$bench" run sendrecv --transport tcp,loop -s 64,8k -n 30 --trials 7 --out sizes
try "$bench" run sendrecv --transport tcp,loop -s 64,4k -n 30 --trials 7 --out poll --poll yield
ok "other sizes: refused, and why" fails_with 2 "differs in size_bytes" compare real sizes
try "$bench" compare real sizes --common
ok "--common: what both have" eval '[[ $status != 2 ]] && out_has "only OLD has a point"'
ok "other polling: refused" fails_with 2 "differs in poll" compare real poll
ok "nothing in common" fails_with 2 "no point" compare real poll --common
mkdir empty
ok "a folder without results" fails_with 2 "only OLD has sendrecv" compare real empty
ok "no results at all" fails_with 2 "no point" compare empty empty
ok "one folder" fails_with 2 "two results folders" compare real
ok "a bad threshold" fails_with 2 "--threshold x" compare real real --threshold x
ok "a negative threshold" fails_with 2 "--threshold -1" compare real real --threshold -1
ok "no folder to write to" fails_with 3 "--out" compare real real --out /proc/nothing/here

# --- what differs between the machines ---------------------------------------
cp -r real machine
sed -i 's/"kernel": "[^"]*"/"kernel": "Linux 9.9 <b>"/; s/"version": "[^"]*"/"version": "9"/' machine/run.json
jq '(.hosts[].facts[] | select(.key == "kernel") | .value) = "Linux 9.9"' machine/run.json >x && mv x machine/run.json
try "$bench" compare real machine
ok "another kernel is said" grep -q '^- client kernel: kernel: .* -> Linux 9.9' out
ok "another version is said" grep -q '^- version: .* -> 9' out
try "$bench" compare real real
ok "the same machine: nothing is said" eval '! out_has "What differs"'
rm machine/run.json
try "$bench" compare real machine
ok "without run.json: said" out_has "run.json is not in both"
echo '{"hosts": [' >machine/run.json
ok "a damaged run.json" fails_with 3 "run.json:" compare real machine
cat real/sendrecv.csv <(sed 1d poll/sendrecv.csv) >machine/sendrecv.csv
ok "two runs in one file: refused" fails_with 3 "runs are never mixed" compare real machine
done_testing
