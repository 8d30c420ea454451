#!/bin/bash
# The loops that walk a buffer, counted without a PMU: valgrind simulates two
# levels of cache, 32 KiB and 256 KiB, of lines of 64 bytes that leave by age.
# A second walk more costs what the arithmetic says: an access for each line,
# a miss for each line where the buffer is larger than a cache (the order is
# the same each time, so that with LRU every line has left before it comes
# again), none where it fits.  Nothing more: what is left for the call and
# the start of a walk is a few accesses, however many lines there are.
. "$(dirname "$0")/lib.sh"
cd "$top" || exit 1
walk=${WALK:-build/tests/cachegrind/walk}
scan=build/tests/cachegrind/scan

# counts PROGRAM ARGS...: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw
counts() {
	valgrind --tool=cachegrind --cache-sim=yes --D1=32768,8,64 \
		--LL=262144,16,64 --cachegrind-out-file="$work/out" \
		"$@" >"$work/log" 2>&1 || {
		tail -5 "$work/log" >&2
		return 1
	}
	sed -n 's/^summary: //p' "$work/out"
}

# near NAME GOT WANT: exactly, or the few of a walk's start more.
near() {
	(($2 >= $3 && $2 <= $3 + 40)) && return
	echo "$1: $2 instead of $3"
	return 1
}

# Two walks less one, so that the start of the program is not in it; and the
# walk before, so that the caches are as walks leave them.
one_walk() { # PROGRAM ARGS, without how often: the same numbers, for one walk
	local -a few more
	local i
	read -ra few <<<"$(counts "$@" 2)"
	read -ra more <<<"$(counts "$@" 3)"
	((${#more[@]} == 9)) || return 1
	for i in "${!more[@]}"; do
		printf '%d ' $((more[i] - few[i]))
	done
}

# scan_holds KIND BYTES: the same of a scan of touch.  Stores that pass the
# caches are stores like others here.
scan_holds() {
	local lines=$(($2 / 64)) l1=0 ll=0 status=0 at=6 other=3
	local -a n
	(($2 > 32768)) && l1=$lines
	(($2 > 262144)) && ll=$lines
	[[ $1 == read ]] && at=3 other=6
	read -ra n <<<"$(one_walk "$scan" "$@")"
	((${#n[@]} == 9)) || return 1
	near accesses "${n[at]}" "$lines" || status=1
	near 'misses of the first level' "${n[at + 1]}" "$l1" || status=1
	near 'misses of the last level' "${n[at + 2]}" "$ll" || status=1
	near 'other accesses' "${n[other]}" 0 || status=1
	near 'their misses' "${n[other + 1]}" 0 || status=1
	return "$status"
}

# holds ORDER SCAN BYTES DISTANCE
holds() {
	local lines=$(($3 / 64)) l1=0 ll=0 reads writes status=0
	local -a n
	(($3 > 32768)) && l1=$lines
	(($3 > 262144)) && ll=$lines
	read -ra n <<<"$(one_walk "$walk" "$@")"
	((${#n[@]} == 9)) || return 1
	reads=$lines writes=0
	if [[ $2 == write ]]; then
		writes=$lines
		[[ $1 == chase ]] || reads=0
	fi
	near reads "${n[3]}" "$reads" || status=1
	near writes "${n[6]}" "$writes" || status=1
	# A line that was loaded to be stored to misses once, at the load.
	near 'misses of the first level, reads' "${n[4]}" \
		$((reads ? l1 : 0)) || status=1
	near 'misses of the first level, writes' "${n[7]}" \
		$((reads ? 0 : l1)) || status=1
	near 'misses of the last level, reads' "${n[5]}" \
		$((reads ? ll : 0)) || status=1
	near 'misses of the last level, writes' "${n[8]}" \
		$((reads ? 0 : ll)) || status=1
	return "$status"
}

# A prefetch instruction is no access here; but it is an instruction, one for
# each line but the last ones.
prefetches() { # ORDER
	local -a without with
	holds "$1" read 1048576 8 || return 1
	read -ra without <<<"$(one_walk "$walk" "$1" read 1048576 0)"
	read -ra with <<<"$(one_walk "$walk" "$1" read 1048576 8)"
	((${#with[@]} == 9 && with[0] - without[0] >= 16384 - 8))
}

if ! command -v valgrind >/dev/null; then
	skip 'cache misses of the walks' 'no valgrind here'
	done_testing
fi
try make -s "$walk" "$scan"
ok 'the programs that walk and scan' is "$status" 0
for order in seq stride random chase; do
	for how in read write; do
		ok "$order, $how: fits the first level" holds $order $how 16384 0
		ok "$order, $how: fits none" holds $order $how 1048576 0
	done
	ok "$order: prefetches each line, and accesses no other" prefetches $order
done
ok 'seq, read: fits the last level' holds seq read 131072 0
ok 'chase, write: fits the last level' holds chase write 131072 0
ok 'stride: lines that 8 does not divide' holds stride read 1049280 0
ok 'random: no power of two' holds random write 1049600 0
for kind in read write write-nt; do
	ok "touch, $kind: fits the first level" scan_holds $kind 16384
	ok "touch, $kind: fits the last level" scan_holds $kind 131072
	ok "touch, $kind: fits none" scan_holds $kind 1048576
done
done_testing
