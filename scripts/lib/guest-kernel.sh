# shellcheck shell=bash
# guest-kernel.sh: a distribution kernel to boot, fetched once and kept.
#
# Sourced by rxe.sh, which provides say, die, warn and CACHE. Everything here
# is made in a temporary folder of the cache and renamed into place when it is
# complete, under one lock: two runs at once, or one that was interrupted,
# leave either the finished thing or nothing.
#
#   $CACHE/kernel-6.1/{release,package,boot,lib/modules,vmlinux}
#   $CACHE/kernel-6.1/initrd-SUM, $CACHE/kernel-6.1/siw.ko
#   $CACHE/kernel-stock -> kernel-6.1      what this distribution boots itself
#   $CACHE/lists-NAME                      private package lists

# Loaded by the initramfs in this order, dependencies first.
readonly BOOT_MODULES=(virtio_pci virtio_console 9pnet_virtio 9p overlay)
# crc32_generic, or rxe has the kernel search for it, slowly.
readonly RDMA_MODULES=(rdma_rxe rdma_ucm dummy crc32_generic)

APT_OPTIONS=()
CACHE_TMP=
CACHE_LOCK=

#
# The cache
#

cache_lock() {
	[[ -z $CACHE_LOCK ]] || return 0
	mkdir -p "$CACHE" || die 3 "cannot create the cache folder $CACHE"
	exec {CACHE_LOCK}>"$CACHE/lock" || die 3 "cannot write to $CACHE"
	if ! flock -n "$CACHE_LOCK"; then
		say "another rxe.sh is filling $CACHE, waiting for it"
		flock -w 900 "$CACHE_LOCK" ||
			die 3 "waited 15 minutes for $CACHE/lock"
	fi
	rm -rf "$CACHE"/tmp.*
	CACHE_TMP=$(mktemp -d "$CACHE/tmp.XXXXXX") || die 3 "cannot write to $CACHE"
}

# Also called from the exit trap.
cache_unlock() {
	[[ -n $CACHE_LOCK ]] || return 0
	rm -rf "$CACHE_TMP"
	exec {CACHE_LOCK}>&-
	CACHE_LOCK='' CACHE_TMP=''
}

#
# Packages, by the machine's own client and configuration
#

# Runs COMMAND quietly; its output appears only if it fails.
quietly() {
	local log status=0
	log=$("$@" 2>&1) || status=$?
	((status == 0)) || printf '%s\n' "$log" | tail -n 5 >&2
	return "$status"
}

apt_client() {
	local tool=$1
	shift
	"$tool" -q -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=2 \
		-o Acquire::http::Timeout=60 "${APT_OPTIONS[@]}" "$@" </dev/null
}

# Turns to lists of our own under the cache, NAME, read from SOURCES (a file)
# or from the machine's configured sources; nothing under /etc or /var changes.
apt_use_private_lists() {
	local name=$1 sources=${2:-} dir=$CACHE/lists-$1
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	APT_OPTIONS=(-o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir"
		-o "Dir::Cache::archives=$dir/archives")
	if [[ -n $sources ]]; then
		APT_OPTIONS+=(-o "Dir::Etc::sourcelist=$sources"
			-o "Dir::Etc::sourceparts=/dev/null")
	fi
	say "reading package lists ($name)"
	quietly apt_client apt-get update
}

# The name of the package that carries the kernel itself: linux-image-amd64
# only depends on it.
apt_kernel_package() {
	apt_client apt-cache depends linux-image-amd64 2>/dev/null |
		awk '$1 ~ /Depends:/ && $2 ~ /^linux-image-/ { print $2; exit }'
}

# linux-image-6.1.0-56-amd64 -> 6.1
kernel_series() {
	local version=${1#linux-image-}
	[[ $version =~ ^[0-9]+\.[0-9]+ ]] && printf '%s\n' "${BASH_REMATCH[0]}"
}

# Downloads each package into the folder DIR and unpacks it into DIR/root.
apt_unpack() {
	local dir=$1 package deb
	shift
	mkdir -p "$dir/root"
	for package; do
		say "fetching $package"
		(cd "$dir" && quietly apt_client apt-get download "$package") ||
			return 1
		for deb in "$dir"/*.deb; do
			dpkg -x "$deb" "$dir/root" || return 1
			rm -f "$deb"
		done
	done
}

# Writes the backports twin of the configured main archive to FILE.
write_backports_source() {
	local file=$1 codename uri options=''
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	uri=$(archive_uri)
	[[ -n $uri && -n $codename ]] || return 1

	local keys=/usr/share/keyrings/debian-archive-keyring.gpg
	[[ -e $keys ]] && options="[signed-by=$keys] "
	printf 'deb %s%s %s-backports main\n' "$options" "$uri" "$codename" >"$file"
}

# Finds the kernel package of series WANT (empty: the distribution's own) and
# leaves APT_OPTIONS set so that it can be downloaded. Prints nothing; sets
# KERNEL_PACKAGE.
find_kernel_package() {
	local want=$1 found='' seen=''
	KERNEL_PACKAGE=$(apt_kernel_package)
	if [[ -z $KERNEL_PACKAGE ]]; then
		apt_use_private_lists stock || return 1
		KERNEL_PACKAGE=$(apt_kernel_package)
	fi
	found=$(kernel_series "$KERNEL_PACKAGE") || {
		warn "the package sources have no linux-image-amd64"
		return 1
	}
	[[ -z $want || $found == "$want" ]] && return 0

	seen=$found
	if write_backports_source "$CACHE_TMP/backports.list"; then
		cp "$CACHE_TMP/backports.list" "$CACHE/backports.list"
		apt_use_private_lists backports "$CACHE/backports.list" &&
			KERNEL_PACKAGE=$(apt_kernel_package) &&
			found=$(kernel_series "$KERNEL_PACKAGE") &&
			seen="$seen, backports: $found"
	fi
	[[ $found == "$want" ]] && return 0
	warn "Linux $want is not in this machine's package sources (there is $seen)"
	return 1
}

#
# The kernel
#

# Reads one little-endian unsigned number of SIZE bytes at OFFSET of FILE.
read_number() {
	od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# Writes the uncompressed kernel inside the bzImage FILE to OUT. Unpacking it
# here saves the guest three seconds of emulated decompression. The offsets
# are those of the x86 boot protocol: setup_sects, payload_offset and
# payload_length; the payload's last four bytes are its unpacked size.
extract_vmlinux() {
	local file=$1 out=$2 sectors offset length unpack=
	sectors=$(read_number "$file" $((0x1f1)) 1)
	offset=$(((sectors ? sectors + 1 : 5) * 512))
	offset=$((offset + $(read_number "$file" $((0x248)) 4)))
	length=$(read_number "$file" $((0x24c)) 4)
	case $(od -An -v -t x1 -j "$offset" -N 4 "$file" | tr -d ' ') in
	fd377a58) unpack='xz -dc --single-stream' ;;
	1f8b*) unpack='gzip -dcq' ;;
	28b52ffd) unpack='zstd -dcq' ;;
	*) return 1 ;;
	esac
	# The packers stumble over the trailing size; what counts is the result.
	tail -c "+$((offset + 1))" "$file" | head -c $((length - 4)) |
		$unpack >"$out" 2>/dev/null
	[[ $(od -An -v -t x1 -N 4 "$out" | tr -d ' ') == 7f454c46 ]] &&
		[[ $(stat -c %s "$out") == "$(read_number "$file" \
			$((offset + length - 4)) 4)" ]]
}

# The module files for NAMES in the unpacked kernel DIR, dependencies first.
module_files() {
	local dir=$1
	shift
	modprobe -C /dev/null -d "$dir" -S "$(<"$dir/release")" -a \
		--show-depends "$@" 2>/dev/null |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# Downloads and prepares the kernel of series WANT; sets KERNEL_DIR.
kernel_fetch() {
	local want=$1 tmp=$CACHE_TMP/kernel root=$CACHE_TMP/kernel/root release
	APT_OPTIONS=()
	find_kernel_package "$want" || return 1
	KERNEL_DIR=$CACHE/kernel-$(kernel_series "$KERNEL_PACKAGE")
	[[ -e $KERNEL_DIR/release ]] && return 0

	if ! apt_unpack "$tmp" "$KERNEL_PACKAGE"; then
		# The lists may be older than the archive: once more with new ones.
		[[ ${#APT_OPTIONS[@]} -eq 0 ]] &&
			apt_use_private_lists stock &&
			KERNEL_PACKAGE=$(apt_kernel_package) &&
			apt_unpack "$tmp" "$KERNEL_PACKAGE" || return 1
	fi
	# Newer packages are laid out for a merged /usr.
	[[ -d $root/lib/modules ]] || ln -s usr/lib "$root/lib"
	for release in "$root"/lib/modules/*; do
		release=${release##*/}
	done
	say "preparing Linux $release"
	printf '%s\n' "$KERNEL_PACKAGE" >"$root/package"
	printf '%s\n' "$release" >"$root/release"
	depmod -b "$root" "$release" || return 1
	if ! extract_vmlinux "$root/boot/vmlinuz-$release" "$root/vmlinux"; then
		warn "cannot unpack vmlinuz-$release: booting it as it is, slower"
		ln -sf "boot/vmlinuz-$release" "$root/vmlinux"
	fi
	rm -rf "$KERNEL_DIR"
	mv "$root" "$KERNEL_DIR"
}

#
# The initramfs
#

# Fills the folder TREE from which the initramfs is packed.
initrd_tree() {
	local tree=$1 file name
	mkdir -p "$tree"/{bin,dev,proc,sys,modules,host,job,tmpfs,root}
	cp "$(command -v busybox)" "$tree/bin/busybox"
	cp "$LIB/guest-init.sh" "$tree/init"
	chmod 755 "$tree" "$tree/init" "$tree/bin/busybox"
	while read -r file; do
		name=${file##*/}
		case $file in
		*.xz) xz -dc "$file" ;;
		*.zst) zstd -dcq "$file" ;;
		*) cat "$file" ;;
		esac >"$tree/modules/${name%.ko*}.ko" || return 1
		printf '%s\n' "${name%.ko*}.ko" >>"$tree/modules/order"
	done < <(module_files "$KERNEL_DIR" "${BOOT_MODULES[@]}" \
		"${RDMA_MODULES[@]}")
	[[ -e $tree/modules/rdma_rxe.ko ]] || {
		warn "$(<"$KERNEL_DIR/package") has no rdma_rxe"
		return 1
	}
}

initrd_path() {
	local sum
	sum=$(cat "$LIB/guest-init.sh" "$LIB/guest-kernel.sh" \
		"$(command -v busybox)" | cksum)
	printf '%s/initrd-%s\n' "$KERNEL_DIR" "${sum%% *}"
}

initrd_make() {
	local path=$1 tree=$CACHE_TMP/initrd
	initrd_tree "$tree" || return 1
	(cd "$tree" && find . | cpio -o -H newc -R 0:0 --quiet) \
		>"$CACHE_TMP/initrd.img" || return 1
	# Those of other versions of these scripts may be in use.
	find "$KERNEL_DIR" -maxdepth 1 -name 'initrd-*' -mtime +1 -delete
	mv "$CACHE_TMP/initrd.img" "$path"
}

#
# For the callers
#

# Sets KERNEL_DIR to what LINK stands for, if that is complete.
kernel_cached() {
	KERNEL_DIR=$(readlink -f "$1") && [[ -e $KERNEL_DIR/release ]]
}

# Makes the kernel of series WANT (empty: the distribution's own) ready to
# boot. Sets KERNEL_DIR and KERNEL_INITRD. Quick when it is in the cache.
kernel_prepare() {
	local want=$1 link=$CACHE/kernel-${1:-stock}
	if ! kernel_cached "$link"; then
		cache_lock
		# Whoever held the lock may have fetched it.
		kernel_cached "$link" || kernel_fetch "$want" ||
			die 3 "no kernel for the guest"
		[[ -n $want ]] || ln -sfn "${KERNEL_DIR##*/}" "$link"
	fi
	KERNEL_INITRD=$(initrd_path)
	if [[ ! -e $KERNEL_INITRD ]]; then
		cache_lock
		initrd_make "$KERNEL_INITRD" || die 3 "cannot make the initramfs"
	fi
	cache_unlock
}
