#!/bin/bash
# rxe.sh: gives a command a software RDMA device, whatever the machine.
# "rxe.sh help" tells how; the guest's side is in scripts/lib.

set -uo pipefail

readonly USER_PATH=$PATH
PATH=$PATH:/usr/sbin:/sbin
LIB=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib
readonly LIB
CACHE=${RDMABENCH_CACHE:-${XDG_CACHE_HOME:-~/.cache}/rdmabench}
CACHE=$(realpath -m "$CACHE")
readonly CACHE
readonly ADDRESS=10.9.9.1/24 NETDEV=dummy0 MTU=4200

OPT_KIND=rxe OPT_KERNEL='' OPT_PMEM='' OPT_NUMA='' OPT_CPUS='' OPT_MEM=''
OPT_PLUGIN='' OPT_MEM_MB=0 OPT_TIMEOUT=600 OPT_RW=() OPT_GUEST=${RDMABENCH_FORCE_GUEST:-0}

say() {
	printf 'rxe.sh: %s\n' "$*" >&2
}

warn() {
	say "$*"
}

die() {
	local status=$1
	shift
	say "$*"
	exit "$status"
}

# shellcheck source=scripts/lib/archive.sh
. "$LIB/archive.sh"
# shellcheck source=scripts/lib/guest-kernel.sh
. "$LIB/guest-kernel.sh"
# shellcheck source=scripts/lib/guest-siw.sh
. "$LIB/guest-siw.sh"
# shellcheck source=scripts/lib/guest-run.sh
. "$LIB/guest-run.sh"

usage() {
	cat <<'END'
rxe.sh: a software RDMA device for a command, whatever the machine

  rxe.sh run [OPTION]... [--] CMD [ARG]...   run CMD where there is a device
  rxe.sh up [--siw]        make the device on this kernel (root)
  rxe.sh down              remove what up made
  rxe.sh fetch [--kernel V] [--siw]          only fill the cache
  rxe.sh help

The device is rxe0 (Soft-RoCE) on dummy0, 10.9.9.1, MTU 4200. "run" uses the
running kernel if it has rdma_rxe and we are root; otherwise it boots the
distribution's own kernel in QEMU, without KVM, over this machine's root file
system: CMD finds the same files, folder and environment, and is root. What it
writes is lost, but for ./results and each --rw folder. stdout, stderr and the
exit status are CMD's; stdin is empty; what CMD leaves running ends with it.

  --siw              siw0 (Soft-iWARP) instead: no atomics, no UD, RDMA CM only
  --guest            boot a guest even if this kernel could do without; the
                     same as RDMABENCH_FORCE_GUEST=1 in the environment
  --kernel 6.1|6.12  boot that Linux; 6.12 has FLUSH and ATOMIC WRITE
  --pmem fsdax|devdax  persistent memory, emulated: a file system for MAP_SYNC
                     in $RDMABENCH_PMEM_DIR, or a device, $RDMABENCH_DAX
  --numa             two NUMA nodes
  --cpus N           CPUs of the guest (default: this machine's, 2 to 8)
  --mem SIZE         memory of the guest, 512M or more (default: up to 2G)
  --timeout SECS     end CMD after so long (default 600)
  --rw DIR           let CMD write to DIR; may be repeated
  --plugin FILE      boot a guest with this plugin of QEMU's: CMD talks to it by
                     /dev/virtio-ports/plugin, and it to CMD by the fifos
                     PATH.out and PATH.in of its argument, pipe=PATH

Exit status: CMD's, or 2 bad usage, 3 this machine cannot (the reason is said),
124 timeout, 125 the guest failed, 130 interrupted, 141 our reader went away.
RDMABENCH_CACHE is where the kernel is kept (default ~/.cache/rdmabench).
END
}

#
# What the host needs
#

has_static_busybox() {
	local busybox
	busybox=$(command -v busybox) || return 1
	# ldd fails for a static program: only what it prints counts.
	[[ $(LC_ALL=C ldd "$busybox" 2>&1) == *'not a dynamic'* ]]
}

# Prints the packages that are missing for COMMAND:PACKAGE...
missing_packages() {
	local need
	for need; do
		case $need in
		busybox:*) has_static_busybox ;;
		*) command -v "${need%%:*}" >/dev/null ;;
		esac || printf '%s ' "${need#*:}"
	done
}

install_packages() {
	local as_root=()
	((EUID == 0)) || as_root=(sudo -n)
	local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get
		-q -y install --no-install-recommends "$@")
	quietly "${install[@]}" </dev/null 2>/dev/null && return 0
	say "installing failed, reading the package lists first"
	quietly "${as_root[@]}" apt-get -q update </dev/null
	quietly "${install[@]}" </dev/null
}

# Installs what provides COMMAND:PACKAGE... or says how to.
need_packages() {
	local missing=()
	read -r -a missing <<<"$(missing_packages "$@")"
	((${#missing[@]} > 0)) || return 0
	command -v apt-get >/dev/null ||
		die 3 "needs ${missing[*]}, and this is not a Debian system"
	((EUID == 0)) || sudo -n true 2>/dev/null ||
		die 3 "needs packages; as root: apt-get install --no-install-recommends ${missing[*]}"
	say "installing ${missing[*]}"
	install_packages "${missing[@]}" || die 3 "cannot install ${missing[*]}"
	[[ -z $(missing_packages "$@") ]] ||
		die 3 "installed ${missing[*]}, but the commands are not there"
}

need_guest_packages() {
	[[ $(uname -m) == x86_64 ]] || die 3 "the guest needs an x86_64 machine"
	need_packages qemu-system-x86_64:qemu-system-x86 busybox:busybox-static \
		depmod:kmod cpio:cpio xz:xz-utils rdma:iproute2 perl:perl-base
	[[ $OPT_KIND != siw ]] || need_packages gcc:gcc make:make
	[[ -z $OPT_PMEM ]] || need_packages ndctl:ndctl mkfs.ext4:e2fsprogs
}

#
# The running kernel
#

native_module() {
	case $OPT_KIND in
	rxe) printf 'rdma_rxe\n' ;;
	siw) printf 'siw\n' ;;
	esac
}

# Why this kernel cannot have the device; prints nothing if it can.
native_obstacle() {
	local module
	module=$(native_module)
	if ((EUID != 0)); then
		printf 'that needs root\n'
	elif [[ ! -d /sys/module/$module ]] &&
		! modprobe -q "$module" 2>/dev/null; then
		printf 'this kernel (%s) has no %s\n' "$(uname -r)" "$module"
	fi
}

# The interface carries a mark, so that down takes away only what up made.
native_netdev() {
	[[ -d /sys/class/net/$NETDEV ]] && return 0
	# Else loading the module makes a dummy0 of its own.
	modprobe -q dummy numdummies=0
	ip link add "$NETDEV" type dummy &&
		ip link set "$NETDEV" alias rdmabench mtu "$MTU" up &&
		ip addr add "$ADDRESS" dev "$NETDEV"
}

native_up() {
	local obstacle
	obstacle=$(native_obstacle)
	[[ -z $obstacle ]] ||
		die 3 "$obstacle; \"rxe.sh run\" starts a guest that has it"
	need_packages rdma:iproute2
	modprobe -q rdma_ucm
	[[ -d /sys/class/infiniband/${OPT_KIND}0 ]] && return 0
	if ! native_netdev || ! rdma link add "${OPT_KIND}0" \
		type "$OPT_KIND" netdev "$NETDEV"; then
		die 3 "cannot make ${OPT_KIND}0 on $NETDEV"
	fi
}

native_down() {
	local name
	[[ -d /sys/class/net/$NETDEV ]] &&
		[[ $(<"/sys/class/net/$NETDEV/ifalias") == rdmabench ]] || return 0
	((EUID == 0)) || die 3 "down needs root"
	for name in rxe0 siw0; do
		[[ ! -d /sys/class/infiniband/$name ]] || rdma link del "$name"
	done
	ip link del "$NETDEV"
}

native_run() {
	local status=0 was_up='' end=$((SECONDS + OPT_TIMEOUT))
	[[ -d /sys/class/infiniband/${OPT_KIND}0 ]] && was_up=1
	native_up
	[[ -n $was_up ]] || NATIVE_MADE=1
	ulimit -l unlimited
	PATH=$USER_PATH timeout -k 5 "$OPT_TIMEOUT" "$@" </dev/null &
	NATIVE_PID=$!
	wait "$NATIVE_PID" || status=$?
	NATIVE_PID=
	# 124, or 137 if it would not go; the command may end so by itself.
	if ((SECONDS >= end)) && ((status == 124 || status == 137)); then
		say "timeout: ended the command after $OPT_TIMEOUT s"
		status=124
	fi
	return "$status"
}

native_cleanup() {
	[[ -z ${NATIVE_PID:-} ]] || kill "$NATIVE_PID" 2>/dev/null
	[[ -z ${NATIVE_MADE:-} ]] || native_down
}

#
# The command line
#

# Prints SIZE (512M, 4G, or megabytes) in megabytes.
megabytes() {
	[[ $1 =~ ^([1-9][0-9]{0,6})([MmGg]?)$ ]] || return 1
	case ${BASH_REMATCH[2]} in
	[Gg]) printf '%d\n' $((BASH_REMATCH[1] * 1024)) ;;
	*) printf '%d\n' "${BASH_REMATCH[1]}" ;;
	esac
}

is_count() {
	[[ $1 =~ ^[1-9][0-9]{0,6}$ ]]
}

bad_usage() {
	die 2 "$* (rxe.sh help tells how)"
}

# Takes one option that has a value.
take_value() {
	local option=$1 value=$2
	case $option=$value in
	--kernel=6.1 | --kernel=6.12) OPT_KERNEL=$value ;;
	--pmem=fsdax | --pmem=devdax) OPT_PMEM=$value ;;
	--cpus=*) is_count "$value" && OPT_CPUS=$value ;;
	--mem=*) OPT_MEM_MB=$(megabytes "$value") && OPT_MEM=$value ;;
	--timeout=*) is_count "$value" && OPT_TIMEOUT=$value ;;
	--rw=*) [[ -d $value ]] && OPT_RW+=("$(realpath "$value")") ;;
	--plugin=*) [[ -f $value ]] && OPT_PLUGIN=$(realpath "$value") ;;
	*) false ;;
	esac || bad_usage "$option: \"$value\" will not do"
}

# Leaves in ARGS what follows the options.
parse_options() {
	while (($# > 0)); do
		case $1 in
		--siw) OPT_KIND=siw ;;
		--guest) OPT_GUEST=1 ;;
		--numa) OPT_NUMA=1 ;;
		--kernel | --pmem | --cpus | --mem | --timeout | --rw | --plugin)
			(($# > 1)) || bad_usage "$1 needs a value"
			take_value "$1" "$2"
			shift
			;;
		--kernel=* | --pmem=* | --cpus=* | --mem=* | --timeout=* | --rw=* | --plugin=*)
			take_value "${1%%=*}" "${1#*=}"
			;;
		--)
			shift
			break
			;;
		-*) bad_usage "unknown option $1" ;;
		*) break ;;
		esac
		shift
	done
	ARGS=("$@")
}

# CPUs and memory, where they were not asked for.
default_size() {
	local total_mb
	if [[ -z $OPT_CPUS ]]; then
		OPT_CPUS=$(nproc)
		((OPT_CPUS >= 2)) || OPT_CPUS=2
		((OPT_CPUS <= 8)) || OPT_CPUS=8
	fi
	if [[ -z $OPT_MEM ]]; then
		total_mb=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' \
			/proc/meminfo)
		OPT_MEM_MB=2048
		((OPT_MEM_MB <= total_mb / 2)) || OPT_MEM_MB=$((total_mb / 2))
	fi
	((OPT_MEM_MB >= 512)) || bad_usage "a guest needs 512M of memory"
	[[ -z $OPT_NUMA ]] || ((OPT_CPUS >= 2)) ||
		bad_usage "two NUMA nodes need two CPUs"
}

# A run's results are kept without being asked: ./results, and in a checkout
# of rdmabench it is made.
share_results() {
	[[ -d results ]] || {
		[[ -e scripts/rxe.sh && -e scenarios ]] && mkdir results
	} || return 0
	OPT_RW+=("$(realpath results)")
}

prepare_guest() {
	need_guest_packages
	kernel_prepare "$OPT_KERNEL"
	[[ $OPT_KIND != siw ]] || siw_prepare
}

cmd_run() {
	parse_options "$@"
	((${#ARGS[@]} > 0)) || bad_usage "run: no command"
	if [[ $OPT_GUEST == 0 && -z $OPT_KERNEL$OPT_PMEM$OPT_NUMA$OPT_PLUGIN ]] &&
		[[ -z $(native_obstacle) ]]; then
		native_run "${ARGS[@]}"
		return
	fi
	default_size
	share_results
	prepare_guest
	guest_run "${ARGS[@]}"
}

cmd_fetch() {
	parse_options "$@"
	((${#ARGS[@]} == 0)) || bad_usage "fetch: unexpected ${ARGS[0]}"
	prepare_guest
	printf '%s\n' "$KERNEL_DIR"
}

cmd_native() {
	local command=$1
	shift
	parse_options "$@"
	((${#ARGS[@]} == 0)) || bad_usage "$command: unexpected ${ARGS[0]}"
	"native_$command"
}

cleanup() {
	guest_stop
	native_cleanup
	cache_unlock
}

main() {
	trap cleanup EXIT
	trap 'exit 130' INT TERM HUP
	case ${1:-} in
	run | fetch) "cmd_$1" "${@:2}" ;;
	up | down) cmd_native "$@" ;;
	help | --help | -h) usage ;;
	'') bad_usage "no command" ;;
	*) bad_usage "unknown command $1" ;;
	esac
}

main "$@"
