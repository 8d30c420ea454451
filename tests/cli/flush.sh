#!/bin/bash
# FLUSH and ATOMIC WRITE on rxe of Linux 6.12, persistent memory on a DAX
# device; runs in the guest, by scripts/flush.sh check.
. "$(dirname "$0")/rdma_lib.sh"
cd "$work" || exit 1

log_run() { # OUT OPTIONS...
	local out=$1
	shift
	try "$bench" run oplog --method write-flush --poll event --memory devdax \
		--pmem-dir "$RDMABENCH_DAX" --log-size 1M -n 200 --trials 1 \
		--out "$out" "$@"
}

try "$bench" info --json
cp out info.json
ok "the device has both verbs, and so has this binary" json --arg d "$device" \
	'[.facts[] | select(.item == $d)] as $f |
	 all("FLUSH=global, persistent", "ATOMIC WRITE=yes", "FLUSH and ATOMIC WRITE in this binary=yes";
	     split("=") as [$k, $v] | any($f[]; .key == $k and .value == $v))' info.json

log_run both --placement global,persistent --commit checksum,tail -s 512,4k --outstanding 1,8
ok "both placements, both commits" eval 'is "$status" 0 && all_are ok both/oplog.csv status'
ok "two sizes of each: 16 points" is "$(column both/oplog.csv status | wc -l)" 16
ok "FLUSH of persistent placement is durable here, of global not" is \
	"$(paste -d' ' <(column both/oplog.csv placement) <(column both/oplog.csv durable) | sort -u | tr '\n' ' ')" \
	"global no persistent yes "
# Each record goes with its header of 64 bytes, and by tail 8 bytes more; each
# time the head moves, a mark of 48.
ok "bytes on the wire: records, headers, tails, marks" eval '
	[[ -z $(gawk -F, "\$4 != \$2 * (\$1 == 512 ? 576 : 4160) + (\$3 == \"tail\" ? 8 * \$2 : 0) + 48 * \$5" \
		<(paste -d, <(column both/oplog.csv size_bytes) <(column both/oplog.csv samples) \
			<(column both/oplog.csv commit) <(column both/oplog.csv wire_bytes) \
			<(column both/oplog.csv trims))) ]]'
try "$bench" check both
ok "its invariants hold" is "$status" 0

log_run serial --post serialised --placement persistent --commit checksum,tail
ok "after the write's completion" all_are ok serial/oplog.csv status
log_run small --placement persistent --commit checksum,tail --log-size 64k --outstanding 4 --group 2
ok "marks are flushed too" eval 'all_are ok small/oplog.csv status && (($(column small/oplog.csv trims | head -1) > 0))'
try "$bench" run oplog --method write-flush --placement persistent -n 10 --trials 1 --out dram
ok "DRAM takes no FLUSH of persistent placement" grep -q "device-limit: .*no persistent memory" dram/oplog.csv

# ops: both verbs alone, one at a time and many; each atomic write verified.
ops_run() { # OUT OPTIONS...
	local out=$1
	shift
	try "$bench" run ops --transport rdma --mode latency,rate --outstanding 16 -n 200 --trials 1 --out "$out" "$@"
}
ops_run atomic --op atomic-write -s 8 --post-list 1,4 --verify each
ok "ops: atomic writes" eval 'is "$status" 0 && all_are ok atomic/ops.csv status &&
	all_are 200 atomic/ops.csv operations'
ok "ops: all that is in memory was looked at" is \
	"$(paste -d' ' <(column atomic/ops.csv mode) <(column atomic/ops.csv server_verified) | sort -u | xargs)" \
	"latency 2 rate 32"
ok "ops: they have 8 bytes" fails_with 2 "8 bytes" run ops --op atomic-write -s 64
ops_run flushed --op flush -s 8,4k --post-list 1,4
ok "ops: flushes" eval 'is "$status" 0 && all_are ok flushed/ops.csv status &&
	all_are 200 flushed/ops.csv operations'
ok "ops: in lists where they were asked for" is \
	"$(paste -d' ' <(column flushed/ops.csv mode) <(column flushed/ops.csv post_list) \
		<(column flushed/ops.csv operation_doorbells) | sort -u | tr '\n' ',')" \
	"latency 1 200,rate 1 200,rate 4 50,"
ops_run both-ways --mode rate --op atomic-write,flush -s 8 --directions 2
ok "ops: in both directions" eval 'is "$status" 0 && all_are ok both-ways/ops.csv status'
try "$bench" check atomic
ok "ops: check holds of atomic writes" is "$status" 0
try "$bench" check flushed
ok "ops: check holds of flushes" is "$status" 0
try "$bench" run ops --poll event --cq-count 4 --transport rdma -n 50 --trials 1 --out moderated
ok "ops: rxe of this kernel does not moderate events either" grep -q "device-limit: .*ibv_modify_cq" \
	moderated/ops.csv

# The suite as it was linked: in its own root.
mount --rbind /dev "$FLUSH_ROOT/dev" && mount -t proc proc "$FLUSH_ROOT/proc" &&
	mount --rbind /sys "$FLUSH_ROOT/sys"
conformance=$work/conformance
printf '#!/bin/sh\nexec chroot "%s" /src/build/dynamic/tests/conformance/conformance "$@"\n' \
	"$FLUSH_ROOT" >"$conformance"
chmod +x "$conformance"
for word in writes reads FLUSH; do
	conform -t $word rdma:flush,addr=10.9.9.1
done
done_testing
