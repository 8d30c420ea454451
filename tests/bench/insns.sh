# Sourced by bench.sh: the rows of "verbs", in instructions instead of time.
# This machine runs at one of two speeds; how many instructions an operation
# takes does not depend on it.  A plugin of QEMU's counts all that the guest
# executes (insns/plugin.c), over the middle of a run's operations, whose number
# is exact: both programs enter rxe_post_send once for each.
#
# An end that spins while it waits executes the more the longer that takes: it
# is not work, and no counter can tell it from work.  So counted are, for one
# operation:
#
# - what the kernel executes on all CPUs, interrupts and timers included: rxe
#   does both ends' work there, and no waiting;
# - of a rate, what the client executes outside of the kernel: it finds
#   completions whenever it looks.  Not so the server, which is left out;
# - of a latency, what each end that posts executes outside of the kernel in
#   that operation in which it did so least: where the completion was there when
#   it first looked.  Many are such, as an end may be stopped while the other
#   works; the others have some empty polls more.
#
# Latencies are of both ways, as in "verbs".
# shellcheck shell=bash

readonly PLUGIN_PORT=/dev/virtio-ports/plugin

# ask_plugin WORD...: prints its answer.
ask_plugin() {
	local answer
	{
		printf '%s\n' "$*" >&3 && read -r answer <&3 &&
			printf '%s\n' "$answer"
	} 3<>$PLUGIN_PORT
}

post_address() {
	awk '$3 == "rxe_post_send" { print $1 }' /proc/kallsyms
}

# per_operation latency|rate: thousands, of what the plugin answered.  QEMU
# numbers CPUs as the guest does.
per_operation() {
	awk -v how="$1" -v client="$CLIENT_CPU" '
		$1 == "none" { exit 1 }
		{ for (cpu = 0; 3 * cpu + 4 <= NF; cpu++) {
			kernel += $(3 * cpu + 2)
			least += $(3 * cpu + 4)
			if (cpu == client) user = $(3 * cpu + 3)
		  }
		  each = how == "rate" ? user / $1 : least
		  print (kernel / $1 + each) / 1000 }'
}

# counted latency|rate OPERATIONS COMMAND...: instead of what the command
# prints, the instructions of one of its operations.
counted() {
	local how=$1 n=$2
	shift 2
	[[ $(ask_plugin count "$(post_address)" "$CLIENT_CPU" "$n") == counting ]] &&
		[[ -n $("$@") ]] && ask_plugin end | per_operation "$how"
}

round_insns() {
	local verb_meter=counted verb_prefix=insns verb_unit=kinsn
	round_verbs "$1"
}

part_insns() {
	in_guest insns --plugin "$HELPERS/insns.so"
}
