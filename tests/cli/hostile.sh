#!/bin/bash
# What users, shells and files do that nobody meant.  Needs no device.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

tcp=(run sendrecv --transport tcp -s 1k --trials 1)
try "$bench" "${tcp[@]}" -n 20 --out good
ok "a run to look at" is "$status" 0

# Where its output goes.
for c in list help info "check good" "run sendrecv --plan"; do
	ok "$c into a full disk: exit 3" eval \
		'"$bench" $c >/dev/full 2>err; is $? 3 && err_has stdout'
	ok "$c, stdout closed: exit 3" eval \
		'"$bench" $c >&- 2>err; is $? 3 && err_has stdout'
	ok "$c, its reader gone: exit 0, quiet" eval \
		'(sleep 0.1; "$bench" $c 2>err; echo $? >rc) | true; is "$(<rc)" 0 && err_lines 0'
done
ok "a verdict of which nobody saw why: its own exit status, and said" eval \
	'"$bench" compare good good >/dev/full 2>err; is $? 5 && err_has stdout'
ok "stderr closed: no message gets into a socket" eval \
	'"$bench" "${tcp[@]}" -n 20 --out closed >out 2>&-; is $? 0'
ok "all closed: no table gets into a CSV" eval \
	'"$bench" "${tcp[@]}" -n 20 --out none <&- >&- 2>&-; whole_rows none/sendrecv.csv'
if grep -q __tsan_init "$bench"; then
	skip "ulimit -f" "the thread sanitizer itself dies of it, before main()"
else
	ok "ulimit -f: exit 3, not a signal" eval \
		'(ulimit -f 0; "$bench" "${tcp[@]}" -n 20 --out limit 2>&1) | grep -q "File too large"'
fi

# A narrow terminal: the progress line must not wrap.
cat >progress.sh <<-EOF
	stty cols 40
	"$bench" run sendrecv --transport tcp -s 1k -n 5 --trials 2 --out narrow
EOF
try script -qec "bash progress.sh" /dev/null
ok "40 columns: progress fits" eval \
	'grep -qa "trial 1" "$work/out" && ! grep -aoP "\rtrial[^\r\e]*" "$work/out" | grep -qE "^.{41}"' \
	'&& ! grep -aoP "\e\[Ktrial[^\r\e]*" "$work/out" | grep -qE "^.{43}"'

# nohup means it.
setsid bash -c 'trap "" HUP; exec "$@"' - "$bench" "${tcp[@]}" -D 1s --out hup \
	>/dev/null 2>&1 &
pid=$!
within 30 test -s hup/sendrecv.csv
kill -HUP $pid
wait $pid
ok "nohup: goes on after a hang-up" is $? 0

# Options that are fine one by one.
ok "-n with -D" fails_with 2 "leave one out" "${tcp[@]}" -n 5 -D 1s
ok "MAX below MIN" fails_with 2 "--trials 7,3" "${tcp[@]}" --trials 7,3
ok "auto with a number" fails_with 2 "auto stands alone" "${tcp[@]}" --trials auto,3
ok "the same scenario twice" fails_with 2 "twice" run sendrecv sendrecv
ok "--connect with nothing" fails_with 2 "--connect: is empty" "${tcp[@]}" --connect=
ok "--out with nothing" fails_with 2 "--out: is empty" "${tcp[@]}" --out=
ok "--connect without host" fails_with 2 "no host" "${tcp[@]}" --connect :18515
ok "--connect to port 99999" fails_with 2 "no port" "${tcp[@]}" --connect 127.0.0.1:99999
ok "--connect to port x" fails_with 2 "no port" "${tcp[@]}" --connect 127.0.0.1:x
ok "check of nothing" fails_with 2 "one results folder" check ""
ok "list of two" fails_with 2 "takes one of" list scenarios devices
try "$bench" run sendrecv --preset smoke -D 30ms --transport tcp -s 64 --out smoke
ok "-D wins over the preset's iterations" eval \
	'is "$status" 0 && (( $(column smoke/sendrecv.csv elapsed_ns) >= 30000000 )) &&
	json ".scenarios[0].options.iterations == \"auto\"" smoke/run.json'

# Folders and files that are none of ours.
mkdir left && touch left/sendrecv.points.csv && touch plain
ok "--out with leftovers: before, not after" fails_with 2 "choose another" \
	"${tcp[@]}" -n 5 --out left
ok "--out below a file names the option" fails_with 3 "--out plain/x" \
	"${tcp[@]}" -n 5 --out plain/x
mkdir fifo wide empty
mkfifo fifo/sendrecv.csv
(seq -s, 1 100000; seq -s, 1 100000) >wide/sendrecv.csv
head -1 good/sendrecv.csv >empty/sendrecv.csv
for c in check report; do
	ok "$c of a FIFO" fails_with 3 "not a plain file" $c fifo
	ok "$c of 100000 columns" fails_with 3 "thousands of cells" $c wide
done
ok "check of no rows is no success" fails_with 3 "no results" check empty
mkfifo good/sendrecv.hist.csv.fifo && mv good/sendrecv.hist.csv.fifo good/run.json
ok "report with a FIFO for run.json" fails_with 3 "not a plain file" report good

# A full server says so to those who understand.
"$bench" serve -p 0 --max-sessions 1 >/dev/null 2>serve.err &
server=$!
within 30 grep -q listening serve.err
port=$(sed -n 's/.*port //p' serve.err)
exec 4<>/dev/tcp/127.0.0.1/"$port"
within 30 grep -q began serve.err
ok "too many sessions: the client is told" fails_with 4 "--max-sessions" \
	"${tcp[@]}" -n 5 --connect 127.0.0.1:"$port"
exec 4>&-
kill $server
wait $server

# What a client may ask for.
"$bench" serve -p 0 --max-memory 1M --handshake-timeout 300ms >/dev/null 2>limits.err &
server=$!
within 30 grep -q listening limits.err
port=$(sed -n 's/.*port //p' limits.err)
ok "more memory than a client may have" fails_with 4 "--max-memory" \
	"${tcp[@]}" -s 4M -n 5 --connect 127.0.0.1:"$port"
ok "memory that is not pinned counts, too" fails_with 4 "--max-memory" \
	run touch --transport tcp -s 512k --touch notouch --scan read --trials 1 -n 5 \
	--connect 127.0.0.1:"$port"
ok "less is served" eval \
	'"$bench" "${tcp[@]}" -n 5 --out little --connect 127.0.0.1:"$port" >/dev/null 2>&1'
exec 4<>/dev/tcp/127.0.0.1/"$port"
ok "who says nothing is told why" grep -aq peer-timeout <(timeout 3 cat <&4)
exec 4>&-
kill $server
wait $server

# Where a client may have a log written.
mkdir logs elsewhere
log_at() { # PLACE: at the server
	rm -rf log
	try "$bench" run oplog --connect 127.0.0.1:"$port" --method tcp --memory file -s 1k -n 5 \
		--trials 1 --rf 2 --pmem-dir "$work,$1" --out log
}
"$bench" serve -p 0 --pmem-dir "$work/logs" >/dev/null 2>logs.err &
server=$!
within 30 grep -q listening logs.err
port=$(sed -n 's/.*port //p' logs.err)
log_at "$work/elsewhere"
ok "a log elsewhere than --pmem-dir is refused" eval \
	'column log/oplog.csv reason | grep -q "no-permission: server: .*--pmem-dir"'
ok "and nothing is written" is "$(ls elsewhere)" ""
log_at "$work/logs"
ok "one there is written" all_are ok log/oplog.csv status
kill $server
wait $server

# A thousand who call and say nothing, and one who says it slowly.
idle_ones() { # how many of them were told why they had to go
	local fd i fds=()
	for ((i = 0; i < 1000; i++)); do
		exec {fd}<>/dev/tcp/127.0.0.1/"$port" && fds+=("$fd")
	done
	for fd in "${fds[@]}"; do
		timeout 10 cat <&"$fd"
		exec {fd}>&-
	done | grep -aoE 'peer-timeout|too many sessions' | wc -l
}
"$bench" serve -p 0 --handshake-timeout 1s --max-sessions 32 >/dev/null 2>idle.err &
server=$!
within 30 grep -q listening idle.err
port=$(sed -n 's/.*port //p' idle.err)
ok "1000 idle connections: each is told why it goes" eval \
	'ulimit -n 4096 && is "$(idle_ones)" 1000'
within 30 eval '[[ -z $(pgrep -P $server) ]]'
ok "and the next is served" eval \
	'"$bench" "${tcp[@]}" -n 5 --out after --connect 127.0.0.1:"$port" >/dev/null 2>&1'
exec 4<>/dev/tcp/127.0.0.1/"$port"
# For 12 s, were it allowed to: a header, and some of the 64 bytes it promises.
(for b in R D M B '\01' '\0' '\0' '\0' '\0100' '\0' '\0' '\0' \
	x x x x x x x x x x x x x x x x x x x x x x x x x x x x; do
	printf %b "$b" && sleep 0.3
done >&4) 2>/dev/null &
ok "a slow one does not keep its place" eval \
	'SECONDS=0; timeout 30 cat <&4 | grep -aq peer-timeout && ((SECONDS <= 8))'
exec 4>&-
kill $server
wait $server

# No process left for a client.  A sanitizer needs threads of its own.
no_more_processes() {
	chmod 755 "$work" && cp "$bench" serving
	(ulimit -u 1 && exec setpriv --reuid=$((1000000 + $$)) --clear-groups \
		"$work/serving" serve -p 0) >/dev/null 2>fork.err &
	server=$!
	within 30 grep -qs listening fork.err
	port=$(sed -n 's/.*port //p' fork.err)
	fails_with 4 "no process for it" "${tcp[@]}" -n 5 --connect 127.0.0.1:"$port"
}
if [[ $(id -u) != 0 ]] || ! command -v setpriv >/dev/null; then
	skip "no process left for a client" "needs root and setpriv"
elif grep -qE "__(t|a)san_init" "$bench"; then
	skip "no process left for a client" "the sanitizer itself wants some"
else
	ok "no process left for a client: it is told" no_more_processes
	ok "and the server goes on" eval 'kill -0 $server && [[ $(grep -c refused fork.err) == 1 ]]'
	kill $server
	wait $server
fi

# Who knows the secret, and who does not.
for t in token other; do head -c 24 /dev/urandom | base64 >$t && chmod 600 $t; done
cp token open && chmod 644 open
echo short >short && chmod 600 short
mkfifo -m 600 pipe
small=("${tcp[@]}" -n 5)
"$bench" serve -p 0 --token-file token >/dev/null 2>token.err &
server=$!
within 30 grep -qs listening token.err
port=$(sed -n 's/.*port //p' token.err)
try "$bench" "${small[@]}" --connect 127.0.0.1:"$port" --token-file token --out proved
ok "both have the token" is "$status" 0
ok "it is nowhere in the results" eval '! grep -rqF "$(<token)" proved'
ok "the wrong token" fails_with 4 "token is not this server's" \
	"${small[@]}" --connect 127.0.0.1:"$port" --token-file other
ok "no token" fails_with 4 "asks for a token" "${small[@]}" --connect 127.0.0.1:"$port"
try "$bench" "${small[@]}" --connect 127.0.0.1:"$port" --token-file token --out again
ok "and the server goes on" is "$status" 0
ok "the server says whom it refused" grep -q "peer-refused.*token" token.err
kill $server
wait $server
"$bench" serve -p 0 >/dev/null 2>bare.err &
server=$!
within 30 grep -q listening bare.err
port=$(sed -n 's/.*port //p' bare.err)
ok "a server without the token is not trusted" fails_with 4 "does not prove the token" \
	"${small[@]}" --connect 127.0.0.1:"$port" --token-file token
kill $server
wait $server
try "$bench" "${small[@]}" --token-file token --out own
ok "one's own server has it too" is "$status" 0
for c in "serve -p 0" "run sendrecv"; do
	read -ra words <<<"$c"
	ok "$c: others may read the token" fails_with 3 "chmod 600" "${words[@]}" --token-file open
	ok "$c: a short token" fails_with 2 "too short" "${words[@]}" --token-file short
	ok "$c: a FIFO as token" fails_with 2 "not a plain file" "${words[@]}" --token-file pipe
	ok "$c: no such token" fails_with 3 "no-file" "${words[@]}" --token-file nothing
done

# No file descriptor left: it must not spin.  Who started this test may have
# left it one that is open.
(ulimit -n 4; exec "$bench" serve -p 0) >/dev/null 2>few.err 3>&- &
server=$!
within 30 grep -q listening few.err
port=$(sed -n 's/.*port //p' few.err)
exec 4<>/dev/tcp/127.0.0.1/"$port"
SECONDS=0
ok "ulimit -n: said" within 20 grep -q "ulimit -n" few.err
sleep 1.3
# Twice a second: it does not spin, however long this took.
ok "ulimit -n: not too often" eval '(( $(grep -c "ulimit -n" few.err) <= 2 * SECONDS + 4 ))'
exec 4>&-
kill $server
wait $server
ok "and it ends well" is $? 0
done_testing
