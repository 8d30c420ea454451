#!/bin/bash
# report: the page of the reference run, and of folders that mean no good.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

if ! command -v gnuplot >/dev/null; then
	skip "report" "no gnuplot here"
	done_testing
fi
page=x/report.html
cp -r "$top/results/reference/sendrecv-rxe" x
try "$bench" report x
ok "the reference run has a report" is "$status" 0
ok "the page is named" out_has "x/report.html"
ok "warnings come before numbers" eval '(( $(grep -n "RDMA device rxe0 is software" $page | cut -d: -f1 | head -1) < $(grep -n "<svg" $page | head -1 | cut -d: -f1) ))'
ok "both figures are in it" is "$(grep -c '<svg' $page)" 2
ok "ids are unique" is "$(grep -o " id=[\"'][^\"']*" $page | sort | uniq -d)" ""
ok "references lead somewhere" eval '! comm -13 <(grep -o " id=[\"'\''][^\"'\'']*" $page | sed "s/.*=.//" | sort -u) <(grep -oE "href=[\"'\'']#[^\"'\'']*" $page | sed "s/.*#//" | sort -u) | grep -q .'
ok "nothing is fetched" eval '! grep -qE "<(script|link|img|iframe)|@import|src=" $page'
ok "no other address" eval '! grep -oE "[a-z]+://[^\" ]*" $page | grep -v "^http://www.w3.org/"'
ok "the question" grep -q 'From which message size on does RDMA' $page
ok "a sentence from loopback says so" grep -q "<li>Over loopback, with a software RDMA device, RDMA RC against TCP: p50 is " $page
ok "and what it does not say" grep -q "none of this speaks of a network or of a NIC" $page
ok "the literature beside it" grep -q '<td>1k</td><td>40</td><td>45.7</td><td>31</td><td>24.9</td>' $page
ok "how to run it again" grep -q '^rdmabench run sendrecv$\|<pre>rdmabench run sendrecv' $page
# What the page says is what a shell runs.
rerun() { # OPTION...: a run with these, and what the page says to run again
	rm -rf r
	"$bench" run "$@" --quiet --out r >out 2>err && PATH=/dev/null "$bench" report r >out 2>err
	sed -n 's/^<h3>Run it again.*//; s/^<pre>\(.* run [^<]*\)<.pre>$/\1/p' r/report.html | tail -1 |
		sed "s/&#39;/'/g"
}
again=$(rerun sendrecv prefetch --transport loop -s '1k,4k' --scan write --trials=1 -n 2 --poll yield)
ok "one scenario again: its own options, and those of all" \
	is "$again" "$bench run prefetch --transport loop --size 1k,4k --scan write --trials 1 --iterations 2 --poll yield"
ok "it runs as it stands" eval "$again --local --plan >out 2>err"
ok "all of it again" grep -qF "run --transport loop -s 1k,4k --scan write --trials=1 -n 2 --poll yield --quiet sendrecv prefetch --out results/again" r/report.html
ok "and beside this" grep -q "compare r results/again" r/report.html
ok "invariants are in it" grep -q 'percentiles rise' $page
ok "tags are closed" eval 'for t in section table tr td details figure svg ul pre p; do is "$(grep -oE "<$t[ >]" $page | wc -l)" "$(grep -o "</$t>" $page | wc -l)" || exit 1; done'

# --- the literature, beside each scenario that has some ---------------------------
# The reference run's own rows under other names: only what stands beside what.
as_scenario() { # NAME "COLUMN,..." "VALUE,..."
	rm -rf as
	mkdir as
	jq --arg s "$1" '.scenarios[].name = $s' "$top/results/reference/sendrecv-rxe/run.json" >as/run.json
	gawk -v FPAT='([^,]*)|("([^"]|"")*")' -v OFS=, -v columns="$2" -v values="$3" -v s="$1" '
		{ gsub(/^sendrecv$/, s, $3) }
		{ print $0, NR == 1 ? columns : values }' "$top/results/reference/sendrecv-rxe/sendrecv.csv" >"as/$1.csv"
	# Without gnuplot: the page alone.
	PATH=/dev/null "$bench" report as >out 2>err
	[[ -s as/report.html ]]
}
beside() { grep -q "^<tr><td>$1</td><td>$2</td><td>[0-9]" as/report.html; }
ok "touch: the thesis's numbers, written" eval 'as_scenario touch touch,scan,scan_llc_references,scan_llc_misses,send_llc_references,send_llc_misses touch,write,,,, && beside 1k 31 && beside 16M 22222'
ok "touch: and TCP's" beside 1k 40
ok "touch: what has no number of one's own is left out" eval '! grep -q "every line is read" as/report.html'
ok "prefetch: the thesis's numbers" eval 'as_scenario prefetch pattern,scan,prefetchers,prefetch_distance,line_ps seq,read,all-off,0,5 &&
	grep -q "every line is read" as/report.html && grep -q "<td>18518</td><td>[0-9]" as/report.html'
ok "oplog: the published numbers" eval 'as_scenario oplog method,rf,outstanding,peer_load_percent,durable write-read,2,1,0,emulated &&
	beside 4k 4.44 && beside 64k 12.46 && grep -q "RPMA performance report 2021" as/report.html'

jq '.links = [.links[0] * {transport: "loop", device: null, software_device: false}]' \
	as/run.json >y && mv y as/run.json
PATH=/dev/null "$bench" report as >out 2>err
ok "a link without a device: nothing said of what it is" grep -q \
	"^<tr><td>loop</td><td>&ndash;</td><td>&ndash;</td>" as/report.html

# --- what a figure says of its numbers -----------------------------------------
"$bench" run ops --transport tcp --op send --outstanding 1,4,16 -s 2k -n 50 \
	--trials 2 --quiet --out few >out 2>err
try "$bench" report few
svg=few/ops_rate_outstanding.svg
ok "few trials have no interval" eval 'grep -q "range of trials" $svg && ! grep -q "95 %" $svg'
ok "what all of them had is in the caption, what x says is not" eval \
	'grep -q "op send  ·  size 2 KiB" $svg && ! grep -q "outstanding [0-9]" $svg'
ok "what cannot be drawn says which columns it wants" err_has "have inline_bytes and ops_per_s"
"$bench" run oplog --rf 1 -s 4k --log-size 1M,8M -n 200 --trials 2 --quiet --out fewlog >out 2>err
try "$bench" report fewlog
ok "nor has a log's" eval '! grep -q "95 %" fewlog/*.svg &&
	[[ $(grep -l "range of trials" fewlog/*.svg | xargs) == \
		"fewlog/oplog_recovery.svg fewlog/oplog_replicas.svg" ]]'
# --- a folder that means no good ----------------------------------------------
evil='<img src=x onerror=alert(1)>"&'
jq --arg e "$evil" '.hosts[].name = $e | .warnings += [$e] | .links[].detail = $e
	| .version = $e | .command_line += [$e] | .hosts[].facts[0].value = $e
	| .state = $e' x/run.json >y && mv y x/run.json
sed -i '2,$s/,ok,,/,failed,"<b>\&",/' x/sendrecv.csv
try "$bench" report x
ok "hostile words: a report" is "$status" 0
ok "hostile words: escaped" eval '! grep -qiE "<img|<b>" $page && grep -q "&lt;img src=x" $page'
ok "hostile words: an unfinished run is said" grep -q 'not complete' $page
ok "failed rows are said" grep -q 'failed: &lt;b&gt;' $page

# --- two runs -----------------------------------------------------------------
cp -r "$top/results/reference/sendrecv-rxe" two
rm two/*.svg two/*.png
sed -i 's/"run_id": "[^"]*"/"run_id": "another"/' two/run.json
ok "run.json of another run: refused" fails_with 3 "never mixed" report two
ok "and no page is left" eval '[[ ! -e two/report.html && ! -e two/report.html.tmp ]]'
ok "and no figure is drawn" eval '! ls two/*.svg two/*.png 2>/dev/null | grep -q .'
cp -r "$top/results/reference/sendrecv-rxe" mixed
sed -i '3s/^1,[^,]*/1,another/' mixed/sendrecv.csv
ok "two runs in a file: refused" fails_with 3 "never mixed" report mixed

# --- without what it would like to have ---------------------------------------
cp -r "$top/results/reference/sendrecv-rxe" bare
rm bare/*.svg bare/*.png
PATH=/dev/null "$bench" report bare >out 2>err
status=$?
ok "no gnuplot: exit 3" is "$status" 3
ok "no gnuplot: the page all the same" grep -q 'RDMA RC' bare/report.html
rm bare/run.json
try "$bench" report bare
ok "no run.json: figures and table, and it is said" eval 'is "$status" 0 && err_has "no report.html" && out_has "RDMA RC"'
ln -s /etc/passwd bare/report.html.tmp
cp x/run.json bare/ 2>/dev/null
try "$bench" report bare
ok "a link in the folder is not followed" eval '[[ ! -L bare/report.html ]] && ! grep -q rdmabench /etc/passwd'
done_testing
