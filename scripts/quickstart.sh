#!/bin/bash
# From a fresh Debian to a figure: installs the packages, builds, runs
# sendrecv over TCP and RDMA in one place (natively where there is an RDMA
# device, else both in the same guest that has a software one), draws.
#
#	scripts/quickstart.sh [options of `rdmabench run sendrecv`]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/packages.sh
. scripts/lib/packages.sh

step() { printf '\n== %s\n' "$*" >&2; }

has_device() {
	./rdmabench list devices | grep -q ': active'
}

out=results/quickstart-$(date -u +%Y%m%dT%H%M%SZ)

step 'packages'
install_packages "${packages_build[@]}" "${packages_plot[@]}"
step 'build'
make -j"$(nproc)"
step 'run: sendrecv over TCP and RDMA'
if has_device; then
	./rdmabench run sendrecv --out "$out" --quiet "$@"
else
	printf 'no RDMA device here: both transports run in a guest with a software one\n' >&2
	install_packages "${packages_guest[@]}"
	scripts/rxe.sh run -- ./rdmabench run sendrecv --out "$out" --quiet "$@"
fi
step 'figures'
./rdmabench report "$out"
printf '\nlook at %s/sendrecv_latency.png and sendrecv_gain.png\n' "$out"
