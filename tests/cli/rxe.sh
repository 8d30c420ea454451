#!/bin/bash
# Real verbs on rxe; runs in the guest: scripts/rxe.sh run -- tests/cli/rxe.sh
. "$(dirname "$0")/rdma_lib.sh"
cd "$work" || exit 1

try "$bench" list devices
ok "the static binary lists $device" out_has "$device port 1: active"
try "$bench" info --json
cp out info.json
ok "info knows the device and its port" json --arg d "$device" \
	'[.facts[] | select(.section == "rdma" and (.item // "" | startswith($d)))] as $f |
	 all("software=yes", "max QPs", "max inline data", "on-demand paging", "FLUSH", "atomics",
	     "state=active", "link layer=Ethernet", "MTU", "GIDs", "netdev";
	     split("=") as [$k, $v] | any($f[]; .key == $k and .value != null and
	                                     ($v == null or .value == $v)))' info.json
ok "info calls it software" json --arg d "$device" \
	'any(.findings[]; .item == $d and (.what | contains("software")))' info.json

# Every scenario, over TCP and over verbs.
start=$SECONDS
TRY_SECONDS=300 try "$bench" run --all --preset smoke --out smoke
ok "smoke run" is "$status" 0
echo "# every scenario's smoke run took $((SECONDS - start)) s"
ok "smoke: what must be ok is" must_be_ok smoke
ok "smoke: nothing failed" eval '! grep -qE ",(failed|interrupted)," smoke/*.csv'
ok "smoke: every payload verified" all_are 10 smoke/sendrecv.csv client_verified
try "$bench" check smoke
ok "smoke: every invariant holds" is "$status" 0
ok "smoke: each line is visited once, in any order" eval \
	'out_has "prefetch: every line is visited once" && out_has "touch: each line visited once"'
ok "smoke: prefetchers that cannot be switched say why" eval \
	'[[ $(column smoke/prefetch.csv reason | grep -c "^.\?no-msr: ") == 24 ]]'
# FLUSH is only in some builds: what is ok is looked at.
grep -E '^schema_version|,ok,' smoke/oplog.csv >oplog-ok.csv
ok "smoke: oplog: every method that each build has" is \
	"$(column oplog-ok.csv method | grep -v write-flush | sort -u | tr '\n' ' ')" \
	"local send tcp write write-imm write-read "
ok "smoke: oplog: in DRAM it is emulated, and without the peer's CPU rxe keeps nothing" is \
	"$(paste -d' ' <(column oplog-ok.csv method) <(column oplog-ok.csv durable) | grep -v write-flush |
		sort -u | tr '\n' ' ')" \
	"local emulated send emulated tcp emulated write no write-imm emulated write-read no "
ok "smoke: rows whole" whole_rows smoke/sendrecv.csv
ok "smoke: 16 MiB was cut in two" grep -q ",16777216,2," smoke/sendrecv.csv
ok "smoke: the device is called software" json \
	'[.links[] | select(.transport == "rdma" and .device)] |
	 length > 0 and all(.software_device)' smoke/run.json
ok "the port's packets are counted for rdma" eval \
	'[[ -z $(gawk -F, "\$1 == \"rdma\" && !(\$2 > 0)" \
		<(paste -d, <(column smoke/sendrecv.csv transport) \
			<(column smoke/sendrecv.csv client_nic_sent_packets))) ]]'
ok "tcp has none, and says so" json \
	'.empty_columns.client_nic_sent_packets | startswith("not-in-transport")' smoke/run.json
ok "retransmissions are watched" grep -qE "^(none|client:|server:)" \
	<(column smoke/sendrecv.csv nic_marks)
ok "tcp over the device's own address" is "$(column smoke/sendrecv.csv path | sort -u)" loopback

rdma_run cm -R -s 64,64k,16M -n 10 --verify each
ok "by RDMA CM" is "$status" 0
ok "by RDMA CM: recorded" all_are rdma_cm cm/sendrecv.csv cm
rdma_run polls -s 1k -n 200 --poll spin,event,yield
ok "spin, event and yield" is "$status" 0
rdma_run inline -s 64 --request-size same -I 0 -n 50
ok "no inline: recorded" all_are 0 inline/sendrecv.csv inline_bytes
try taskset -c 0 "$bench" run sendrecv -s 1k -n 20 --trials 1 --out one
ok "one CPU: events instead" is "$status" 0
ok "one CPU: recorded" all_are event one/sendrecv.csv poll

try "$bench" run touch --preset smoke --transport rdma -s 1k,64k --verify each -n 10 \
	--scan read,write,write-nt,write-clwb --cache warm,cold --rotate 2 --out touch
ok "touch: every mode and scan, warm and cold" is "$status" 0
ok "touch: every row ok" all_are ok touch/touch.csv status
ok "touch: every payload verified" all_are 10 touch/touch.csv client_verified
try "$bench" check touch
ok "touch: check holds, lines and all" eval \
	'is "$status" 0 && grep -q "^ok *exact .*each line visited once" "$work/out"'
ok "touch: why the sign may be the other one" out_has "a software device sends by CPU"
# gnuplot is slow in a guest: of one scenario.
mkdir drawn
cp smoke/run.json smoke/sendrecv*.csv drawn/
try "$bench" report drawn
ok "report: figures" is "$status" 0
ok "report: both figures as PNG" test -s drawn/sendrecv_latency.png -a -s drawn/sendrecv_gain.png

# A known delay and a known rate are found back, as over TCP (openloop.sh).
rdma_run delay -s 64 -n 300 --service-time 1ms
ok "a delay of 1 ms at the server is in the minimum" eval \
	'(( $(column delay/sendrecv.csv lat_min_ns) >= 1000000 ))'
rdma_run rated -s 64 -n 400 --rate 400
ok "an open loop is no faster than it is offered" eval \
	'is "$(column rated/sendrecv.csv loop)" open &&
	 is "$(column rated/sendrecv.csv samples)" 400 &&
	 gawk -v v="$(column rated/sendrecv.csv elapsed_ns)" "BEGIN { exit !(v >= 399 / 400 * 1e9) }"'

# regcost: what is registered is deregistered, whatever the memory.
pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
before=$(cat $pool)
try "$bench" run regcost -s 1M --memory anon,huge2m,memfd --way pin,cached,window,window2 \
	--reserve-hugepages --use whole -n 10 --trials 1 --out reg
ok "regcost: exit 0" is "$status" 0
ok "regcost: every row ok" all_are ok reg/regcost.csv status
ok "regcost: hugepages are given back" is "$(cat $pool)" "$before"
try "$bench" check reg
ok "regcost: its invariants hold" is "$status" 0
ok "regcost: nothing is left, by the kernel's count" all_are 0 reg/regcost.csv objects_left
ok "regcost: a hit registers nothing" eval '
	[[ -z $(paste -d, <(column reg/regcost.csv way) <(column reg/regcost.csv cache_hits) \
		<(column reg/regcost.csv registered) | gawk -F, "\$1 == \"cached\" && \$2 != \$3") ]]'
try "$bench" run regcost -s 4k --regions 16384 -n 1 --warmup 0 --trials 1 --out many
ok "regcost: 16384 regions at once" all_are 16384 many/regcost.csv regions_registered
try "$bench" run regcost -s 4k --way window --access read --use whole -n 10 --trials 1 --out rights
ok "regcost: a window asks for no right that its memory lacks" eval '
	is "$status" 0 && all_are ok rights/regcost.csv status'
try "$bench" run regcost -s 4k --way rereg,rights,odp,odp-implicit --trials 1 --out ways
ok "regcost: ways that rxe lacks: exit 77" is "$status" 77
ok "regcost: their rows say the errno" grep -q "ibv_rereg_mr: .*(errno [0-9]*)" ways/regcost.csv
"$bench" run regcost -s 64M --memory huge2m --reserve-hugepages --trials 9 --out killed \
	>/dev/null 2>&1 &
victim=$!
within 20 eval '(( $(cat $pool) > before ))'
kill -9 $victim
ok "regcost: killed: hugepages are given back" within 20 eval '(( $(cat $pool) == before ))'
ok "regcost: no registration is left" within 20 eval '! rdma resource show mr | grep -q "comm rdmabench"'

# Single operations, each with what it promises.
try "$bench" run ops --preset smoke --transport rdma --mode latency,rate -s 8,5000 --post-list 1,8 \
	--op send,write,write-imm,read,fetch-add,compare-swap --out ops
ok "ops: each operation, both modes" is "$status" 0
try "$bench" run ops --preset smoke --transport rdma --mode latency,rate -s 8,1000 \
	--op send --qp-type rc,uc,ud --out types
ok "ops: each type of queue pair" is "$status" 0
ok "ops: every row ok" eval 'all_are ok ops/ops.csv status && all_are ok types/ops.csv status'
ok "ops: all six of them" is "$(column ops/ops.csv op | sort -u | tr '\n' ' ')" \
	"compare-swap fetch-add read send write write-imm "
ok "ops: what each atomic operation found is verified" is "" "$(
	paste -d' ' <(column ops/ops.csv op) <(column ops/ops.csv client_verified) | grep -E '^(fetch-add|compare-swap) 0?$')"
ok "ops: RC, UC and UD" is "$(column types/ops.csv qp_type | sort -u | tr '\n' ' ')" "RC UC UD "
ok "ops: a write is seen in memory" eval '
	try "$bench" run ops --op write --mode latency --poll-memory --verify each -s 1,64,4k -n 20 \
		--transport rdma --qp-type rc,uc --trials 1 --out memory && is "$status" 0'
ok "ops: and that is said to be an assumption" all_are 1 memory/ops.csv visibility_assumed
try "$bench" run ops --op send,write,write-imm,read,fetch-add --mode rate -s 8 --directions 2 -n 500 \
	--verify each --transport rdma --trials 1 --out both
ok "ops: two directions" eval 'is "$status" 0 && all_are ok both/ops.csv status'
ok "ops: what both directions posted was counted" eval 'try "$bench" check both && is "$status" 0'
try "$bench" run ops --op send --qp-type uc,ud --mode rate -s 8,1000 --directions 2 -n 500 --transport rdma \
	--trials 1 --verify each --out lossy
ok "ops: two directions without acknowledgements, each counted at its receiver" eval '
	is "$status" 0 && all_are ok lossy/ops.csv status &&
	is "$(column lossy/ops.csv operations_back | xargs)" "$(column lossy/ops.csv client_verified | xargs)" &&
	[[ -z $(column lossy/ops.csv back_ops_per_s | gawk "!(\$1 > 0)") ]]'
try "$bench" run ops --op send,write,write-imm,read --mode rate -s 64,5000 --rotate 1,3 --directions 1,2 -n 500 \
	--transport rdma --trials 1 --out turns
ok "ops: operations in few buffers, looked at" eval 'is "$status" 0 && all_are ok turns/ops.csv status &&
	[[ -z $(paste <(column turns/ops.csv client_verified) <(column turns/ops.csv server_verified) |
		gawk "!(\$1 + \$2)") ]]'
ok "ops: and those that may be lost" eval '
	try "$bench" run ops --op send --qp-type uc,ud --mode rate -s 64 --rotate 3 -n 500 --transport rdma \
		--trials 1 --out few && is "$status" 0 &&
		[[ -z $(column few/ops.csv server_verified | gawk "!(\$1 > 0)") ]]'
try "$bench" run ops --poll event --cq-count 4 --transport rdma -n 50 --trials 1 --out moderated
ok "ops: rxe does not moderate events, and says so" grep -q "device-limit: .*ibv_modify_cq" \
	moderated/ops.csv
try "$bench" run ops --op atomic-write,flush --mode latency -s 8 --transport rdma -n 5 --trials 1 --out place
ok "ops: FLUSH and ATOMIC WRITE are done, or it says what lacks them" eval '
	[[ -z $(column place/ops.csv status | grep -vE "^(ok|unsupported)$") ]] &&
	[[ -z $(column place/ops.csv reason | grep -vE "^\"?(built-without|device-limit|not-in-transport|$)") ]]'
try "$bench" run ops --op read --qp-type uc,ud --transport rdma -n 5 --trials 1 --out lacks
ok "ops: no reads without reliable connections" eval '
	all_are unsupported lacks/ops.csv status &&
	[[ $(column lacks/ops.csv reason | grep -c not-in-transport) == 2 ]]'
try "$bench" run ops -s 8k --qp-type ud --transport rdma -n 5 --trials 1 --out long
ok "ops: a datagram is one packet" grep -q "not-in-transport: .*UD carries at most" long/ops.csv

# Many queue pairs, regions, and more completions than one queue holds.
scale_run() { # OUT OPTIONS...
	local out=$1
	shift
	try "$bench" run scale -n 100 --warmup 0 --verify each --trials 1 --out "$out" "$@"
}
scale_run sc-qps --op write,read,send --qps 1,256 --outstanding 64
ok "scale: 1 and 256 queue pairs" eval 'is "$status" 0 && all_are ok sc-qps/scale.csv status'
scale_run sc-regions --op write,read --regions 1024 --memory 4M
ok "scale: 1024 regions" eval 'is "$status" 0 && all_are ok sc-regions/scale.csv status'
echo 32 >"$pool"
scale_run sc-huge --op write,read --memory 16M --pages 2m
ok "scale: pages of 2 MiB" all_are ok sc-huge/scale.csv status
echo "$before" >"$pool"
scale_run sc-ud --op send --qp-type ud --outstanding 64
ok "scale: datagrams" all_are ok sc-ud/scale.csv status
scale_run sc-srq --op send --qps 16,256 --outstanding 64 --shared-receives yes
ok "scale: shared receives" eval '
	all_are ok sc-srq/scale.csv status && all_are 64 sc-srq/scale.csv posted_receives'
scale_run sc-one --op send --qp-type ud --qps 64 --outstanding 64 --client-qps one
ok "scale: one queue pair to 64 peers" is \
	"$(column sc-one/scale.csv client_queue_pairs) $(column sc-one/scale.csv server_queue_pairs)" "1 64"
scale_run sc-share --op write,read --qps 4 --outstanding 64 --threads 4 --share-qps yes
ok "scale: four threads on the same queue pairs" eval '
	all_are ok sc-share/scale.csv status && all_are 100 sc-share/scale.csv operations'
scale_run sc-adds --op fetch-add -s 8 --qps 16 --outstanding 64 --threads 1,4 --share-qps yes
ok "scale: what fetch-adds of 16 queue pairs and of 4 threads found is a permutation" eval '
	is "$status" 0 && all_are ok sc-adds/scale.csv status && all_are 100 sc-adds/scale.csv client_verified'
scale_run sc-procs --op write,send --qps 16 --outstanding 64 --processes 2
ok "scale: two processes" all_are ok sc-procs/scale.csv status
scale_run sc-rnr --op send --qps 4 --outstanding 64 --receives 4 --min-rnr-timer 1 -n 5000
ok "scale: without credit, sent again until there is a receive" eval '
	all_are ok sc-rnr/scale.csv status && (($(column sc-rnr/scale.csv sent_ahead) > 0)) &&
	grep -q rnr <(column sc-rnr/scale.csv nic_marks)'
scale_run sc-rnr0 --op send --qps 4 --outstanding 64 --receives 1 --rnr-retry 0 -n 20000
ok "scale: or, with no retries, the link ends and says so" grep -q "RNR retry counter exceeded" \
	sc-rnr0/scale.csv
scale_run sc-cqs --op send --qps 1024 --outstanding 16384 -n 20000
ok "scale: several completion queues" eval '
	all_are ok sc-cqs/scale.csv status && (($(column sc-cqs/scale.csv client_completion_queues) > 1))'
scale_run sc-most --op send --qps 4096 --outstanding 64
ok "scale: 4096 queue pairs" all_are ok sc-most/scale.csv status
ok "scale: within 1 GiB" eval '
	(($(column sc-most/scale.csv client_link_memory_bytes) < 1 << 30 &&
	  $(column sc-most/scale.csv client_process_rss_bytes) < 1 << 30))'

# oplog: every method over verbs, recovered from the replicas' own memory.
log_run() { # OUT OPTIONS...
	local out=$1
	shift
	try "$bench" run oplog --preset smoke --memory dram -s 4k -n 50 --trials 1 --out "$out" "$@"
}
log_run log3 --method send,write-read --rf 3 --ack majority
ok "oplog: three replicas, two of them acknowledge" eval \
	'is "$status" 0 && all_are ok log3/oplog.csv status'
log_run clip --method write-read --outstanding 64
ok "oplog: no more writers than a queue pair has reads on their way, and said" eval '
	all_are 16 clip/oplog.csv writers &&
	grep -q "16 of 64: a queue pair on $device has 16 reads" clip/oplog.csv'
log_run more --method write-read --outstanding 64 --rd-atomic 32
ok "oplog: as many as were asked for, where the device takes them" \
	all_are 32 more/oplog.csv writers
log_run beyond --method write-read --rd-atomic 255
ok "more than it takes is its limit" eval \
	'grep -q ",unsupported,.device-limit: server: 255 reads and atomics" beyond/oplog.csv'
log_run flush --method write-flush
ok "oplog: no FLUSH in this binary, or on this kernel" eval \
	'grep -qE ",unsupported,\"?(built-without|device-limit)" flush/oplog.csv'
log_run log-lossy --method send,write-imm,write -s 512 --qp-type uc,ud
ok "oplog: no log where messages may be lost" eval '
	[[ $(column log-lossy/oplog.csv reason | grep -c "not-in-transport") == 6 ]] &&
	[[ $(column log-lossy/oplog.csv reason | grep -c "UC loses") -ge 1 ]]'
try "$bench" check log3
ok "oplog: its invariants hold" is "$status" 0

# conncost: every method at both ends, and nothing is left.
try "$bench" run conncost --method tcp,verbs,cm,cached --at-once 1,8 -n 16 --trials 1 --out conn
ok "conncost: exit 0" is "$status" 0
ok "conncost: every row ok" all_are ok conn/conncost.csv status
try "$bench" check conn
ok "conncost: its invariants hold" is "$status" 0
ok "conncost: cached creates no queue pair, at either end" eval '
	[[ $(paste -d, <(column conn/conncost.csv method) <(column conn/conncost.csv client_qps_created) \
		<(column conn/conncost.csv server_qps_created) | grep "^cached" | sort -u) == cached,0,0 ]]'
ok "conncost: nothing is left at either end, by the kernel's count" eval \
	'grep -q "^ok *exact .*no RDMA object is left" "$work/out"'
ok "conncost: nothing is left" within 20 eval \
	'! rdma resource show qp | grep -q "comm rdmabench" &&
	 ! rdma resource show cm_id | grep -q "comm rdmabench"'

# Bad input.
ok "unknown device" fails_with 3 "nosuch0" run sendrecv -d nosuch0 -s 1k -n 1 --out u1
ok "wrong GID index" fails_with 3 "GID index 77" run sendrecv -x 77 -s 1k -n 1 --out u2
ok "wrong port" fails_with 3 "port 9" run sendrecv -i 9 -s 1k -n 1 --out u3
ok "memlock too small" eval '
	try prlimit --memlock=65536:65536 setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock \
		"$bench" run sendrecv --transport rdma -s 1M -n 1 --trials 1 --out u4
	is "$status" 3 && err_has memlock'
chmod 600 /dev/infiniband/uverbs0
try setpriv --reuid=65534 --regid=65534 --clear-groups "$bench" list devices
chmod 666 /dev/infiniband/uverbs0
ok "a device that may not be opened: said" out_has "may not be opened"
try "$bench" run sendrecv -d "$device,nosuch0" --transport rdma -s 1k -n 1 --trials 1 --out u5
ok "unknown device at the server: exit 3" is "$status" 3
ok "unknown device at the server: said" err_has "server: "

# Two runs at once, each with a server of its own.
"$bench" run sendrecv --transport rdma --poll event -s 4k -n 300 --trials 1 --out t1 >/dev/null 2>&1 &
one=$!
rdma_run t2 --poll event -s 4k -n 300
wait $one
ok "two runs at once" is "$?$status" 00

# Deaths in the middle.  serve.sh holds the 5 s in which all must know; a guest
# may have half a CPU.
in_time=12
start_server 127.0.0.1
for transport in rdma tcp; do
	start_client "ck-$transport" --transport $transport -s 1M
	kill -9 $client
	ok "$transport: client killed: its session ends in time" within $in_time idle
	start_client "sk-$transport" --transport $transport -s 1M
	pkill -9 -P $server
	start=$SECONDS
	status=0
	wait $client || status=$?
	ok "$transport: session killed: client exits 4" is "$status" 4
	ok "$transport: session killed: in time" eval '((SECONDS - start <= in_time))'
	ok "$transport: session killed: rows whole" whole_rows "sk-$transport/sendrecv.csv"
	start_client "ss-$transport" --transport $transport -s 64k
	pkill -STOP -P $server
	start=$SECONDS
	status=0
	wait $client || status=$?
	ok "$transport: session stopped: client exits 4" is "$status" 4
	ok "$transport: session stopped: in time" eval '((SECONDS - start <= in_time))'
	pkill -CONT -P $server
	ok "$transport: session stopped: gone when woken" within $in_time idle
done
# A device may tell of a wrong key while the peer's program, and its memory, go.
for scenario in scale ops; do
	"$bench" run $scenario --transport rdma --op write --outstanding 16 -D 8s --trials 1 \
		--out lost-$scenario >"$work/out" 2>"$work/err" &
	client=$!
	within 30 test -s lost-$scenario/run.json
	sleep 1.5
	pkill -9 -P $client
	status=0
	wait $client || status=$?
	ok "$scenario: its server killed: the peer is lost, and no key is wrong" eval '
		is "$status" 4 && grep -q ",failed,\"*peer-lost: " lost-$scenario/$scenario.csv'
done
ok "no queue pair is left" within 20 no_resources
try "$bench" run sendrecv --connect 127.0.0.1:"$port" -s 1k -n 10 --trials 1 --out again
ok "the server goes on serving" is "$status" 0

# 3000: hundreds of pieces a message, aligned to nothing.
conform rdma:addr=10.9.9.1 rdma:cm,addr=10.9.9.1 \
	rdma:addr=10.9.9.1,segment=3000 rdma:uc,addr=10.9.9.1 rdma:ud,addr=10.9.9.1
done_testing
