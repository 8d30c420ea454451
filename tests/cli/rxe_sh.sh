#!/bin/bash
# Proves scripts/rxe.sh in its QEMU guest: what goes in, what comes out, what
# is left behind. Some ten boots, about a minute. TAP on stdout; 77 where no
# guest can be had.

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rxe=$top/scripts/rxe.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/rxe_sh.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/rw" "$work/ro" "$work/tmp dir"
# Its temporary files go where we can see whether they are left behind.
export TMPDIR="$work/tmp dir" RDMABENCH_FORCE_GUEST=1

count=0
failures=0

# ok NAME COMMAND...: one TAP line, by whether COMMAND succeeds.
ok() {
	local name=$1
	shift
	count=$((count + 1))
	if "$@"; then
		printf 'ok %d - %s\n' "$count" "$name"
	else
		printf 'not ok %d - %s\n#' "$count" "$name"
		printf ' %.400q' "$@"
		printf '\n'
		failures=$((failures + 1))
	fi
}

same() {
	[[ $1 == "$2" ]]
}

contains() {
	[[ $1 == *"$2"* ]]
}

is_empty_dir() {
	[[ -z $(ls -A "$1") ]]
}

sum_of() {
	sha256sum | cut -d ' ' -f 1
}

# The guests of this test, known by its own folder in their arguments.
a_guest() {
	pgrep -f "qemu-system.*$work" >/dev/null
}

no_guest() {
	! a_guest
}

# As awk has it: true where an expression over the fields of LINE is.
fields() { # LINE EXPRESSION
	awk "{ exit !($2) }" <<<"$1"
}

# Waits up to SECONDS for a condition.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

no_leftovers() {
	within 10 no_guest && is_empty_dir "$TMPDIR"
}

# Runs in the guest; leaves what it finds in the shared folder. At its end,
# rxe.sh on a kernel that has rdma_rxe: the guest's.
# shellcheck disable=SC2016
inside='
	cd "$WORK/rw"
	printf "<%s>\n" "$@" >args
	rdma link show rxe0/1 >link 2>&1
	ip -4 addr show dummy0 >address 2>&1
	ls /dev/infiniband >devices
	for i in /proc/[0-9]*/fd/*; do readlink "$i"; done | grep -c perf_event >held
	ulimit -l >memlock
	printf "%s" "$STRANGE" >strange
	echo lost >"$WORK/ro/written"
	cat >stdin
	seq 3000000
	seq 100000 >&2
	exec >native 2>&1
	"$RXE" down && rdma link show
	"$RXE" run -- bash -c "rdma link show; exit 9"
	echo "status $?"
	"$RXE" up && rdma link show
	exit 77
'

test_one_boot() {
	local status link='link rxe0/1 state ACTIVE physical_state LINK_UP netdev dummy0 '
	local strange=$'a "b" \'c\' $d\n\\e  '
	export WORK=$work STRANGE=$strange RXE=$rxe
	cd "$work/ro" || exit 1
	# shellcheck disable=SC2016
	"$rxe" run --rw "$work/rw" -- bash -c "$inside" 'a name' 'two words' \
		"it's" '"quoted" $HOME *' '' </etc/passwd \
		2>"$work/err" | sum_of >"$work/out.sum"
	status=${PIPESTATUS[0]}
	cd "$top" || exit 1

	ok "exit status 77 passes" same "$status" 77
	ok "stdout is complete and nothing else" \
		same "$(<"$work/out.sum")" "$(seq 3000000 | sum_of)"
	ok "stderr is complete and nothing else" \
		same "$(sum_of <"$work/err")" "$(seq 100000 | sum_of)"
	ok "arguments with spaces, quotes and nothing" \
		same "$(<"$work/rw/args")" \
		$'<two words>\n<it\'s>\n<"quoted" $HOME *>\n<>'
	ok "the environment passes" same "$(<"$work/rw/strange")" "$strange"
	ok "stdin is empty" same "$(wc -c <"$work/rw/stdin")" 0
	ok "rxe0 is active" contains "$(<"$work/rw/link")" 'state ACTIVE'
	ok "dummy0 has 10.9.9.1/24" contains "$(<"$work/rw/address")" 10.9.9.1/24
	ok "dummy0 has an MTU of 4200" contains "$(<"$work/rw/address")" 'mtu 4200'
	ok "verbs and RDMA CM have their devices" \
		same "$(<"$work/rw/devices")" $'rdma_cm\nuverbs0'
	ok "perf's events are held, or the guest freezes (guest-job.sh)" \
		same "$(<"$work/rw/held")" 7
	ok "memlock is unlimited" same "$(<"$work/rw/memlock")" unlimited
	ok "natively: down removes, run makes and removes, up makes" \
		same "$(<"$work/rw/native")" "$link"$'\nstatus 9\n'"$link"
	ok "nothing is written outside the shared folder" is_empty_dir "$work/ro"
	ok "nothing is left behind" no_leftovers
}

test_true() {
	local begin=${EPOCHREALTIME/./} end status
	"$rxe" run -- true
	status=$?
	end=${EPOCHREALTIME/./}
	boot_s=$(((end - begin) / 1000000 + 1))
	printf '# boot to the end of "true": %d ms\n' $(((end - begin) / 1000))
	ok "exit status 0 passes" same "$status" 0
}

# A guest whose fifo is slow to be read must not lose what it still holds;
# another that ends with 3 runs beside it.
test_slow_reader() {
	local status bytes
	"$rxe" run -- bash -c 'exit 3' &
	bytes=$("$rxe" run -- head -c 6000000 /dev/zero | (sleep 8; wc -c))
	ok "a slow reader gets everything" same "$bytes" 6000000
	wait $!
	status=$?
	ok "exit status 3 passes" same "$status" 3
}

test_timeout() {
	local begin=$SECONDS status said
	said=$("$rxe" run --timeout 7 -- sleep 100 2>&1)
	status=$?
	ok "--timeout ends with 124" same "$status" 124
	ok "--timeout says so" contains "$said" timeout
	ok "--timeout ends in time" test $((SECONDS - begin)) -lt 15
	ok "--timeout leaves nothing behind" no_leftovers
}

# A guest that stands still before the command is reached is booted again, as
# late as one that does not is never.
test_boot() {
	local said status
	(
		within 20 a_guest
		pkill -STOP -f "qemu-system.*$work"
	) &
	said=$(RDMABENCH_BOOT_LIMIT=$((2 * boot_s + 5)) "$rxe" run -- echo there 2>&1)
	status=$?
	wait
	ok "a guest that does not boot is followed by another" same "$status" 0
	ok "and that is said" contains "$said" "booting another"
	ok "the command has run once" same "${said##*$'\n'}" there
	ok "booting again leaves nothing behind" no_leftovers
}

# The shell that is killed is ours by its process id.
test_kill() {
	local pid status
	"$rxe" run -- sleep 100 &
	pid=$!
	ok "a guest starts, to be terminated" within 20 a_guest
	kill -TERM "$pid"
	wait "$pid"
	status=$?
	ok "TERM ends with 130" same "$status" 130
	ok "TERM leaves nothing behind" no_leftovers

	"$rxe" run -- sleep 100 &
	pid=$!
	ok "a guest starts, to be killed" within 20 a_guest
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	ok "KILL leaves no guest" within 10 no_guest
	rm -rf "${TMPDIR:?}"/*
}

# Of 800 calls of a system call the plugin counts 500: the middle.
# shellcheck disable=SC2016
counted_calls='
	at=$(awk "\$3 == \"__x64_sys_getppid\" { print \$1 }" /proc/kallsyms)
	ask() {
		echo "$*" >&3 && read -r answer <&3 && echo "$answer"
	}
	for calls in 800 500; do
		ask count "$at" 0 800 10
		taskset -c 0 perl -e "getppid for 1 .. $calls"
		ask end
	done 3<>/dev/virtio-ports/plugin
'

test_plugin() {
	local plugin=$top/build/tests/bench/insns.so lines
	make -s -C "$top" build/tests/bench/insns.so >&2 || exit 1
	"$rxe" run --timeout 200 --cpus 2 --plugin "$plugin" -- \
		bash -c "$counted_calls" >"$work/counted"
	mapfile -t lines <"$work/counted"
	ok "a plugin of QEMU's hears the guest" same "${lines[0]:-}" counting
	ok "operations that it counts are exact" \
		fields "${lines[1]:-}" 'NF == 4 && $1 == 500'
	ok "and have their instructions" fields "${lines[1]:-}" \
		'$2 > 10 && $4 > 10 && $3 > $4 + 10 && $3 < $4 + 2 * $2'
	ok "too few operations have no middle" same "${lines[3]:-}" none
}

test_usage() {
	local arguments status
	for arguments in '' 'run' 'run --bogus true' 'run --cpus 0 true' \
		'run --rw /dev/null/none true' 'run --timeout' 'nonsense' \
		'run --plugin /dev/null/none true'; do
		# shellcheck disable=SC2086 # several words
		"$rxe" $arguments >/dev/null 2>&1
		status=$?
		ok "bad usage: rxe.sh $arguments" same "$status" 2
	done
	ok "help says what there is" contains "$("$rxe" help)" --siw
}

why=$("$rxe" fetch 2>&1)
if (($? == 3)); then
	printf '1..0 # SKIP no guest can be had: %s\n' "${why##*$'\n'}"
	exit 77
fi
test_usage
test_true
test_one_boot
test_slow_reader
test_timeout
test_boot
test_kill
test_plugin
printf '1..%d\n' "$count"
((failures == 0))
