#!/bin/bash
# What `make install` puts where, and what was generated for it.
. "$(dirname "$0")/lib.sh"
cd "$top" || exit 1
# Another binary than this checkout's default build is tested elsewhere.
if [[ ! -x build/rdmabench ]]; then
	skip "install" "build/rdmabench is not built"
	done_testing
fi
try make install DESTDIR="$work/dest" PREFIX=/usr
ok "make install" is "$status" 0
share=$work/dest/usr/share
completion=$share/bash-completion/completions/rdmabench
ok "the binary runs" eval 'try "$work/dest/usr/bin/rdmabench" --version; is "$status" 0 && out_has "rdmabench 0."'
for page in man1/rdmabench.1 man5/rdmabench-csv.5 man7/rdmabench-scenarios.7; do
	ok "$page is there, with nothing left to fill in" eval \
		'[[ -s $share/man/$page ]] && ! grep -q "^@" "$share/man/$page"'
	if command -v mandoc >/dev/null; then
		ok "$page: mandoc has nothing to say" eval \
			'is "$(mandoc -Tlint -Wwarning "$share/man/$page" 2>&1)" ""'
	else
		skip "$page: mandoc" "no mandoc here"
	fi
done

# Manuals and CSV come from the same tables: each column is explained.
try "$bench" run sendrecv --transport tcp -s 64 -n 20 --trials 1 --counters none --out "$work/run"
explained() { # COLUMN
	local name=${1#client_}
	grep -qE "^\.It Cm ($1|${name#server_})\$" "$share/man/man5/rdmabench-csv.5"
}
unexplained() {
	local column
	head -1 "$work/run/sendrecv.csv" "$work/run/sendrecv.points.csv" |
		grep , | tr , '\n' | sort -u |
		while read -r column; do
			explained "$column" || echo "$column"
		done
}
ok "every column is in rdmabench-csv(5)" is "$(unexplained)" ""
ok "a column means what its scenario's option says" is \
	"$(grep -c "^\.Pq Fl -outstanding ; No \(oplog\|ops\|scale\)$" "$share/man/man5/rdmabench-csv.5")" 3
reasons=$(sed -n 's/^\t\[REASON_[A-Z_]*\] = {"\([a-z-]*\)".*/\1/p' src/base/err.c)
ok "every reason is in rdmabench-csv(5)" eval \
	'(( $(wc -w <<<"$reasons") > 20 )) && for r in $reasons; do grep -qx ".It Cm $r" "$share/man/man5/rdmabench-csv.5" || exit 1; done'
ok "every scenario is in rdmabench-scenarios(7)" eval \
	'for s in $("$bench" list scenarios | awk "/^  [a-z]/ { print \$1 }"); do grep -qx ".Sh $s" "$share/man/man7/rdmabench-scenarios.7" || exit 1; done'

# complete WORDS... CUR: what bash would offer.
complete_line() {
	bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rdmabench; echo "${COMPREPLY[*]}"' "$completion" "$@"
}
ok "completion: commands" is "$(complete_line rdmabench comp)" compare
ok "completion: scenarios" is "$(complete_line rdmabench run sendr)" sendrecv
ok "completion: options" is "$(complete_line rdmabench run --resu)" --resume
ok "completion: an option's values" is "$(complete_line rdmabench run --preset q)" quick
ok "completion: folders" is "$(cd "$work" && complete_line rdmabench compare ru)" run
done_testing
