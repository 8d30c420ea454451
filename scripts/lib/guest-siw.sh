# shellcheck shell=bash
# guest-siw.sh: Soft-iWARP for the guest's kernel. Debian does not build the
# module, so it is built here, once, from the kernel's source and headers.
#
# Sourced by rxe.sh after guest-kernel.sh, whose cache and packages it uses.

readonly SIW_SOURCE=drivers/infiniband/sw/siw

# The headers name their folders by absolute path; ours are under ROOT.
siw_relocate() {
	local root=$1
	sed -i "s|/usr/src/|$root/usr/src/|" "$root"/usr/src/*/Makefile
}

# Prints the packages to build a module for RELEASE of SERIES. What headers
# depend on is named differently from series to series.
siw_packages() {
	local release=$1 series=$2
	printf '%s\n' "linux-headers-$release" "linux-source-$series"
	apt_client apt-cache depends "linux-headers-$release" |
		awk '$1 == "Depends:" && $2 ~ /^linux-(headers|kbuild)-/ { print $2 }'
}

siw_build() {
	local tmp=$CACHE_TMP/siw root=$CACHE_TMP/siw/root packages release series
	release=$(<"$KERNEL_DIR/release")
	series=$(kernel_series "$(<"$KERNEL_DIR/package")")
	# For the package sources this kernel came from.
	find_kernel_package "$series" || return 1
	mapfile -t packages < <(siw_packages "$release" "$series")
	apt_unpack "$tmp" "${packages[@]}" || return 1
	siw_relocate "$root"
	say "building siw"
	mkdir "$tmp/source"
	tar -xJf "$root"/usr/src/linux-source-*.tar.xz -C "$tmp/source" \
		--strip-components=1 --wildcards "*/$SIW_SOURCE" || return 1
	# Type data for BPF would need pahole.
	quietly make -C "$root/usr/src/linux-headers-$release" \
		M="$tmp/source/$SIW_SOURCE" CONFIG_RDMA_SIW=m \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules || return 1
	strip -g "$tmp/source/$SIW_SOURCE/siw.ko"
	mkdir -p "$KERNEL_DIR/lib/modules/$release/extra"
	mv "$tmp/source/$SIW_SOURCE/siw.ko" "$(siw_path)" &&
		depmod -b "$KERNEL_DIR" "$release"
}

siw_path() {
	printf '%s/lib/modules/%s/extra/siw.ko\n' "$KERNEL_DIR" \
		"$(<"$KERNEL_DIR/release")"
}

# Adds siw to the modules of the kernel in KERNEL_DIR.
siw_prepare() {
	[[ ! -e $(siw_path) ]] || return 0
	cache_lock
	siw_build || die 3 "cannot build siw for $(<"$KERNEL_DIR/package")"
	cache_unlock
}
