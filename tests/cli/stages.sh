#!/bin/bash
# How scripts/check.sh counts what its tests print.  Needs no device.
. "$(dirname "$0")/lib.sh"

# sum_of TAP STATUS: passed, failed and skipped of one command that prints
# that and ends so.
sum_of() {
	TMPDIR=$work bash -c '
		. "$1"
		tap name bash -c "printf \"$2\"; exit $3" >/dev/null
		echo "$passed $failed $skipped"' - "$top/scripts/lib/stages.sh" "$1" "$2"
}
ok "good, bad and skipped" is "$(sum_of 'ok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP d\n' 1)" "1 1 1"
ok "cmocka's way to skip" is "$(sum_of 'ok 1 - a\nnot ok 2 # SKIP b\n' 0)" "1 0 1"
ok "none printed is one failed" is "$(sum_of '' 0)" "0 1 0"
ok "died after good ones" is "$(sum_of 'ok 1 - a\n' 139)" "1 1 0"
ok "an unknown stage" eval '
	try "$top/scripts/check.sh" nonesuch && is "$status" 2 && err_has "no stage nonesuch"'
done_testing
