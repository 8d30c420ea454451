#!/bin/bash
# Builds and tests everything, from nothing but Debian; CI calls this.
# Ends with one line: N passed, N failed, N skipped.
#
#	scripts/check.sh [STAGE...]     (default: all, in order)
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=scripts/lib/packages.sh
. scripts/lib/packages.sh

passed=0
failed=0
skipped=0
log=$(mktemp "${TMPDIR:-/tmp}/rdmabench-check.XXXXXX")
trap 'rm -f "$log"' EXIT
jobs=$(nproc)
stages=(packages build clang unit cli lint asan tsan fuzz guest siw)

# command NAME COMMAND...: one test, by its exit status.
command_ok() {
	local name=$1
	shift
	if "$@" >"$log" 2>&1; then
		printf 'ok - %s\n' "$name"
		passed=$((passed + 1))
	else
		printf 'not ok - %s (%s)\n' "$name" "$*"
		tail -40 "$log" | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

# tap NAME COMMAND...: counts the TAP lines that it prints; a command that
# fails without one, or that plans more than it ran, is a failure itself.
tap() {
	local name=$1 status=0 oks nots skips
	shift
	printf '# %s\n' "$name"
	"$@" >"$log" 2>&1 || status=$?
	skips=$(grep -ciE '^ok .*# skip' "$log")
	oks=$(($(grep -c '^ok ' "$log") - skips))
	nots=$(grep -c '^not ok ' "$log")
	grep -iE -A 8 '^not ok |# skip' "$log"
	if ((oks + nots + skips == 0)) || { ((status)) && ((nots == 0)); }; then
		printf 'not ok - %s: exit %d, %d tests\n' "$name" "$status" "$oks"
		tail -40 "$log" | sed 's/^/# /'
		nots=$((nots + 1))
	fi
	printf '# %s: %d passed, %d failed, %d skipped\n' "$name" "$oks" "$nots" "$skips"
	passed=$((passed + oks))
	failed=$((failed + nots))
	skipped=$((skipped + skips))
}

is_static() { ! ldd ./rdmabench >/dev/null 2>&1; }

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

unit_tests() { # BUILD: prints TAP
	local t status=0
	for t in "$1"/tests/unit/test_*; do
		[[ -x $t && ! -d $t && $t != *.d ]] || continue
		printf '# %s\n' "${t##*/}"
		CMOCKA_MESSAGE_OUTPUT=TAP "$t" || status=1
	done
	return $status
}

conformance() { # BUILD TRANSPORT...: prints TAP
	local b=$1
	shift
	CMOCKA_MESSAGE_OUTPUT=TAP "$b/tests/conformance/conformance" "$@"
}

stage_unit() {
	command_ok 'build the tests' make -j"$jobs" WERROR=1 tests
	tap 'unit tests' unit_tests build/dynamic
	tap 'conformance of loop and tcp' conformance build/dynamic loop tcp tcp:addr=::1
}

stage_cli() {
	local t
	for t in usage info tcp counters openloop check compare report resume install ops scale serve hostile touch prefetch cachegrind regcost conncost; do
		tap "command line: $t" tests/cli/$t.sh
	done
	tap 'command line: oplog' tests/cli/oplog.sh
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

# A minute together; make fuzz goes on for longer.
stage_fuzz() {
	command_ok 'build the fuzzers' make -j"$jobs" WERROR=1 build-fuzz
	tap 'fuzz' tests/fuzz/run.sh 10
}

stage_guest() {
	tap 'the guest' tests/cli/rxe_sh.sh
	tap 'real verbs on rxe' scripts/rxe.sh run --timeout 1200 -- \
		tests/cli/rxe.sh
}

stage_siw() {
	tap 'real verbs on siw' scripts/rxe.sh run --siw --timeout 1200 -- \
		tests/cli/siw.sh
}

main() {
	local stage
	(($#)) || set -- "${stages[@]}"
	for stage in "$@"; do
		printf '\n## %s (%d s)\n' "$stage" "$SECONDS"
		"stage_$stage"
	done
	printf '\n# %d s\n%d passed, %d failed, %d skipped\n' "$SECONDS" \
		"$passed" "$failed" "$skipped"
	((failed == 0))
}

main "$@"
