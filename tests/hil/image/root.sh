#!/bin/sh
# Makes the guest's Debian, as little of it as an installed box needs, from this machine's own package source.
#
#   root.sh FOLDER      writes FOLDER/root.tar
set -eu
folder=$1
# systemd and udev are what is tried; libzbar0 is what `make install` asks for and pip can't bring.
packages=systemd,systemd-sysv,udev,kmod,procps,e2fsprogs,python3,libzbar0

mmdebstrap --quiet --variant=minbase --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    bookworm "$folder/root.part.tar" /etc/apt/sources.list.d/debian.sources
mv "$folder/root.part.tar" "$folder/root.tar"
