# Sourced by bench.sh: a log write beside what it is made of, all of it ours, in
# one boot on one device.  (No peer has a replicated log; what Intel published
# of one Optane machine stands in the report.)  A row's ratio over the one that
# its name tells:
#
#   log_tcp, log_send        at most 1.15: a sendrecv round trip of the same
#                            bytes and one local persist of them: stored into
#                            the log, flushed and fenced; no checksum
#   log_tcp_host             log_tcp outside the guest
#   log_write_read           at most 1.10: a WRITE until its completion and a
#                            READ of 8 bytes, each measured alone by `ops`, and
#                            a local persist; serialised
#   log_verbs                no limit: what its WRITE and READ take in turn,
#                            against each alone, where caches, and the code
#                            that QEMU has translated, are of one verb only
#   log_chained              below 1: both in one post against serialised
#   log_out_*                below 1: the time of a write with more
#                            outstanding, against a quarter of them
#
# Both sides: the same poll, CPUs, warm-up and time, and no counters read; a
# sendrecv that prepares nothing (its server's stamps belong to no log).  What
# a log write has and its parts have not: the checksum, the peer's own persist,
# and what lies between two writes, as a writer waits for that too.
# shellcheck shell=bash

readonly LOG_RECORD=4096
# As it is sent: header, payload; a message has a line before them.
readonly LOG_IMAGE=$((64 + LOG_RECORD)) LOG_REPLY=16
readonly LOG_MESSAGE=$((64 + LOG_IMAGE))

# Short, as this machine runs at one of two speeds for seconds at a time: what
# is compared has to be measured at one of them.
readonly LOG_TIME=150ms LOG_WARMUP=50ms

# None outside the guest, where TCP is measured once more: there is no emulator
# in the checksum.
log_device=()
[[ ! -d /sys/class/infiniband/$DEVICE ]] || log_device=(-d "$DEVICE")

# log_us COLUMN METHOD OPTIONS...: in us; "period" is the time between two;
# "stored" what storing into the log and persisting take together; "verbs" what
# posting takes, until the WRITE is complete and the READ is posted (a software
# device answers it there), and the wait for it behind the own copy.
log_us() {
	rm -rf "$work/run"
	timeout -k 5 60 "$OURS" run oplog --method "$2" --poll spin \
		-s $LOG_RECORD -D $LOG_TIME "${log_device[@]}" --counters none \
		--warmup $LOG_WARMUP --trials 1 \
		--cpus "$CLIENT_CPU,$SERVER_CPU" --quiet --out "$work/run" \
		"${@:3}" >"$work/out" 2>"$work/err" </dev/null || return 1
	awk -F, -v name="$1" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		name == "period" { print 1e6 / $at["ops_per_s"]; next }
		name == "stored" {
			print ($at["append_p50_ns"] + $at["persist_p50_ns"]) / 1000
			next }
		name == "verbs" {
			print ($at["post_p50_ns"] + $at["wait_p50_ns"]) / 1000
			next }
		{ print $at[name] / 1000 }' "$work/run/oplog.csv"
}

sum() {
	awk '{ s += $1 } END { print s }'
}

persist_us() {
	log_us stored local --rf 1
}

# round_trip_and_persist TRANSPORT
round_trip_and_persist() {
	local trip persist
	trip=$(ours p50 --transport "$1" "${log_device[@]}" --poll spin -D $LOG_TIME \
		--warmup $LOG_WARMUP --request-size $LOG_MESSAGE -s $LOG_REPLY) &&
		persist=$(persist_us) && printf '%s\n' "$trip" "$persist" | sum
}

# verb_us OP SIZE OPTIONS...: one at a time, from its post to its completion.
verb_us() {
	ours_of ops p50 --op "$1" -s "$2" --poll spin --transport rdma \
		-d "$DEVICE" -D $LOG_TIME --warmup $LOG_WARMUP "${@:3}"
}

write_and_read() {
	local write read
	write=$(verb_us write $LOG_IMAGE --mode rate --outstanding 1) &&
		read=$(verb_us read 8 --mode latency) &&
		printf '%s\n' "$write" "$read" | sum
}

write_read_and_persist() {
	local verbs persist
	verbs=$(write_and_read) && persist=$(persist_us) &&
		printf '%s\n' "$verbs" "$persist" | sum
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
	our_command=(log_us verbs write-read --post serialised)
	their_command=(write_and_read)
	log_row "$1" verbs 'write + read of 8 bytes: no limit'
	our_command=(log_us lat_p50_ns write-read --post chained)
	their_command=(log_us lat_p50_ns write-read --post serialised)
	log_row "$1" chained 'the same serialised: below 1'
	(($1 % 3 == 0)) || round_oplog_outstanding "$1"
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

round_oplog_host() {
	our_command=(log_us lat_p50_ns tcp)
	their_command=(round_trip_and_persist tcp)
	log_row "$1" tcp_host 'sendrecv of the same bytes + persist: at most 1.15'
}

part_oplog() {
	rounds oplog_host
	in_guest rounds oplog
}
