# Sourced by bench.sh: the rows of "verbs", in instructions instead of time.
# This machine runs at one of two speeds; how many instructions an operation
# takes does not depend on it.  A plugin of QEMU's counts all that the guest
# executes (insns/plugin.c), over the middle of a run's operations, whose number
# is exact: both programs enter rxe_post_send once for each.
#
# An end that spins while it waits executes the more the longer that takes: it
# is not work, and no counter can tell it from work.  So counted are:
#
# - of a latency, what the kernel executes on all CPUs for one operation, as rxe
#   does both ends' work there, and no waiting: the median, which has no
#   interrupts in it, nor what our server executes to look for its client's
#   silence; and what each end that posts executes outside of the
#   kernel in that operation in which it did so least: the completion was there
#   when it first looked.  Many are such, as an end may be stopped while the
#   other works; the others have some empty polls more.  One that waits for
#   nobody else (read, fetch-add) has the same number each time.
# - of a rate, all that the client's CPU executes: it does both ends' work in the
#   kernel, and finds completions whenever it looks; the median over groups of
#   as many operations as have one completion.  The server's CPU is left out.
#
# Latencies are of both ways, as in "verbs".
#
# ib_send_* over UC and UD post as many receives as there are operations (-n; at
# most what the device takes) before the first, whatever -r says, and none again:
# a part of each operation would be left out.  With a duration they do not, and
# the last operations are as good as any.
# shellcheck shell=bash

# Of so many of a rate's one has a completion (-Q).
readonly SIGNALLED=50

# ask_plugin WORD...: prints its answer.
ask_plugin() {
	local answer
	{
		printf '%s\n' "$*" >&3 && read -r answer <&3 &&
			printf '%s\n' "$answer"
	} 3<>/dev/virtio-ports/plugin
}

post_address() {
	awk '$3 == "rxe_post_send" { print $1 }' /proc/kallsyms
}

# per_operation latency|rate: thousands, of what the plugin answered.
per_operation() {
	awk -v how="$1" 'NF != 4 { exit 1 }
		{ print (how == "rate" ? $3 : $2 + $4) / 1000 }'
}

# counted latency|rate OPERATIONS COMMAND...: instead of what the command
# prints, the instructions of one of its operations.  QEMU numbers CPUs as the
# guest does.
counted() {
	local how=$1 count=("$(post_address)" "$CLIENT_CPU" "$2" 1)
	shift 2
	[[ $how == latency ]] || count[3]=$SIGNALLED
	[[ $(ask_plugin count "${count[@]}") == counting ]] &&
		[[ -n $("$@") ]] && ask_plugin end | per_operation "$how"
}

# Enough for what is counted, on a slow machine as well.
readonly LASTS_SECONDS=15

# A whole run of theirs; says that there was one.
their_run() { # OPERATIONS
	local status=0 until=(-n "$1")
	[[ "${their_options[*]}" != ib_send_*' -c U'[CD]* ]] ||
		until=(-D $LASTS_SECONDS)
	start_server "${their_options[@]}" -p $PORT "${until[@]}"
	until_true 5 listens $PORT && on_client_cpu "${their_options[@]}" \
		-p $PORT "${until[@]}" $ADDRESS >"$work/out" || status=1
	stop_server
	((status == 0)) && echo done
}

# Of a row, instead of its time.
counted_row() { # NAME latency|rate OPERATIONS
	our_command=(counted "$2" "$3" ours_of "${our_options[0]}" period
		-n "$3" "${our_options[@]:1}")
	their_command=(counted "$2" "$3" their_run "$3")
	sample "insns_$1" "${their_options[0]}" "${their_options[*]}" kinsn \
		"$round"
}

round_insns() {
	local verb_meter=counted_row round=$1
	verb_rows
}

part_insns() {
	in_guest rounds insns --plugin "$HELPERS/insns.so"
}
