#!/bin/bash
# Results that cannot be written: a folder that is read-only before the run,
# or is removed, moved, forbidden or full in the middle of it, a disk that turns
# read-only or goes away.  The run ends in time with status 3 and says where;
# what is there is whole, each row with its histogram, and --resume goes on
# from it.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

endless=(run sendrecv --transport tcp -s 1k --poll event -D 50ms --trials 400)

# rows_past DIR N: its results have more lines than that.
rows_past() {
	[[ -e $1/sendrecv.csv ]] && (($(wc -l <"$1/sendrecv.csv") > $2))
}
# start_run OUT: its first rows are there.
start_run() {
	"$bench" "${endless[@]}" --out "$1" >out 2>err &
	client=$!
	within 30 rows_past "$1" 3
}
client_gone() { ! kill -0 "$client" 2>/dev/null; }
# ends_with WORDS: in time, with status 3, saying so; its server is gone too.
ends_with() {
	status=0
	within 10 client_gone || return 1
	wait "$client" || status=$?
	is "$status" 3 && err_has "$1" &&
		within 30 eval '! pgrep -f -- "--out $work" >/dev/null'
}
# Each row is ok and its histogram has all its samples; of points there are
# all or none.
whole() { # DIR
	whole_rows "$1/sendrecv.csv" && whole_rows "$1/sendrecv.hist.csv" &&
		all_are ok "$1/sendrecv.csv" status && [[ ! -e $1/sendrecv.points.csv ]] &&
		diff <(column "$1/sendrecv.csv" samples) \
			<(awk -F, 'NR > 1 { n[$1] += $4; if ($1 > most) most = $1 }
				END { for (i = 1; i <= most; i++) print n[i] }' "$1/sendrecv.hist.csv")
}
resumes() { # DIR: a few trials more, then Ctrl-C
	local rows
	rows=$(wc -l <"$1/sendrecv.csv")
	"$bench" run --resume "$1" >out 2>err &
	client=$!
	within 10 rows_past "$1" $((rows + 1)) || return 1
	kill -INT "$client"
	status=0
	wait "$client" || status=$?
	is "$status" 130 && whole_rows "$1/sendrecv.csv"
}

start_run "$work/removed"
rm -rf removed
ok "removed in the middle: ends and says so" ends_with "was removed while it was written to"
ok "removed in the middle: is not made again" test ! -e removed

start_run "$work/moved"
mv moved elsewhere
kill -INT "$client"
within 10 client_gone
ok "moved away: says what could not be written" err_has "moved/run.json: No such file"
ok "moved away: whole rows where it is now" whole_rows elsewhere/sendrecv.csv

if [[ $(id -u) == 0 ]] && command -v setpriv >/dev/null; then
	# A folder of somebody else, who then takes it back.
	chmod 755 "$work"
	cp "$bench" "$work/bench" # where nobody can read it
	mkdir -m 777 shared
	as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	chmod 555 shared
	try "${as_user[@]}" "$work/bench" "${endless[@]}" --out shared/r
	ok "no permission before: exit 3" is "$status" 3
	ok "no permission before: named" err_has "--out shared/r"
	chmod 777 shared
	"${as_user[@]}" "$work/bench" run sendrecv --transport tcp -s 1k --poll event -D 200ms \
		--trials 4,4 --out "$work/shared/r" >out 2>err &
	client=$!
	within 30 rows_past shared/r 1
	chown root shared/r && chmod 755 shared/r
	ok "no permission in the middle: ends and says so" ends_with "Permission denied"
	ok "no permission in the middle: rows are whole" whole shared/r
else
	skip "a folder that is taken back" "needs root and setpriv"
fi

if [[ $(id -u) == 0 ]] && mkdir disk && mount -t tmpfs -o size=1m tmpfs disk 2>/dev/null; then
	mount -o remount,ro disk
	try "$bench" "${endless[@]}" --out disk/r
	ok "read-only before: exit 3" is "$status" 3
	ok "read-only before: said" err_has "disk/r: Read-only file system"
	mount -o remount,rw disk
	start_run "$work/disk/r"
	cat /dev/zero >disk/filler 2>/dev/null
	ok "full in the middle: ends and says so" ends_with "No space left on device"
	ok "full in the middle: rows and histograms are whole" whole disk/r
	rm disk/filler
	ok "with room again: it goes on" resumes disk/r
	umount disk
else
	skip "a full disk" "a file system of its own needs root"
fi

# A disk of its own: ext4 in a file, by a loop device.  Sets $device.
disk_of() { # IMAGE
	mkdir -p disk && mkfs.ext4 -q -F "$1" && mount_disk "$1"
}
mount_disk() { # IMAGE
	mount -o loop,errors=remount-ro "$1" disk &&
		device=$(basename "$(findmnt -no SOURCE disk)")
}
# What a power cut leaves: the kernel's own copies are gone, and the journal
# is replayed.
cut_power() { # IMAGE
	umount disk && { e2fsck -fp "$1" >/dev/null || (($? < 4)); } && mount_disk "$1"
}
# Some rows that are older than a second, and some that are not.
rows_of_two_seconds() {
	start_run "$work/disk/r"
	rows=$(wc -l <disk/r/sendrecv.csv)
	sleep 2
}
truncate -s 64M image
if [[ $(id -u) == 0 ]] && disk_of image 2>/dev/null; then
	if [[ -w /sys/fs/ext4/$device/trigger_fs_error ]]; then
		rows_of_two_seconds
		echo 1 >/sys/fs/ext4/"$device"/trigger_fs_error
		ok "turns read-only in the middle: ends and says so" \
			ends_with "Read-only file system"
		ok "turns read-only in the middle: whole rows" whole_rows disk/r/sendrecv.csv
		cut_power image
		ok "after a power cut: rows older than a second are there" \
			rows_past disk/r $((rows - 1))
		ok "after a power cut: it goes on" resumes disk/r
	else
		skip "a disk that turns read-only" "this ext4 has no trigger_fs_error"
	fi
	umount disk
	# Promised more than there is: write() succeeds, and only bringing it to
	# disk fails.
	mkdir thin && mount -t tmpfs -o size=32m tmpfs thin
	truncate -s 64M thin/image
	disk_of thin/image
	rows_of_two_seconds
	cat /dev/zero >thin/filler 2>/dev/null
	ok "a disk that fails in the middle: ends and says so" ends_with "disk/r/sendrecv"
	ok "a disk that fails in the middle: whole rows" whole_rows disk/r/sendrecv.csv
	rm thin/filler
	cut_power thin/image
	ok "and is mended: rows older than a second are there" rows_past disk/r $((rows - 1))
	ok "and is mended: it goes on" resumes disk/r
	umount disk thin
else
	skip "a disk that fails" "a disk of its own needs root, a loop device and ext4"
fi
done_testing
