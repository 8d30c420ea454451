#!/bin/bash
# make deb: what is in the package, and that it installs and runs.
. "$(dirname "$0")/lib.sh"
cd "$top" || exit 1

if ! command -v dpkg-buildpackage dh >/dev/null; then
	skip "deb" "no dpkg-buildpackage and debhelper here"
	done_testing
fi
TRY_SECONDS=600 try make deb
ok "make deb" is "$status" 0
deb=$(tail -1 "$work/out")
ok "it names the package" test -s "$deb"
field() { dpkg-deb -f "$deb" "$1"; }
ok "the package is named rdmabench" is "$(field Package)" rdmabench
ok "its version is the binary's" is "$(field Version)" "$("$bench" --version | awk '{ print $2 }')"
ok "it is for this architecture" is "$(field Architecture)" "$(dpkg --print-architecture)"
ok "it needs nothing at run time: the binary is static" is "$(field Depends)" ""
dpkg-deb -c "$deb" | awk '{ print $NF }' >"$work/list"
for file in usr/bin/rdmabench usr/share/man/man1/rdmabench.1.gz \
	usr/share/man/man5/rdmabench-csv.5.gz usr/share/man/man7/rdmabench-scenarios.7.gz \
	usr/share/bash-completion/completions/rdmabench usr/share/doc/rdmabench/copyright; do
	ok "$file is in it" grep -qx "./$file" "$work/list"
done
ok "nothing outside /usr" eval '! grep -vE "^\./(usr/.*)?$" "$work/list"'
ok "all of it belongs to root" eval '! dpkg-deb -c "$deb" | grep -v " root/root "'
ok "nobody may write to it but its owner" eval '! dpkg-deb -c "$deb" | grep -E "^-.(....w|.......w)"'

# Into a root of its own, with a database of its own.
root=$work/root
mkdir -p "$root/var/lib/dpkg/"{info,updates,triggers} "$work/log"
: >"$root/var/lib/dpkg/status"
install=(dpkg --root="$root" --log="$work/log/dpkg" "--force-not-root,script-chrootless,depends")
try "${install[@]}" -i "$deb"
ok "it installs" is "$status" 0
try "$root/usr/bin/rdmabench" --version
ok "what is installed runs" eval 'is "$status" 0 && out_has "rdmabench"'
ok "and is stripped" eval '! readelf -S "$root/usr/bin/rdmabench" | grep -q "\.debug_info"'
try "$root/usr/bin/rdmabench" run sendrecv --transport tcp -s 64 -n 20 --trials 1 --out "$work/run"
ok "and measures" is "$status" 0
try "${install[@]}" -P rdmabench
ok "it is removed without a trace" eval 'is "$status" 0 && is "$(find "$root/usr" -type f | wc -l)" 0'
done_testing
