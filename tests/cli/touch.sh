#!/bin/bash
# touch over TCP and loop: every mode and scan, cold and warm, verified; what
# check finds; what a processor does not have.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# cells COLUMN VALUE COLUMN: the second column's cells where the first is so.
cells() {
	paste -d' ' <(column t/touch.csv "$1") <(column t/touch.csv "$3") |
		sed -n "s/^$2 //p" | sort
}
has() { grep -qw "$1" /proc/cpuinfo; }

try "$bench" run touch --plan
ok "the default plan: 5 modes and scans, 8 sizes, 2 transports" is \
	"$(grep -c ' touch ' out)" 80
try "$bench" run touch --preset smoke -n 20 --transport tcp,loop -s 1,100,4k,64k \
	--scan read,write --cache warm,cold --rotate 1,3 --out t
ok "touch, notouch and none, warm and cold, one buffer and three" is "$status" 0
ok "every row ok" all_are ok t/touch.csv status
ok "a scan of nothing is one point: 5 of modes and scans, not 6" is \
	"$(column t/touch.csv status | wc -l)" $((5 * 4 * 2 * 2 * 2))
ok "every payload verified" all_are 20 t/touch.csv client_verified
ok "touch and notouch visit the same lines" is "$(cells touch touch server_lines_scanned)" \
	"$(cells touch notouch server_lines_scanned)"
ok "each of them, in each of 20 operations" is \
	"$(cells size_bytes 65536 server_lines_scanned | sort -un | tr '\n' ' ')" "0 20480 "
ok "none visits none" is "$(cells touch none server_lines_scanned | sort -u)" 0
ok "the scan is timed" eval '! cells touch notouch server_scan_p50_ns | grep -qx ""'
ok "where there is none, its time is empty" is "$(cells touch none server_scan_mean_ns | sort -u)" ""
ok "the send is timed" eval '! column t/touch.csv server_send_p99_ns | grep -qx ""'
ok "cold: a message more to the client" is \
	"$(cells cache cold server_sends | sort -u) $(cells cache warm server_sends | sort -u)" "40 20"
ok "counters: there, or with their reason" eval '
	[[ -n $(column t/touch.csv scan_llc_misses | head -1) ]] ||
	json ".empty_columns.scan_llc_misses and .empty_columns.send_rfo_requests" t/run.json'
try "$bench" check t
ok "check holds" is "$status" 0
ok "check: lines" grep -q "^ok *exact .*each line visited once" out
ok "check: the sign is said" grep -q "hardware .*touching the buffer that is sent is slower" out
ok "check: and why it may be the other" out_has "here the CPU copies what is sent"

# damage COLUMN VALUE WORDS: in the first data row.
damage() {
	rm -rf bad
	cp -r t bad
	gawk -v FPAT='([^,]*)|("([^"]|"")*")' -v OFS=, -v name="$1" -v value="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i }
		NR == 2 { $c = value } { print }' t/touch.csv >bad/touch.csv
	try "$bench" check bad
	is "$status" 1 && grep -A1 "^VIOLATED.*$3" out | grep -q "line 2"
}
ok "check: a line too many is found" damage server_lines_scanned 12345 "each line visited once"
ok "check: none at all is found" damage server_lines_scanned "" "each line visited once"
ok "check: a message lost" damage server_recvs 3 "server received what the client sent"

for kind in write-nt:sse2 write-clwb:clwb write-cldemote:cldemote; do
	flag=${kind#*:} kind=${kind%:*}
	try "$bench" run touch --transport tcp -s 4k --touch touch,notouch --scan "$kind" \
		--verify each -n 20 --trials 1 --out "$kind"
	if has "$flag"; then
		ok "$kind" all_are ok "$kind/touch.csv" status
		ok "$kind: every payload verified" all_are 20 "$kind/touch.csv" client_verified
	else
		ok "$kind: unsupported" all_are unsupported "$kind/touch.csv" status
		ok "$kind: because there is no $flag" grep -q "no-instruction: .*no $flag" "$kind/touch.csv"
	fi
done

# Hugepages are there or not; either way it is said.
try "$bench" run touch --transport loop -s 4k --touch touch --scan write \
	--hugepages none,thp,2M,1G -n 20 --trials 1 --out huge
ok "pages: the smallest are always there" grep -q ",none,1,.*,ok," huge/touch.csv
ok "pages: each point is ok or says why" eval '
	[[ $(grep -cE ",ok,|,unsupported,.*no-hugepages: " huge/touch.csv) == 4 ]]'

ok "cold has no rate" fails_with 2 "cold and --rate" run touch --cache cold --rate 10,20 --out r
ok "no scan of something is no plan" fails_with 2 "--touch none says" \
	run touch --touch touch,notouch --scan none --out r
ok "an unknown scan" fails_with 2 "--scan" run touch --scan wirte --out r
ok "no buffer at all" fails_with 2 "--rotate" run touch --rotate 0 --out r
try "$bench" help touch
ok "help names every scan" eval 'out_has write-cldemote && out_has "--size"'
if command -v gnuplot >/dev/null; then
	try "$bench" run touch --transport tcp -s 1k,4k -n 20 --trials 1 --out fig
	ok "the first and the last are verified" all_are ok fig/touch.csv status
	try "$bench" report fig
	ok "report" is "$status" 0
	ok "report: long names are whole" out_has "right: TCP, notouch, write"
	ok "report: the drop, and where the time goes" test -s fig/touch_drop.svg -a \
		-s fig/touch_stack_tcp_read.png -a -s fig/touch_stack_tcp_write.png
	# Counters as a machine with a PMU would give them: of 100 references
	# 25 missed while scanning, 50 while sending.
	cp -r fig counted
	gawk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print; next }
		{ $at["scan_llc_references"] = $at["send_llc_references"] = 100
		  $at["scan_llc_misses"] = 25; $at["send_llc_misses"] = 50; print }' \
		fig/touch.csv >counted/touch.csv
	try "$bench" report counted
	ok "report: hits of the cache, where counters were read" test -s counted/touch_hits_scan_read.png -a \
		-s counted/touch_hits_send_write.png
	ok "report: references and misses are what is drawn" eval '
		grep -q "^1024.100.0000.25.0000" counted/touch_hits_scan_write.dat &&
		grep -q "^1024.100.0000.50.0000" counted/touch_hits_send_read.dat'
else
	skip "report" "no gnuplot here"
fi
done_testing
