#!/bin/bash
# conncost as a user types it, over TCP (with RDMA: rxe.sh, siw.sh).
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

try "$bench" run conncost --method tcp --at-once 1,16 --preset smoke --out tcp
ok "tcp: exit 0" is "$status" 0
ok "tcp: every row ok" all_are ok tcp/conncost.csv status
ok "tcp: whole rows" whole_rows tcp/conncost.csv
ok "tcp: the steps it has" eval \
	'[[ -n $(column tcp/conncost.csv client_handshake_p50_ns | head -1) &&
	    -z $(column tcp/conncost.csv client_to_rtr_p50_ns | tr -d "\n") ]]'
ok "tcp: no queue pair" all_are 0 tcp/conncost.csv client_qps_created
try "$bench" check tcp
ok "tcp: its invariants hold" is "$status" 0

try "$bench" run conncost --method tcp --at-once 50 --keep-open 1000 -n 1 --trials 1 --out many
ok "tcp: 1000 stand: exit 0" is "$status" 0
ok "tcp: 1000 stand: whole batches of operations" eval \
	'(( $(column many/conncost.csv samples) % 1000 == 0 ))'
ok "tcp: 1000 stand: memory of each, at both ends" eval \
	'[[ $(column many/conncost.csv client_rss_bytes_per_conn) == [0-9]* &&
	    $(column many/conncost.csv server_rss_bytes_per_conn) == [0-9]* ]]'
ok "tcp: the kernel's memory is called an estimate" grep -q \
	kernel_bytes_per_conn_estimate many/conncost.csv

try prlimit --nofile=200:200 "$bench" run conncost --method tcp --keep-open 1000 --trials 1 --out few
ok "too few descriptors: exit 3" is "$status" 3
ok "too few descriptors: what mends it" err_has "ulimit -n 1064"

if [[ -n $(ls /sys/class/infiniband 2>/dev/null) ]]; then
	skip "no device: tcp alone" "there is one"
else
	try "$bench" run conncost --trials 1 -n 1 --out none
	ok "no device: tcp alone: exit 0" is "$status" 0
	ok "no device: why" grep -q 'unsupported,"\?no-device' none/conncost.csv
	ok "no device: it is said what connected" out_has "method tcp, keep open 16"
fi

# A client that dies takes nothing with it but its own session.
"$bench" serve -p 0 >serve.out 2>serve.err &
server=$!
within 30 grep -q listening serve.err
port=$(sed -n 's/.*listening on .* port //p' serve.err)
"$bench" run conncost --connect 127.0.0.1:"$port" --method tcp --trials 100 --out dies >/dev/null 2>&1 &
client=$!
within 30 test -s dies/conncost.csv
kill -9 $client
ok "killed client: its session ends" within 6 eval '[[ -z $(pgrep -P $server) ]]'
try "$bench" run conncost --connect 127.0.0.1:"$port" --method tcp -n 16 --trials 1 --out again
ok "the server goes on serving" is "$status" 0
kill $server
done_testing
