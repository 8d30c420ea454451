# Sourced by the command-line tests: TAP on stdout, one line a check.
# The binary is $RDMABENCH, else ./rdmabench of this checkout.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bench=$(realpath "${RDMABENCH:-$top/rdmabench}")
work=$(mktemp -d "${TMPDIR:-/tmp}/rdmabench-test.XXXXXX")
trap 'cleanup' EXIT
count=0
failures=0

# Words, widths and orders are what they are here, whoever starts it where.
export LC_ALL=C
unset COLUMNS
umask 022

# Of a tsan build: sessions are forked, and start threads of their own.
export TSAN_OPTIONS=${TSAN_OPTIONS:-die_after_fork=0}

cleanup() {
	local job
	for job in $(jobs -p); do
		kill -9 "$job" 2>/dev/null
	done
	rm -rf "$work"
}

# ok NAME COMMAND...: one TAP line, by whether COMMAND succeeds.  A failure
# shows what the last `try` printed.
ok() {
	local name=$1
	shift
	count=$((count + 1))
	if "$@"; then
		printf 'ok %d - %s\n' "$count" "$name"
		return
	fi
	printf 'not ok %d - %s\n' "$count" "$name"
	printf '# failed: %.300s\n' "$*"
	[[ -e $work/out ]] && sed 's/^/# out: /' "$work/out" | tail -5
	[[ -e $work/err ]] && sed 's/^/# err: /' "$work/err" | tail -5
	failures=$((failures + 1))
}

skip() {
	count=$((count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$count" "$1" "$2"
}

# try COMMAND...: runs it; status in $status, output in $work/out and err.
# What hangs is ended; a machine that does something else besides may take ten
# times as long as a quiet one.
try() {
	status=0
	timeout -k 5 "${TRY_SECONDS:-300}" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}

is() { [[ $1 == "$2" ]]; }
out_has() { grep -qF -- "$1" "$work/out"; }
err_has() { grep -qF -- "$1" "$work/err"; }
err_lines() { [[ $(wc -l <"$work/err") -le $1 ]]; }

# fails_with STATUS WORDS ARGS...: rdmabench exits so and says so, in one
# clear line, soon: in less than a second, and in 15 beside other work (a build
# that is slower on purpose, a guest: FAIL_SECONDS).
fails_with() {
	local want=$1 words=$2
	shift 2
	TRY_SECONDS=${FAIL_SECONDS:-15} try "$bench" "$@"
	is "$status" "$want" && err_has "$words"
}

# column FILE NAME: that column's cells, one a line (no quoted commas before
# it in our files but in link_detail and reason, which awk's FPAT is for).
column() {
	gawk -v FPAT='([^,]*)|("([^"]|"")*")' -v name="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next }
		{ print $c }' "$1"
}

# all_are VALUE FILE COLUMN: every cell of it, and there is one at least.
all_are() {
	[[ $(column "$2" "$3" | sort -u) == "$1" ]]
}

# within SECONDS COMMAND...: waits for it to come true.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS > end)) && return 1
		sleep 0.1
	done
}

# jq 1.6 finds nothing wrong with an empty file.
json() {
	local out
	out=$(jq -e "$@") && [[ -n $out ]]
}

whole_rows() { # every line of the CSV ends, and has the header's commas
	[[ $(tail -c 1 "$1" | od -An -c | tr -d ' ') == '\n' ]] &&
		gawk -v FPAT='([^,]*)|("([^"]|"")*")' '
			NR == 1 { n = NF } NF != n { bad = 1 } END { exit bad }' "$1"
}

done_testing() {
	printf '1..%d\n' "$count"
	exit $((failures > 0))
}
