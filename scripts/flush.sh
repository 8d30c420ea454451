#!/bin/bash
# flush.sh: FLUSH and ATOMIC WRITE for real, whatever this Debian has.
#
#	scripts/flush.sh build    a static binary with both verbs: prints where
#	scripts/flush.sh check    and tests/cli/flush.sh with it: Linux 6.12 in
#	                          the guest, persistent memory on a DAX device
#
# The verbs need rdma-core 45 or newer.  Where the installed one is older, the
# binary is built in the root of a Debian 13, made once by debootstrap (as root,
# some 500 MB) from the archive that apt is configured with, and kept in
# RDMABENCH_CACHE (default ~/.cache/rdmabench).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/packages.sh
. scripts/lib/packages.sh
# shellcheck source=scripts/lib/archive.sh
. scripts/lib/archive.sh

CACHE=$(realpath -m "${RDMABENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rdmabench}")
readonly CACHE ROOT=$CACHE/debian-13 SUITE=trixie
readonly CONFORMANCE=build/dynamic/tests/conformance/conformance
readonly KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

die() {
	printf 'flush.sh: %s\n' "$*" >&2
	exit 3
}

# debootstrap downloads by itself: as apt would.
use_apt_proxy() {
	local http=''
	eval "$(apt-config shell http Acquire::http::Proxy)"
	[[ -z $http ]] || export http_proxy=${http_proxy:-$http}
}

make_root() {
	local uri list tmp=$CACHE/tmp-debian-13.$$ options=()
	[[ ! -e $ROOT/.whole ]] || return 0
	((EUID == 0)) || die "making a Debian 13 root needs root"
	install_packages debootstrap
	uri=$(archive_uri) || die "apt names no main archive of Debian"
	use_apt_proxy
	[[ ! -e $KEYS ]] || options+=(--keyring="$KEYS")
	list=$(IFS=, && printf '%s' "${packages_build[*]},libcmocka-dev")
	mkdir -p "$CACHE"
	printf 'flush.sh: making a Debian 13 root in %s\n' "$ROOT" >&2
	debootstrap --variant=minbase --include="$list" "${options[@]}" \
		"$SUITE" "$tmp" "$uri" >"$CACHE/debian-13.log" 2>&1 || {
		tail -5 "$CACHE/debian-13.log" >&2
		rm -rf "$tmp"
		die "debootstrap failed"
	}
	touch "$tmp/.whole"
	rm -rf "$ROOT"
	mv "$tmp" "$ROOT"
}

# The files of this tree, as they are; what was built of others stays.  (What
# has changed gets a new date: it may be older than what was built last.)
copy_tree() {
	local file
	while IFS= read -r -d '' file; do
		cmp -s "$file" "$ROOT/src/$file" ||
			install -D "$file" "$ROOT/src/$file"
	done < <(git ls-files -co --exclude-standard -z)
}

in_root() {
	chroot "$ROOT" env -u LD_LIBRARY_PATH PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		"$@" </dev/null
}

# Prints the binary's path.
build() {
	local log=$CACHE/debian-13.log
	make_root
	copy_tree
	if ! in_root make -C /src -j"$(nproc)" WERROR=1 >"$log" 2>&1 ||
		! in_root make -C /src -j"$(nproc)" WERROR=1 STATIC=0 \
			BUILD=build/dynamic "$CONFORMANCE" >>"$log" 2>&1; then
		grep -E 'error|Error' "$log" | head -20 >&2
		die "building in the Debian 13 root failed: $log"
	fi
	mkdir -p build/flush
	cp "$ROOT/src/rdmabench" build/flush/rdmabench
	printf '%s\n' "$PWD/build/flush/rdmabench"
}

check() {
	build >/dev/null
	scripts/rxe.sh run --kernel 6.12 --pmem devdax --timeout 300 -- env \
		RDMABENCH="$PWD/build/flush/rdmabench" FLUSH_ROOT="$ROOT" \
		tests/cli/flush.sh
}

case ${1:-} in
build | check) "$1" ;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
