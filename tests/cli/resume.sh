#!/bin/bash
# run --resume: after each kind of interruption nothing is lost, nothing is
# measured twice, and nothing of another run is taken for this one.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
go=(run sendrecv --transport 'tcp,loop' -s '64,1k,4k' -n 20 --trials 4 --seed 7)

# Every point has its trials, each once, and the files agree.
whole() { # DIR
	whole_rows "$1/sendrecv.csv" && whole_rows "$1/sendrecv.hist.csv" &&
		is "$(paste -d. <(column "$1/sendrecv.csv" point) <(column "$1/sendrecv.csv" trial) | sort)" \
			"$(for p in 0 1 2 3 4 5; do for t in 1 2 3 4; do echo "$p.$t"; done; done | sort)" &&
		all_are ok "$1/sendrecv.csv" status &&
		is "$(column "$1/sendrecv.csv" run_id | sort -u | wc -l)" 1 &&
		is "$(column "$1/sendrecv.points.csv" trials_ok | sort -u)" 4 &&
		all_are loopback "$1/sendrecv.points.csv" path &&
		is "$(jq -r .state "$1/run.json")" finished
}

try "$bench" "${go[@]}" --out good
ok "a run" whole good
try "$bench" run --resume good
ok "a finished run: nothing to do" eval 'is "$status" 0 && err_has "nothing is left" && whole good'

# cut DIR ROWS: as if it had been killed after so many rows.
cut_run() {
	rm -rf "$1"
	cp -r good "$1"
	head -$(($2 + 1)) good/sendrecv.csv >"$1/sendrecv.csv"
	awk -F, -v n="$2" 'NR == 1 || $1 <= n' good/sendrecv.hist.csv >"$1/sendrecv.hist.csv"
	rm "$1/sendrecv.points.csv"
	jq '.state = "running"' good/run.json >"$1/run.json"
}
same_start() { # DIR ROWS: what was measured before is as it was
	cmp -s <(head -$(($2 + 1)) good/sendrecv.csv) <(head -$(($2 + 1)) "$1/sendrecv.csv")
}
for rows in 0 1 7 23 24; do
	cut_run cut $rows
	try "$bench" run --resume cut
	ok "killed after $rows rows" eval 'is "$status" 0 && whole cut && same_start cut $rows'
	try "$bench" check cut
	ok "and every invariant holds ($rows)" is "$status" 0
done
ok "it says so" json '.resumed == true' cut/run.json

# --- damage that a kill leaves --------------------------------------------------
cut_run cut 9
truncate -s -15 cut/sendrecv.csv
try "$bench" run --resume cut
ok "a torn last row" eval 'is "$status" 0 && whole cut && same_start cut 8'
cut_run cut 9
sed -i '$d' cut/sendrecv.hist.csv
try "$bench" run --resume cut
ok "a row whose histogram is not whole" eval 'is "$status" 0 && whole cut && same_start cut 8'
cut_run cut 9
truncate -s -3 cut/sendrecv.hist.csv
try "$bench" run --resume cut
ok "a torn histogram" eval 'is "$status" 0 && whole cut && same_start cut 8'
cut_run cut 9
sed -i '$s/,ok,,/,interrupted,interrupted: x,/' cut/sendrecv.csv
try "$bench" run --resume cut
ok "a row that says interrupted is tried again" eval 'is "$status" 0 && whole cut && same_start cut 8'
cut_run cut 0
rm cut/sendrecv.hist.csv
try "$bench" run --resume cut
ok "one of two files" eval 'is "$status" 0 && whole cut'
cut_run cut 0
rm cut/sendrecv*
try "$bench" run --resume cut
ok "no file yet" eval 'is "$status" 0 && whole cut'

# --- a real interruption --------------------------------------------------------
long=(run sendrecv --transport 'tcp,loop' -s '64,1k,4k' -D 100ms --trials 4)
for signal in INT KILL; do
	rm -rf real
	"$bench" "${long[@]}" --out real >/dev/null 2>&1 &
	pid=$!
	within 30 eval '[[ -e real/sendrecv.csv ]] && (($(wc -l <real/sendrecv.csv) > 4))'
	kill -$signal $pid
	wait $pid
	before=$(wc -l <real/sendrecv.csv)
	try "$bench" run --resume real
	ok "SIG$signal: goes on" eval 'is "$status" 0 && whole real && ((before < 25))'
done

# --- one that is still alive ------------------------------------------------------
rm -rf real
"$bench" "${long[@]}" --out real >/dev/null 2>&1 &
pid=$!
within 30 eval '[[ -e real/sendrecv.csv ]] && (($(wc -l <real/sendrecv.csv) > 2))'
ok "a run that is alive is not resumed" fails_with 3 "still alive" run --resume real
kill -STOP $pid
ok "nor one that is stopped" fails_with 3 "still alive" run --resume real
kill -CONT $pid
wait $pid
ok "and it ends as if nothing had been" whole real

# --- what is refused ------------------------------------------------------------
cut_run other 9
jq '.hosts[].boot_id = "another"' cut/run.json | jq '.state = "running"' >other/run.json
ok "another boot" fails_with 2 "client's boot_id differs" run --resume other
cut_run other 9
jq '.scenarios[0].options.size = ["64"] | .state = "running"' cut/run.json >other/run.json
ok "another plan" fails_with 2 "option --size differs" run --resume other
jq '.version = "9" | .state = "running"' cut/run.json >other/run.json
ok "another version" fails_with 2 "version of rdmabench differs" run --resume other
jq '.command_line = [] | .state = "running"' cut/run.json >other/run.json
ok "no command line" fails_with 2 "no command line" run --resume other
jq '.state = "running"' cut/run.json >other/run.json
ok "with other options" fails_with 2 "leave out the rest" run --resume other -n 5
ok "with a scenario" fails_with 2 "leave out the rest" run sendrecv --resume other
ok "no such folder" fails_with 3 "--resume nowhere" run --resume nowhere
ok "an empty name" fails_with 2 "--resume: is empty" run --resume=
sed -i '1s/schema_version/x/' other/sendrecv.csv
ok "columns of another build" fails_with 3 "not those of this run" run --resume other
cut_run other 9
sed -i '2s/^\([0-9]*,[^,]*,sendrecv\),[0-9]*/\1,99/' other/sendrecv.csv
ok "a point that is not in the plan" fails_with 3 "not a point of this plan" run --resume other
done_testing
