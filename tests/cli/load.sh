#!/bin/bash
# A server under load for LOAD_SECONDS (default 20; make soak: 3600): one
# client stays for all of it, others come and go, with five scenarios over
# TCP.  Memory and descriptors of the server, of the long session and of the
# long client are read every second and must be flat: the highest of the last
# quarter is held against the highest of the second.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

seconds=${LOAD_SECONDS:-20}
transport=${LOAD_TRANSPORT:-tcp}
# A page here and there: the allocator's, and the output's buffers.
slack_kb=64

"$bench" serve -p 0 >serve.out 2>serve.err &
server=$!
within 5 grep -q listening serve.err
port=$(sed -n 's/.*listening on .* port //p' serve.err)

at_server() { # OUT SCENARIO OPTIONS...
	local out=$1
	shift
	timeout $((seconds + 60)) "$bench" run "$@" --connect 127.0.0.1:"$port" --out "$out" \
		>"$out.out" 2>"$out.err"
}

# anonymous and shared memory, without the files' pages that come and go.
memory_kb() { awk '/^RssAnon|^RssShmem/ { s += $2 } END { print s + 0 }' "/proc/$1/status"; }
descriptors() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }
sample() { # of NAME PID
	[[ -e /proc/$2/status ]] &&
		printf '%d %d %d\n' $SECONDS "$(memory_kb "$2")" "$(descriptors "$2")" >>"$1.samples"
}

# highest FILE COLUMN FROM TO: within those parts of the time.
highest() {
	awk -v c="$2" -v from="$3" -v to="$4" -v all="$seconds" '
		$1 >= from * all && $1 < to * all && $c > most { most = $c }
		END { print most + 0 }' "$1"
}
flat() { # NAME COLUMN SLACK
	local early late
	early=$(highest "$1.samples" "$2" 0.25 0.5)
	late=$(highest "$1.samples" "$2" 0.75 1.01)
	((early > 0 && late <= early + $3))
}

at_server long sendrecv --transport "$transport" -s 1k --poll event --warmup 20ms \
	--trials 1000 -D $((seconds * 10 / 9 + 20))ms &
within 10 eval '[[ -n $(pgrep -P $server) ]]'
session=$(pgrep -P $server)
client=$(pgrep -f -- "--out long" | tail -1)

# Those that come and go, one after the other.
short=(
	"sendrecv --preset smoke --transport $transport -s 64,64k"
	"ops --preset smoke --transport $transport --mode latency,rate -s 64"
	"touch --preset smoke --transport $transport -s 4k"
	"scale --preset smoke --transport $transport --op send --qps 4 -n 50"
	"oplog --preset smoke --memory dram --method tcp -s 1k -n 20"
)
rounds=0
bad=0
come_and_go() {
	local args
	while ((SECONDS < seconds - 3)); do
		read -ra args <<<"${short[rounds % ${#short[@]}]}"
		rm -rf "short"
		if ! at_server short "${args[@]}" --poll event --trials 1; then
			bad=$((bad + 1))
			sed "s/^/# ${args[0]}: /" short.err | tail -3
		fi
		rounds=$((rounds + 1))
	done
	echo "$rounds $bad" >tally
}
SECONDS=0
come_and_go &
come=$!
while ((SECONDS < seconds - 3)); do
	sample server $server
	sample session "$session"
	sample client "$client"
	sleep 1
done
wait $come
read -r rounds bad <tally

kill -INT "$client"
within 10 eval '! kill -0 $client 2>/dev/null'
within 5 eval '[[ -z $(pgrep -P $server) ]]'
ok "$rounds clients came and went, none failed" eval '((rounds > 0 && bad == 0))'
for who in server session client; do
	ok "memory of the $who is flat" flat $who 2 $slack_kb
	ok "descriptors of the $who are flat" flat $who 3 0
done
# The last one is interrupted.
ok "each trial of the long client is ok" is \
	"$(column long/sendrecv.csv status | head -n -1 | sort -u)" ok
ok "and its rows are whole" whole_rows long/sendrecv.csv
kill $server
wait $server
ok "the server ends well" is $? 0
printf '# measured: %d s, %d clients besides one of %d trials, %d operations\n' "$SECONDS" \
	"$rounds" "$(column long/sendrecv.csv trial | wc -l)" \
	"$(column long/sendrecv.csv samples | awk '{ s += $1 } END { print s }')"
for who in server session client; do
	printf '# measured: %s: %d KiB, %d descriptors at a quarter, %d and %d at the end\n' $who \
		"$(highest $who.samples 2 0.25 0.5)" "$(highest $who.samples 3 0.25 0.5)" \
		"$(highest $who.samples 2 0.75 1.01)" "$(highest $who.samples 3 0.75 1.01)"
done
done_testing
