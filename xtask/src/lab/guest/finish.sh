# The end of a boot: everything that was found out goes to the disk, as one archive.
for block in /sys/block/nvme*; do
    [ "$(tr -d ' ' < $block/device/serial)" = lab-out ] && disk=/dev/${block##*/}
done
dmesg | tail -c 65536 > /lab/results/dmesg
echo complete > /lab/results/complete
tar -cf $disk -C /lab results
sync
echo "LAB finished" > /dev/ttyS0
