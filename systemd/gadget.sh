#!/bin/sh
# Makes this board a USB keyboard for the till at the other end of its cable (configfs), and takes that away again.
#
#   gadget.sh start|stop       as root; yaoma-gadget.service calls it
#
# The board's USB port must be able to be a device: on a Raspberry Pi `dtoverlay=dwc2` in /boot/firmware/config.txt (Zero,
# Zero 2, 4 and 5 by the USB-C socket, which then gets its power by the pins or a splitter). What types is /dev/hidg0.
set -eu

configfs=${YAOMA_CONFIGFS:-/sys/kernel/config}
controllers=${YAOMA_CONTROLLERS:-/sys/class/udc}
gadget=$configfs/usb_gadget/yaoma
keyboard=$gadget/functions/hid.keyboard

# Boot keyboard: eight modifiers, one byte of nothing, six keys; five lamps back (USB HID 1.11, appendices B.1 and E.6).
descriptor='\005\001\011\006\241\001\005\007\031\340\051\347\025\000\045\001\165\001\225\010\201\002'\
'\225\001\165\010\201\003\225\005\165\001\005\010\031\001\051\005\221\002\225\001\165\003\221\003'\
'\225\006\165\010\025\000\045\145\005\007\031\000\051\145\201\000\300'

serial() {
    # The board's own number, so that a till knows the keyboard again; never the machine's id, which is nobody's business.
    number=/sys/firmware/devicetree/base/serial-number
    if [ -r "$number" ]; then tr -d '\0\n' < "$number"; else echo 0; fi
}

start() {
    if [ -s "$gadget/UDC" ] && [ -n "$(cat "$gadget/UDC")" ]; then
        return 0
    fi
    if [ "$configfs" = /sys/kernel/config ]; then
        modprobe libcomposite
        mountpoint -q "$configfs" || mount -t configfs none "$configfs"
    fi
    controller=$(ls "$controllers" 2>/dev/null | head -n 1)
    if [ -z "$controller" ]; then
        echo "no USB port of this board can be a device; on a Raspberry Pi: dtoverlay=dwc2 in /boot/firmware/config.txt" >&2
        exit 1
    fi
    mkdir -p "$gadget/strings/0x409" "$gadget/configs/c.1/strings/0x409" "$keyboard"
    # The Linux Foundation's numbers for a gadget; a till needs no driver of ours.
    echo 0x1d6b > "$gadget/idVendor"
    echo 0x0104 > "$gadget/idProduct"
    echo 0x0100 > "$gadget/bcdDevice"
    echo 0x0200 > "$gadget/bcdUSB"
    serial > "$gadget/strings/0x409/serialnumber"
    echo Yaoma > "$gadget/strings/0x409/manufacturer"
    echo "Yaoma keyboard" > "$gadget/strings/0x409/product"
    # It has power of its own and may wake the till up.
    echo 0xe0 > "$gadget/configs/c.1/bmAttributes"
    echo 2 > "$gadget/configs/c.1/MaxPower"
    echo keyboard > "$gadget/configs/c.1/strings/0x409/configuration"
    echo 1 > "$keyboard/protocol"
    echo 1 > "$keyboard/subclass"
    echo 8 > "$keyboard/report_length"
    # shellcheck disable=SC2059 # the descriptor is the format
    printf "$descriptor" > "$keyboard/report_desc"
    # Newer kernels can wake a sleeping till when something is typed.
    if [ -e "$keyboard/wakeup_on_write" ]; then echo 1 > "$keyboard/wakeup_on_write"; fi
    ln -sfn "$keyboard" "$gadget/configs/c.1/hid.keyboard"
    echo "$controller" > "$gadget/UDC"
}

stop() {
    [ -d "$gadget" ] || return 0
    echo "" > "$gadget/UDC" || true
    rm -f "$gadget/configs/c.1/hid.keyboard"
    for folder in configs/c.1/strings/0x409 configs/c.1 functions/hid.keyboard strings/0x409 .; do
        rmdir "$gadget/$folder" || true
    done
}

case ${1:-} in
start) start ;;
stop) stop ;;
*)
    echo "gadget.sh start|stop" >&2
    exit 2
    ;;
esac
