"""Prepares the guest of the hardware tests: kernel, Debian, installed box, a saved boot; `make hil` calls it.

What is there already is left alone. Where no guest can be made, it says why and ends well: the tests then skip.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hil.layers import CACHE, Layers, layers, newest_guest, remove_others
from hil.machine import QEMU, Machine
from yaoma_link.identity import make_sealing_key, make_signer
from yaoma_tools.signed_list import ListSource, sign_list

_PROGRAMS = {
    QEMU: "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "depmod": "kmod",
    "cpio": "cpio",
    "zstd": "zstd",
    "busybox": "busybox-static",
    "gcc-12": "gcc-12",
    "xz": "xz-utils",
}

_HERE = Path(__file__).parent
_SITE, _BOX = "H32132200561", "counter-1"
_DAY_MS = 24 * 3600 * 1000

#: The emulated processor is slow, and others may use this machine.
_START_S = 900.0

#: The packs that the guest's list has; each test takes some of its own.
_PRODUCT = "8101001"
_PACKS = 400


class NoGuestError(Exception):
    """No guest can be made on this machine; the sentence says why."""


def obstacle() -> str:
    """Say why no guest can be made here, or nothing."""
    os_release = Path("/etc/os-release")
    if platform.machine() != "x86_64" or "VERSION_CODENAME=bookworm" not in (
        os_release.read_text() if os_release.exists() else ""
    ):
        return "hardware tests need Debian 12 on x86-64: the guest is made of this machine's own packages"
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program, path=_path()) is None]
    if missing and os.geteuid() != 0:
        return f"hardware tests need: sudo apt-get install --no-install-recommends {' '.join(missing)}"
    return ""


def prepare(*, keep: bool = False) -> Layers:
    """Build what is missing of the guest and give its layers.

    Args:
        keep: Be content with a guest of older sources.

    Raises:
        NoGuestError: If none can be made here.
    """
    if why := obstacle():
        raise NoGuestError(why)
    os.environ["PATH"] = _path()
    _install_programs()
    wanted = layers()
    if keep:
        wanted = newest_guest(wanted)
    if wanted.state.exists():
        return wanted
    if os.geteuid() != 0:
        raise NoGuestError("hardware tests need root to build their guest: sudo make hil")
    CACHE.mkdir(exist_ok=True)
    _once(wanted.kernel, "vmlinuz", lambda folder: _make_kernel(folder, wanted.release))
    _once(wanted.debian, "root.tar", lambda folder: _run(_HERE / "image/root.sh", folder))
    _once(
        wanted.installed, "root.img", lambda folder: _run(_HERE / "image/disk.sh", folder, wanted.kernel, wanted.debian)
    )
    _once(wanted.guest, "booted.state", lambda _: _boot(wanted))
    remove_others(wanted)
    return wanted


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _install_programs() -> None:
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        _apt_install(*missing)


def _apt_install(*packages: str) -> None:
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoGuestError(f"hardware tests need {', '.join(packages)}; apt-get: {done.stderr.strip()[-300:]}")


def _make_kernel(folder: Path, release: str) -> None:
    if not Path(f"/usr/src/linux-headers-{release}").exists():
        _apt_install(f"linux-headers-{release}")
    _run(_HERE / "image/kernel.sh", folder, release)


def _once(folder: Path, last_file: str, make: Callable[[Path], None]) -> None:
    if not (folder / last_file).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _timed(folder.name, lambda: make(folder))


def _timed(what: str, do: Callable[[], None]) -> None:
    began_s = time.monotonic()
    do()
    print(f"hil: {what}: {time.monotonic() - began_s:.0f} s", flush=True)  # noqa: T201 - the program's own word


def _run(script: Path, *arguments: Path | str) -> None:
    subprocess.run([str(script), *map(str, arguments)], stdin=subprocess.DEVNULL, check=True)


def _boot(made: Layers) -> None:
    """Boot the disk, put the box into service as systemd/README.md says, and save the running guest."""
    below = f"../{made.installed.name}/{made.disk.name}"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", below, "-F", "raw", str(made.booted)], check=True)
    with Machine(made.kernel, made.booted, keeps=True) as guest:
        guest.shell(f"date -s @{time.time():.3f}")
        guest.put("/etc/udev/rules.d/69-yaoma-local.rules", (_HERE / "image/69-yaoma-local.rules").read_text())
        guest.put("/etc/yaoma/yaoma.toml", (_HERE / "image/yaoma.toml").read_text())
        _give_keys_and_list(guest)
        # The box's own gadget takes one of the ports, the tests' scanners the others.
        guest.shell("modprobe dummy_hcd num=4 is_super_speed=0 is_high_speed=1")
        guest.shell("modprobe -a libcomposite usb_f_hid usb_f_acm uhid usbhid ftdi_sio cdc_acm configfs")
        _make_the_box_a_keyboard(guest)
        guest.agent.call("pins:make", chip="lamps", names=["HIL-GREEN", "HIL-WHITE", "HIL-BUZZER"])
        guest.shell("modprobe v4l2loopback video_nr=9 exclusive_caps=1 card_label=Counter")
        guest.shell("udevadm control --reload && udevadm settle")
        # The unit's limit is for a board; an emulated processor on a busy machine takes minutes to import everything.
        guest.put("/etc/systemd/system/yaoma.service.d/emulated.conf", f"[Service]\nTimeoutStartSec={_START_S:.0f}\n")
        guest.shell("systemctl daemon-reload && systemctl enable yaoma && systemctl start --no-block yaoma")
        guest.wait_active("yaoma", _START_S)
        guest.shell("systemctl is-system-running --wait", checked=False, deadline_s=120)
        guest.shell("sync")
        guest.save(made.guest / "part.state")
    (made.guest / "part.state").rename(made.state)


def _make_the_box_a_keyboard(guest: Machine) -> None:
    """Make the gadget of the pass-through, as a board with a socket for it does at its start: first, so /dev/hidg0."""
    guest.agent.call(
        "gadget:add",
        name="till",
        vendor="1d6b",
        product="0104",
        serial="HIL-TILL",
        maker="Yaoma",
        model="Counter",
        function="keyboard",
    )


def _give_keys_and_list(guest: Machine) -> None:
    """Make keys in the guest, hand them over as credentials, and sign a list for the site."""
    guest.shell(
        f"yaoma keys new {_SITE}/{_BOX} /root/keys && install -d -m 700 /etc/credstore"
        " && install -m 600 /root/keys/signing.key /etc/credstore/yaoma.signing.key"
        " && install -m 600 /root/keys/salt /etc/credstore/yaoma.salt && rm -r /root/keys",
        deadline_s=180,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for key in ("bridge", "list"):
            signer = make_signer(folder / f"{key}.pem", f"yaoma-{key}")
            guest.put(f"/etc/yaoma/{key}.vkey", f"{signer.verifier()}\n")
        guest.put("/etc/yaoma/seal.pub", f"{make_sealing_key(folder / 'seal', 'bridge').public}\n")
        codes = folder / "codes.jsonl"
        codes.write_text("".join(f'{{"code": "{_PRODUCT}{number:09}{number:04}"}}\n' for number in range(_PACKS)))
        products = folder / "products.jsonl"
        products.write_text(f'{{"key": "{_PRODUCT}", "name": "示例胶囊"}}\n')
        now_ms = time.time_ns() // 1_000_000
        source = ListSource(
            site=_SITE,
            version=1,
            issued_ms=now_ms,
            expires_ms=now_ms + 3650 * _DAY_MS,
            codes=codes,
            products=products,
            denials=None,
        )
        sign_list(folder / "list.signed", source, signer)
        guest.put("/etc/yaoma/list.signed", (folder / "list.signed").read_text())


if __name__ == "__main__":
    try:
        prepare(keep="--keep" in sys.argv)
    except NoGuestError as error:
        print(error)  # noqa: T201 - the program's own word
