# Sourced: Debian packages, by what they are needed for, and how to get them.
# shellcheck shell=bash disable=SC2034

# Building the static binary, and drawing.
packages_build=(gcc make libc6-dev pkg-config libibverbs-dev librdmacm-dev
	libnl-3-dev libnl-route-3-dev libnuma-dev libjansson-dev libcsv-dev
	libpfm4-dev libsodium-dev libpmem-dev)
packages_plot=(gnuplot-nox)
# The guest that has a software RDMA device (scripts/rxe.sh asks for what it
# misses itself; named here so that one call gets everything).
packages_guest=(qemu-system-x86 busybox-static kmod cpio xz-utils iproute2)
# Tests, sanitizers, lint.
packages_test=(clang libcmocka-dev jq gawk procps mandoc shellcheck cppcheck
	universal-ctags
	clang-format strace libclang-rt-dev libclang-rt-14-dev llvm valgrind)

# make check-full
packages_full=(clang-tidy)

# make deb
packages_deb=(debhelper dpkg-dev fakeroot)

as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		sudo -n "$@"
	fi
}

missing_packages() {
	local p
	for p in "$@"; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null |
			grep -q '^ii' || printf '%s\n' "$p"
	done
}

# install_packages PACKAGE...: what is not there yet; says what it does.
# Returns 3 with the command to type where it may not.
install_packages() {
	local missing
	mapfile -t missing < <(missing_packages "$@")
	((${#missing[@]})) || return 0
	printf 'installing %s\n' "${missing[*]}" >&2
	if ((EUID != 0)) && ! sudo -n true 2>/dev/null; then
		printf 'needs root: apt-get install %s\n' "${missing[*]}" >&2
		return 3
	fi
	apt_install "${missing[@]}" && return
	printf 'refreshing the package lists\n' >&2
	as_root apt-get update -qq && apt_install "${missing[@]}"
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends "$@" >/dev/null
}
