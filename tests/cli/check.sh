#!/bin/bash
# check: results as they are, and with each kind of damage.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

try "$bench" run sendrecv --transport tcp,loop -s 64,1k,64k --verify each -n 30 --trials 3 --out good
ok "a run" is "$status" 0
try "$bench" check good
ok "good results: exit 0" is "$status" 0
ok "good results: exact lines" eval '(( $(grep -c "^ok *exact" "$work/out") >= 8 ))'
ok "good results: nothing violated" eval '! out_has VIOLATED'

try "$bench" run sendrecv --transport tcp,loop -s 64,64k -n 30 --trials 1 --out ends
ok "--verify ends: the last payload counts at both ends" eval \
	'all_are 1 ends/sendrecv.csv client_verified && all_are 1 ends/sendrecv.csv server_verified'
try "$bench" check ends
ok "--verify ends: check says so" grep -q "^ok .*payloads were verified" out
try "$bench" run sendrecv --transport loop -s 64 -n 30 --trials 1 --verify none --out none
try "$bench" check none
ok "--verify none: check claims nothing" eval '! out_has "were verified"'

# spoil COLUMN VALUE WORDS: in the first data row.
spoil() {
	rm -rf bad
	cp -r good bad
	gawk -v FPAT='([^,]*)|("([^"]|"")*")' -v OFS=, -v name="$1" -v value="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i }
		NR == 2 { $c = value } { print }' good/sendrecv.csv >bad/sendrecv.csv
	try "$bench" check bad
	is "$status" 1 && grep -A1 "^VIOLATED.*$3" "$work/out" | grep -q "line 2"
}
ok "a message lost" spoil server_recvs 29 "server received what the client sent"
ok "a message too many" spoil server_sends 31 "client received what the server sent"
ok "bytes lost" spoil server_bytes_received 1 "bytes to the server"
ok "bytes made up" spoil server_bytes_sent 1 "bytes to the client"
ok "a sample lost" spoil samples 29 "a sample for each operation"
ok "a payload not verified" spoil client_verified 29 "verified every payload"
ok "percentiles out of order" spoil lat_p50_ns 999999999999 "percentiles rise"
ok "a failed verification" spoil reason "verify-failed: x" "no payload was found wrong"
rm -rf bad
cp -r good bad
sed -i 's/"run_id": "[^"]*"/"run_id": "another"/' bad/run.json
try "$bench" check bad
ok "rows of another run than run.json" eval 'is "$status" 1 && grep -A1 "^VIOLATED.*rows of one run" out | grep -q "line 2: "'
gawk -v FPAT='([^,]*)|("([^"]|"")*")' -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "server_recvs") c = i }
	NR > 1 { $c = 29 } { print }' good/sendrecv.csv >bad/sendrecv.csv
try "$bench" check bad
ok "many places: the first, and how many more" eval 'is "$status" 1 &&
	grep -A1 "^VIOLATED.*server received" out | grep -q "line 2: .*; and 17 more"'
rm -rf bad
cp -r good bad
sed -i '2d' bad/sendrecv.hist.csv
try "$bench" check bad
ok "a bucket lost" eval 'is "$status" 1 && out_has "histograms hold every sample"'
rm -rf bad
cp -r good bad
truncate -s -10 bad/sendrecv.csv
ok "a torn file is said" fails_with 3 "" check bad
# A line each invariant, however many pairs of series it was seen in.
try "$bench" run touch --preset smoke --transport tcp,loop -s 1k,4k --scan read,write --cache warm,cold --out many
try "$bench" check many
ok "a sign is one line, with counts; one trial tells none" is \
	"$(grep -A1 "^unclear *hardware" out | tail -1 | sed "s/; most.*//")" \
	"          yes at 0 of 16 points of 8 pairs, no at 0, not told apart at 16 (too few trials)"
ok "no invariant has two lines" is "$(grep -E "^[a-zA-Z]+ +(exact|stat|hard)" out | sort | uniq -d)" ""
ok "no results" fails_with 3 "no-file" check "$work"
ok "no folder" fails_with 2 "takes one results folder" check
done_testing
