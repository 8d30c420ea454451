#!/bin/bash
# A server under load for LOAD_SECONDS (default 20; make soak: 3600): one
# client stays for all of it, others come and go, with five scenarios over
# TCP.  Memory and descriptors of the server, of the long session and of the
# long client are read ten times a second and must be flat: the last quarter is
# held against the second, of memory what was highest, of descriptors the
# median.  A descriptor that leaks stays; one that is counted while a client is
# accepted or a link is made does not.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

seconds=${LOAD_SECONDS:-20}
transport=${LOAD_TRANSPORT:-tcp}
# A page here and there: the allocator's, and the output's buffers.
slack_kb=64

# A starved machine is not what is tried here.
"$bench" serve -p 0 --handshake-timeout 60s >serve.out 2>serve.err &
server=$!
within 30 grep -q listening serve.err
port=$(sed -n 's/.*listening on .* port //p' serve.err)

at_server() { # OUT SCENARIO OPTIONS...
	local out=$1
	shift
	timeout $((seconds + 60)) "$bench" run "$@" --connect 127.0.0.1:"$port" --out "$out" \
		>"$out.out" 2>"$out.err"
}

# Ten times a second, so nothing is forked for it.  Memory is anonymous and
# shared, without the files' pages that come and go.
sample() { # NAME PID
	local word value kb=0 fds
	[[ -e /proc/$2/status ]] || return
	while read -r word value _; do
		case $word in RssAnon: | RssShmem:) ((kb += value)) ;; esac
	done <"/proc/$2/status"
	fds=(/proc/"$2"/fd/*)
	printf '%d %d %d\n' $SECONDS "$kb" ${#fds[@]} >>"$1.samples"
} 2>/dev/null

# of NAME COLUMN FROM TO: median and highest within those parts of the time.
within_parts() {
	awk -v c="$2" -v from="$3" -v to="$4" -v all="$seconds" '
		$1 >= from * all && $1 < to * all { print $c }' "$1.samples" |
		sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0, v[NR] + 0 }'
}
# sets early and late.
quarters() { # NAME median|highest COLUMN
	# shellcheck disable=SC2034 # by name
	local median highest
	read -r median highest < <(within_parts "$1" "$3" 0.25 0.5)
	early=${!2}
	read -r median highest < <(within_parts "$1" "$3" 0.75 1.01)
	late=${!2}
}
flat() { # NAME median|highest COLUMN SLACK
	quarters "$@"
	((early > 0 && late > 0 && late <= early + $4))
}

mkfifo nap && exec {nap}<>nap
at_server "$work/long" sendrecv --transport "$transport" -s 1k --poll event --warmup 20ms \
	--trials 1000 -D $((seconds * 10 / 9 + 200))ms &
within 30 eval '[[ -n $(pgrep -P $server) ]]'
session=$(pgrep -P $server)
client=$(pgrep -f -- "--out $work/long" | tail -1)

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
	read -rt 0.1 -u "$nap"
done
wait $come
read -r rounds bad <tally

kill -INT "$client"
within 30 eval '! kill -0 $client 2>/dev/null'
within 30 eval '[[ -z $(pgrep -P $server) ]]'
ok "$rounds clients came and went, none failed" eval '((rounds > 0 && bad == 0))'
for who in server session client; do
	ok "memory of the $who is flat" flat $who highest 2 $slack_kb
	ok "descriptors of the $who are flat" flat $who median 3 0
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
	quarters $who highest 2
	printf '# measured: %s: %d KiB at a quarter, %d at the end; ' $who "$early" "$late"
	quarters $who median 3
	printf '%d descriptors and %d\n' "$early" "$late"
done
done_testing
