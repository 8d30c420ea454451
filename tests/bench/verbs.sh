# Sourced by bench.sh: one verb at a time beside perftest.  In each round both
# programs of a row are started and run by turns, a tenth of a second each
# (slices.c): on a machine that changes its speed every few seconds, pairs of
# runs of a second each told 5 % apart in no number of rounds that one can wait
# for.  Not all turns of one start: where its memory, and QEMU's code for it, lie
# makes up to 7 % of difference for as long as it runs.  Nor all rounds of one
# boot of the guest, whose kernel lies somewhere too: with all in one, a row of the
# same two programs was 1.043 [1.024, 1.058] in one boot and 1.004 [0.983, 1.030]
# in the next (reads).  So a round is a boot, in which each row has one start of
# both.  The yardstick is the same for both: the time from post to post, by what
# rings the client's doorbell, which for a software device is a write().  So a row
# counts everything that a program does for an operation, and says nothing of its
# percentiles.
#
# ROWS=PATTERN: those only.
#
# As many outstanding (-t; of reads and atomics 16 reach the wire), as many
# signalled (-Q) and, but for atomics, whose results have places of their own
# here, as many buffers (--rotate, so that no operation is stamped) on both
# sides.
# shellcheck shell=bash

# Of each program in a round; operations, more than it will get to.
readonly TURNS=11 MANY=4000000

# Of this row: what to run, without what all rows have; each one's process
# groups and, first, the process that posts.
our_options=()
their_options=()
our_pids=
their_pids=

# group CPU COMMAND...: in a process group of its own, whose id is in $group.
group() {
	set -m
	taskset -c "$1" "${@:2}" >"$work/out" 2>"$work/err" </dev/null &
	set +m
	group=$!
	disown "$group"
}

posts_of() { # PID
	awk '$1 == "syscw:" { print $2 }' "/proc/$1/io" 2>/dev/null
}

# More than what opening and connecting takes.
posts_many() { # PID
	local before after
	before=$(posts_of "$1")
	sleep 0.2
	after=$(posts_of "$1")
	((${after:-0} > ${before:-0} + 100))
}

signal_groups() { # SIGNAL PID,GROUP...
	local groups
	IFS=, read -r -a groups <<<"${2#*,}"
	((${#groups[@]} == 0)) || kill "-$1" -- "${groups[@]}" 2>/dev/null
}

# start_rdmabench BINARY DIRECTORY: leaves $pids.
start_rdmabench() {
	rm -rf "$2"
	group "$CLIENT_CPU,$SERVER_CPU" "$1" run "${our_options[@]}" \
		-D 3600s "${our_common[@]/#"$work/run"/"$2"}"
	pids=$group,-$group
	until_true 20 posts_many "$group"
}

# start_perftest PORT: leaves $pids.
start_perftest() {
	local server
	local command=("${their_options[@]}" -p "$1" -n $MANY)
	group "$SERVER_CPU" "${command[@]}"
	server=$group
	pids=0,-$server
	until_true 10 listens "$1" || return 1
	group "$CLIENT_CPU" "${command[@]}" $ADDRESS
	pids=$group,-$group,-$server
	until_true 20 posts_many "$group"
}

start_ours() {
	local pids= status=0
	if [[ ${AGAINST:-} == peer ]]; then
		start_perftest $((PORT + 1)) || status=1
	else
		start_rdmabench "$OURS" "$work/run" || status=1
	fi
	our_pids=$pids
	signal_groups STOP "$pids"
	return $status
}

start_theirs() {
	local pids= status=0
	if [[ -f ${AGAINST:-} ]]; then
		start_rdmabench "$AGAINST" "$work/older" || status=1
	else
		start_perftest $PORT || status=1
	fi
	their_pids=$pids
	signal_groups STOP "$pids"
	return $status
}

# Who is started first in one round is the second in the next: of two that were
# the same the first one was faster, 0.979 [0.953, 0.998] (sends, 19 rounds).
start_pair() {
	if ((ROUND % 2)); then
		start_ours && start_theirs
	else
		start_theirs && start_ours
	fi
}

end_pair() {
	signal_groups KILL "$our_pids"
	signal_groups KILL "$their_pids"
	our_pids='' their_pids=''
}

# Prints what an operation of each took.
run_pair() {
	local status=0
	start_pair &&
		"$HELPERS/slices" $TURNS "$our_pids" "$their_pids" \
			2>"$work/err" || status=1
	end_pair
	return $status
}

# by_turns ROW: a sample of it, by $our_options and $their_options.
by_turns() {
	local row=verb_$1 peer command us
	peer=${their_options[0]} command="${their_options[*]}"
	[[ ${AGAINST:-} != peer ]] || row=self_$row
	[[ ! -f ${AGAINST:-} ]] ||
		row=older_$row peer=older command="$AGAINST ${our_options[*]}"
	run_pair >"$work/turns" || could_not "$row, round $ROUND"
	read -r -a us <"$work/turns" || return 0
	printf '%s,%s,%s,us,%d,%s,%s\n' "$row" "$peer" "$command" "$ROUND" \
		"${us[@]}"
}

#
# Rows
#

# How a row is measured: by_turns, or counted_row (insns.sh), with its name,
# latency or rate, and how many operations are enough.
verb_meter=by_turns

# Options of ours that perftest has by another name; an atomic has 8 bytes.
set_theirs() { # TOOL SIZE [OPTION-OF-OURS...]
	their_options=("$1" -d "$DEVICE" -F -m 4096)
	[[ $1 == ib_atomic_* ]] || their_options+=(-s "$2")
	[[ " $* " != *' --qp-type uc '* ]] || their_options+=(-c UC)
	[[ " $* " != *' --qp-type ud '* ]] || their_options+=(-c UD)
}

measure() { # NAME latency|rate OPERATIONS OPTION-OF-BOTH...
	# shellcheck disable=SC2053 # a pattern
	[[ $1 == ${ROWS:-*} ]] || return 0
	our_options+=("${@:4}")
	their_options+=("${@:4}")
	"$verb_meter" "${@:1:3}"
}

# One at a time.
verb_lat_row() { # NAME TOOL SIZE OPERATIONS [OPTION-OF-OURS...]
	our_options=(ops --mode latency --transport rdma -d "$DEVICE" -I 0 -Q 1
		-t 2 -m 4096 --poll spin -s "$3" "${@:5}")
	set_theirs "$2" "$3" "${@:5}"
	measure "$1" latency "$4" -x "$(gid_index)"
}

# Buffers at each end: perftest's take turns within a page (--cycle_buffer), a
# cache line or more each, and what is longer than half of it has one.
buffers_of() { # SIZE
	local lines=$((($1 + 63) / 64))
	echo $((lines < 64 ? 64 / lines : 1))
}

# Many outstanding.
verb_rate_row() { # NAME TOOL SIZE OPERATIONS [OPTION-OF-OURS...]
	our_options=(ops --mode rate --outstanding 128 --transport rdma
		-d "$DEVICE" -I 0 -m 4096 --poll spin -s "$3" "${@:5}")
	[[ $2 == ib_atomic_* ]] || our_options+=(--rotate "$(buffers_of "$3")")
	set_theirs "$2" "$3" "${@:5}"
	measure "$1" rate "$4" -Q 50 -t 128 -x "$(gid_index)"
}

verb_rows() {
	verb_lat_row send_lat ib_send_lat 64 5000 --op send
	verb_lat_row send_lat_uc ib_send_lat 64 5000 --op send --qp-type uc
	verb_lat_row send_lat_ud ib_send_lat 64 5000 --op send --qp-type ud
	verb_lat_row write_lat ib_write_lat 64 5000 --op write --poll-memory
	verb_lat_row write_lat_uc ib_write_lat 64 5000 --op write --poll-memory \
		--qp-type uc
	verb_lat_row read_lat ib_read_lat 64 5000 --op read
	verb_lat_row atomic_lat ib_atomic_lat 8 5000 --op fetch-add
	verb_rate_row send_rate ib_send_bw 64 20000 --op send
	verb_rate_row send_rate_uc ib_send_bw 64 20000 --op send --qp-type uc
	verb_rate_row send_rate_ud ib_send_bw 64 20000 --op send --qp-type ud
	verb_rate_row send_rate_64k ib_send_bw 65536 1000 --op send
	verb_rate_row write_rate ib_write_bw 64 20000 --op write
	verb_rate_row write_rate_64k ib_write_bw 65536 1000 --op write
	verb_rate_row read_rate ib_read_bw 64 20000 --op read
	verb_rate_row atomic_rate ib_atomic_bw 8 20000 --op fetch-add
}

# rxe hands what it cannot do at once to a thread of each CPU's, which is a
# program like ours to the scheduler: one that has just been let go, and spins,
# may keep it waiting for milliseconds, whichever tool it is.  It goes first.
softirqs_first() {
	local pid
	for pid in $(pgrep '^ksoftirqd/'); do
		chrt -f -p 1 "$pid" 2>"$work/err" ||
			could_not "chrt of ksoftirqd: turns begin slowly"
	done
}

rows_verbs() {
	softirqs_first
	verb_rows
}

part_verbs() {
	local n=${ROUNDS:-${rounds_of[verbs]}} i status=0
	for ((i = 1; i <= n; i++)); do
		say "verbs: round $i of $n"
		ROUND=$i in_guest rows verbs || status=1
	done
	return $status
}
