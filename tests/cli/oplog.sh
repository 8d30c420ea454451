#!/bin/bash
# oplog over TCP: replicas, acknowledgements, group commit, contradictions.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

oplog() { # OUT OPTIONS...
	local out=$1
	shift
	try "$bench" run oplog --preset smoke -D 20ms --out "$out" "$@"
}

oplog rf --method tcp --rf 1,2,3 -s 512,4k
ok "one, two and three replicas" is "$status" 0
ok "every row ok" all_are ok rf/oplog.csv status
ok "one replica needs no peer" grep -q ',local,1,' rf/oplog.csv
ok "what recovery finds is what was acknowledged" is \
	"$(gawk -F, '$1 > 1' <(paste -d, <(column rf/oplog.csv rf) \
		<(column rf/oplog.csv client_recovered)) | cut -d, -f2)" \
	"$(gawk -F, '$1 > 1' <(paste -d, <(column rf/oplog.csv rf) \
		<(column rf/oplog.csv server_recovered)) | cut -d, -f2)"
ok "DRAM is no persistent memory" all_are emulated rf/oplog.csv durable
ok "a row a peer, and none without one" is "$(column rf/oplog.peers.csv peer | sort | uniq -c | tr -s ' \n' ' ')" \
	" 4 1 2 2 "
ok "rows are whole" whole_rows rf/oplog.csv
try "$bench" run oplog --rf 1 -s 4k --method tcp,send --plan
ok "alone it is the same log by any method" is "$(grep -c method=local "$work/out")" 1
# A record of 512 bytes takes 576 in the ring, and 64 go before it.
ok "bytes on the wire: records, headers, once a peer" eval \
	'[[ -z $(gawk -F, "\$4 != (\$3 == 512 ? 640 : 4224) * (\$1 - 1) * \$2" \
		<(paste -d, <(column rf/oplog.csv rf) <(column rf/oplog.csv samples) \
			<(column rf/oplog.csv size_bytes) <(column rf/oplog.csv wire_bytes))) ]]'

oplog many --method tcp --rf 3 --ack all,majority,1 --outstanding 1,16 --group 1,4 \
	--group-time 50us --commit checksum,tail --log-size 64k
ok "acknowledgements, outstanding, groups, commits" is "$status" 0
ok "all of them ok" all_are ok many/oplog.csv status
ok "contradictions are left out: 3 x 2 x 3" is "$(column many/oplog.csv status | wc -l)" 18
try "$bench" check many
ok "its invariants hold" is "$status" 0
ok "among them: every line of every copy is written back" eval \
	'out_has "lines written back: every record"'
ok "what more writers gain, and what is full" eval \
	'out_has "times as many with 16 as with 1; "'
# An end that finds something to do whenever it looks is full.
full() { # COLUMN WORDS
	gawk -v FPAT='([^,]*)|("([^"]|"")*")' -v OFS=, -v full="$1" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		NR > 1 {
			$at["client_idle_looks"] = $at["server_idle_looks"] = $at["batches"]
			$at["encode_mean_ns"] = $at["post_mean_ns"] = $at["append_mean_ns"] = 1
			$at["persist_mean_ns"] = 1
			$at[full] = int($at["batches"] / 20)
		} 1' many/oplog.csv >only && mkdir -p full-of &&
		cp many/run.json full-of/ && cp only full-of/oplog.csv &&
		"$bench" check full-of | grep -q "with 1; $2 is full;"
}
ok "the end that is never idle is named: the peer" full server_idle_looks "the peer's CPU"
ok "or the leader" full client_idle_looks "the leader's CPU"
ok "or none" full persist_mean_ns "nothing that was measured"
# A peer that shares its CPU answers late, now and then; a group that is not
# full does not wait for it.
oplog late --method tcp -s 64 --outstanding 5 --group 4 --group-time 100us --peer-load 100 -D 200ms
ok "so many records, or so much time" eval '
	all_are ok late/oplog.csv status &&
	(($(column late/oplog.csv samples) < 4 * $(column late/oplog.csv batches) - 4))'
# The own copy is the first; the k-th is waited for.
ok "acknowledged by the k-th copy: the first waits for nobody" is \
	"$(paste -d, <(column many/oplog.csv ack) <(column many/oplog.csv wait_mean_ns) |
		gawk -F, '($1 == "1") != ($2 == 0)')" ""
gawk -v FPAT='([^,]*)|("([^"]|"")*")' -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "server_lines_flushed") c = i }
	NR > 1 { $c = int($c / 2) } 1' many/oplog.csv >few && cp few many/oplog.csv
try "$bench" check many
ok "one of two peers acknowledged without: check fails by name" eval \
	'is "$status" 1 && grep -q "^VIOLATED .*lines written back" "$work/out"'
oplog slow --method tcp --nvm-delay 200us
ok "a slower medium is slower" eval '(($(column slow/oplog.csv lat_min_ns) > 200000))'
oplog load --method tcp --peer-load 50
ok "a busy peer" is "$status" 0
oplog file --method tcp --memory file --pmem-dir "$work"
ok "in a file" all_are ok file/oplog.csv status
ok "which goes when the trial was good" eval '! compgen -G "oplog-*.log" >/dev/null'

ok "tail by one-sided writes: refused" fails_with 2 "not atomic" run oplog \
	--method write --commit tail --out u1
ok "durable placement by other methods: refused" fails_with 2 "write-flush" run oplog \
	--method write-read --placement persistent --out u8
ok "a delay that cannot be: refused" fails_with 2 "cannot slow" run oplog \
	--method write-read --nvm-delay 1us --out u2
ok "more copies than replicas: refused" fails_with 2 "more than --rf" run oplog \
	--ack 3 --out u3
ok "a group that is never full: refused" fails_with 2 "never be full" run oplog \
	--group 4 --out u4
ok "memory without a place: said" eval \
	'oplog u5 --method tcp --memory file; is "$status" 2 && err_has pmem-dir'
ok "no DAX there: said" eval \
	'oplog u6 --method tcp --memory fsdax --pmem-dir "$work"; grep -q "no DAX file system" u6/oplog.csv'
ok "two hosts for three replicas" fails_with 2 "2 hosts are needed" run oplog \
	--method tcp --rf 3 --connect 127.0.0.1:1 --out u7


# --- two hosts: network namespaces, each with its server, behind a wire each ------

spaces=("rb1-$$" "rb2-$$")
# Another such test may run here at the same time.
nets=("10.$((64 + $$ / 128 % 64)).$(($$ % 128 * 2))" "10.$((64 + $$ / 128 % 64)).$(($$ % 128 * 2 + 1))")

make_host() { # NUMBER: of 1 and 2
	local space=${spaces[$1 - 1]} net=${nets[$1 - 1]}
	ip netns add "$space" &&
		ip link add "rb$1-$$" type veth peer name eth0 netns "$space" &&
		ip addr add "$net.1/30" dev "rb$1-$$" && ip link set "rb$1-$$" up &&
		ip -n "$space" addr add "$net.2/30" dev eth0 &&
		ip -n "$space" link set eth0 up && ip -n "$space" link set lo up || return 1
	# So much, as a sanitizer's own memory counts: of tsan 100 TB.
	ip netns exec "$space" "$bench" serve --bind "$net.2" --max-memory 200000G \
		2>"serve$1" &
	within 30 grep -q listening "serve$1"
}

remove_hosts() {
	local space
	for space in "${spaces[@]}"; do
		ip netns pids "$space" 2>/dev/null | xargs -r kill
		ip netns del "$space" 2>/dev/null
	done
}

trap 'remove_hosts; cleanup' EXIT
if ((EUID == 0)) && ip netns add "rb-$$" 2>/dev/null && ip netns del "rb-$$"; then
	ok "two hosts with a server each" eval 'make_host 1 && make_host 2'
	oplog hosts --method tcp --rf 3 --connect "${nets[0]}.2,${nets[1]}.2"
	ok "a log on three hosts" eval 'is "$status" 0 && all_are ok hosts/oplog.csv status'
	ok "over a wire" all_are wire hosts/oplog.csv path
	ok "and a row a host" is "$(column hosts/oplog.peers.csv peer | tr '\n' ' ')" "1 2 "
else
	skip "two hosts" "no network namespaces here"
fi
done_testing
