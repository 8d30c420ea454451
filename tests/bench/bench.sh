#!/bin/bash
# make bench: rdmabench beside the tools that one would otherwise use.
#
#	[ROUNDS=N] [AGAINST=peer|BINARY] [BUILD=build] [BENCH_LOCK=FILE] \
#		tests/bench/bench.sh [PART...]
#
# Parts: harness known tcp rdma, which are all without an argument, and verbs,
# insns and oplog (verbs.sh, insns.sh, oplog.sh).
# Each has its own number of rounds unless ROUNDS says one for all: many short
# ones, as a shared machine is slower for seconds at a time.  In each round
# ours and the peer's run one right after the other, in turn first, with the
# same sizes both ways, the same CPUs (ends apart), the same poll mode,
# inline, depth and MTU, and nothing prepared, verified or counted.  CPUs are
# kept out of idle states for both (/dev/cpu_dma_latency at 0), which rdmabench
# does by itself and no peer does: rows that block would compare the host's
# idle states.  Where that may not be (not root) it is said, and those rows are
# not of the same conditions.  Results: a line
# a row, and $BUILD/bench.csv; the samples of all rounds stay beside it.
# Speed is never a failure: the exit status says whether everything ran.
# AGAINST=peer puts the peer on both sides of every row that has one: what the
# machine makes of two commands that are the same.  AGAINST=BINARY, of another
# build's rdmabench: that one is the peer of "verbs".
#
# What the peers do differently, and how it is made alike:
# - sockperf warms up for 0.4 s and leaves the ends of its run out; it stamps
#   around a round trip as we do: p50 against p50 of the full round trip.  It
#   sends at most 65,507 bytes, so its 64k row has that size on both sides.
#   It reads and writes a header of 14 bytes in every message.
# - qperf reports elapsed time / messages / 2, whatever lies between
#   operations included.  So ours is elapsed time / operations too.
# - ib_send_lat warms nothing up and takes times from one post to the next,
#   so what lies between two operations counts; it reports half of the median.
#   Ours is the median times elapsed time / operations / mean: the time between
#   two has no distribution, and its mean, like that of the operations, holds
#   the machine's stalls; so the same share of each is taken for typical.
#   It signals every send and has a send queue of 1: ours runs with -Q 1 -t 2,
#   its least.  It has no inline for rxe: ours -I 0.
#   Its receive queue holds 512, ours 1 and 3: a closed loop never uses more.
# - None of them counts: ours runs with --counters none.  A PMU's events are
#   moved at each context switch, and rxe takes one where its tasklet wakes
#   ksoftirqd (reads, UC, UD).
# - ib_*_bw's server posts a receive again for each message, ours as many as
#   it found at once, and tells the client now and then how many there are:
#   ours never sends to a receive that is not posted.  Both are counted where
#   they are posted (verbs.sh).
#   Both take the GID of the same address: by itself it may take another one,
#   and IPv6 is not as fast as IPv4.
#
# The part "known" has no peer but arithmetic: delays that the server spends
# on purpose must come back in the percentiles, and an open loop must show
# the queue that theory says (both ways: neither more nor less).
set -uo pipefail

[[ ! -f ${AGAINST:-} ]] || AGAINST=$(realpath "$AGAINST")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=scripts/lib/packages.sh
. scripts/lib/packages.sh

declare -A rounds_of=([harness]=21 [known]=7 [tcp]=15 [rdma]=31 [verbs]=24
	[insns]=6 [oplog]=21 [oplog_host]=21)
BUILD=${BUILD:-build}
readonly OURS=$BUILD/rdmabench HELPERS=$BUILD/tests/bench
readonly SECONDS_EACH=1 PORT=18600 DEVICE=rxe0 ADDRESS=10.9.9.1
broken=0
work=$(mktemp -d "${TMPDIR:-/tmp}/rdmabench-bench.XXXXXX")

cleanup() {
	stop_server
	end_pair
	rm -rf "$work"
}

say() {
	printf 'bench: %s\n' "$*" >&2
}

# could_not WHAT: this one is missing; the rest goes on.
could_not() {
	say "could not run: $*"
	[[ ! -s $work/err ]] || tail -3 "$work/err" | sed 's/^/bench:   /' >&2
	broken=1
}

#
# The machine
#

# The first and the last CPU that we may use, as rdmabench takes them.
choose_cpus() {
	local list
	list=$(taskset -cp $$ | sed 's/.*: //')
	CLIENT_CPU=${list%%[,-]*}
	SERVER_CPU=${list##*[,-]}
	[[ $CLIENT_CPU != "$SERVER_CPU" ]] ||
		say "only CPU $list: two ends that spin will take turns"
}

# For us and whatever we start, until we end.  In the guest this script runs
# again, and does it there.
keep_awake() {
	local fd file=/dev/cpu_dma_latency
	if [[ -w $file ]] && exec {fd}>"$file" && printf '\0\0\0\0' >&"$fd"; then
		return
	fi
	say "$file cannot be held: peers sleep deeper than ours where they block"
}

note_load() {
	local load
	read -r load _ </proc/loadavg
	awk -v l="$load" 'BEGIN { exit !(l > 0.5) }' || return 0
	say "the load is $load: other work is running, and will be in the numbers"
}

# alone COMMAND...: with BENCH_LOCK, for those who measure on one machine in
# turns.
alone() {
	local fd status=0
	if [[ -z ${BENCH_LOCK:-} ]]; then
		"$@"
		return
	fi
	exec {fd}>"$BENCH_LOCK"
	flock "$fd"
	"$@" {fd}>&- || status=$?
	exec {fd}>&-
	return "$status"
}

#
# Servers of the peers: one at a time, gone after each measurement
#

server=

# start_server COMMAND...: on the server's CPU.
start_server() {
	taskset -c "$SERVER_CPU" "$@" >"$work/server" 2>&1 </dev/null &
	server=$!
}

stop_server() {
	[[ -n $server ]] || return 0
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	server=
}

# until_true SECONDS COMMAND...
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS <= end)) || return 1
		sleep 0.05
	done
}

# The kernel's table has ports in hexadecimal, and 0A for a listener.
listens() {
	local hex
	printf -v hex '%04X' "$1"
	grep -qsE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F:]+ 0A" /proc/net/tcp{,6}
}

cm_listens() {
	rdma resource show cm_id 2>/dev/null | grep -q 'state LISTEN'
}

on_client_cpu() {
	timeout -k 5 60 taskset -c "$CLIENT_CPU" "$@" 2>"$work/err" </dev/null
}

#
# Measuring: each prints one number
#

# What all of ours have; after choose_cpus.
set_common() {
	our_common=(--verify none --counters none
		--cpus "$CLIENT_CPU,$SERVER_CPU" --warmup 100ms --trials 1
		--quiet --out "$work/run")
}

# ours AWK-EXPRESSION OPTIONS...: of the row's columns, called by name.
ours() {
	ours_of sendrecv "$1" --request-size same --prepare none "${@:2}"
}

# ours_of SCENARIO AWK-EXPRESSION OPTIONS...
ours_of() {
	local scenario=$1 what=$2
	shift 2
	rm -rf "$work/run"
	timeout -k 5 60 "$OURS" run "$scenario" "${our_common[@]}" "$@" \
		>"$work/out" 2>"$work/err" </dev/null || return 1
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ p50 = $at["lat_p50_ns"]; p90 = $at["lat_p90_ns"]; mean = $at["lat_mean_ns"]
		  period = 1e9 / $at["ops_per_s"]; typical = p50 * period / mean
		  print ('"$what"') / 1000 }' "$work/run/$scenario.csv"
}

sockperf_rtt() { # SIZE MODE
	local mode=() status=0
	[[ $2 == spin ]] && mode=(--nonblocked)
	start_server sockperf server --tcp -i 127.0.0.1 -p $PORT "${mode[@]}"
	until_true 5 listens $PORT &&
		on_client_cpu sockperf ping-pong --tcp -i 127.0.0.1 -p $PORT \
			-m "$1" -t $SECONDS_EACH --full-rtt "${mode[@]}" \
			>"$work/out" || status=1
	stop_server
	((status == 0)) &&
		awk '/percentile 50.000/ { print $NF }' "$work/out"
}

qperf_rtt() { # SIZE
	local status=0
	start_server qperf -lp $PORT
	until_true 5 listens $PORT &&
		on_client_cpu qperf 127.0.0.1 -lp $PORT -ip $((PORT + 1)) \
			-t $SECONDS_EACH -e 6 -uu -m "$1" tcp_lat \
			>"$work/out" || status=1
	stop_server
	((status == 0)) &&
		awk '$1 == "latency" { print 2 * $3 / 1000 }' "$work/out"
}

ib_send_lat_rtt() { # ITERATIONS SIZE OPTIONS...
	local status=0 command ready=(listens "$PORT")
	command=(ib_send_lat -d "$DEVICE" -F -p "$PORT" -m 4096 -n "$1"
		-s "$2" "${@:3}")
	[[ " ${*:3} " != *' -R '* ]] || ready=(cm_listens)
	start_server "${command[@]}"
	until_true 5 "${ready[@]}" &&
		on_client_cpu "${command[@]}" $ADDRESS >"$work/out" || status=1
	stop_server
	((status == 0)) &&
		awk -v s="$2" '$1 == s && NF >= 7 { print 2 * $5 }' "$work/out"
}

#
# Rows
#

# What a row measures: two commands that print a number each.
our_command=()
their_command=()

# Leaves $mine and $theirs; which goes first alternates.
in_turn() { # ROUND
	if (($1 % 2)); then
		mine=$("${our_command[@]}") && theirs=$("${their_command[@]}")
	else
		theirs=$("${their_command[@]}") && mine=$("${our_command[@]}")
	fi
	[[ -n $mine && -n $theirs ]]
}

sample() { # ROW PEER COMMAND UNIT ROUND
	local mine='' theirs=''
	if [[ ${AGAINST:-} == peer ]]; then
		our_command=("${their_command[@]}")
		set -- "self_$1" "${@:2}"
	fi
	if ! in_turn "$5"; then
		could_not "$1 against $2, round $5 (ours ${mine:-none}, theirs ${theirs:-none})"
		return
	fi
	printf '%s,%s,%s,%s,%d,%s,%s\n' "$@" "$mine" "$theirs"
}

sockperf_row() { # ROUND NAME SIZE MODE
	local flag=
	[[ $4 == spin ]] && flag=' --nonblocked'
	our_command=(ours p50 --transport tcp --poll "$4" -s "$3" -D 1s)
	their_command=(sockperf_rtt "$3" "$4")
	sample "tcp_${2}_$4" sockperf \
		"sockperf ping-pong --tcp -m $3 --full-rtt$flag" us "$1"
}

qperf_row() { # ROUND NAME SIZE
	our_command=(ours period --transport tcp --poll event -s "$3" -D 1s)
	their_command=(qperf_rtt "$3")
	sample "tcp_${2}_event_mean" qperf "qperf -m $3 tcp_lat" us "$1"
}

# The GID table's index of our address.
gid_index() {
	local file hex octets
	IFS=. read -r -a octets <<<"$ADDRESS"
	printf -v hex '%02x%02x:%02x%02x' "${octets[@]}"
	for file in "/sys/class/infiniband/$DEVICE/ports/1/gids/"*; do
		[[ $(<"$file") != *":ffff:$hex" ]] || printf '%s\n' "${file##*/}"
	done 2>/dev/null | sort -n | head -1
}

send_lat_row() { # ROUND NAME SIZE ITERATIONS MODE [OPTION-OF-BOTH]
	local flags=("${@:6}" -x "$(gid_index)")
	our_command=(ours typical --transport rdma -d "$DEVICE"
		-I 0 -Q 1 -t 2 -m 4096 --poll "$5" -s "$3" -n "$4" "${flags[@]}")
	[[ $5 != event ]] || flags+=(-e)
	their_command=(ib_send_lat_rtt "$4" "$3" "${flags[@]}")
	sample "rdma_$2" ib_send_lat \
		"ib_send_lat -m 4096 -s $3${flags[*]:+ ${flags[*]}}" us "$1"
}

# value NAME FILE: a row of what the C helpers print.
value() {
	awk -F, -v name="$1" '$1 == name { print $2 }' "$2"
}

limit_row() { # ROUND NAME LIMIT VALUE
	if [[ -z $4 ]]; then
		could_not "$2, round $1"
		return
	fi
	printf '%s,limit,at most %s ns,ns,%d,%s,%s\n' "$2" "$3" "$1" "$4" "$3"
}

#
# Parts: a round of each
#

round_harness() {
	local out=$work/out
	"$HELPERS/harness" "$SERVER_CPU" >"$out" 2>"$work/err"
	limit_row "$1" harness_own 40 "$(value own "$out")"
	limit_row "$1" harness_and_loop 40 "$(value harness "$out")"
	"$HELPERS/micro" "$SERVER_CPU" >"$out" 2>"$work/err"
	limit_row "$1" hist_record 5 "$(value hist_record "$out")"
}

round_tcp() {
	local mode
	for mode in event spin; do
		sockperf_row "$1" 64 64 $mode
		sockperf_row "$1" 1k 1024 $mode
		sockperf_row "$1" 64k 65507 $mode
	done
	qperf_row "$1" 64 64
	qperf_row "$1" 1k 1024
	qperf_row "$1" 64k 65536
}

round_rdma() {
	send_lat_row "$1" 64_spin 64 5000 spin
	send_lat_row "$1" 4k_spin 4096 3000 spin
	send_lat_row "$1" 64k_spin 65536 300 spin
	send_lat_row "$1" 64_spin_cm 64 5000 spin -R
	send_lat_row "$1" 64_event 64 1000 event
}

# What a run costs beside the trials: that of each of 60 points and of 6.
points_us() { # POINTS
	local begin=${EPOCHREALTIME/./} last=$((63 + $1))
	ours 1 --transport loop --poll yield -s "64-$last+1" -n 1 \
		--warmup 1us >/dev/null || return 1
	printf '%d\n' $(((${EPOCHREALTIME/./} - begin) / $1))
}

# known_row ROUND NAME WHAT NANOSECONDS AWK-EXPRESSION OPTIONS...
known_row() {
	local value
	value=$(ours "$5 - ${base:-0}" --transport loop -s 64 "${@:6}")
	if [[ -z $value ]]; then
		could_not "$2, round $1"
		return
	fi
	printf '%s,known,%s,us,%d,%s,%s\n' "$2" "$3" "$1" "$value" "$4"
}

round_known() {
	local base='' few many
	base=$(ours 'p50 * 1000' --transport loop -s 64 -D 200ms)
	known_row "$1" delay_constant 'constant service of 100 us: p50' 100 \
		p50 -n 2000 --service-time 100us
	known_row "$1" delay_exponential 'exponential service of 100 us: mean' \
		100 mean -n 20000 --service-time 100us --service-dist exponential
	# Waiting of at most t services has the probability (Erlang, 1909)
	# (1-r) sum over k <= t of (r(k-t))^k / k! e^(r(t-k)): 0.9 at t = 1.516
	# for r = 1/2.
	# Services of 1 ms, beside which what the machine stalls is small.
	known_row "$1" open_queue_p90 'M/D/1 at half load: p90 of 2.516 services' \
		2516 p90 -D 4s --service-time 1ms --rate 500 --arrival poisson
	known_row "$1" open_queue_mean 'M/D/1 at half load: mean of 1.5 services' \
		1500 mean -D 4s --service-time 1ms --rate 500 --arrival poisson
	few=$(points_us 6) && many=$(points_us 60)
	[[ -z $many ]] || printf '%s,6 points,%s,us,%d,%s,%s\n' points_60 \
		'run time of a point: 60 in a run; 6 in a run' "$1" "$many" "$few"
}

rounds() { # PART
	local i n=${ROUNDS:-${rounds_of[$1]}}
	for ((i = 1; i <= n; i++)); do
		say "$1: round $i of $n"
		alone "round_$1" "$i"
	done
}

part_harness() {
	rounds harness
}

part_known() {
	rounds known
}

part_tcp() {
	rounds tcp
}

# In a guest of one boot.
in_guest() { # rounds|rows PART [OPTION-OF-RXE...]
	alone env -u BENCH_LOCK ROUNDS="${ROUNDS:-}" BUILD="$BUILD" \
		ROUND="${ROUND:-}" ROWS="${ROWS:-}" AGAINST="${AGAINST:-}" \
		scripts/rxe.sh run --timeout 3600 "${@:3}" -- \
		"$PWD/tests/bench/bench.sh" "$1" "$2"
}

part_rdma() {
	in_guest rounds rdma
}

# shellcheck source=tests/bench/verbs.sh
. tests/bench/verbs.sh
# shellcheck source=tests/bench/insns.sh
. tests/bench/insns.sh
# shellcheck source=tests/bench/oplog.sh
. tests/bench/oplog.sh

peers_installed() {
	install_packages sockperf qperf perftest ||
		say "without them their rows cannot run"
}

all_parts() {
	local part samples=$BUILD/bench-samples.csv
	note_load
	peers_installed
	: >"$samples"
	for part; do
		"part_$part" >>"$samples" || broken=1
	done
	"$HELPERS/ratio" "$BUILD/bench.csv" <"$samples" || broken=1
	say "rows in $BUILD/bench.csv, every round in $samples"
}

# Else it would be perftest that is measured.
check_against() {
	[[ -z ${AGAINST:-} || $AGAINST == peer || -x $AGAINST ]] && return
	say "AGAINST=$AGAINST: no such program"
	exit 2
}

main() {
	trap cleanup EXIT
	check_against
	trap 'exit 130' INT TERM
	choose_cpus
	set_common
	keep_awake
	case ${1:-} in
	rounds) rounds "$2" ;;
	rows) "rows_$2" ;;
	'') all_parts harness known tcp rdma ;;
	*) all_parts "$@" ;;
	esac
	return "$broken"
}

main "$@"
