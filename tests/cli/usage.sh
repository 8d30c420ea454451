#!/bin/bash
# The command line as a user types it, right and wrong.  Needs no device.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

try "$bench"
ok "no command: usage, exit 2" is "$status" 2
try "$bench" help
ok "help" is "$status" 0
ok "help names every command" out_has serve
for topic in run serve list report help sendrecv; do
	try "$bench" help "$topic"
	ok "help $topic" is "$status" 0
	ok "help $topic fits 80 columns" eval '! grep -q "^.\{81\}" "$work/out"'
	ok "help $topic fits 60 columns" eval '! COLUMNS=60 "$bench" help "$topic" | grep "^.\{61\}"'
done
for scenario in $("$bench" list scenarios | awk '/^  [a-z]/ { print $1 }'); do
	ok "run $scenario --help is its own" eval \
		'is "$("$bench" run "$scenario" --help)" "$("$bench" help "$scenario")"'
	ok "help $scenario fits 60 columns" eval '! COLUMNS=60 "$bench" help "$scenario" | grep "^.\{61\}"'
done
try "$bench" run ops --help
ok "run ops --help: its options, and where the others are" eval \
	'out_has "usage: rdmabench run ops" && out_has --post-list && out_has "rdmabench help run"'
ok "and what it measures without them" eval 'out_has "several sweeps" && out_has "--duration 30ms"'
ok "run --help: of every scenario" eval 'is "$("$bench" run --help)" "$("$bench" help run)"'
ok "run NOTHING --help" fails_with 2 "no scenario 'nope'" run nope --help
ok "help fills a wide terminal" eval 'COLUMNS=100 "$bench" help run | grep -q "^.\{81,100\}$"'
try "$bench" --version
ok "--version" out_has rdmabench
ok "unknown command" fails_with 2 "no command 'frobnicate'" frobnicate
ok "unknown scenario" fails_with 2 "no scenario 'nope'" run nope
ok "nothing to run" fails_with 2 "run what?" run
ok "a scenario without run" fails_with 2 "\`rdmabench run touch\`?" touch
ok "a misspelt scenario: which there are" fails_with 2 "there are sendrecv, " run sendrcv
ok "--all and a scenario" fails_with 2 "--all and 'touch': leave one out" run --all touch
ok "compare: a folder that is not there" fails_with 3 "no-file: none" compare none x
ok "check: a folder that is not there" fails_with 3 "no-file: none" check none
ok "unknown option" fails_with 2 "--frob: no such option" run sendrecv --frob
ok "a misspelt option: which was meant" fails_with 2 "--sise: no such option; --size? Or see" run sendrecv --sise=4k
ok "an ambiguous one" fails_with 2 "--i: ambiguous: --i" run sendrecv --i 4
ok "a misspelt command" fails_with 2 "no command 'rnu'; \`run\`? Or see" rnu
ok "help of two things" fails_with 2 "help takes one word, not 'extra'" help run extra
# The table that getopt reads has room for all of them.
options_taken() {
	local name
	for name in $(for s in run $("$bench" list scenarios | awk '/^  [a-z]/ { print $1 }'); do
		"$bench" help "$s"
	done | grep -oE -- '^ +(-., )?--[a-z-]+' | grep -oE -- '--.*' | sort -u); do
		"$bench" run --all --plan "$name" "" >/dev/null 2>"$work/err"
		! err_has "no such option" || return 1
	done
}
ok "every option of the manual is taken" options_taken
ok "unknown letter" fails_with 2 "-z: no such option" run sendrecv -z
ok "missing value" fails_with 2 "--size needs a value" run sendrecv --size
ok "size 0" fails_with 2 "--size 0: out of bounds" run sendrecv -s 0
ok "size that is none" fails_with 2 "--size" run sendrecv -s 12parsecs
ok "negative size" fails_with 2 "--size" run sendrecv --size=-1
ok "overflowing size" fails_with 2 "--size" run sendrecv -s 99999999999999999999G
ok "empty list" fails_with 2 "--transport" run sendrecv --transport ,
ok "unknown transport" fails_with 2 "--transport pigeon: not one of tcp, rdma, loop" \
	run sendrecv --transport pigeon
ok "a time needs its unit" fails_with 2 "--duration" run sendrecv -D 5
ok "0 iterations" fails_with 2 "--iterations 0: out of bounds" run sendrecv -n 0
ok "too many points" fails_with 2 "points" run sendrecv -s 1-64+1 --prepare write,none,write,none,write,none,write,none,write --poll spin,event,yield,spin,event,yield,spin,event
ok "depth below twice the moderation" fails_with 2 "--tx-depth 4" \
	run sendrecv --transport tcp -t 4 -Q 3 --out depth
ok "no such CPU" fails_with 2 "4000" run sendrecv --transport tcp --cpus 4000 \
	-s 1k -n 1 --trials 1 --out cpu
ok "no folder is left of what cannot run" eval '[[ ! -e cpu && ! -e depth ]]'
ok "no NUMA node, no folder" eval \
	'fails_with 2 "NUMA node 999" run sendrecv --transport tcp --numa 999 --out node && [[ ! -e node ]]'
ok "an MTU that is none" fails_with 2 "--mtu 1000" run sendrecv --transport tcp -m 1000
ok "a device that is not here, and TCP" fails_with 3 "no-device" \
	run sendrecv --transport tcp -d nosuch0 -s 64 -n 1 --trials 1 --out device
tcp=(run sendrecv --transport tcp -s 64 --trials 1)
try "$bench" "${tcp[@]}" -n 5 -m 1024 --qp-type uc -R --out vain
ok "options of RDMA, and none runs: said" eval \
	'is "$status" 0 && err_has "--mtu has no effect" && err_has "--qp-type has" && err_has "--rdma-cm has"'
try "$bench" run prefetch --local --transport tcp --pattern seq -s 4k --scan read -n 5 --trials 1 --out walk
ok "a transport, and nothing has a link: said" eval 'is "$status" 0 && err_has "--transport has no effect"'
try "$bench" run prefetch --local --pattern seq -s 4k --scan read --plan
ok "--plan: no transport where there is no link" out_has "0 prefetch 4k pattern=seq"
try "$bench" run conncost --plan
ok "--plan: and no size where there is none" out_has "0 conncost method=tcp"
mkdir other older && touch other/notes older/report.html
ok "--out: without results" eval 'try "$bench" "${tcp[@]}" -n 5 --out other && is "$status" 0'
ok "--out: an older report" fails_with 2 "results of another" "${tcp[@]}" -n 5 --out older
ok "a stack of 256 kB" eval '(ulimit -s 256; try "$bench" "${tcp[@]}" -n 5 --out stack; is "$status" 0)'
ok "info: a stack of 256 kB" eval '(ulimit -s 256; "$bench" info >/dev/null)'

# Ctrl-Z in the middle of a trial, for longer than a peer may be silent.
set -m
"$bench" "${tcp[@]}" -D 2s --out stopped >/dev/null 2>stopped.err &
job=$!
within 30 test -s stopped/run.json
sleep 1
kill -STOP -- -$job
sleep 5.5
kill -CONT -- -$job
wait $job
ok "stopped, and continued: exit 0" is $? 0
set +m
ok "stopped, and continued: said" grep -q "made again" stopped.err
ok "stopped, and continued: not in what is timed" \
	eval '(($(column stopped/sendrecv.csv lat_max_ns | tail -1) < 5000000000))'
ok "list takes no nonsense" fails_with 2 "not one of" list nonsense
try "$bench" list
ok "list" is "$status" 0
ok "list has sendrecv" out_has sendrecv
ok "list has tcp" out_has tcp
if "$bench" list devices | grep -q '^  none'; then
	try "$bench" list scenarios
	ok "list: what a scenario lacks here, and why" eval '
		grep -Eq "^ +not here: ([0-9]+) of \1 points \(no-device\)$" out &&
		out_has "no-device: no RDMA device"'
	try "$bench" run regcost --plan
	ok "--plan: so do its points, which take no time" eval '
		grep -q ", not here: no-device$" out && ! tail -1 out | grep -q about'
fi
try "$bench" run sendrecv --plan -s 1k,4k --trials 3
ok "--plan" is "$status" 0
ok "--plan shows the points" out_has "sendrecv 4k tcp"
ok "a device for TCP, which is not there: what the option is for" fails_with 3 "by which address TCP goes" \
	run sendrecv --transport tcp -x 99 -s 64 -n 1 --trials 1
try "$bench" run --all --preset quick --plan
ok "--plan: the whole suite" is "$(awk '{ print $2 }' out | sort -u | grep -cx "$("$bench" list scenarios | awk '/^  [a-z]/ { print $1 }')")" 8
ok "--plan: every axis of every scenario" eval 'out_has "pattern=chase prefetchers=as-found distance=0 scan=write" &&
	out_has "touch=none" && out_has "method=write-read rf=3" && out_has "qps=256" && out_has "keep-open=64" &&
	out_has "way=window" && out_has "op=compare-swap mode=rate"'
ok "--plan: the suite leaves out what takes longest" eval '! out_has "qps=4096"'
ok "--plan: how long" eval '[[ $(tail -1 out) =~ ^[0-9]+\ points,\ 7\ trials\ each:\ about\ ([0-9]+\ s|([0-9]|1[01])\ min)\ with ]]'
try "$bench" run scale --plan
ok "--plan: a scenario alone does not" out_has "qps=4096"
ok "--plan: threads that share queue pairs for fetch-adds, and nothing else of that size" eval \
	'grep -q "^[0-9]* scale 8 rdma op=fetch-add .*threads=4.*share-qps=yes" out && ! grep "^[0-9]* scale 8 " out | grep -v fetch-add'
ok "--plan runs nothing" eval '[[ ! -e results ]]'
ok "--connect to nobody" fails_with 4 "peer-refused" \
	run sendrecv --connect 127.0.0.1:1
# Where no name server answers, that is found out soon.
export RES_OPTIONS="timeout:1 attempts:1"
ok "--connect to a name that is none" fails_with 4 "--connect" \
	run sendrecv --connect no-such-host.invalid
unset RES_OPTIONS
ok "report of nothing" fails_with 3 "no-file" report "$work/none"
ok "size beyond memory" fails_with 3 "ask for less (a smaller --size" \
	run sendrecv --transport tcp -s 900G --trials 1 --out big
ok "unwritable results" fails_with 3 "" \
	run sendrecv --transport tcp -s 1k -n 1 --out /proc/nowhere
mkdir full && touch full/run.json
ok "results of another run stay" fails_with 2 "holds the results" \
	run sendrecv --transport tcp -s 1k -n 1 --out full
: >results
ok "no place for results: --out is named" fails_with 3 "--out DIR names another" \
	run sendrecv --transport tcp -s 64 -n 1 --trials 1
rm results
done_testing
