# Sourced by the tests that run in the guest, where there is a device.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
conformance=${CONFORMANCE:-$top/build/dynamic/tests/conformance/conformance}
# All is slower in a guest, and slower yet in one that has not all of its CPUs.
FAIL_SECONDS=${FAIL_SECONDS:-30}

# Its own TAP lines, as ours.
conform() {
	local line status=0
	while IFS= read -r line; do
		case $line in
		'ok '* | 'not ok '*)
			count=$((count + 1))
			[[ $line == not* ]] && failures=$((failures + 1))
			printf '%s\n' "$line" | sed -E "s/^(not ok|ok) [0-9]+/\1 $count/"
			;;
		'# SKIP'*) ;;
		1..*) ;;
		*) printf '%s\n' "${line/#/# }" ;;
		esac
	done < <(CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 1000 "$conformance" "$@" 2>&1 ||
		echo "not ok 0 - conformance $* ended with $?")
	return $status
}

# must_be_ok DIR: every point of the list is there and ok.
must_be_ok() {
	local scenario transport size want is bad=0
	while read -r scenario transport size want; do
		[[ $scenario == '#'* ]] && continue
		[[ $transport == - ]] && transport=
		is=$(paste -d, <(column "$1/$scenario.csv" transport) \
			<(column "$1/$scenario.csv" size_bytes) \
			<(column "$1/$scenario.csv" status) |
			grep -cx "$transport,$size,ok")
		((is >= want)) && continue
		echo "# ok: $scenario ${transport:--} $size: $is, not $want or more"
		bad=1
	done <"$top/tests/cli/must-be-ok.txt"
	return $bad
}

devices=(/sys/class/infiniband/*)
device=${devices[0]##*/}

# rdma_run OUT OPTIONS...
rdma_run() {
	local out=$1
	shift
	try "$bench" run sendrecv --transport rdma --trials 1 --out "$out" "$@"
}

# kill_during SIGNAL WHO NAME: either side dies in the middle of a response.
# WHO is client or session; the other must end with a reason, in time.
start_server() { # ADDRESS
	"$bench" serve -p 0 --bind "$1" >"$work/serve.out" 2>"$work/serve.err" &
	server=$!
	within 20 grep -q listening "$work/serve.err"
	port=$(sed -n 's/.*listening on .* port //p' "$work/serve.err")
}
idle() { [[ -z $(pgrep -P "$server") ]]; }
start_client() { # OUT OPTIONS
	local out=$1
	shift
	"$bench" run sendrecv --connect 127.0.0.1:"$port" -D 1s --trials 100 \
		--out "$out" "$@" >"$work/$out.out" 2>"$work/$out.err" &
	client=$!
	within 60 test -s "$out/sendrecv.csv"
	# Somewhere in a phase, not always at its start.
	sleep "0.$((RANDOM % 10))"
}
no_resources() { # nothing of ours is left on the device
	! command -v rdma >/dev/null || ! rdma resource show qp | grep -qE "comm rdmabench"
}
