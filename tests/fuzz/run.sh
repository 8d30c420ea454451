#!/bin/bash
# Each fuzzer in turn, for so many seconds, from its corpus; then how far they
# came, by lines of the sources that they are for.  Prints TAP.  What breaks
# one is left in build/fuzz/found: with its fix it goes into the corpus.
#
#	tests/fuzz/run.sh SECONDS [FUZZER...]	(after make build-fuzz)
#	FUZZ_SEED=1 tests/fuzz/run.sh 10	much the same inputs each time
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
seconds=${1:?seconds for each}
shift
build=build/fuzz
found=$build/found
work=$(mktemp -d "${TMPDIR:-/tmp}/rdmabench-fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT
export LLVM_PROFILE_FILE=$work/%p.profraw
n=0
failed=0
# What it draws hangs on where the program lies, too.
fixed=()
[[ ${FUZZ_SEED:-0} == 0 ]] || ! setarch -R true 2>/dev/null || fixed=(setarch -R)

fuzz() { # NAME
	local name=$1 log=$work/$1.log status=0
	mkdir -p "$work/$name" "$found"
	"${fixed[@]}" "$build/$name" -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -max_len=4096 -timeout=20 \
		-rss_limit_mb=1500 -artifact_prefix="$found/$name-" \
		"$work/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1 || status=$?
	n=$((n + 1))
	if ((status == 0)); then
		printf 'ok %d - fuzz %s: %s\n' "$n" "$name" \
			"$(sed -n 's/^#\([0-9]*\)[ \t]*DONE *\(cov: [0-9]*\).*/\1 inputs, \2/p' "$log")"
	else
		printf 'not ok %d - fuzz %s: exit %d\n' "$n" "$name" "$status"
		tail -30 "$log" | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

# Which llvm-cov has the version of clang is not asked: any that reads it.
tool() { compgen -c "$1" | grep -E "^$1(-[0-9]+)?\$" | sort -V | tail -1; }

coverage() { # of the fuzzers that ran
	local cov profdata name
	local -a objects=()
	cov=$(tool llvm-cov)
	profdata=$(tool llvm-profdata)
	if [[ -z $cov || -z $profdata ]]; then
		printf '# no llvm-cov here: coverage is not known\n'
		return
	fi
	for name in "$@"; do
		objects+=(-object "$build/$name")
	done
	"$profdata" merge -sparse -o "$work/merged" "$work"/*.profraw &&
		"$cov" export -summary-only -instr-profile "$work/merged" \
			"${objects[@]}" 2>/dev/null |
		jq -r '.data[0].files[] | .summary as $s | select($s.lines.covered > 0) |
			[.filename, $s.lines.covered, $s.lines.count, $s.lines.percent] | @tsv' |
		grep -E 'src/(ctl|rlog|result|metric/tally|base/(opt|units)|report/(caption|machine_diff|check|table)|run/(session|point|plan|peer|trial|end)|transport/(verbs_blob|link)|machine/facts)' |
		sed "s|$PWD/||" |
		awk '{ printf "# %-28s %4d of %4d lines, %3d %%\n", $1, $2, $3, $4 }'
}

if (($# == 0)); then
	for f in tests/fuzz/fuzz_*.c; do
		f=${f##*/fuzz_}
		set -- "$@" "${f%.c}"
	done
fi
for f in "$@"; do
	fuzz "$f"
done
coverage "$@"
printf '1..%d\n' "$n"
((failed == 0))
