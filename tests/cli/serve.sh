#!/bin/bash
# The server: clients, strangers, and deaths on either side.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

start_server() {
	: >"$work/serve.err" # what the one before said is none of this one's
	"$bench" serve -p 0 "$@" >"$work/serve.out" 2>"$work/serve.err" &
	server=$!
	within 30 grep -q listening "$work/serve.err"
	port=$(sed -n 's/.*listening on .* port //p' "$work/serve.err")
}
alive() { kill -0 "$server" 2>/dev/null; }
sessions() { pgrep -P "$server" | wc -l; }
idle() { [[ $(sessions) == 0 ]]; }
served() { # the server still serves
	rm -rf again
	try "$bench" run sendrecv --connect 127.0.0.1:"$port" --transport tcp \
		-s 1k -n 10 --trials 1 --out again
	is "$status" 0
}
run_long() {
	"$bench" run sendrecv --connect 127.0.0.1:"$port" --transport tcp -s 4k \
		-D 1s --trials 100 --out "$1" >"$work/$1.out" 2>"$work/$1.err" &
	client=$!
	within 30 test -s "$1/sendrecv.csv"
}

# Servers that are none, on a free port that gawk listens on.
free_port() { # in $other
	other=$((20000 + RANDOM % 12000))
	while ss -Htan "sport = :$other" | grep -q .; do
		other=$((other + 1))
	done
}
fake() { # GAWK-STATEMENTS: with s, the socket of the first client
	free_port
	gawk "BEGIN { s = \"/inet/tcp/$other/0/0\"; $1 }" >/dev/null 2>&1 &
	within 30 eval 'ss -Hltn "sport = :$other" | grep -q .'
}
fake 'printf "" |& s; s |& getline; close(s)'
ok "a server that dies in the handshake" fails_with 4 "peer-" \
	run sendrecv --connect "127.0.0.1:$other"
fake 'print "SSH-2.0-OpenSSH_9.2" |& s; s |& getline; close(s)'
ok "a server that speaks something else" fails_with 4 "does not speak" \
	run sendrecv --connect "127.0.0.1:$other"
fake 'printf "" |& s; system("sleep 15")'
ok "a server that says nothing" eval 'SECONDS=0; fails_with 4 "peer-timeout" \
	run sendrecv --connect 127.0.0.1:$other --connect-timeout 1s && ((SECONDS <= 8))'

start_server
ok "a client is served" served
ended() { ! pgrep -P "$server" -r R,S,D >/dev/null; }
after_another() { within 5 ended && served && ! err_has "another run disturbs"; }
ok "a run after another: nobody disturbs it" eval \
	'after_another && after_another && after_another'
ok "in use: says so" fails_with 3 "is taken" serve -p "$port"
ok "an address of another host: says so" fails_with 3 "no interface of this host has that" \
	serve --bind 192.0.2.1 -p 0

# Strangers.
hello() { timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; $1; cat <&3" 2>/dev/null; }
ok "an HTTP client is told where it is" grep -q "control port" \
	<(hello "printf 'GET / HTTP/1.1\r\n\r\n' >&3")
ok "who only listens is told, too" grep -q "control port" \
	<(gawk "BEGIN { s = \"/inet/tcp/0/127.0.0.1/$port\"; printf \"\" |& s
		close(s, \"to\"); while ((s |& getline line) > 0) print line }")
hello "head -c 4096 /dev/urandom >&3" >/dev/null
ok "garbage: goes on" served
hello "printf 'RDMB\377\377\377\377' >&3; printf '\377\377\377\377' >&3" >/dev/null
ok "a bad frame: goes on" served
ok "another version: told so" grep -aq "speaks version 99" \
	<(hello "printf 'RDMB\1\0\0\0\4\0\0\0\143\0\0\0' >&3")
ok "silence: dropped within 5 s" eval \
	'start=$SECONDS; hello "sleep 8 & wait" >/dev/null; within 6 idle; (( SECONDS - start < 12 ))'
for _ in $(seq 20); do (exec 3<>/dev/tcp/127.0.0.1/"$port"); done
ok "20 port scans: goes on" served

# Two at a time.
"$bench" run sendrecv --connect 127.0.0.1:"$port" --transport tcp -s 1k -n 2000 --poll event \
	--trials 2 --out c1 >/dev/null 2>&1 &
one=$!
try "$bench" run sendrecv --connect 127.0.0.1:"$port" --transport tcp -s 1k -n 2000 --poll event \
	--trials 2 --out c2
wait $one
ok "two clients at once, the first" is $? 0
ok "two clients at once, the second" is "$status" 0

# Deaths.
run_long k1
kill -9 $client
ok "client killed: its session ends within 5 s" within 5 idle
ok "client killed: goes on" served
run_long k2
pkill -9 -P $server
start=$SECONDS
status=0
wait $client || status=$?
ok "session killed: client exits 4" is "$status" 4
ok "session killed: within 5 s" eval '(( SECONDS - start <= 5 ))'
ok "session killed: says why" grep -q "peer-lost" k2.err
ok "session killed: says what to do" grep -q "start it again" k2.err
ok "session killed: rows whole" whole_rows k2/sendrecv.csv
ok "session killed: goes on" served
run_long k3
pkill -STOP -P $server
start=$SECONDS
status=0
wait $client || status=$?
ok "session stopped: client exits 4" is "$status" 4
ok "session stopped: within 6 s" eval '(( SECONDS - start <= 6 ))'
ok "session stopped: says why" grep -q "peer-timeout" k3.err
pkill -CONT -P $server
ok "session stopped: gone when woken" within 5 idle
# For less than a peer may be silent: what was timed meanwhile is not kept.
"$bench" run sendrecv --connect 127.0.0.1:"$port" --transport tcp -s 4k \
	-D 1s --trials 3 --out k6 >/dev/null 2>k6.err &
client=$!
within 30 test -s k6/run.json
sleep 0.6
pkill -STOP -P $server
sleep 2.5
pkill -CONT -P $server
wait $client
ok "session stopped for a moment: the client goes on" is $? 0
ok "session stopped for a moment: said" grep -q "the server was stopped .* made again" k6.err
ok "session stopped for a moment: not in what is timed" \
	eval '(($(column k6/sendrecv.csv lat_max_ns | sort -n | tail -1) < 2400000000))'
# Again and again: not made again for ever.  SIGCONT alone says so, too; one
# for each trial at least, though others want the CPU.
"$bench" run sendrecv --connect 127.0.0.1:"$port" --transport tcp -s 1k --poll event \
	-D 200ms --warmup 10ms --trials 1 --out k7 >/dev/null 2>k7.err &
client=$!
within 30 test -s k7/run.json
session=$(pgrep -P $server)
while kill -0 $client 2>/dev/null; do
	kill -CONT "$session" 2>/dev/null
	read -rt 0.02 <> <(:)
done
status=0
wait $client || status=$?
ok "session stopped in each trial: given up" eval \
	'is "$status" 4 && grep -q "stopped in each of 21 trials" k7.err'
run_long k4
kill -STOP $client
ok "client stopped: its session ends within 6 s" within 6 idle
kill -CONT $client
status=0
wait $client || status=$?
ok "client stopped: exits 4 when woken" is "$status" 4
ok "client stopped: goes on" served

# Called, and not answered yet.
kill -STOP $server
"$bench" run sendrecv --connect 127.0.0.1:"$port" --transport tcp -s 1k --out k8 >/dev/null 2>k8.err &
client=$!
within 30 grep -q " 0100007F:$(printf %04X "$port") 01 " /proc/net/tcp
kill -INT $client
status=0
wait $client || status=$?
ok "Ctrl-C while it calls: exits 130 and says so" eval \
	'is "$status" 130 && grep -q "interrupted: waiting for the other end" k8.err'
kill -CONT $server
ok "Ctrl-C while it calls: goes on" served

run_long k5
kill -TERM $server
wait $server
ok "SIGTERM: the server exits 0" is $? 0
status=0
wait $client || status=$?
ok "SIGTERM: its client exits 4" is "$status" 4
start_server --max-sessions 1
exec 4<>/dev/tcp/127.0.0.1/"$port"
within 30 grep -q "session .* began" "$work/serve.err"
ok "too many sessions: refused" grep -q "too many sessions" <(hello :)
exec 4>&-
done_testing
