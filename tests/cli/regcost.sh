#!/bin/bash
# regcost as a user types it, where there is no RDMA device (with one: rxe.sh).
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

try "$bench" help regcost
ok "help: exit 0" is "$status" 0
ok "help: the kinds of memory" out_has "huge1g"
ok "help: --reserve-hugepages" out_has "--reserve-hugepages"

try "$bench" run regcost --plan
ok "plan: exit 0" is "$status" 0
ok "plan: bounded" eval '(( $(wc -l <"$work/out") < 120 ))'
try "$bench" run regcost -s 4k,64k --memory anon,memfd --plan
ok "plan: axes that are named are multiplied, and nothing else is measured" \
	is "$(grep -c '^ *[0-9]* regcost' "$work/out")" 4

ok "unknown kind of memory" fails_with 2 "memory" run regcost --memory tape
ok "no threads" fails_with 2 "touch-threads" run regcost --touch-threads 0
ok "more regions than allowed" fails_with 2 "regions" run regcost --regions 1e9

# Before any device is asked for: what is not free is refused, and said.
try "$bench" run regcost -s 16384G --trials 1 --out big
ok "more than is free: exit 3" is "$status" 3
ok "more than is free: the arithmetic" eval \
	'err_has "1 regions of 17592186044416 bytes are 16777216 MiB" && err_has "50 % of that"'
try "$bench" run regcost -s 4k --memory huge2m --regions 100000 --trials 1 --out huge
ok "hugepages that are not there: not a failure" is "$status" 77
ok "hugepages that are not there: how to have them" grep -q \
	"no-hugepages: huge2m memory: 100000 hugepages of 2 MiB are needed.*--reserve-hugepages" \
	huge/regcost.csv

if [[ -n $(ls /sys/class/infiniband 2>/dev/null) ]]; then
	skip "no device: exit 77" "there is one"
else
	# A user's limit of locked memory is no other reason than that.
	if ((EUID == 0)) && cp "$bench" nobody && chmod 755 "$work" nobody && mkdir -m 777 shared; then
		try prlimit --memlock=65536 setpriv --reuid=65534 --clear-groups "$work/nobody" run regcost \
			--trials 1 -s 1M --out shared/limited
		ok "no device, as a user with 64 KiB of memlock: exit 77" is "$status" 77
	fi
	try "$bench" run regcost --trials 1 --out none
	ok "no device: exit 77" is "$status" 77
	ok "no device: said in every row" eval '[[ $(column none/regcost.csv status | sort -u) == unsupported ]]'
	ok "no device: why" grep -q "no-device" none/regcost.csv
fi
done_testing
