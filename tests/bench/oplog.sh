# Sourced by bench.sh: a log write beside what it is made of, all of it ours, in
# one boot on one device.  (No peer has a replicated log; what Intel published
# of one Optane machine stands in the report.)  A row's ratio over the one that
# its name tells:
#
#   log_tcp, log_send        at most 1.15: a sendrecv round trip of the same
#                            bytes and one local persist of them: stored into
#                            the log, flushed and fenced; no checksum
#   log_write_read           at most 1.10: a WRITE until its completion, a READ
#                            of 8 bytes and a local persist; serialised
#   log_chained              below 1: both in one post against serialised
#   log_out_*                below 1: the time of a write with more
#                            outstanding, against a quarter of them
#
# Both sides: the same poll, CPUs, warm-up and time, and no counters read; a
# sendrecv that prepares nothing (its server's stamps belong to no log).
# shellcheck shell=bash

readonly LOG_RECORD=4096
# As it is sent: header, payload; a message has a line before them.
readonly LOG_MESSAGE=$((64 + 64 + LOG_RECORD)) LOG_REPLY=16

# log_us COLUMN METHOD OPTIONS...: in us; "period" is the time between two.
log_us() {
	rm -rf "$work/run"
	timeout -k 5 60 "$OURS" run oplog --method "$2" --poll spin \
		-s $LOG_RECORD -D 400ms -d "$DEVICE" --warmup 100ms --trials 1 \
		--cpus "$CLIENT_CPU,$SERVER_CPU" --quiet --out "$work/run" \
		"${@:3}" >"$work/out" 2>"$work/err" </dev/null || return 1
	awk -F, -v name="$1" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		name == "period" { print 1e6 / $at["ops_per_s"]; next }
		{ print $at[name] / 1000 }' "$work/run/oplog.csv"
}

sum() {
	awk '{ s += $1 } END { print s }'
}

persist_us() {
	local append persist
	append=$(log_us append_p50_ns local --rf 1) &&
		persist=$(log_us persist_p50_ns local --rf 1) &&
		printf '%s\n' "$append" "$persist" | sum
}

# round_trip_and_persist TRANSPORT
round_trip_and_persist() {
	local trip persist
	trip=$(ours p50 --transport "$1" -d "$DEVICE" --poll spin -D 400ms \
		--request-size $LOG_MESSAGE -s $LOG_REPLY) &&
		persist=$(persist_us) && printf '%s\n' "$trip" "$persist" | sum
}

# A write is posted and completes: the floor's way from post to completion.
write_read_and_persist() {
	local write read persist
	write=$(log_us ack_1_p50_ns write) &&
		read=$(ours_of ops p50 --op read --mode latency --poll spin \
			--transport rdma -d "$DEVICE" -s 8 -D 400ms) &&
		persist=$(persist_us) &&
		printf '%s\n' "$write" "$read" "$persist" | sum
}

# log_row ROUND NAME WHAT: both commands are set.
log_row() {
	sample "log_$2" parts "$3" us "$1"
}

round_oplog() {
	our_command=(log_us lat_p50_ns tcp)
	their_command=(round_trip_and_persist tcp)
	log_row "$1" tcp 'sendrecv of the same bytes + persist: at most 1.15'
	our_command=(log_us lat_p50_ns send)
	their_command=(round_trip_and_persist rdma)
	log_row "$1" send 'sendrecv of the same bytes + persist: at most 1.15'
	our_command=(log_us lat_p50_ns write-read --post serialised)
	their_command=(write_read_and_persist)
	log_row "$1" write_read 'write + read of 8 bytes + persist: at most 1.10'
	our_command=(log_us lat_p50_ns write-read --post chained)
	their_command=(log_us lat_p50_ns write-read --post serialised)
	log_row "$1" chained 'the same serialised: below 1'
	round_oplog_outstanding "$1"
}

round_oplog_outstanding() {
	local n method
	for method in tcp send write-read; do
		for n in 4 16; do
			our_command=(log_us period "$method" --outstanding "$n")
			their_command=(log_us period "$method"
				--outstanding $((n / 4)))
			log_row "$1" "out_${method}_$n" \
				"a write with $((n / 4)) outstanding: below 1"
		done
	done
}

part_oplog() {
	in_guest oplog
}
