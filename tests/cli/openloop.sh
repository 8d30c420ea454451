#!/bin/bash
# Open loop: what a closed loop leaves out is there.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# stall PID: nothing else runs on its processors for 300 ms.  Not by SIGSTOP,
# after which a trial is made again.
stall() {
	local cpus
	cpus=$(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$1/status")
	# shellcheck disable=SC2016
	chrt -f 1 taskset -c "$cpus" bash -c 'end=$((${EPOCHREALTIME/./} + 300000))
		while ((${EPOCHREALTIME/./} < end)); do :; done'
}
# stalled OUT OPTIONS...: a run whose server is held up, in the middle.
stalled() {
	local out=$1
	shift
	"$bench" run sendrecv --transport tcp -s 64 --poll event -D 2s --warmup 10ms \
		--trials 1 --out "$out" "$@" >/dev/null 2>&1 &
	client=$!
	within 30 test -s "$out/run.json"
	sleep 1
	stall "$(pgrep -P $client)"
	wait $client
}
cell() { column "$1/sendrecv.csv" "$2"; }

if chrt -f 1 true 2>/dev/null; then
	stalled open --rate 1000
	ok "a stall of 300 ms in an open loop: exit 0" is $? 0
	ok "the stall is in p99" eval '(( $(cell open lat_p99_ns) > 150000000 ))'
	ok "and in the backlog" eval '(( $(cell open backlog_max) > 150 ))'
	ok "the row says open" is "$(cell open loop)" open
	ok "offered beside achieved" is "$(cell open offered_ops_per_s)" 1000
	stalled closed
	ok "a closed loop has one slow operation only" eval '
		(( $(cell closed lat_max_ns) > 150000000 && $(cell closed samples) > 100 ))'
	ok "and no backlog, which is empty, not 0" is "$(cell closed backlog_max)" ""
else
	skip "a stall in an open loop" "realtime priority is not allowed here"
fi
try "$bench" run sendrecv --transport loop -s 64 --rate 500,2000 --arrival poisson \
	-n 100 --trials 1 --out sweep
ok "a list of rates is a sweep" is "$(cell sweep offered_ops_per_s | sort -n | tr '\n' ' ')" "500 2000 "
# Known delays are found back: never less than was injected (how much more
# depends on the machine and is in `make bench`).  Percentiles of an
# exponential distribution are -ln(1-q) times the mean, give or take what
# 1,000 samples scatter.
at_least() { awk -v v="$1" -v w="$2" 'BEGIN { exit !(v >= w) }'; }
for transport in loop tcp; do
	try "$bench" run sendrecv --transport $transport -s 64 --trials 1 -n 300 \
		--service-time 1ms --out const-$transport
	ok "$transport: a constant delay of 1 ms is in the minimum" \
		at_least "$(cell const-$transport lat_min_ns)" 1000000
	try "$bench" run sendrecv --transport $transport -s 64 --trials 1 -n 1000 \
		--service-time 1ms --service-dist exponential --out exp-$transport
	ok "$transport: an exponential one, p50" at_least "$(cell exp-$transport lat_p50_ns)" 600000
	ok "$transport: an exponential one, mean" at_least "$(cell exp-$transport lat_mean_ns)" 900000
	ok "$transport: an exponential one, p90" at_least "$(cell exp-$transport lat_p90_ns)" 2000000
	ok "$transport: an exponential one, p99" at_least "$(cell exp-$transport lat_p99_ns)" 3700000
done
# M/D/1 at half load: waiting adds half a service time (Pollaczek, 1930),
# which a closed loop would not see.
try "$bench" run sendrecv --transport loop -s 64 --trials 1 -D 3s --service-time 1ms \
	--rate 500 --arrival poisson --out md1
ok "an open queue at half load waits" at_least "$(cell md1 lat_mean_ns)" 1250000
done_testing
