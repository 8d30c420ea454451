#!/bin/bash
# Builds and tests everything, from nothing but Debian; CI calls this.
# Ends with one line: N passed, N failed, N skipped.
#
#	scripts/check.sh [STAGE...]     (default: all, in order)
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=scripts/lib/packages.sh
. scripts/lib/packages.sh
# shellcheck source=scripts/lib/stages.sh
. scripts/lib/stages.sh

stages=(packages build clang unit cli lint asan tsan fuzz guest siw)

# Nothing loads it.
is_static() {
	local headers
	headers=$(readelf -lW ./rdmabench) && [[ $headers != *INTERP* ]]
}

is_small() { # under 6 MB stripped
	strip -o "$log.stripped" ./rdmabench
	local size
	size=$(stat -c %s "$log.stripped")
	rm -f "$log.stripped"
	echo "$size bytes stripped"
	((size < 6000000))
}

stage_packages() {
	command_ok 'packages' install_packages "${packages_build[@]}" \
		"${packages_plot[@]}" "${packages_guest[@]}" "${packages_test[@]}"
}

stage_build() {
	command_ok 'build with gcc, warnings are errors' make -j"$jobs" WERROR=1
	command_ok 'the binary is static' is_static
	command_ok 'the binary is under 6 MB stripped' is_small
	command_ok 'make STATIC=0' make -j"$jobs" WERROR=1 STATIC=0 \
		BUILD=build/dynamic build/dynamic/rdmabench
}

stage_clang() {
	command_ok 'build with clang, warnings are errors' make -j"$jobs" \
		WERROR=1 CC=clang BUILD=build/clang build/clang/rdmabench
}

stage_unit() {
	command_ok 'build the tests' make -j"$jobs" WERROR=1 tests
	tap 'unit tests' unit_tests build/dynamic
	tap 'conformance of loop and tcp' conformance build/dynamic loop tcp tcp:addr=::1
	tap 'calls that fail' conformance build/dynamic -f loop tcp
	tap 'calls that fail, loop and tcp' conformance build/dynamic -f loop tcp
}

stage_cli() {
	local t
	for t in "${cli_tests[@]}"; do
		tap "command line: $t" "tests/cli/$t.sh"
	done
	tap '40 kills and stops' tests/cli/kills.sh 40 tcp loop
}

stage_lint() {
	tap 'lint' scripts/lint.sh
}

sanitized() { # KIND
	command_ok "build with $1" make -j"$jobs" "build-$1"
	tap "unit tests under $1" unit_tests "build/$1"
	tap "conformance under $1" conformance "build/$1" loop tcp
}

stage_asan() {
	sanitized asan
	RDMABENCH=build/asan/rdmabench tap 'command line under asan' tests/cli/usage.sh
}

stage_tsan() {
	sanitized tsan
}

# A minute together, and no search: what was not found before is for make fuzz,
# which goes on for longer and elsewhere.
stage_fuzz() {
	command_ok 'build the fuzzers' make -j"$jobs" WERROR=1 build-fuzz
	FUZZ_SEED=1 tap 'fuzz' tests/fuzz/run.sh 10
}

stage_guest() {
	tap 'the guest' tests/cli/rxe_sh.sh
	tap 'real verbs on rxe' scripts/rxe.sh run --timeout 1200 -- \
		tests/cli/rxe.sh
	tap 'killed replicas on rxe' scripts/rxe.sh run --timeout 200 -- env \
		METHODS='send write-imm write-read' KILLS=10 \
		tests/cli/oplog_kill.sh
	tap 'faults on rxe' scripts/rxe.sh run --timeout 300 -- \
		bash -c 'tests/cli/kills.sh 10 rdma && tests/cli/faults.sh short'
}

stage_siw() {
	tap 'real verbs on siw' scripts/rxe.sh run --siw --timeout 1200 -- \
		tests/cli/siw.sh
}

run_stages "$@"
