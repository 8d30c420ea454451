# shellcheck shell=bash
# guest-run.sh: runs a command in a QEMU guest over the host's root.
#
# Sourced by rxe.sh, which provides say, die, warn, the options OPT_* and
# KERNEL_DIR, KERNEL_INITRD (guest-kernel.sh).

# A boot takes 3 to 6 s, some 15 on a busy machine, and 40 with half a CPU: the
# second has twice the time, the third three times.
readonly GUEST_BOOT_LIMIT=${RDMABENCH_BOOT_LIMIT:-30} GUEST_BOOTS=3

JOB=
GUEST_PIDS=()

# The host's environment, but what describes this shell rather than the user.
exported_environment() {
	(
		PATH=$USER_PATH
		unset OLDPWD SHLVL _ RDMABENCH_FORCE_GUEST
		declare -px
	) | grep -v '^declare -[a-z]* PWD='
}

guest_write_command() {
	exported_environment
	case $OPT_PMEM in
	fsdax) printf 'export RDMABENCH_PMEM_DIR=/mnt/pmem0\n' ;;
	devdax) printf 'export RDMABENCH_DAX=/dev/dax0.0\n' ;;
	esac
	printf 'ulimit -l unlimited\nulimit -n 65536\n'
	printf 'cd %q || exit 125\n' "$PWD"
	printf 'exec --'
	printf ' %q' "$@"
	printf '\n'
}

# Fills the folder JOB that the guest reads as its 9p share "job".
guest_write_job() {
	local i
	JOB=$(mktemp -d "${TMPDIR:-/tmp}/rdmabench-rxe.XXXXXX") ||
		die 3 "cannot make a temporary folder"
	guest_write_command "$@" >"$JOB/command"
	cp "$LIB/guest-job.sh" "$JOB/job.sh"
	printf '%s/lib/modules\n' "$KERNEL_DIR" >"$JOB/modules"
	printf 'HOST=%q\nRDMA_KIND=%s\nPMEM=%s\n' \
		"$(uname -n)-guest" "$OPT_KIND" "$OPT_PMEM" >"$JOB/conf"
	: >"$JOB/rw"
	for i in "${!OPT_RW[@]}"; do
		printf 'rw%d %s\n' "$i" "${OPT_RW[i]}" >>"$JOB/rw"
	done
	[[ -z $OPT_PMEM ]] || truncate -s 512M "$JOB/pmem"
	mkfifo "$JOB/ctl" "$JOB/out" "$JOB/err" "$JOB/plugin.in" "$JOB/plugin.out"
}

# Adds the 9p share TAG of PATH to QEMU_ARGS; EXTRA are options of the fsdev.
qemu_share() {
	local tag=$1 path=${2//,/,,} extra=${3:-}
	QEMU_ARGS+=(-fsdev "local,id=$tag,path=$path,security_model=none,multidevs=remap$extra"
		-device "virtio-9p-pci,fsdev=$tag,mount_tag=$tag")
}

qemu_port() {
	QEMU_ARGS+=(-chardev "file,id=$1,path=${JOB//,/,,}/$1"
		-device "virtserialport,chardev=$1,name=$1")
}

# The guest and the plugin each have an end of two fifos (QEMU's "pipe").
qemu_plugin() {
	local pipe=${JOB//,/,,}/plugin
	QEMU_ARGS+=(-plugin "${OPT_PLUGIN//,/,,},pipe=$pipe"
		-chardev "pipe,id=plugin,path=$pipe"
		-device "virtserialport,chardev=plugin,name=plugin")
}

# Two nodes that share CPUs and memory evenly: topology, no real distance.
qemu_numa() {
	local half=$((OPT_MEM_MB / 2)) cpus=$((OPT_CPUS / 2))
	QEMU_ARGS+=(-object "memory-backend-ram,id=mem0,size=${half}M"
		-object "memory-backend-ram,id=mem1,size=${half}M"
		-numa "node,nodeid=0,cpus=0-$((cpus - 1)),memdev=mem0"
		-numa "node,nodeid=1,cpus=$cpus-$((OPT_CPUS - 1)),memdev=mem1"
		-numa "dist,src=0,dst=1,val=21")
}

qemu_arguments() {
	local machine=q35 memory=${OPT_MEM_MB}M i
	if [[ -n $OPT_PMEM ]]; then
		machine+=,nvdimm=on,nvdimm-persistence=mem-ctrl
		memory+=,slots=4,maxmem=$((OPT_MEM_MB + 2048))M
	fi
	# One CPU until everything is set up (guest-job.sh tells why).
	# erms and pclmulqdq are slower than nothing when emulated: copying 64 KiB
	# runs at 0.6 GB/s with them and at 3.9 GB/s without. Without
	# tsc=reliable every reading of the clock leaves the guest. The kernel's
	# own self tests and certificates, emulated, take 0.7 s of a boot. On a
	# starved host its check of the timer ends in a panic (setup_IO_APIC).
	local unneeded=load_system_certificate_list,crypto_kdf108_init,init_kprobe_trace
	QEMU_ARGS=(-nodefaults -no-user-config -no-reboot -display none
		-M "$machine" -accel "tcg,thread=multi,tb-size=512"
		-cpu "max,-erms,-pclmulqdq" -smp "$OPT_CPUS" -m "$memory"
		-kernel "$KERNEL_DIR/vmlinux" -initrd "$KERNEL_INITRD"
		-append "console=ttyS0 quiet panic=-1 maxcpus=1 tsc=reliable no_timer_check mitigations=off nowatchdog audit=0 cryptomgr.notests initcall_blacklist=$unneeded"
		-serial "file:$JOB/console")
	qemu_share host / ,readonly=on
	qemu_share job "$JOB" ,readonly=on
	for i in "${!OPT_RW[@]}"; do
		qemu_share "rw$i" "${OPT_RW[i]}"
	done
	QEMU_ARGS+=(-device virtio-serial-pci)
	qemu_port ctl
	qemu_port out
	qemu_port err
	[[ -z $OPT_PLUGIN ]] || qemu_plugin
	[[ -z $OPT_NUMA ]] || qemu_numa
	[[ -z $OPT_PMEM ]] || QEMU_ARGS+=(
		-object "memory-backend-file,id=pmem,share=on,mem-path=${JOB//,/,,}/pmem,size=512M"
		-device "nvdimm,memdev=pmem,id=nvdimm0")
}

# Starts the guest and the two dd that forward its output. QEMU cannot write
# to our stdout itself: it would open it anew, at an offset of its own. It also
# holds the fifos open for writing from its first moment, so that whatever
# becomes of it, their readers see the end; and it dies with this shell.
guest_start() {
	dd bs=64k status=none <"$JOB/out" &
	OUT_PID=$!
	dd bs=64k status=none <"$JOB/err" >&2 &
	ERR_PID=$!
	setpriv --pdeathsig KILL qemu-system-x86_64 "${QEMU_ARGS[@]}" \
		</dev/null >"$JOB/qemu.log" 2>&1 \
		7>"$JOB/ctl" 8>"$JOB/out" 9>"$JOB/err" &
	QEMU_PID=$!
	GUEST_PIDS=("$QEMU_PID" "$OUT_PID" "$ERR_PID")
	exec {GUEST_CTL}<"$JOB/ctl"
}

# Also called from the exit trap.
guest_stop() {
	if ((${#GUEST_PIDS[@]} > 0)); then
		kill -KILL "${GUEST_PIDS[@]}"
		wait "${GUEST_PIDS[@]}"
		GUEST_PIDS=()
	fi 2>/dev/null
	[[ -z $JOB ]] || rm -rf "$JOB"
	JOB=
}

# Ends with 125: the guest, not the command, went wrong.
guest_failed() {
	warn "$1"
	tail -n 5 "$JOB/qemu.log" >&2
	[[ ! -e $JOB/console ]] || tr -d '\r' <"$JOB/console" | tail -n 12 >&2
	exit 125
}

# Succeeds when the process PID has written at least COUNT bytes.
has_written() {
	local key value
	while read -r key value; do
		[[ $key == wchar: ]] && ((value >= $2)) && return 0
	done 2>/dev/null <"/proc/$1/io"
	return 1
}

# The guest is done when it says so, but QEMU may still hold output for which
# the forwarders wait, for as long as our reader is slow: it has to live until
# they have written it all.
guest_drain() {
	local deadline=$1 out=$2 err=$3
	if [[ ! -r /proc/$OUT_PID/io ]]; then
		sleep 0.5
		return
	fi
	until has_written "$OUT_PID" "$out" && has_written "$ERR_PID" "$err"; do
		guest_forwards || return 0
		((SECONDS < deadline)) || guest_timed_out
		sleep 0.02
	done
}

guest_forwards() {
	kill -0 "$OUT_PID" 2>/dev/null && kill -0 "$ERR_PID" 2>/dev/null
}

guest_timed_out() {
	warn "timeout: ended the guest after $OPT_TIMEOUT s"
	exit 124
}

# Sets GUEST_LINE to the guest's next word, or leaves it incomplete for the
# next call and fails: with more than 128 if it is early, else at the end.
guest_read() {
	local part='' status=0
	IFS= read -r -t 0.5 -u "$GUEST_CTL" part || status=$?
	GUEST_LINE+=$part
	return "$status"
}

# What to do while the guest says nothing. Fails when it has not booted in time.
guest_wait_on() {
	local deadline=$1 boot_deadline=$2
	((SECONDS < deadline)) || guest_timed_out
	((SECONDS < boot_deadline)) || return 1
	# Nobody reads our output any more: end as in a pipe.
	guest_forwards || exit 141
}

# Follows the guest to its end and sets GUEST_STATUS; fails if the command was
# not reached within $1 s.
guest_watch() {
	local deadline=$((SECONDS + OPT_TIMEOUT)) status
	local boot_deadline=$((SECONDS + $1))
	GUEST_LINE=
	while :; do
		status=0
		guest_read || status=$?
		if ((status > 128)); then
			guest_wait_on "$deadline" "$boot_deadline" || return 1
			continue
		fi
		((status == 0)) || guest_failed "the guest died"
		case $GUEST_LINE in
		started) boot_deadline=$deadline ;;
		fail\ *) guest_failed "${GUEST_LINE#fail }" ;;
		*) break ;;
		esac
		GUEST_LINE=
	done
	[[ $GUEST_LINE =~ ^exit\ ([0-9]+)\ ([0-9]+)\ ([0-9]+)$ ]] ||
		guest_failed "the guest said: $GUEST_LINE"
	GUEST_STATUS=${BASH_REMATCH[1]}
	guest_drain "$deadline" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}"
}

# Runs the command "$@" in a guest and returns its exit status. Should a guest
# not boot, nothing has run yet, and another one is booted.
guest_run() {
	local boot limit
	for ((boot = 1; ; boot++)); do
		guest_write_job "$@"
		qemu_arguments
		guest_start
		limit=$((boot * GUEST_BOOT_LIMIT))
		! guest_watch "$limit" || break
		((boot < GUEST_BOOTS)) ||
			guest_failed "the guest did not reach the command within $limit s, $boot times"
		say "the guest did not reach the command within $limit s: booting another"
		exec {GUEST_CTL}<&-
		guest_stop
	done
	guest_stop
	return "$GUEST_STATUS"
}
