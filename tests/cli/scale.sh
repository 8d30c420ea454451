#!/bin/bash
# scale over TCP and loop: requests and answers over many lanes, and what does
# not go together.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

cell() { column "$1/scale.csv" "$2"; }
for transport in tcp loop; do
	try "$bench" run scale --transport $transport --op send --qps 1,4,16 --outstanding 16,64 \
		--verify each -n 500 --trials 1 --out $transport
	ok "$transport: many lanes" is "$status" 0
	ok "$transport: six points" is "$(cell $transport status | sort | uniq -c | xargs)" "6 ok"
	ok "$transport: every answer verified" all_are 500 $transport/scale.csv client_verified
	ok "$transport: the window was full" is "$(cell $transport outstanding_max | sort -nu | xargs)" \
		"16 64"
	try "$bench" check $transport
	ok "$transport: never more on their way than receives posted" is "$status" 0
	ok "$transport: and that was looked at" out_has "receives posted"
done
try "$bench" run scale --transport tcp --op write -n 5 --trials 1 --out lacks
ok "no writes without RDMA" eval '[[ $(cell lacks reason) == not-in-transport* ]]'
ok "a window that is no multiple" fails_with 2 "has to divide" run scale --qps 3 --outstanding 16
ok "regions smaller than a page" fails_with 2 "--regions" run scale --memory 64k --regions 256
try "$bench" run scale --plan
ok "the default plan is bounded" eval '(($(grep -c rdma "$work/out") < 80))'
done_testing
