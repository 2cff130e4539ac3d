#!/bin/sh
# Makes the guest's kernel out of Debian's own packages: vmlinuz, an initrd that mounts the root, and the modules.
#
#   kernel.sh FOLDER RELEASE      such as 6.1.0-56-amd64; writes FOLDER/vmlinuz, initrd.gz and modules.tar
#
# Nothing of it is installed on this machine but the headers that two modules are compiled against: v4l2loopback, which
# Debian ships as source, and gpio-sim, which Debian's kernel leaves out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
release=$2
work=$(mktemp -d)
# apt fetches as a user of its own
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

# What the guest's disk, console and agent need before its root is mounted, and everything that a test plugs in.
early="virtio_pci virtio_blk ext4"
late="virtio_console virtio_rng autofs4 configfs
  xhci_pci usbhid hid_generic evdev uinput uhid usbserial ftdi_sio cdc_acm
  dummy_hcd libcomposite usb_f_hid usb_f_acm videodev atkbd psmouse"

fetch() {
    mkdir -p "$work/debs"
    chmod 777 "$work/debs"
    (cd "$work/debs" && apt-get download -qq "$@")
}

fetch "linux-image-$release" v4l2loopback-dkms "linux-source-${release%%.0-*}"
dpkg-deb -x "$work"/debs/linux-image-*.deb "$work/kernel"
tree=$work/kernel/lib/modules/$release
install -m 644 "$work/kernel/boot/vmlinuz-$release" "$folder/vmlinuz"

headers=/usr/src/linux-headers-$release
dpkg-deb -x "$work"/debs/v4l2loopback-dkms_*.deb "$work/loopback"
loopback=$(echo "$work"/loopback/usr/src/v4l2loopback-*)
make -s -C "$headers" M="$loopback" modules

mkdir "$work/source" "$work/gpio"
dpkg-deb --fsys-tarfile "$work"/debs/linux-source-*.deb |
    tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
    tar -xJ -C "$work/source" --strip-components=1 --wildcards \
        '*/drivers/gpio/gpio-sim.c' '*/drivers/gpio/gpiolib.h' '*/kernel/irq/irq_sim.c'
cp "$work"/source/drivers/gpio/* "$work/source/kernel/irq/irq_sim.c" "$work/gpio/"
# irq_sim is written to be linked in: it lacks a licence, and raises interrupts by a call that modules do not have.
sed -i -e '1a #include <linux/module.h>' -e '$a MODULE_LICENSE("GPL");' \
    -e 's/handle_simple_irq(irq_to_desc(irqnum));/generic_handle_irq(irqnum);/' "$work/gpio/irq_sim.c"
echo 'obj-m := gpio-sim.o irq_sim.o' >"$work/gpio/Makefile"
make -s -C "$headers" M="$work/gpio" modules
install -D -m 644 -t "$tree/extra" "$loopback/v4l2loopback.ko" "$work/gpio/gpio-sim.ko" "$work/gpio/irq_sim.ko"
strip --strip-debug "$tree"/extra/*.ko
depmod -b "$work/kernel" "$release"

# Prints the files of modules and of what they depend on, in the order in which they can be loaded.
with_dependencies() {
    for module in "$@"; do
        modprobe -d "$work/kernel" -S "$release" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | awk '!seen[$0]++'
}

mkdir -p "$work/initrd/bin" "$work/initrd/mod" "$work/initrd/dev" "$work/initrd/proc" "$work/initrd/sys" \
    "$work/initrd/root"
cp "$(command -v busybox)" "$work/initrd/bin/busybox"
# shellcheck disable=SC2086 # lists of words
with_dependencies $early | while read -r file; do
    cp "$file" "$work/initrd/mod/"
    basename "$file"
done >"$work/order"
mv "$work/order" "$work/initrd/mod/order"
install -m 755 "$here/initrd-init" "$work/initrd/init"
(cd "$work/initrd" && find . | cpio -o -H newc --quiet | gzip -1) >"$folder/initrd.gz"

# shellcheck disable=SC2086
{
    with_dependencies $early $late v4l2loopback gpio-sim | sed "s|^$work/kernel/||"
    for list in modules.builtin modules.builtin.modinfo modules.order; do echo "lib/modules/$release/$list"; done
} | tar -C "$work/kernel" -cf "$folder/modules.tar" -T -
