#!/bin/bash
# Counters as a user sees them: columns, reasons, --counters, list counters,
# and that they add no system call to the timed loop.  Passes with a PMU and
# without one.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

run_short() { # ARGS...
	try "$bench" run sendrecv --transport tcp -s 1k -D 20ms --trials 2 "$@"
}

# empties FILE: the columns that are empty in a row that is ok.
empties() {
	gawk -v FPAT='([^,]*)|("([^"]|"")*")' '
		NR == 1 { for (i = 1; i <= NF; i++) { name[i] = $i; if ($i == "status") s = i }; next }
		$s == "ok" { for (i in name) if ($i == "") e[i] = 1 }
		END { for (i in e) print name[i] }' "$1" | sort
}

# reasoned DIR: every empty client_ or server_ column has its reason, of the
# closed list; and no column with a number in every row has one.
reasoned() {
	local column
	for column in $(empties "$1/sendrecv.csv" | grep -E '^(client|server)_|^nic_marks$'); do
		jq -e --arg c "$column" '.empty_columns[$c] |
			test("^(no-pmu|no-permission|no-memory|device-limit|in-use|io-error|not-in-transport): .")' \
			"$1/run.json" >/dev/null || { echo "# $column has no reason"; return 1; }
	done
	[[ -z $(comm -23 <(jq -r '.empty_columns | keys[]' "$1/run.json" | sort) \
		<(empties "$1/sendrecv.csv")) ]]
}

has_column() { head -1 "$1" | tr , '\n' | grep -qx "$2"; }
no_column() { ! has_column "$@"; }
positive() { # FILE COLUMN
	column "$1" "$2" | gawk '{ n++ } !($1 > 0) { bad = 1 } END { exit !n || bad }'
}

# --- list counters ------------------------------------------------------------

try "$bench" list counters
ok "list counters" is "$status" 0
for set in default cache tlb prefetch memory none; do
	ok "list counters: $set" grep -qE "^  $set " out
done
ok "list counters: software events are here" grep -qE '^    task_clock_ns +the kernel' out
pmu=yes
grep -qE '^    cycles_user +no-pmu' out && pmu=no
if [[ $pmu == no ]]; then
	ok "list counters: without a PMU it says so" \
		out_has "no-pmu: the kernel offers no hardware counters here"
fi
# Neither where ptrace is forbidden, nor with a sanitizer that minds it.
can_trace() { strace -f -o /dev/null "$bench" list >/dev/null 2>&1; }
list_opens_nothing() {
	strace -f -e trace=perf_event_open -o trace "$bench" list >/dev/null &&
		! grep -q perf_event_open trace
}
if can_trace; then
	ok "list: does not look for counters" list_opens_nothing
else
	skip "list: does not look for counters" "no strace here, or it may not trace"
fi

# --- columns and reasons -------------------------------------------------------

run_short --out a
ok "default: exit 0" is "$status" 0
ok "default: rows are whole" whole_rows a/sendrecv.csv
for c in task_clock_ns page_faults context_switches cpu_migrations \
	cycles_user cycles_kernel instructions_user nic_sent_bytes; do
	ok "default: both ends have $c" eval \
		"has_column a/sendrecv.csv client_$c && has_column a/sendrecv.csv server_$c"
done
ok "software events count at the client" positive a/sendrecv.csv client_task_clock_ns
ok "software events count at the server" positive a/sendrecv.csv server_task_clock_ns
ok "what is empty has its reason" reasoned a
ok "no device: the NIC's columns are empty, not 0" all_are "" a/sendrecv.csv client_nic_sent_bytes
ok "no device: and say not-in-transport" json \
	'.empty_columns.server_nic_sent_bytes | startswith("not-in-transport")' a/run.json
if [[ $pmu == no ]]; then
	ok "no PMU: cycles are empty, not 0" all_are "" a/sendrecv.csv client_cycles_user
	ok "no PMU: and say no-pmu" json '.empty_columns.client_cycles_user |
		startswith("no-pmu")' a/run.json
	ok "no PMU: nothing took turns" all_are none a/sendrecv.csv counters_multiplexed
else
	ok "cycles count" positive a/sendrecv.csv client_cycles_user
fi
ok "the option is in run.json" json '.scenarios[0].options.counters == "default"' a/run.json

run_short --counters none --out none
ok "none: exit 0" is "$status" 0
ok "none: no columns" no_column none/sendrecv.csv client_task_clock_ns
ok "none: no marks either" no_column none/sendrecv.csv nic_marks
run_short --counters cache,tlb,memory --out sets
ok "sets add up" is "$status" 0
ok "sets: cache" has_column sets/sendrecv.csv server_l3_load_misses_kernel
ok "sets: tlb" has_column sets/sendrecv.csv client_dtlb_load_misses_user
ok "sets: no NIC" no_column sets/sendrecv.csv nic_marks
ok "sets: reasons" reasoned sets
run_short --counters perf::PAGE-FAULTS,perf::CYCLES:u --out own
ok "own events: exit 0" is "$status" 0
# Nobody but root may count what happens in the kernel, too.
if ((EUID == 0 || $(</proc/sys/kernel/perf_event_paranoid) < 2)); then
	ok "own events: a software one counts" gawk 'END { exit NR < 2 }' \
		<(column own/sendrecv.csv server_perf_page_faults | grep -E '^[0-9]+$')
else
	ok "own events: a software one may not be counted" json \
		'.empty_columns.server_perf_page_faults | startswith("no-permission")' own/run.json
fi
ok "own events: a column each" has_column own/sendrecv.csv client_perf_cycles_u
ok "own events: reasons" reasoned own

ok "an unknown event: usage" fails_with 2 "NO_SUCH_EVENT" run sendrecv --counters NO_SUCH_EVENT
ok "an empty name: usage" fails_with 2 "--counters" run sendrecv --counters default,
ok "none and more: usage" fails_with 2 "none" run sendrecv --counters none,tlb

# --- a user who may not ---------------------------------------------------------

if [[ $(id -u) == 0 ]] && command -v setpriv >/dev/null &&
	(($(</proc/sys/kernel/perf_event_paranoid) >= 2)); then
	chmod 755 "$work"
	cp "$bench" "$work/bench"
	mkdir -m 777 "$work/user"
	try setpriv --reuid=65534 --regid=65534 --clear-groups "$work/bench" run sendrecv \
		--transport tcp -s 1k -D 20ms --trials 2 --counters default --out "$work/user/r"
	ok "no permission: exit 0" is "$status" 0
	ok "no permission: reasons" reasoned user/r
	ok "no permission: the process's own accounts instead" \
		positive user/r/sendrecv.csv client_task_clock_ns
	ok "no permission: switches are a number" grep -qE '^[0-9]+$' \
		<(column user/r/sendrecv.csv client_context_switches)
else
	skip "no permission" "needs root, setpriv and perf_event_paranoid 2"
fi

# --- nothing in the timed loop ----------------------------------------------------

# calls COUNTERS N: what a run of N operations called, "count name" a line.
calls() {
	rm -rf "$work/s"
	strace -f -c -U calls,name -o "$work/strace" "$bench" run sendrecv --transport tcp \
		-s 1k --poll event --warmup 0s -n "$2" --trials 1 --counters "$1" \
		--out "$work/s" >/dev/null 2>&1 && gawk '$1 ~ /^[0-9]+$/ && $2 != "total"' "$work/strace"
}

# all_but NAMES FILE: the sum of the others.
all_but() { gawk -v not="^($1)$" '$2 !~ not { n += $1 } END { print n + 0 }' "$2"; }
calls_of() { gawk -v is="^($1)$" '$2 ~ is { n += $1 } END { print n + 0 }' "$2"; }

# in_loop FILE: calls between the last ENABLE and the next DISABLE of each
# process that are not the link's own (futex: the control channel's lock).
in_loop() {
	gawk '
		/PERF_EVENT_IOC_ENABLE/ { on[$1] = 1; seen++; delete other[$1]; next }
		/PERF_EVENT_IOC_DISABLE/ && on[$1] { on[$1] = 0; for (i in other) bad++; next }
		on[$1] && $2 !~ /^(sendto|recvfrom|sendmsg|recvmsg|poll|ppoll|epoll_wait|futex|<\.\.\.|\+\+\+|---|restart_syscall)/ {
			print "# " $0; bad++ }
		END { if (!seen) print "# never enabled"; exit bad || !seen }' "$1"
}

if ! can_trace; then
	skip "system calls" "no strace here, or it may not trace"
else
	few=300 many=3000 sets=default,cache,perf::PAGE-FAULTS
	for n in $few $many; do
		for set in none $sets; do
			calls "$set" "$n" >"calls.$set.$n" || echo "# a run under strace failed"
		done
	done
	ours='perf_event_open|ioctl|getrusage|close|openat'
	ok "strace: counters were looked for" test \
		"$(calls_of perf_event_open calls.$sets.$many)" -gt 5
	ok "strace: their own calls do not grow with the operations" is \
		"$(calls_of "$ours" calls.$sets.$few)" "$(calls_of "$ours" calls.$sets.$many)"
	# Histograms are files of their own (write, lseek), and how often a link
	# is asked for a message is the machine's matter (on a busy one it
	# differed by 300); the rest of the noise is far below a call for each
	# of 2700 operations.
	others='write|lseek|sendto|recvfrom|sendmsg|recvmsg|setsockopt|poll|ppoll|futex|restart_syscall'
	apart_few=$(($(all_but "$others" calls.$sets.$few) - $(all_but "$others" calls.none.$few)))
	apart_many=$(($(all_but "$others" calls.$sets.$many) - $(all_but "$others" calls.none.$many)))
	printf '# counters cost %d calls with %d operations, %d with %d\n' \
		$apart_few $few $apart_many $many
	ok "strace: what counters add does not grow with the operations" \
		test $((apart_many - apart_few)) -lt $(((many - few) / 10))
	strace -f -o "$work/trace" "$bench" run sendrecv --transport tcp -s 1k --poll event \
		-n 200 --trials 1 --counters default,perf::PAGE-FAULTS --out "$work/t" >/dev/null 2>&1
	if grep -q PERF_EVENT_IOC_ENABLE trace; then
		ok "strace: between enable and disable only the link's calls" in_loop trace
	else
		skip "strace: between enable and disable" "perf_event_open is forbidden here"
	fi
fi
done_testing
