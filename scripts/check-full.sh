#!/bin/bash
# What does not fit into check.sh's half hour: its stages, then some of them
# for longer and slow tools.  Ends with one line, as check.sh does.
#
#	scripts/check-full.sh [STAGE...]     (default: all, in order)
#	FUZZ_SECONDS=600 scripts/check-full.sh fuzz
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=scripts/lib/packages.sh
. scripts/lib/packages.sh
# shellcheck source=scripts/lib/stages.sh
. scripts/lib/stages.sh

stages=(packages check fuzz valgrind analyzer tidy asan_cli tsan_cli faults qps deb)

stage_packages() {
	command_ok 'packages' install_packages "${packages_build[@]}" \
		"${packages_plot[@]}" "${packages_guest[@]}" "${packages_test[@]}" \
		"${packages_full[@]}"
}

stage_check() {
	stages_of scripts/check.sh
}

# Each fuzzer for so long.
stage_fuzz() {
	command_ok 'build the fuzzers' make -j"$jobs" WERROR=1 build-fuzz
	tap 'fuzz' tests/fuzz/run.sh "${FUZZ_SECONDS:-600}"
}

# --- valgrind ------------------------------------------------------------------

# A lost block is an error; what is still reachable at exit belongs to
# libraries.  Fair, as two ends that spin are two threads, of which one runs:
# its lock went to who had just had it, and a test of a second took minutes.
grind() {
	valgrind -q --fair-sched=yes --error-exitcode=99 --leak-check=full \
		--errors-for-leak-kinds=definite,indirect --child-silent-after-fork=no \
		"$@"
}

stage_valgrind() {
	command_ok 'build the tests' make -j"$jobs" tests
	RDMABENCH_CRASH_POINTS=30 RDMABENCH_UNDER_VALGRIND=1 tap 'unit tests under valgrind' \
		unit_tests build/dynamic grind
	tap 'conformance under valgrind' grind_conformance
	command_ok 'build without static libraries' make -j"$jobs" STATIC=0 \
		BUILD=build/dynamic build/dynamic/rdmabench
	command_ok 'a short run under valgrind' grind_run
}

grind_conformance() {
	CMOCKA_MESSAGE_OUTPUT=TAP grind build/dynamic/tests/conformance/conformance -w 600 \
		loop tcp
}

grind_run() {
	local out
	out=$(mktemp -d)
	grind --trace-children=yes build/dynamic/rdmabench run sendrecv \
		--transport tcp,loop -s 64,64k -n 50 --trials 2 --poll event \
		--out "$out/run"
	local status=$?
	rm -rf "$out"
	return $status
}

# --- what compilers see ----------------------------------------------------------

# analysed COMMAND...: its warnings, but those that are known to be wrong
# (scripts/lib/analyzer-exceptions.txt).
analysed() {
	"$@" 2>&1 | sed "s|^$PWD/||" |
		{ grep -E '^[^ ]+:[0-9]+:[0-9]+: (warning|error): ' || true; } | sort -u |
		awk -F ' [|] ' '
			FNR == NR { known[$1 " " $2] = 1; next }
			{
				file = kind = $0
				sub(/:.*/, "", file)
				sub(/.*\[/, "", kind)
				sub(/\]$/, "", kind)
			}
			!((file " " kind) in known) { print; bad = 1 }
			END { exit bad }' scripts/lib/analyzer-exceptions.txt -
}

analyze() {
	rm -rf build/analyzer
	make -k -j"$jobs" CC=gcc STATIC=0 BUILD=build/analyzer \
		CFLAGS='-O1 -g -fanalyzer' build/analyzer/rdmabench
}

stage_analyzer() {
	command_ok 'gcc -fanalyzer has nothing new to say' analysed analyze
	command_ok 'and it has been through' test -x build/analyzer/rdmabench
}

tidy() {
	# shellcheck disable=SC2016
	git ls-files 'src/*.c' 'scenarios/*.c' | xargs -P "$jobs" -n 4 sh -c '
		clang-tidy --quiet "$@" -- -std=gnu11 -D_GNU_SOURCE \
			-DRDMABENCH_VERSION="\"\"" -Isrc -Iscenarios' tidy
}

stage_tidy() {
	command_ok 'clang-tidy has nothing new to say' analysed tidy
}

# --- the command line, sanitized -------------------------------------------------

# cachegrind.sh runs valgrind, install.sh make, and example.sh a binary of its
# own: not of these builds.
sanitized_cli() { # KIND
	local t
	command_ok "build with $1" make -j"$jobs" "build-$1"
	for t in "${cli_tests[@]}"; do
		[[ $t =~ ^(cachegrind|install|example)$ ]] && continue
		RDMABENCH=build/$1/rdmabench FAIL_SECONDS=30 tap "command line under $1: $t" \
			"tests/cli/$t.sh"
	done
}

stage_asan_cli() {
	sanitized_cli asan
}

stage_tsan_cli() {
	sanitized_cli tsan
}

# Faults of the network and of devices, calls that fail, over real verbs.
stage_faults() {
	command_ok 'build' make -j"$jobs" rdmabench tests
	tap 'faults at length' scripts/rxe.sh run --timeout 1200 -- \
		tests/cli/faults.sh "${FAULT_ROUNDS:-5}"
	tap 'calls that fail' scripts/rxe.sh run --timeout 600 -- \
		env CMOCKA_MESSAGE_OUTPUT=TAP \
		build/dynamic/tests/conformance/conformance -f rdma:addr=10.9.9.1 \
		rdma:cm,addr=10.9.9.1
}

# 4096 queue pairs of one process.
stage_qps() {
	command_ok 'build' make -j"$jobs" WERROR=1
	tap '4096 queue pairs' scripts/rxe.sh run --timeout 900 -- \
		"$PWD/tests/cli/scale_qps.sh"
}

stage_deb() {
	tap 'a Debian package' tests/cli/deb.sh
}

run_stages "$@"
