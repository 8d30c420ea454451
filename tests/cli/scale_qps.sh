#!/bin/bash
# 4096 queue pairs of one process within 1 GiB, in four ways;
# runs in the guest: scripts/rxe.sh run --timeout 600 -- tests/cli/scale_qps.sh
. "$(dirname "$0")/rdma_lib.sh"
cd "$work" || exit 1

many() { # OUT OPTIONS...
	local out=$1
	shift
	try "$bench" run scale --transport rdma --qps 4096 -n 20000 --trials 1 --verify each \
		--out "$out" "$@"
	ok "$out: every operation" eval 'is "$status" 0 && all_are 20000 $out/scale.csv operations'
	for end in client server; do
		printf '# %s: the %s has %s bytes in memory, %s a queue pair\n' "$out" $end \
			"$(column "$out/scale.csv" ${end}_process_rss_bytes)" \
			"$(column "$out/scale.csv" ${end}_qp_memory_bytes)"
		ok "$out: the $end within 1 GiB" eval '
			(($(column $out/scale.csv ${end}_process_rss_bytes) < 1 << 30 &&
			  $(column $out/scale.csv ${end}_link_memory_bytes) < 1 << 30))'
	done
	try "$bench" check "$out"
	ok "$out: its invariants hold" is "$status" 0
}

many write --op write --outstanding 64
many send --op send --outstanding 4096
many shared --op send --outstanding 64 --shared-receives yes
many deep --op send --outstanding 16384
ok "deep: several completion queues" eval \
	'(($(column deep/scale.csv client_completion_queues) > 1))'
done_testing
