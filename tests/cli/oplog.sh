#!/bin/bash
# oplog over TCP: replicas, acknowledgements, group commit, contradictions;
# then leaders and peers that are killed, and what their replicas hold.
#   KILLS=50 SEED=1 tests/cli/oplog.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
KILLS=${KILLS:-50}
RANDOM=${SEED:-1}
replicas=$top/build/dynamic/tests/tools/replicas

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
ok "a row a peer" is "$(column rf/oplog.peers.csv peer | sort | uniq -c | tr -s ' \n' ' ')" \
	" 6 1 2 2 "
ok "rows are whole" whole_rows rf/oplog.csv
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
oplog slow --method tcp --nvm-delay 200us
ok "a slower medium is slower" eval '(($(column slow/oplog.csv lat_min_ns) > 200000))'
oplog load --method tcp --peer-load 50
ok "a busy peer" is "$status" 0
oplog file --method tcp --memory file --pmem-dir "$work"
ok "in a file" all_are ok file/oplog.csv status
ok "which goes when the trial was good" eval '! compgen -G "oplog-*.log" >/dev/null'

ok "tail by one-sided writes: refused" fails_with 2 "not atomic" run oplog \
	--method write --commit tail --out u1
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

# --- killed ---------------------------------------------------------------------

files() { ls logs/oplog-"$1"-*.log 2>/dev/null; }

# Runs and kills one of the processes; sees what is left.
kill_once() { # N K VICTIM
	local n=$1 k=$2 victim=$3 pid children target
	rm -rf logs gone && mkdir logs
	"$bench" run oplog --method tcp --rf "$n" --ack "$k" --outstanding 8 -s 512 \
		--log-size 64k --memory file --pmem-dir logs -D 20s --warmup 1ms \
		--trials 1 --out gone >/dev/null 2>&1 &
	pid=$!
	within 10 eval '[[ $(files peer | wc -l) == $((n - 1)) ]]' || return 1
	sleep "0.$(printf '%03d' $((RANDOM % 200)))"
	mapfile -t children < <(pgrep -P "$pid")
	target=$pid
	[[ $victim == leader ]] || target=${children[RANDOM % ${#children[@]}]}
	kill -KILL "$target"
	wait "$pid" 2>/dev/null
	mapfile -t children < <(files peer)
	"$replicas" "$n" "$k" "$(files leader)" "${children[@]}"
}

killed() { # N K VICTIM TIMES
	local i line acked=0
	for ((i = 0; i < $4; i++)); do
		if ! line=$(kill_once "$1" "$2" "$3"); then
			printf '# kill %d of seed %s: %s\n' "$i" "${SEED:-1}" "$line"
			return 1
		fi
		[[ $line == "acknowledged 0,"* ]] || acked=$((acked + 1))
	done
	printf '# %d of %d had acknowledged records\n' "$acked" "$4"
	((acked > 0))
}

if [[ -x $replicas ]]; then
	ok "the leader is killed" killed 2 2 leader $((KILLS * 2 / 5))
	ok "the peer is killed" killed 2 2 peer $((KILLS / 5))
	ok "the leader of three is killed" killed 3 2 leader $((KILLS / 5))
	ok "a peer of three is killed" killed 3 2 peer $((KILLS / 5))
else
	skip "killed leaders and peers" "build/dynamic/tests/tools/replicas is not built"
fi

done_testing
