#!/bin/bash
# Orders of touching a buffer, and prefetchers: on links of this host, alone,
# and with registers that are files in a folder.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

run() { try "$bench" run prefetch --preset smoke -n 20 "$@"; }
csv() { column "$1/prefetch.csv" "$2"; }

run --transport tcp,loop --pattern seq,stride,random,chase --distance 0,4 \
	-s 64,4k,260k --out link
ok 'every order on tcp and loop: exit 0' is "$status" 0
ok '4 orders, 2 distances, 2 scans, 3 sizes, 2 transports' is "$(csv link status | grep -c '^ok$')" 96
ok 'each line once, counted by the server' is \
	"$(csv link server_lines_scanned | sort -n | uniq -c | tr -s ' ' | tr '\n' ';')" \
	" 32 20; 32 1280; 32 83200;"
ok 'the client scans nothing' all_are 0 link/prefetch.csv client_lines_scanned
ok 'time per line' eval '[[ $(csv link line_ps | grep -c "^[0-9]") == 96 ]]'
ok 'the scan and the send have times of their own' eval '
	[[ $(csv link server_scan_p50_ns | grep -c .) == 96 &&
		$(csv link server_send_p50_ns | grep -c .) == 96 ]]'
try "$bench" check link
ok 'check: every invariant holds' is "$status" 0
ok 'check: lines, whichever order' out_has 'every line is visited once an operation'

run --local --pattern seq,stride,random,chase --distance 0,4 -s 4k,256k --out alone
ok 'alone: exit 0' is "$status" 0
ok 'alone: transports make no points' is "$(csv alone status | grep -c '^ok$')" 32
ok 'alone: no transport' all_are '' alone/prefetch.csv transport
ok 'alone: nothing is sent' all_are 0 alone/prefetch.csv client_bytes_sent
ok 'alone: each line once' is \
	"$(csv alone client_lines_scanned | sort -n | uniq -c | tr -s ' ' | tr '\n' ';')" \
	" 16 1280; 16 81920;"
ok 'alone: each walk was verified' all_are 20 alone/prefetch.csv client_verified
try "$bench" check alone
ok 'alone: check' is "$status" 0
sed -i '0,/,1280,/s//,1281,/' alone/prefetch.csv
try "$bench" check alone
ok 'check finds a line too many' eval 'is $status 1 && out_has "1281, not 1280"'
if command -v gnuplot >/dev/null; then
	try "$bench" report link
	ok 'long names are whole' out_has 'TCP, stride, prefetch distance 4, write'
	ok 'figures: time per line, reads, writes; prefetch instructions' eval '
		[[ -s link/prefetch_lines_read.png && -s link/prefetch_lines_write.svg &&
			-s link/prefetch_software.png ]]'
	ok 'and why the one of hardware prefetchers is not drawn' err_has 'prefetch_gain not drawn'
fi

try "$bench" run prefetch --plan --transport tcp
ok 'the plan is bounded: sweeps from one baseline' eval '
	out_has "83 prefetch " && ! out_has "84 prefetch"'

ok 'half a line is refused' fails_with 2 'whole cache lines' run prefetch --local -s 100 --out half
ok '--local takes no rate' fails_with 2 '--rate' run prefetch --local --rate 10 \
	-s 64 --scan read --out rate

# --- registers ----------------------------------------------------------------

# msr DIR CPU-WORDS REGISTER VALUE: files for every CPU that we may use.
msr() {
	local cpu
	mkdir -p "$1"
	echo "$2" >"$1/cpu"
	for ((cpu = 0; cpu < $(nproc --all); cpu++)); do
		mkdir -p "$1/$cpu"
		# shellcheck disable=SC2059
		printf "$4" | dd of="$1/$cpu/msr" bs=1 seek=$(($3)) conv=notrunc status=none
	done
}
# The files as they are.
state() { cat "$1"/*/msr | sha256sum; }

unset RDMABENCH_MSR_DIR
msr intel 'GenuineIntel 6 85' 0x1a4 '\x00\xab\xcd\x00\x00\x00\x00\x00'
before=$(state intel)
export RDMABENCH_MSR_DIR=$work/intel
run --transport tcp -s 4k --scan read --pattern seq,chase \
	--prefetchers as-found,all-off,l2-stream-off,l1-region-off --out intel-run
ok 'registers of Intel: exit 0' is "$status" 0
ok 'it is said that they are files' err_has 'no prefetcher is switched'
ok 'what it has is measured, what it has not is unsupported' is \
	"$(csv intel-run status | sort | uniq -c | tr -s ' ' | tr '\n' ';')" " 6 ok; 2 unsupported;"
ok 'and says so' eval 'csv intel-run reason | grep -q "no-msr: .*no such prefetcher"'
ok 'they are as they were' is "$(state intel)" "$before"
try "$bench" check intel-run
ok 'the sign is said' out_has 'hardware prefetchers make the scan faster'
if command -v gnuplot >/dev/null; then
	# One size is no line: more of them.
	run --transport tcp -s 1k,4k,16k --prefetchers as-found,all-off --out gain
	try "$bench" report gain
	ok 'the gain is drawn' test -s gain/prefetch_gain.png
fi

is_off() { # one of the CPUs has the bits set
	local file
	for file in "$work"/intel/*/msr; do
		[[ $(od -An -tx1 -j $((0x1a4)) -N 1 "$file") == ' 0f' ]] && return
	done
	return 1
}
is_back() { [[ $(state intel) == "$before" ]]; }
long() { "$bench" run prefetch "$@" -s 4k --prefetchers all-off --scan read \
	-D 30s --trials 1 --out killed >/dev/null 2>&1 & }

for how in KILL INT TERM; do
	rm -rf killed
	long --local
	tool=$!
	ok "$how: off while it measures" within 30 is_off
	kill -$how $tool
	wait $tool 2>/dev/null
	ok "$how of the tool: put back" within 20 is_back
done
rm -rf killed
long --transport tcp
tool=$!
ok 'the server has them off' within 30 is_off
"$bench" run prefetch --local --prefetchers all-off -s 4k --preset smoke \
	--out second >"$work/out" 2>"$work/err"
ok 'a second run is refused' err_has 'another run holds'
pkill -KILL -P $tool
ok 'KILL of the server: put back' within 20 is_back
wait $tool 2>/dev/null

# A server elsewhere is asked; our own needs no leave.
for allow in '' --allow-prefetchers; do
	# shellcheck disable=SC2086
	"$bench" serve -p 0 $allow >/dev/null 2>serve.err &
	server=$!
	within 30 grep -q listening serve.err
	run --connect "127.0.0.1:$(sed -n 's/.*listening on .* port //p' serve.err)" --transport tcp \
		-s 4k --scan read --prefetchers as-found,all-off --out "asked$allow"
	kill $server
	wait $server 2>/dev/null
done
ok 'serve: no client switches prefetchers' eval '
	csv asked reason | grep -q "no-permission: server: .*--allow-prefetchers" &&
	[[ $(csv asked status | sort -u | tr "\n" " ") == "ok unsupported " ]]'
ok 'serve --allow-prefetchers: they do' is "$(csv asked--allow-prefetchers status | sort -u)" ok
ok 'and they are put back' is_back

msr deaf 'AuthenticAMD 25 17 1' 0xc0000108 '\xff\x00\x00\x00\x00\x00\x00\x00'
export RDMABENCH_MSR_DIR=$work/deaf
run --local -s 4k --scan read --prefetchers as-found,all-off --out deaf-run
ok 'switched off already: nothing to compare' eval '
	is $status 0 && csv deaf-run reason | grep -q "no-msr: .*switched off already"'
unset RDMABENCH_MSR_DIR
run --local -s 4k --scan read --pattern seq,random --prefetchers as-found,all-off --out real
ok 'this host: orders run, whatever the registers' eval '
	is $status 0 && [[ $(csv real status | grep -c "^ok$") -ge 2 ]]'
done_testing
