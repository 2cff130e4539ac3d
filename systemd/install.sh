#!/bin/sh
# Puts Yaoma on a Debian or Raspberry Pi OS machine, or takes it off again; `make install` and `make uninstall` call it.
#
#   install.sh install|uninstall      with DESTDIR for a staging root, PYTHON, PIP_ARGS for pip's first call
#
# Safe to call again: an update is the same call. Configuration, keys, state and users are never removed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
root=${DESTDIR:-}
root=${root%/}
case $root in "" | /*) ;; *) root=$PWD/$root ;; esac
python=${PYTHON:-python3}
venv=/opt/yaoma
lib=/usr/local/lib
programs="yaoma yaoma-bridge yaoma-tools"
units="yaoma.service yaoma-bridge.service yaoma-update.service yaoma-update.timer yaoma-update.path yaoma-gadget.service"
settings="sysusers.d/yaoma.conf tmpfiles.d/yaoma.conf modules-load.d/yaoma.conf"
rules=70-yaoma-scanners.rules

# Whether there is a running system to be told, and not only a folder to be filled.
is_live() {
    [ -z "$root" ] && [ -d /run/systemd/system ]
}

make_venv() {
    wanted=$("$python" -c 'import sys; print(*sys.version_info[:2])')
    found=$("$root$venv/bin/python" -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null || true)
    if [ "$wanted" != "$found" ]; then
        "$python" -m venv --clear "$root$venv"
    fi
}

install_package() {
    wheels=$(mktemp -d)
    trap 'rm -rf "$wheels"' EXIT
    pip="$root$venv/bin/python -m pip --disable-pip-version-check --quiet"
    $pip wheel --no-deps --wheel-dir "$wheels" "$source"
    wheel=$(echo "$wheels"/yaoma-*.whl)
    # The same version may hold other code, so ours is always laid down anew; libraries only if they are missing or old.
    $pip install --force-reinstall --no-deps "$wheel"
    # shellcheck disable=SC2086 # PIP_ARGS is a list of words
    $pip install ${PIP_ARGS:-} --constraint "$source/constraints.txt" "$wheel[box]"
    if [ -n "$root" ]; then
        # pip wrote the staging root into the programs' first lines
        grep -rlI --exclude-dir=lib "$root$venv" "$root$venv/bin" "$root$venv/pyvenv.cfg" |
            while read -r file; do sed -i "s|$root$venv|$venv|g" "$file"; done
    fi
    mkdir -p "$root/usr/local/bin"
    for program in $programs; do
        ln -sfn "$venv/bin/$program" "$root/usr/local/bin/$program"
    done
}

install_files() {
    for unit in $units; do
        install -D -m 644 "$here/$unit" "$root$lib/systemd/system/$unit"
    done
    for setting in $settings; do
        install -D -m 644 "$here/$setting" "$root$lib/$setting"
    done
    install -D -m 755 "$here/gadget.sh" "$root$lib/yaoma/gadget.sh"
    install -D -m 644 "$here/udev/$rules" "$root$lib/udev/rules.d/$rules"
    for config in yaoma bridge; do
        install -D -m 644 "$source/config/$config.toml" "$root/etc/yaoma/$config.toml.example"
    done
}

tell_system() {
    systemd-sysusers "$lib/sysusers.d/yaoma.conf"
    systemd-tmpfiles --create "$lib/tmpfiles.d/yaoma.conf"
    grep -v '^#' "$lib/modules-load.d/yaoma.conf" | while read -r module; do
        modprobe --quiet "$module" || echo "no module $module here" >&2
    done
    udevadm control --reload && udevadm trigger --subsystem-match=input \
        --subsystem-match=tty --subsystem-match=hidraw --subsystem-match=usb
    systemctl daemon-reload
    # shellcheck disable=SC2086 # a list of words
    systemctl try-restart $units
}

case ${1:-} in
install)
    make_venv
    install_package
    install_files
    if is_live; then tell_system; fi
    echo "已安装 / installed: $root$venv. 下一步 / next: systemd/README.md, \"After the installation\""
    ;;
uninstall)
    if is_live; then
        # shellcheck disable=SC2086 # a list of words
        systemctl disable --now $units || true
    fi
    for program in $programs; do rm -f "$root/usr/local/bin/$program"; done
    for unit in $units; do rm -f "$root$lib/systemd/system/$unit"; done
    for setting in $settings; do rm -f "$root$lib/$setting"; done
    rm -rf "$root$lib/yaoma"
    rm -f "$root$lib/udev/rules.d/$rules" "$root/etc/yaoma/yaoma.toml.example" "$root/etc/yaoma/bridge.toml.example"
    rm -rf "$root$venv"
    if is_live; then
        systemctl daemon-reload
        udevadm control --reload
    fi
    echo "已卸载；配置、密钥、记录仍在 / removed; still there: /etc/yaoma, /var/lib/yaoma, /var/lib/yaoma-bridge, the users"
    ;;
*)
    echo "install.sh install|uninstall" >&2
    exit 2
    ;;
esac
