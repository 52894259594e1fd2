#!/usr/bin/busybox sh
# PID 1: makes a system of a busybox, runs the scenarios, switches the machine off.
b=/usr/bin/busybox
$b mkdir -p /proc /sys /dev /run /tmp /etc /var/tmp /root /home/tester /lab /usr/sbin /usr/lib /usr/lib64
$b --install -s /usr/bin
for d in bin sbin lib lib64; do $b ln -s usr/$d /$d; done
export PATH=/usr/bin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t cgroup2 none /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
echo "LAB up $(cut -d' ' -f1 /proc/uptime) $(uname -r)" > /dev/ttyS0
chmod 1777 /tmp /var/tmp
printf 'root:x:0:0::/root:/bin/sh\ntester:x:1000:1000::/home/tester:/bin/sh\n' > /etc/passwd
printf 'root:x:0:\ntester:x:1000:\n' > /etc/group
chown 1000:1000 /home/tester
ip link set lo up
for block in /sys/block/nvme*; do
    [ "$(tr -d ' ' < $block/device/serial)" = lab-in ] && tar -xf /dev/${block##*/} -C /lab
done
sh /lab/run.sh root
sh /lab/finish.sh
poweroff -f
