#!/bin/bash
# Open loop: what a closed loop leaves out is there.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# stalled OUT OPTIONS...: a run whose server is stopped for 300 ms.
stalled() {
	local out=$1
	shift
	"$bench" run sendrecv --transport tcp -s 64 --poll event -D 2s --warmup 10ms \
		--trials 1 --out "$out" "$@" >/dev/null 2>&1 &
	client=$!
	sleep 1
	pkill -STOP -P $client
	sleep 0.3
	pkill -CONT -P $client
	wait $client
}
cell() { column "$1/sendrecv.csv" "$2"; }

stalled open --rate 1000
ok "a stall of 300 ms in an open loop: exit 0" is $? 0
ok "the stall is in p99" eval '(( $(cell open lat_p99_ns) > 150000000 ))'
ok "and in the backlog" eval '(( $(cell open backlog_max) > 150 ))'
ok "the row says open" is "$(cell open loop)" open
ok "offered beside achieved" is "$(cell open offered_ops_per_s)" 1000
stalled closed
ok "a closed loop has one slow operation only" eval '
	(( $(cell closed lat_max_ns) > 150000000 && $(cell closed samples) > 1000 ))'
ok "and no backlog, which is empty, not 0" is "$(cell closed backlog_max)" ""
try "$bench" run sendrecv --transport loop -s 64 --rate 500,2000 --arrival poisson \
	-n 100 --trials 1 --out sweep
ok "a list of rates is a sweep" is "$(cell sweep offered_ops_per_s | sort -n | tr '\n' ' ')" "500 2000 "
done_testing
