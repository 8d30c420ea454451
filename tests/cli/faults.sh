#!/bin/bash
# Networks that lose, delay, reorder, repeat and damage packets, links that go
# down and devices that go away in the middle of a run: both ends go on, or
# end in time and say why, and nothing is left.  Runs in the guest, for rxe
# wants the initial namespace and netem a real path:
#
#	scripts/rxe.sh run -- tests/cli/faults.sh [short|ROUNDS]
#
# Two rxe devices on veths of a bridge, the client's on v1, the server's on
# v2; and for TCP a server in a namespace of its own, behind t1 and t2.
. "$(dirname "$0")/rdma_lib.sh"
cd "$work" || exit 1

# short: a kind of each, for CI; else links and devices ROUNDS times.
rounds=${1:-1}
short=
[[ $rounds == short ]] && short=1 rounds=1
# A link gives up after 4 s at most, the control channel after 4.5 s.
deadline=20

# --- the network ---------------------------------------------------------------

add_wire() { # N: v1 and rx1, or v2 and rx2
	ip link add v"$1" type veth peer name b"$1" &&
		ip link set b"$1" master br0 && ip link set b"$1" up mtu 4200 &&
		ip link set v"$1" up mtu 4200 && ip addr add 10.9.8."$1"/24 dev v"$1" &&
		sysctl -qw net.ipv4.conf.v"$1".{accept_local=1,rp_filter=0,arp_ignore=1,arp_announce=2} &&
		rdma link add rx"$1" type rxe netdev v"$1" && within 20 wire_is_up "$1"
}
# The kernel brings queues to life up to a second after a link (linkwatch),
# and drops what is sent before.
wire_is_up() {
	grep -q ACTIVE /sys/class/infiniband/rx"$1"/ports/1/state &&
		grep -q "ffff:0a09:080$1" /sys/class/infiniband/rx"$1"/ports/1/gids/* &&
		[[ $(cat /sys/class/net/{br0,v"$1",b"$1"}/operstate | sort -u) == up ]]
} 2>/dev/null
add_bridge() {
	modprobe -a veth bridge sch_netem && ip link add br0 type bridge &&
		ip link set br0 up mtu 4200 &&
		sysctl -qw net.ipv4.conf.all.{accept_local=1,rp_filter=0,arp_ignore=1,arp_announce=2} &&
		add_wire 1 && add_wire 2
}
add_namespace() {
	ip netns add far && ip link add t1 type veth peer name t2 netns far &&
		ip addr add 10.9.7.1/24 dev t1 && ip link set t1 up &&
		ip netns exec far ip addr add 10.9.7.2/24 dev t2 &&
		ip netns exec far ip link set t2 up && ip netns exec far ip link set lo up &&
		# The client calls from the address of its RDMA device.
		ip netns exec far ip route add default via 10.9.7.1
}
netem() { # INTERFACE WORDS...
	local dev=$1
	shift
	tc qdisc replace dev "$dev" root netem "$@"
}
calm() { tc qdisc del dev "$1" root 2>/dev/null; }


# --- servers and clients ---------------------------------------------------------

serve_at() { # KIND: rdma here, tcp in the namespace
	local -a enter=()
	host=127.0.0.1
	if [[ $1 == tcp ]]; then
		enter=(ip netns exec far)
		host=10.9.7.2
	fi
	"${enter[@]}" "$bench" serve -p 0 --bind "$host" >serve.out 2>serve.err &
	server=$!
	within 20 grep -q listening serve.err
	port=$(sed -n 's/.*listening on .* port //p' serve.err)
}
end_server() {
	kill "$server"
	wait "$server"
}
of_kind() { # KIND: options of a client
	printf -- '--connect %s:%s --transport %s' "$host" "$port" "$1"
	[[ $1 == tcp ]] || printf ' -d rx1,rx2'
}
over() { # KIND OUT OPTIONS...
	local kind=$1 out=$2 words
	shift 2
	rm -rf "$out"
	read -ra words <<<"$(of_kind "$kind")"
	try "$bench" run sendrecv "${words[@]}" --poll event --trials 1 --out "$out" "$@"
}
verified() { # OUT N: every payload of every row, and no row failed
	is "$status" 0 && all_are ok "$1/sendrecv.csv" status &&
		all_are "$2" "$1/sendrecv.csv" client_verified
}
long_client() { # KIND OUT OPTIONS...: in the middle of a trial
	local kind=$1 out=$2 words
	shift 2
	rm -rf "$out"
	read -ra words <<<"$(of_kind "$kind")"
	"$bench" run sendrecv "${words[@]}" --poll event -s 64k -D 300ms --trials 100 \
		--out "$out" "$@" >"$out.out" 2>"$out.err" &
	client=$!
	within 60 test -s "$out/sendrecv.csv"
	sleep "0.$((RANDOM % 10))"
}
client_gone() { ! kill -0 "$client" 2>/dev/null; }
# Ended in time with status 4, a reason, and whole rows; or with 3, if the link
# went between two trials, and the next found a port that is down, or without
# its address.
ended_well() { # OUT
	status=0
	within "$deadline" client_gone || return 1
	wait "$client" || status=$?
	cp "$1.err" err
	case $status in
	3) grep -qE "no-device: (server: )?rx" err ;;
	4) grep -qE 'peer-(lost|timeout)|link-failed' err ;;
	*) false ;;
	esac && whole_rows "$1/sendrecv.csv"
}
nothing_left() {
	local what
	for what in qp mr cq cm_id pd; do
		! rdma resource show "$what" | grep -q "comm rdmabench" || return 1
	done
}

works() { # KIND
	over "$1" works -s 64 -n 5
	is "$status" 0
}
ok "a bridge with two rxe devices" add_bridge
ok "a namespace behind a veth" add_namespace
serve_at rdma
ok "RDMA crosses the bridge" within 30 works rdma
ok "which is in this host, so no wire" all_are loopback works/sendrecv.csv path
end_server
serve_at tcp
ok "TCP reaches the namespace" within 30 works tcp
end_server

# --- packets ---------------------------------------------------------------------

bad_packets() { # KIND INTERFACE OPTIONS...
	local kind=$1 dev=$2 words n
	shift 2
	while read -r words; do
		[[ -n $short && ! $words =~ ^(loss|corrupt) ]] && continue
		# shellcheck disable=SC2086
		netem "$dev" $words
		# An operation is a request and an acknowledgement on $dev: of the
		# 160 packets of 40, 2 % are none in one run of 25.
		n=40
		[[ $words != loss* ]] || n=400
		over "$kind" bad -s 64,64k -n $n --warmup 1ms --verify each "$@"
		ok "$kind $*: $words: every payload is right" verified bad $n
		[[ $kind == rdma && $words == loss* ]] &&
			ok "$kind $*: $words: and the port has counted it" \
				grep -qE '^(client|server):' <(column bad/sendrecv.csv nic_marks)
	done
	calm "$dev"
}
serve_at rdma
bad_packets rdma v1 <<-END
	delay 1ms 500us
	loss 2%
	delay 200us reorder 20% 50%
	duplicate 10%
	corrupt 1%
END
# A lost word of RDMA CM is said again after 4 s: longer than we wait.
bad_packets rdma v2 -R <<-END
	duplicate 5% reorder 10% delay 100us
END
lossy_ops() { # OUT OPTIONS...
	local words
	read -ra words <<<"$(of_kind rdma)"
	try "$bench" run ops "${words[@]}" --poll event --mode rate --op send -s 512 --warmup 1ms \
		--trials 1 --out "$@"
}
lost() { column "$1"/ops.csv messages_lost; }
not_arrived() { # OUT
	paste <(column "$1"/ops.csv client_sends) <(column "$1"/ops.csv server_recvs) | awk '{ print $1 - $2 }'
}
netem v1 loss 10%
lossy_ops lossy --qp-type uc,ud -n 400
ok "UC and UD: lost messages are counted, and no failure" eval '
	is "$status" 0 && all_are ok lossy/ops.csv status &&
	is "$(lost lossy | awk "\$1 > 0" | wc -l)" 2'
lossy_scale() { # OUT OPTIONS...
	local words
	read -ra words <<<"$(of_kind rdma)"
	try "$bench" run scale "${words[@]}" --op send --warmup 1ms --trials 1 --out "$@"
}
lossy_scale thin --poll event --qp-type ud --outstanding 16 -D 100ms
ok "UD: what scale has lost is no operation" eval '
	is "$status" 0 && all_are ok thin/scale.csv status &&
	(($(column thin/scale.csv messages_lost) > 0)) && "$bench" check thin >/dev/null'
calm v1
# Requests of any lane take what an answer was in that is sent again.
netem v2 loss 2%
lossy_scale shared --poll yield --qps 16 --outstanding 64 -s 1k --shared-receives yes -D 1s --verify each
ok "scale: shared receives: every answer is right, sent again or not" eval '
	is "$status" 0 && all_are ok shared/scale.csv status'
netem v2 loss 30%
lossy_ops unheard --qp-type uc,ud -D 150ms
ok "UC and UD: what arrived is not lost where only credit is" eval '
	is "$status" 0 && all_are ok unheard/ops.csv status &&
	is "$(lost unheard)" "$(not_arrived unheard)"'
calm v2
netem v1 delay 300us reorder 30%
lossy_ops reordered --qp-type ud -D 50ms --verify each
ok "UD: datagrams that overtake others are right" eval '
	is "$status" 0 && all_are ok reordered/ops.csv status'
calm v1
# Neighbours would be lost as well, and the device say so.
for n in 1 2; do
	ip neigh replace 10.9.8.$((3 - n)) lladdr "$(cat /sys/class/net/v$((3 - n))/address)" dev v$n nud permanent
done
netem v1 loss 100%
lossy_ops nothing --qp-type uc,ud -D 100ms
ok "UC and UD: where nothing arrives there is no rate" eval '
	is "$status" 4 && all_are failed nothing/ops.csv status &&
	! column nothing/ops.csv reason | grep -qv "^link-failed: of "'
lossy_scale none --poll event --qp-type ud --outstanding 16 -D 30ms
ok "UD: nor one of scale" eval 'is "$status" 4 && grep -q "link-failed: none of" none/scale.csv'
calm v1
ip neigh flush dev v1 nud permanent
ip neigh flush dev v2 nud permanent
end_server

serve_at tcp
bad_packets tcp t1 <<-END
	delay 1ms 500us
	loss 2%
	delay 200us reorder 20% 50%
	duplicate 10%
	corrupt 1%
END
end_server

# --- links and devices -------------------------------------------------------------

link_down() { # KIND INTERFACE UP-COMMAND OPTIONS...
	local kind=$1 dev=$2 up=$3
	shift 3
	serve_at "$kind"
	long_client "$kind" down --trials 12 "$@"
	ip link set "$dev" down
	ok "$kind $*: $dev goes down: the client ends and says why" ended_well down
	ok "$kind $*: $dev goes down: its session ends" within $deadline idle
	ip link set "$dev" up
	eval "$up"
	ok "$kind $*: $dev is up again: the server goes on" within 30 works "$kind"
	end_server
}
blink() { # KIND INTERFACE SECONDS: shorter than the retries
	serve_at "$1"
	long_client "$1" blink --trials 8
	ip link set "$2" down
	sleep "$3"
	ip link set "$2" up
	within 30 client_gone
	status=0
	wait "$client" || status=$?
	cp blink.err err
	ok "$1: $2 is away for $3 s: goes on, or says why" eval '
		whole_rows blink/sendrecv.csv &&
		{ is $status 0 || { is $status 4 && grep -qE "peer-|link-failed" blink.err; } ||
			{ is $status 3 && err_has "no-device: rx"; }; }'
	ok "$1: $2 is away for $3 s: no session is left" within $deadline idle
	end_server
}
device_goes() { # N HOW-TO-REMOVE...
	local n=$1 remover
	shift
	serve_at rdma
	long_client rdma removed --trials 12
	"$@" &
	remover=$!
	within 30 client_gone
	status=0
	wait "$client" || status=$?
	cp removed.err err
	# rxe waits with its removal for those who use it, or cuts them off.
	ok "$*: the client goes on, or ends and says why" eval '
		whole_rows removed/sendrecv.csv &&
		{ is $status 0 || { ((status == 3 || status == 4)) &&
			grep -qE "peer-|link-failed|no-device" removed.err; }; }'
	ok "$*: no session is left" within $deadline idle
	ok "$*: and the device can go" within $deadline eval '! kill -0 $remover 2>/dev/null'
	ok "$*: it is gone" test ! -e /sys/class/infiniband/rx"$n"
	over rdma none -s 1k -n 5
	ok "$*: who asks for it now is told" eval 'is $status 3 && err_has rx$n'
	ip link del v"$n" 2>/dev/null
	add_wire "$n"
	ok "$*: with a new one the server goes on" within 30 works rdma
	end_server
}

for ((round = 0; round < rounds; round++)); do
	link_down rdma v1 'within 20 wire_is_up 1'
	device_goes 1 rdma link delete rx1
	link_down tcp t1 :
	[[ -z $short ]] || break
	link_down rdma v2 'within 20 wire_is_up 2' -R
	blink rdma v1 0.2
	device_goes 2 ip link del v2
done
ok "nothing of ours is left on a device" within 10 nothing_left
ok "no process is left" within 20 eval '! pgrep -f -- "$work|serve -p 0 --bind" >/dev/null'
printf '# measured: faults, %d rounds, %d s\n' "$rounds" "$SECONDS"
done_testing
