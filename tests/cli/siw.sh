#!/bin/bash
# Real verbs on Soft-iWARP, which always connects by RDMA CM:
# scripts/rxe.sh run --siw -- tests/cli/siw.sh
. "$(dirname "$0")/rdma_lib.sh"
cd "$work" || exit 1

try "$bench" list devices
ok "the static binary lists $device" out_has "iWARP"
rdma_run siw -s 64,64k,16M -n 10 --verify each
ok "sendrecv" is "$status" 0
ok "every row ok" all_are ok siw/sendrecv.csv status
ok "by RDMA CM without being asked" all_are rdma_cm siw/sendrecv.csv cm
rdma_run polls -s 1k -n 100 --poll spin,event,yield
ok "spin, event and yield" is "$status" 0
try "$bench" run regcost -s 64k --way pin,cached -n 5 --trials 1 --out reg
ok "regcost: exit 0" is "$status" 0
ok "regcost: every row ok" all_are ok reg/regcost.csv status
try "$bench" run ops --transport rdma --op write,read --sges 1,4 -n 50 --trials 1 --out ops
ok "ops: writes gather, and reads have one sink" is \
	"$(paste -d' ' <(column ops/ops.csv op) <(column ops/ops.csv sges) \
		<(column ops/ops.csv status) | sort -u | tr '\n' ',')" \
	"read 1 ok,read 4 unsupported,write 1 ok,write 4 ok,"
ok "ops: and that is said" grep -q "device-limit: .*scatters to 1 pieces" ops/ops.csv
try "$bench" run ops --transport rdma --op send,write --directions 2 -s 8,1000 -n 200 --verify each \
	--trials 1 --out both
ok "ops: two directions, and writes are there when they are looked at" eval '
	is "$status" 0 && all_are ok both/ops.csv status &&
	[[ -z $(paste -d" " <(column both/ops.csv client_verified) <(column both/ops.csv server_verified) |
		gawk "!(\$1 > 0 && \$2 > 0)") ]]'
try "$bench" run ops --poll event --cq-count 4 --transport rdma -n 50 --trials 1 --out moderated
ok "ops: siw does not moderate events, and says so" grep -q "device-limit: .*ibv_modify_cq" \
	moderated/ops.csv
try "$bench" run conncost --method cm --at-once 1,8 --keep-open 16 -n 16 --trials 1 --out conn
ok "conncost by RDMA CM: exit 0" is "$status" 0
ok "conncost by RDMA CM: every row ok" all_are ok conn/conncost.csv status
ok "conncost by RDMA CM: nothing is left, at either end" eval \
	'all_are 0 conn/conncost.csv client_objects_left && all_are 0 conn/conncost.csv server_objects_left'
# Its provider refuses the 145th page of queues, which is covered
# (src/rdma/siw.h): more of them than that, of links and of connections.
try "$bench" run scale --transport rdma --op send,write --qps 256 --outstanding 64 -n 1024 \
	--verify each --trials 1 --out many
ok "scale: 256 queue pairs" eval '
	is "$status" 0 && all_are ok many/scale.csv status && all_are 1024 many/scale.csv operations'
try "$bench" run conncost --transport rdma --method cm --keep-open 64 -n 4 --trials 1 --out kept
ok "conncost by RDMA CM: 64 kept open" eval '
	is "$status" 0 && all_are ok kept/conncost.csv status &&
	all_are 0 kept/conncost.csv client_objects_left'
# Of 256 ports sockets have 48, and RDMA CM does not know: 128 connections
# and two listeners that draw none of them are one in 10^11.
range=$(</proc/sys/net/ipv4/ip_local_port_range)
start_server 10.9.9.1
echo 40000 40255 >/proc/sys/net/ipv4/ip_local_port_range
taken=0
for _ in {1..48}; do
	exec {socket}<>/dev/tcp/10.9.9.1/"$port" && ((++taken))
done
ok "sockets take ports" is "$taken" 48
try "$bench" run scale --transport rdma --op send --qps 64 -n 64 --trials 1 --out taken
ok "ports that sockets have are tried again: links" eval '
	is "$status" 0 && all_are ok taken/scale.csv status'
try "$bench" run conncost --method cm --keep-open 64 -n 4 --trials 1 --out retaken
ok "ports that sockets have are tried again: connections" eval '
	is "$status" 0 && all_are ok retaken/conncost.csv status &&
	all_are 0 retaken/conncost.csv client_objects_left'
echo "$range" >/proc/sys/net/ipv4/ip_local_port_range
kill "$server"
# A peer without a receive ends an iWARP connection: too few are not tried.
try "$bench" run scale --transport rdma --op send --qps 4 --outstanding 64 --receives 0,4 -n 200 \
	--trials 1 --out few
ok "scale: too few receives are not in iWARP" eval '
	is "$status" 0 && is "$(column few/scale.csv status | sort | xargs)" "ok unsupported" &&
	grep -q "not-in-transport: .*does not try again" few/scale.csv'
conform rdma:addr=10.9.9.1
done_testing
