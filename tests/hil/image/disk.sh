#!/bin/sh
# Puts Debian, the kernel's modules and an installed Yaoma on a disk for the guest.
#
#   disk.sh FOLDER KERNEL ROOT      folders with modules.tar and root.tar; writes FOLDER/root.img
#
# Yaoma comes by the way that systemd/README.md gives for making an image: `make install DESTDIR=...`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../../.." && pwd)
folder=$1
kernel=$2
root=$3/root.tar
work=$(mktemp -d -p "$folder")
trap 'rm -rf "$work"' EXIT
disk=$work/disk
mkdir "$disk"
chmod 755 "$disk"
tar -C "$disk" -xf "$root" --exclude='./dev/*'
tar -C "$disk" --keep-directory-symlink -xf "$kernel/modules.tar"
depmod -b "$disk" "$(ls "$disk/lib/modules")"

make -C "$checkout" --no-print-directory install DESTDIR="$disk" PYTHON=/usr/bin/python3
systemd-sysusers --root="$disk"
systemd-tmpfiles --root="$disk" --create yaoma.conf

install -D -m 755 "$here/../guest/agent.py" "$disk/usr/local/lib/hil/agent.py"
install -D -m 644 "$here/hil-agent.service" "$disk/etc/systemd/system/hil-agent.service"
install -D -m 644 "$here/99-hil-agent.rules" "$disk/etc/udev/rules.d/99-hil-agent.rules"
# What a guest without a network and a screen would only wait for.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer getty@tty1.service; do
    rm -f "$disk"/etc/systemd/system/*.wants/"$unit"
done
for unit in serial-getty@.service systemd-firstboot.service systemd-binfmt.service \
    proc-sys-fs-binfmt_misc.automount systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    systemd-pcrphase.service systemd-pstore.service; do
    ln -sf /dev/null "$disk/etc/systemd/system/$unit"
done
echo counter >"$disk/etc/hostname"
echo '127.0.0.1 localhost counter' >"$disk/etc/hosts"
echo '/dev/vda / ext4 defaults,noatime 0 0' >"$disk/etc/fstab"
# The daemon wants a machine with an id, and a first boot would make one and restart half of systemd.
echo 0123456789abcdef0123456789abcdef >"$disk/etc/machine-id"

truncate -s 2500M "$folder/root.part.img"
mke2fs -q -t ext4 -F -O '^has_journal' -E lazy_itable_init=0,root_owner=0:0 -d "$disk" "$folder/root.part.img"
tune2fs -j "$folder/root.part.img" >/dev/null
mv "$folder/root.part.img" "$folder/root.img"
