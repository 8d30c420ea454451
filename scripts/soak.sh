#!/bin/bash
# What takes hours.  Ends with one line, as check.sh does.
#
#	scripts/soak.sh [STAGE...]     (default: all, in order)
#	SOAK_SECONDS=600 SOAK_DEATHS=100 scripts/soak.sh load deaths
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=scripts/lib/stages.sh
. scripts/lib/stages.sh

stages=(build deaths wrap load power kills)

stage_build() {
	command_ok 'build' make -j"$jobs" WERROR=1
	command_ok 'build the tests' make -j"$jobs" WERROR=1 tests
}

# SOAK_DEATHS kills and stops, a fifth of them over real verbs.
stage_deaths() {
	local n=${SOAK_DEATHS:-1000}
	tap 'kills and stops' tests/cli/kills.sh $((n - n / 5)) tcp loop
	tap 'kills and stops over rxe' scripts/rxe.sh run --timeout 3600 -- \
		tests/cli/kills.sh $((n / 5)) rdma tcp
}

# What counts in 32 bits goes past 2^32 in each test.
stage_wrap() {
	local first=first=4294967290
	tap 'past 2^32, loop and tcp' conformance build/dynamic loop:$first tcp:$first
	tap 'past 2^32, rxe' scripts/rxe.sh run --timeout 600 -- env CMOCKA_MESSAGE_OUTPUT=TAP \
		build/dynamic/tests/conformance/conformance rdma:addr=10.9.9.1,$first \
		rdma:cm,addr=10.9.9.1,$first rdma:ud,addr=10.9.9.1,$first
}

# A server and its clients under load, SOAK_SECONDS long.
stage_load() {
	LOAD_SECONDS=${SOAK_SECONDS:-3600} tap 'an hour of load' tests/cli/load.sh
}

# Power failures of the replicated log, SOAK_POINTS of each kind.
stage_power() {
	local t
	for t in rlog_crash rlog_replicas; do
		RDMABENCH_CRASH_POINTS=${SOAK_POINTS:-100000} \
			CMOCKA_MESSAGE_OUTPUT=TAP \
			tap "power failures: $t" "build/dynamic/tests/unit/test_$t"
	done
}

# SOAK_KILLS leaders and peers of the log, half of them over TCP; the seed
# is the day's, and is printed.  Over RDMA in slices, a guest and a seed each:
# a kill takes some seconds there, and what went wrong is told by its slice.
stage_kills() {
	local half=$((${SOAK_KILLS:-1000} / 2)) slice=50 seed i
	seed=${SEED:-$(date +%Y%m%d)}
	KILLS=$half SEED=$seed tap "killed replicas over TCP, seed $seed" \
		tests/cli/oplog_kill.sh
	for ((i = 0; i * slice < half; i++)); do
		tap "killed replicas over RDMA, seed $((seed + i))" \
			scripts/rxe.sh run --timeout 1200 -- env \
			METHODS='send write-imm write-read' \
			KILLS=$((half - i * slice < slice ? half - i * slice : slice)) \
			SEED=$((seed + i)) tests/cli/oplog_kill.sh
	done
}

run_stages "$@"
