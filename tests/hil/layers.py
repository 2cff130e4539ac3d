"""Layers: what the guest is built from, each kept in a folder named after the hash of its inputs."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from hil.machine import QEMU, words_of_the_guest

__all__ = ["CACHE", "CHECKOUT", "Layers", "layers", "newest_guest", "remove_others"]

CHECKOUT = Path(__file__).parents[2]
CACHE = CHECKOUT / ".hil"
_HERE = Path(__file__).parent

#: What `make install` lays on the disk.
_INSTALLED = (
    "daemon",
    "drivers",
    "firmware-tools",
    "config",
    "systemd",
    "asyncapi.yaml",
    "pyproject.toml",
    "constraints.txt",
)
_NOT_INSTALLED = {"__pycache__", "README.md"}
_LAYERS = ("kernel", "debian", "disk", "guest")


@dataclass(frozen=True, slots=True)
class Layers:
    """Where the parts of a guest lie, or will.

    Args:
        release: The kernel's release, such as 6.1.0-56-amd64.
        kernel: Folder with kernel, initrd and modules.
        debian: Folder with Debian's root.
        installed: Folder with the disk on which Yaoma is installed.
        guest: Folder with what the booted guest has changed on that disk, and its state.
    """

    release: str
    kernel: Path
    debian: Path
    installed: Path
    guest: Path

    @property
    def disk(self) -> Path:
        """The disk as it was built."""
        return self.installed / "root.img"

    @property
    def booted(self) -> Path:
        """What the booted guest has changed on it."""
        return self.guest / "booted.qcow2"

    @property
    def state(self) -> Path:
        """The booted guest itself; there once all is built."""
        return self.guest / "booted.state"


def layers() -> Layers:
    """Name the layers that fit this checkout and this machine.

    Raises:
        FileNotFoundError: If a program of Debian's or QEMU is missing.
        subprocess.CalledProcessError: If one of them fails.
    """
    release = _kernel_release()
    kernel = _key([release], [_HERE / "image/kernel.sh", _HERE / "image/initrd-init"])
    debian = _key([], [_HERE / "image/root.sh"])
    qemu = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True).stdout
    image = _HERE / "image"
    on_the_disk = [
        image / "disk.sh",
        image / "hil-agent.service",
        image / "99-hil-agent.rules",
        _HERE / "guest/agent.py",
    ]
    installed = _key([kernel, debian], [*on_the_disk, *_installed()])
    boot = [_HERE / "prepare.py", image / "yaoma.toml", image / "69-yaoma-local.rules"]
    guest = _key([installed, qemu, *words_of_the_guest()], boot)
    folders = (CACHE / f"{name}-{key}" for name, key in zip(_LAYERS, (kernel, debian, installed, guest), strict=True))
    return Layers(release, *folders)


def newest_guest(wanted: Layers) -> Layers:
    """Name the guest that was built last, of whatever sources; the wanted one if there is none."""
    built = sorted(CACHE.glob("guest-*/booted.state"), key=lambda state: state.stat().st_mtime)
    return replace(wanted, guest=built[-1].parent) if built else wanted


def remove_others(kept: Layers) -> None:
    """Remove what was built of other inputs: a guest takes more than a gigabyte."""
    for folder in CACHE.iterdir():
        if folder not in {kept.kernel, kept.debian, kept.installed, kept.guest}:
            shutil.rmtree(folder)


def _kernel_release() -> str:
    """Ask apt which kernel Debian has now."""
    done = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=True)
    (package,) = {line.split()[1] for line in done.stdout.splitlines() if "Depends: linux-image-" in line}
    return package.removeprefix("linux-image-")


def _installed() -> list[Path]:
    found: list[Path] = []
    for name in _INSTALLED:
        place = CHECKOUT / name
        found += [place] if place.is_file() else [file for file in sorted(place.rglob("*")) if file.is_file()]
    return [file for file in found if not _NOT_INSTALLED & set(file.parts)]


def _key(words: Iterable[str], files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode() + b"\0")
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(CHECKOUT)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]
