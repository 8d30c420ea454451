#!/bin/bash
# A Debian package of the static binary, into build/deb/, from the files that
# git knows.  dpkg-buildpackage writes beside the tree that it builds, so that
# is a copy.
#
#	scripts/deb.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/packages.sh
. scripts/lib/packages.sh

install_packages "${packages_build[@]}" "${packages_deb[@]}"
out=$PWD/build/deb
rm -rf "$out"
mkdir -p "$out/rdmabench"
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$out/rdmabench"
cd "$out/rdmabench"
dpkg-buildpackage -b -us -uc >"$out/log" 2>&1 || {
	tail -30 "$out/log" >&2
	exit 1
}
ls "$out"/*.deb
