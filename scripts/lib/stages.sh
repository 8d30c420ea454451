# Sourced by scripts that run stages one after another and count their tests
# (check.sh, check-full.sh, soak.sh).  A stage is a function stage_NAME; the
# script lists those that run by default in `stages` and ends in
# run_stages "$@".
# shellcheck shell=bash disable=SC2034

passed=0
failed=0
skipped=0
log=$(mktemp "${TMPDIR:-/tmp}/rdmabench-check.XXXXXX")
trap 'rm -f "$log"' EXIT
jobs=$(nproc)
stages=()

# command_ok NAME COMMAND...: one test, by its exit status.
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
# prints none, or fails without one that failed, is a failure itself.
tap() {
	local name=$1 status=0 oks nots skips
	shift
	printf '# %s\n' "$name"
	"$@" >"$log" 2>&1 || status=$?
	# cmocka says "not ok N # SKIP NAME" of what it skips.
	sed -i -E "s/^not (ok [0-9]+ # SKIP)/\1/" "$log"
	skips=$(grep -ciE '^ok .*# skip' "$log")
	oks=$(($(grep -c '^ok ' "$log") - skips))
	nots=$(grep -c '^not ok ' "$log")
	grep -iE -A 12 '^not ok |# skip|^# measured' "$log"
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

# stages_of SCRIPT ARGS...: another such script; its sum is added to ours.
stages_of() {
	local status=0 sum
	"$@" 2>&1 | tee "$log" || status=$?
	sum=$(tail -1 "$log")
	if [[ $sum =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + BASH_REMATCH[3]))
	else
		printf 'not ok - %s: exit %d, no sum\n' "$*" "$status"
		failed=$((failed + 1))
	fi
}

# Of tests/cli, those that need no device.
cli_tests=(stages usage info tcp counters openloop check compare report resume install
	ops scale serve hostile touch prefetch cachegrind regcost conncost oplog
	oplog_kill no_place example)

unit_tests() { # BUILD [COMMAND...]: prints TAP; COMMAND runs each
	local t b=$1 status=0
	shift
	for t in "$b"/tests/unit/test_*; do
		[[ -x $t && ! -d $t && $t != *.d ]] || continue
		printf '# %s\n' "${t##*/}"
		CMOCKA_MESSAGE_OUTPUT=TAP "$@" "$t" || {
			printf 'not ok - %s: exit %d\n' "${t##*/}" $?
			status=1
		}
	done
	return $status
}

conformance() { # BUILD TRANSPORT...: prints TAP
	local b=$1
	shift
	CMOCKA_MESSAGE_OUTPUT=TAP "$b/tests/conformance/conformance" "$@"
}

# run_stages [STAGE...]: those, or all; ends with the line
# "N passed, N failed, N skipped".
run_stages() {
	local stage
	(($#)) || set -- "${stages[@]}"
	for stage in "$@"; do
		declare -F "stage_$stage" >/dev/null && continue
		printf '%s: no stage %s; there are: %s\n' "$0" "$stage" \
			"${stages[*]}" >&2
		exit 2
	done
	for stage in "$@"; do
		printf '\n## %s (%d s)\n' "$stage" "$SECONDS"
		"stage_$stage"
	done
	printf '\n# %d s\n%d passed, %d failed, %d skipped\n' "$SECONDS" \
		"$passed" "$failed" "$skipped"
	((failed == 0))
}
