# shellcheck shell=dash
# guest-job.sh: the guest's process 1 on the overlay. Makes the devices, runs
# the command with its output on two virtio ports, and reports on a third:
#
#   started                    the command runs now
#   exit STATUS OUT ERR        it ended; so many bytes went to each port
#   fail REASON                it could not be run

job=/run/rdmabench/job
cgroup=/sys/fs/cgroup/command
# Busybox sh prefers its own applets to commands of the same name: those need a
# path here.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

b() {
	/run/rdmabench/busybox "$@"
}

# The host ends the guest; should it not, the guest does so itself.
finish() {
	echo "$*" >&9
	b sleep 60
	b poweroff -f
}

# Under their names, as udev would have them.
find_ports() {
	b mkdir -p /dev/virtio-ports
	for port in /sys/class/virtio-ports/*; do
		read -r name <"$port/name"
		eval "port_$name=/dev/${port##*/}"
		b ln -s "../${port##*/}" "/dev/virtio-ports/$name"
	done
}

# rxe and siw on a dummy interface, not on lo, where RDMA CM cannot resolve
# a route.
rdma_device() {
	# Loading the module made dummy0; the mark lets rxe.sh down remove it.
	echo rdmabench >/sys/class/net/dummy0/ifalias
	b ip link set dummy0 up mtu 4200 &&
		b ip addr add 10.9.9.1/24 dev dummy0 || return 1
	[ "$RDMA_KIND" = rxe ] || /sbin/modprobe "$RDMA_KIND" || return 1
	rdma link add "${RDMA_KIND}0" type "$RDMA_KIND" netdev dummy0
}

# The kernel fills the GID table a moment after the device appears.
rdma_ready() {
	port=/sys/class/infiniband/${RDMA_KIND}0/ports/1
	for _ in $(b seq 200); do
		b grep -q ACTIVE "$port/state" &&
			{ [ "$RDMA_KIND" = siw ] ||
				b grep -q ffff:0a09:0901 "$port"/gids/*; } &&
			return 0
		b usleep 10000
	done
	return 1
} 2>/dev/null

pmem_device() {
	/sbin/modprobe -a nfit nd_pmem device_dax dax_pmem ext4
	ndctl create-namespace -f -e namespace0.0 -m "$PMEM" -M mem \
		>/dev/null || return 1
	[ "$PMEM" = fsdax ] || return 0
	b mkdir -p /mnt/pmem0 &&
		mkfs.ext4 -q -F -b 4096 /dev/pmem0 &&
		b mount -t ext4 -o dax=always /dev/pmem0 /mnt/pmem0
}

# The kernel patches its own code (static keys), and QEMU before 8.1 may
# translate the int3 of such a patch while another CPU takes it away, and never
# learn of it: that CPU then traps for ever where memory has long had a nop. In
# set_task_cpu it holds the run queue's lock, and the whole guest stands still.
# So there is one CPU only while the guest boots and loads modules, and what a
# measurement would switch is switched before the others come.

# Holds one of each of perf's software events for as long as the guest lives:
# the first of a kind that is opened and the last that is closed patch. Perl,
# because every Debian has it.
hold_perf_events() {
	/usr/bin/perl -e '
		for my $event (2 .. 8) { # PERF_COUNT_SW_PAGE_FAULTS and on
			my $attr = pack("LLQx48", 1, 64, $event);
			my $fd = syscall(298, $attr, 0, -1, -1, 0);
			die "perf_event_open $event: $!\n" if $fd < 0;
		}
		open(my $held, ">", "/run/rdmabench/held") or die;
		close($held);
		sleep;
	' &
	for _ in $(b seq 500); do
		[ -e /run/rdmabench/held ] && return 0
		b usleep 10000
	done
	return 1
}

other_cpus() {
	for online in /sys/devices/system/cpu/cpu*/online; do
		echo 1 >"$online" || return 1
	done
}

# The number of bytes in what dd said at its end.
copied() {
	b sed -n 's/^\([0-9]*\) bytes.*/\1/p' "$1"
}

find_ports
# shellcheck disable=SC2154 # set by find_ports
exec 9>"$port_ctl" 2>/dev/console
# shellcheck disable=SC1091
. $job/conf
b ln -sf /proc/self/fd /dev/fd
b ln -sf fd/0 /dev/stdin
b ln -sf fd/1 /dev/stdout
b ln -sf fd/2 /dev/stderr
b hostname "$HOST"
b ip link set lo up
if ! hold_perf_events; then
	finish fail "the guest cannot hold perf's events"
fi
if ! rdma_device || ! rdma_ready; then
	finish fail "no ${RDMA_KIND}0 in the guest"
fi
if [ -n "$PMEM" ] && ! pmem_device; then
	finish fail "no persistent memory in the guest"
fi

if ! other_cpus; then
	finish fail "a CPU of the guest does not start"
fi

# A port can be opened only once, and commands open /dev/stderr: hence fifos.
# dd says how much passed; the host waits until it has seen as much.
cd /run/rdmabench || finish fail "no /run"
b mkfifo out err
# shellcheck disable=SC2154
LC_ALL=C /bin/dd bs=64k <out >"$port_out" 2>out.count 9>&- &
out=$!
# shellcheck disable=SC2154
LC_ALL=C /bin/dd bs=64k <err >"$port_err" 2>err.count 9>&- &
err=$!
b mount -t cgroup2 none /sys/fs/cgroup && b mkdir $cgroup
echo started >&9
(echo 0 >$cgroup/cgroup.procs && exec /bin/bash $job/command) \
	</dev/null >out 2>err 9>&-
status=$?
# Whatever the command left behind would keep the fifos open.
echo 1 >$cgroup/cgroup.kill
wait $out $err
b sync
finish exit $status "$(copied out.count)" "$(copied err.count)"
