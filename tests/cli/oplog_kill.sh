#!/bin/bash
# Leaders and peers of an oplog that are killed (SIGKILL) at random points, and
# whether every choice of replicas that recovery may read then holds what was
# acknowledged.  The methods take turns; with RDMA it runs where there is a
# device.  The seed is in the tests' names.
#   METHODS="send write-read" KILLS=50 SEED=1 tests/cli/oplog_kill.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
read -r -a methods <<<"${METHODS:-tcp}"
KILLS=${KILLS:-50}
SEED=${SEED:-1}
RANDOM=$SEED
# A sanitizer's build has its own.
replicas=$(dirname "$bench")/tests/tools/replicas
[[ -x $replicas ]] || replicas=$top/build/dynamic/tests/tools/replicas
kills=0

files() { ls logs/oplog-"$1"-*.log 2>/dev/null; }

# Runs and kills one of the processes; sees what is left.
kill_once() { # METHOD N K VICTIM MICROSECONDS
	local method=$1 n=$2 k=$3 pid children target
	rm -rf logs gone && mkdir logs
	"$bench" run oplog --method "$method" --rf "$n" --ack "$k" --outstanding 8 \
		-s 512 --log-size 64k --memory file --pmem-dir logs -D 20s --warmup 1ms \
		--trials 1 --out gone >run.out 2>&1 &
	pid=$!
	if ! within 60 eval '[[ $(files peer | wc -l) == $((n - 1)) && -n $(files leader) ]]'; then
		printf 'no log of each replica after 60 s: %s\n' "$(tail -1 run.out)"
		kill -KILL "$pid"
		wait "$pid" 2>/dev/null
		return 1
	fi
	sleep "0.$(printf '%06d' "$5")"
	mapfile -t children < <(pgrep -P "$pid")
	target=$pid
	[[ $4 == leader ]] || target=${children[$5 % ${#children[@]}]}
	kill -KILL "$target"
	wait "$pid" 2>/dev/null
	mapfile -t children < <(files peer)
	"$replicas" "$n" "$k" "$(files leader)" "${children[@]}" 2>&1
}

killed() { # N K VICTIM TIMES
	local i line method acked=0
	for ((i = 0; i < $4; i++)); do
		method=${methods[kills++ % ${#methods[@]}]}
		if ! line=$(kill_once "$method" "$1" "$2" "$3" \
			$((RANDOM * 32768 % 300000 + RANDOM % 1000))); then
			printf '# kill %d, %s: %s\n' "$i" "$method" "$line"
			return 1
		fi
		[[ $line == "acknowledged 0,"* ]] || acked=$((acked + 1))
	done
	printf '# %d of %d had acknowledged records\n' "$acked" "$4"
	((acked > 0))
}

if [[ -x $replicas ]]; then
	with="of ${methods[*]}, seed $SEED"
	ok "the leader $with" killed 2 2 leader $((KILLS * 2 / 5))
	ok "the peer $with" killed 2 2 peer $((KILLS / 5))
	ok "the leader of three $with" killed 3 2 leader $((KILLS / 5))
	ok "a peer of three $with" killed 3 2 peer $((KILLS / 5))
else
	skip "killed leaders and peers" "build/dynamic/tests/tools/replicas is not built"
fi

# A leader whose epoch is over, and a replica that returns: on real links, so
# where scripts/rxe.sh runs this.
if [[ -d /sys/class/infiniband/rxe0 ]]; then
	ok "fail-over: the old leader and the old key are refused" eval \
		'"$top/build/dynamic/tests/tools/fence" 10.9.9.1 >"$work/out"'
fi
done_testing
