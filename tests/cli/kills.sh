#!/bin/bash
# Either side is killed or stopped at a random moment; the other one must end
# in time and say why, and nothing may be left.
#
#	tests/cli/kills.sh [KILLS [TRANSPORT...]]	(default: 50 tcp)
#
# Each has a server, a client and a seed of its own (SEED=N repeats a run:
# the same signals, sides, sizes and moments, as far as the machine goes
# along), and ABREAST of them run at the same time.  Waiting forks nothing: in
# a guest that would be most of the work.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

kills=${1:-50}
shift
transports=("${@:-tcp}")
abreast=${ABREAST:-8}
seed=${SEED:-$(($(date +%s) % 30000))}
# The control channel gives up after 4.5 s of silence, a link after 4 s at
# most; the rest is for a busy machine.
deadline=15
sizes=(64 4k 64k 1M)
printf '# seed %d\n' "$seed"

mkfifo nap && exec {nap}<>nap
await() { # COMMAND...: until it is true, or the deadline has passed
	local end=$((SECONDS + deadline))
	until "$@"; do
		((SECONDS > end)) && return 1
		read -rt 0.2 -u "$nap"
	done
	return 0
}

gone() { ! kill -0 "$1" 2>/dev/null; }
says() { # FILE WORDS
	local text
	read -rd '' text <"$1"
	[[ $text == *"$2"* ]]
}
# Sets $session; false if there is none, or no longer.
session_lives() { # DIR
	local text
	session=
	read -rd '' text <"$1/serve.err"
	[[ $text =~ session\ ([0-9]+)\ began ]] && session=${BASH_REMATCH[1]}
	[[ -n $session ]] && kill -0 "$session" 2>/dev/null
}
session_gone() { ! session_lives "$1"; }
# A client that is stopped or killed while it calls may be accepted later, or
# never: who has not been heard of for so long will not be.
session_settles() { # DIR
	local i
	for ((i = 0; i < 10; i++)); do
		session_lives "$1" && break
		read -rt 0.2 -u "$nap"
	done
	await session_gone "$1"
}

# Sets signal, side, transport, options, size and moment (milliseconds
# since the client began: it may still be connecting).
draw() { # N
	RANDOM=$((seed + $1))
	signal=KILL
	((RANDOM % 2)) && signal=STOP
	side=client
	((RANDOM % 2)) && side=session
	transport=${transports[RANDOM % ${#transports[@]}]}
	size=${sizes[RANDOM % ${#sizes[@]}]}
	moment=$((RANDOM % 1500))
	options=(--transport "$transport")
	[[ $transport == rdma ]] && ((RANDOM % 2)) && options+=(-R)
	return 0
}

# The survivor of a session that died says which side it was, and why.
client_told() { # STATUS DIR
	[[ $1 == 4 ]] && grep -qE 'peer-(lost|timeout|refused)|link-failed' "$2/client.err"
}
session_told() { # DIR; a client may die before it is heard of
	! grep -q began "$1/serve.err" || grep -qE 'session [0-9]+ ended: (peer-lost|peer-timeout|link-failed)' "$1/serve.err"
}

# A shell with a trap on EXIT swallows a SIGTERM that comes between its fork and
# its exec (one in twenty, if sent at once): what is to become the client is told
# until it ends.
told_again() {
	gone "$1" || ! kill "$1" 2>/dev/null
}

# What went wrong, if anything, on stdout.
strike() { # DIR: with server, client, signal and side
	local victim=$client session status=0 seconds called=1
	printf -v seconds '%d.%03d' $((moment / 1000)) $((moment % 1000))
	read -rt "$seconds" -u "$nap"
	# It may not have been accepted yet.
	session_lives "$1" || side=client
	[[ $side == client ]] || victim=$session
	kill -"$signal" "$victim"
	if [[ $side == session ]]; then
		await gone "$client" || echo "the client goes on"
		wait "$client" || status=$?
		client_told "$status" "$1" || echo "the client: exit $status, $(tail -1 "$1/client.err")"
	else
		session_settles "$1" || echo "the session goes on"
		session_told "$1" || echo "the server: $(tail -1 "$1/serve.err")"
	fi
	# One that was stopped before it called has missed nothing, and would run
	# on: it is told before it wakes, for then it may call at once.
	if ! grep -q began "$1/serve.err"; then
		called=
		kill "$client" 2>/dev/null
	fi
	kill -CONT "$victim" 2>/dev/null
	[[ $called ]] || await told_again "$client"
	await gone "$client" || echo "the client is still there"
	await session_gone "$1" || echo "a session is left"
	[[ ! -s $1/out/sendrecv.csv ]] || whole_rows "$1/out/sendrecv.csv" || echo "half a row"
}

one_kill() { # N
	local dir=kill$1 signal side transport size moment options client port server
	draw "$1"
	mkdir "$dir"
	"$bench" serve -p 0 >"$dir/serve.out" 2>"$dir/serve.err" &
	server=$!
	await says "$dir/serve.err" listening
	port=$(<"$dir/serve.err")
	port=${port##* port }
	"$bench" run sendrecv --connect 127.0.0.1:"$port" "${options[@]}" -s "$size" --poll event \
		-D 50ms --warmup 10ms --trials 1000 --out "$work/$dir/out" \
		>"$dir/client.out" 2>"$dir/client.err" &
	client=$!
	strike "$dir" >"$dir/wrong"
	kill "$server"
	await gone "$server" || echo "the server does not end" >>"$dir/wrong"
	kill -9 "$server" "$client" 2>/dev/null
	printf '%s of the %s after %d ms, %s, %s\n' "$signal" "$side" "$moment" "$size" \
		"${options[*]:1}" >"$dir/what"
	if [[ -s $dir/wrong ]]; then
		sed "s/^/kill $1, $(<"$dir/what"): /" "$dir/wrong" >>wrong
	fi
	wc -l 2>/dev/null <"$dir/out/sendrecv.csv" >"$dir/rows"
}

: >wrong
for ((n = 0; n < kills; n++)); do
	while (($(jobs -rp | wc -l) >= abreast)); do
		wait -n
	done
	one_kill $n 2>noise.$n &
done
wait
cp wrong out
ok "$kills kills and stops: the other side ends in time, says why, rows are whole" \
	test ! -s wrong
ok "each of them struck" is "$(cat kill*/what | wc -l)" "$kills"
# They are drawn: of many there is some of each kind.
if ((kills >= 40)); then
	for what in KILL STOP; do
		for who in client session; do
			ok "$what of the $who among them" grep -qs "^$what of the $who" kill*/what
		done
	done
	# Some died before their first row, and some after it.
	ok "in the middle of a run" eval '[[ $(cat kill*/rows | awk "\$1 > 1" | wc -l) -gt 0 ]]'
else
	printf '# %d are too few for some of each kind to be drawn\n' "$kills"
fi
ok "no process is left" within 20 eval '! pgrep -f -- "--out $work" >/dev/null'
if [[ " ${transports[*]} " == *" rdma "* ]]; then
	for what in qp mr cq cm_id pd; do
		ok "no $what of ours is left on a device" within 10 eval \
			'! rdma resource show $what | grep -q "comm rdmabench"'
	done
fi
printf '# measured: %d kills and stops over %s, seed %d, %d s\n' "$kills" "${transports[*]}" \
	"$seed" "$SECONDS"
done_testing
