"""State folder: is it on a real disk, writable, fast and roomy enough, and does it belong to one user alone."""

import contextlib
import ctypes
import errno
import os
import secrets
import stat
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yaoma.config.model import StateConfig
from yaoma.doctor.finding import Fact, Finding, Group, ok, trouble, warning
from yaoma.doctor.host import account_of

__all__ = ["FileSystem", "check_disk", "check_owner", "look", "time_fsync"]

_STATE: Final = Group.STATE

#: statfs(2) and linux/magic.h. What lies there is gone at power-off (SCANNERS.md 7, read-only root).
_VOLATILE: Final = {0x01021994: "tmpfs", 0x858458F6: "ramfs", 0x794C7630: "overlay", 0x73717368: "squashfs"}

#: No file locks or no ordered writes as SQLite needs them.
_UNFIT: Final = {
    0x4D44: "FAT",
    0x2011BAB0: "exFAT",
    0x6969: "NFS",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB",
    0x65735546: "FUSE",
    0x5346544E: "NTFS",
    0x7366746E: "NTFS",
}

#: A verdict has 100 ms (DESIGN.md 3, promise 6); a card that needs more than half of it for the commit is a poor one.
_SLOW_FSYNC_MS: Final = 50.0
_ROUNDS: Final = 20
_PROBE_BYTES: Final = 4096
_MB: Final = 1_000_000


class _Statfs(ctypes.Structure):
    """`struct statfs` of Linux on 64-bit machines; what follows the type is only room."""

    _fields_ = (("type", ctypes.c_long), ("rest", ctypes.c_long * 31))


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What a folder lies on.

    Args:
        magic: The kernel's number of its kind.
        free_bytes: What the daemon may still use.
        is_read_only: Whether it is mounted read-only.
    """

    magic: int
    free_bytes: int
    is_read_only: bool


def look(folder: Path) -> FileSystem:
    """Ask the kernel.

    Raises:
        OSError: If the folder is not there.
    """
    answer = os.statvfs(folder)
    libc = ctypes.CDLL(None, use_errno=True)
    found = _Statfs()
    if libc.statfs(os.fsencode(folder), ctypes.byref(found)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(folder))
    return FileSystem(found.type & 0xFFFFFFFF, answer.f_bavail * answer.f_frsize, bool(answer.f_flag & os.ST_RDONLY))


def time_fsync(folder: Path, rounds: int = _ROUNDS) -> list[float]:
    """Write and sync a small file again and again, as commits do; it is gone afterwards.

    Args:
        folder: Where.
        rounds: How often.

    Returns:
        Milliseconds of each round.

    Raises:
        OSError: If the disk refuses.
    """
    probe = folder / f".doctor-{secrets.token_hex(4)}"
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        times = []
        for _ in range(rounds):
            begun_s = time.perf_counter()
            os.write(descriptor, bytes(_PROBE_BYTES))
            os.fsync(descriptor)
            times.append((time.perf_counter() - begun_s) * 1000)
        return times
    finally:
        probe.unlink()
        os.close(descriptor)


def check_disk(
    state: StateConfig,
    *,
    look: Callable[[Path], FileSystem] = look,
    time_fsync: Callable[[Path], list[float]] = time_fsync,
) -> list[Finding]:
    """Look at the file system under the state folder.

    Args:
        state: Where it is and how much room it needs.
        look: Asks the kernel.
        time_fsync: Measures; raises OSError where nothing can be written.
    """
    folder, findings = state.folder, list[Finding]()
    if not folder.is_dir():
        findings.append(warning(_STATE, "doctor.state_absent", folder=str(folder)))
        folder = next(parent for parent in folder.parents if parent.is_dir())
    try:
        found = look(folder)
    except OSError as error:
        return [trouble(_STATE, "doctor.state_unreadable", _words(error), folder=str(folder))]
    place: dict[str, Fact] = {"folder": str(folder), "free_mb": found.free_bytes // _MB}
    if kind := _VOLATILE.get(found.magic):
        findings.append(trouble(_STATE, "doctor.state_volatile", kind=kind, **place))
    elif kind := _UNFIT.get(found.magic):
        findings.append(trouble(_STATE, "doctor.state_unfit", kind=kind, **place))
    if found.is_read_only:
        return [*findings, trouble(_STATE, "doctor.state_read_only", **place)]
    if found.free_bytes < state.min_free_mb * _MB:
        return [*findings, trouble(_STATE, "doctor.disk_full", least_mb=state.min_free_mb, **place)]
    if found.free_bytes < state.warn_free_mb * _MB:
        findings.append(warning(_STATE, "doctor.disk_low", least_mb=state.warn_free_mb, **place))
    try:
        median_ms = statistics.median(time_fsync(folder))
    except OSError as error:
        return [*findings, trouble(_STATE, _refusal(error), _words(error), **place)]
    if median_ms > _SLOW_FSYNC_MS:
        findings.append(warning(_STATE, "doctor.disk_slow", median_ms=round(median_ms), **place))
    return findings or [ok(_STATE, "doctor.disk_sound", fsync_ms=f"{median_ms:.1f}", **place)]


def check_owner(state: StateConfig) -> list[Finding]:
    """See that the folder is closed to others and that everything in it belongs to one user.

    A daemon that was once started by hand as root leaves files that the service can't open.

    Args:
        state: Where it is.
    """
    folder = state.folder
    try:
        status = folder.stat()
        inside = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".doctor-")]
    except FileNotFoundError:
        return []
    except OSError as error:
        return [trouble(_STATE, "doctor.state_unreadable", _words(error), folder=str(folder))]
    owner = account_of(status.st_uid).name
    facts = {"folder": str(folder), "owner": owner, "mode": f"{stat.S_IMODE(status.st_mode):04o}"}
    findings = []
    if stat.S_IMODE(status.st_mode) & 0o077:
        findings.append(warning(_STATE, "doctor.state_open", **facts))
    for path in inside:
        with contextlib.suppress(OSError):
            if path.lstat().st_uid != status.st_uid:
                findings.append(trouble(_STATE, "doctor.state_foreign", file=path.name, **facts))
                break
    return findings or [ok(_STATE, "doctor.state_owned", **facts)]


def _refusal(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "doctor.disk_full"
        case errno.EROFS:
            return "doctor.state_read_only"
        case errno.EACCES | errno.EPERM:
            return "doctor.state_not_permitted"
    return "doctor.disk_failing"


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__
