#!/bin/bash
# The README's example of a scenario, tests/example/rewrite.c: it was compiled
# and linked as it stands there; now it is run, as any other.
. "$(dirname "$0")/lib.sh"
bench=$(realpath "${EXAMPLE:-$top/build/dynamic/tests/example/rdmabench}")
cd "$work" || exit 1

try "$bench" list scenarios
ok "it is in the list, after the others" eval 'is "$status" 0 && is "$(awk "/^  [a-z]/ { print \$1 }" out | tail -1)" rewrite'
try "$bench" help rewrite
ok "its help" eval 'is "$status" 0 && out_has "--passes N[,...]" && out_has "--size"'
try "$bench" run rewrite --transport loop,tcp -s 1k,64k --verify each -n 30 --trials 7 --out r
ok "it runs" eval 'is "$status" 0 && all_are ok r/rewrite.csv status'
ok "every payload was verified" all_are 30 r/rewrite.csv client_verified
ok "its option is a column" is "$(column r/rewrite.csv passes | sort -u | tr '\n' ' ')" "1 4 "
ok "bounds are checked" fails_with 2 "--passes 0" run rewrite --passes 0
try "$bench" check r
ok "its invariants hold" eval 'is "$status" 0 && out_has "rewrite: the server received what the client sent"'
try "$bench" compare r r
ok "compare knows it" eval '((status == 0 || status == 5)) && grep -q rewrite out'
if command -v gnuplot >/dev/null; then
	try "$bench" report r
	ok "report knows it" eval 'is "$status" 0 && grep -q "What does a response cost that is written several times" r/report.html'
else
	skip "report" "no gnuplot here"
fi
sed -i '2s/,ok,,30,/,ok,,29,/' r/rewrite.csv
try "$bench" check r
ok "and a lost sample is found" is "$status" 1
ok "the README names it" grep -q "tests/example/rewrite\.c" "$top/README.md"
done_testing
