#!/bin/bash
# info: this host, a host without /sys or /proc, and both ends in run.json.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# facts_are_whole FILE: each fact has a value or says why not, and no host
# leaves out what another has.
facts_are_whole() {
	json '[.facts[] | select((.value == null) == (.unknown == null))] == []' "$1" &&
		json '[.facts[].section] | unique |
			contains(["cpu", "host", "kernel", "memory", "nic", "pmem", "pmu", "rdma"])' "$1"
}

# one_line_each: a finding in the text is a line of what, why and mend.
one_line_each() {
	local n
	n=$(sed -n 's/^findings: //p' "$work/out")
	[[ -n $n ]] && is "$(grep -cE '^  \[(spoils|limits|note)\] .*: .*; mend: .' "$work/out")" "$n"
}

try "$bench" info
ok "info" is "$status" 0
ok "info: nothing on stderr" err_lines 0
ok "info: the kernel" out_has "$(uname -r)"
ok "info: a line a finding" one_line_each
# On a terminal they are wrapped: it is what people read.
findings_fit() {
	script -qec "stty cols 72; exec '$bench' info" /dev/null </dev/null |
		tr -d '\r' | sed -n '/^findings:/,$p' >shown
	[[ $(wc -l <shown) -gt 1 ]] && ! grep '^.\{73\}' shown
}
ok "info: findings fit a terminal" eval '(unset COLUMNS; findings_fit)'
try "$bench" info --json
cp out whole.json
ok "info --json" is "$status" 0
ok "info --json: facts known, or with their reason" facts_are_whole whole.json
ok "info --json: as many CPUs as the kernel has" json --argjson n "$(getconf _NPROCESSORS_ONLN)" \
	'any(.facts[]; .key == "CPUs online" and .value == $n)' whole.json
ok "info --json: findings of four words" json \
	'all(.findings[]; [.severity, .what, .why, .mend] | all(type == "string" and . != ""))' whole.json
ok "info takes no more words" fails_with 2 "info takes no 'nonsense'" info nonsense
ok "info: a bad option" fails_with 2 "--frob" info --frob
ok "info into a full disk says so" eval '"$bench" info >/dev/full 2>err; is $? 3 && err_has "stdout"'

# A container without /sys, and one without /proc as well.
hidden() { # DIRS COMMAND...
	local dirs=$1
	shift
	try unshare -m bash -c 'for d in '"$dirs"'; do
		mount -t tmpfs none $d || exit 9; done; exec "$@"' - "$@"
}
hidden /sys true
if is "$status" 0; then
	for dirs in /sys '/sys /proc' '/sys /proc /dev'; do
		if [[ $dirs == */proc* ]] && grep -q __asan_init "$bench"; then
			skip "without $dirs" "the leak sanitizer reads /proc, its options too"
			continue
		fi
		hidden "$dirs" "$bench" info --json
		cp out hidden.json
		ok "without $dirs: exit 0" is "$status" 0
		ok "without $dirs: facts known, or with their reason" facts_are_whole hidden.json
		ok "without $dirs: said" json 'any(.findings[]; .what | startswith("/sys"))' hidden.json
		ok "without $dirs: no governor, with its reason" json \
			'any(.facts[]; .key == "governor" and .value == null and .unknown != null)' hidden.json
	done
	hidden /sys "$bench" run sendrecv --transport tcp -s 64 -n 20 --trials 1 --out nosys
	ok "without /sys: a run" is "$status" 0
else
	skip "without /sys" "mount namespaces are not permitted here"
fi
if ((EUID == 0)) && cp "$bench" nobody && chmod 755 "$work" nobody; then
	try setpriv --reuid=65534 --clear-groups "$work/nobody" info
	ok "as nobody" is "$status" 0
else
	skip "as nobody" "this is no root: all of the above was"
fi

try "$bench" run sendrecv --transport tcp,loop -s 64 -n 20 --trials 1 --numa 0 --out both
ok "a run" is "$status" 0
ok "run.json: facts of both ends" json \
	'[.hosts[] | (.facts | length > 40) and (.findings | type == "array")] == [true, true]' both/run.json
ok "run.json: NUMA node as asked for, at both ends" json \
	'.links | length == 2 and all(.client.numa_node == 0 and .server.numa_node == 0)' both/run.json
ok "run.json: idle states held off, or why not" json \
	'all(.links[] | .client, .server; .idle_states_held_off == (.idle_why_not == null))' both/run.json
ok "no such NUMA node" fails_with 2 "NUMA node 999" run sendrecv --transport tcp \
	-s 64 -n 1 --trials 1 --numa 0,999 --out node
ok "NUMA node out of bounds" fails_with 2 "--numa 5000: out of bounds" run sendrecv --numa 5000
done_testing
