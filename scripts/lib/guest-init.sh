#!/bin/busybox sh
# shellcheck shell=dash
# guest-init.sh: the initramfs's /init. Puts the host's root file system, read
# only, under an overlay that forgets, and goes on there with guest-job.sh.

b=/bin/busybox
p9=trans=virtio,version=9p2000.L,msize=512000

stop() {
	echo "rxe.sh guest: $*" >/dev/console
	$b poweroff -f
}

$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
while read -r module; do
	$b insmod "/modules/$module" || stop "cannot load $module"
done </modules/order

$b mount -t 9p -o "$p9,ro,cache=loose" host /host ||
	stop "cannot mount the host's root"
$b mount -t 9p -o "$p9,ro" job /job || stop "cannot mount the job"
# No tmpfs on /tmp: what the host has there is to be seen too.
$b mount -t tmpfs -o mode=755,size=75% tmpfs /tmpfs
$b mkdir /tmpfs/upper /tmpfs/work
$b mount -t overlay overlay /root \
	-o lowerdir=/host,upperdir=/tmpfs/upper,workdir=/tmpfs/work ||
	stop "cannot mount the overlay"

cd /root || stop "no root"
for dir in dev proc sys run; do
	[ -d $dir ] || $b mkdir -p $dir
done
for dir in dev proc sys; do
	$b mount --move /$dir $dir
done
$b mkdir -p dev/shm dev/pts
$b mount -t tmpfs -o mode=1777 tmpfs dev/shm
$b mount -t devpts -o ptmxmode=666 devpts dev/pts
$b mount -t tmpfs -o mode=755 tmpfs run
$b mkdir -p -m 1777 run/lock
$b mkdir -p run/rdmabench/job run/user
$b mount --move /job run/rdmabench/job

$b cp $b run/rdmabench/busybox
modules=$($b cat run/rdmabench/job/modules)
$b mkdir -p lib/modules
$b mount --bind "/host$modules" lib/modules
while read -r tag dir; do
	$b mkdir -p "/root$dir"
	$b mount -t 9p -o "$p9,cache=mmap" "$tag" "/root$dir" ||
		stop "cannot mount $dir"
done <run/rdmabench/job/rw

$b mount --move . /
exec $b chroot . /run/rdmabench/busybox sh /run/rdmabench/job/job.sh
