"""Machine: names what the bench runs on; without that a rate says nothing."""

import os
import platform
import sqlite3
from pathlib import Path

__all__ = ["describe", "mount_of"]


def describe(folder: Path) -> list[str]:
    """Name processor, cores, kernel, disk, load and the versions that matter.

    Args:
        folder: Where the bench writes.
    """
    device, kind, options = mount_of(folder)
    load = " ".join(f"{part:.1f}" for part in os.getloadavg())
    return [
        f"machine   {_processor()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB; Linux {platform.release()}",
        f"disk      {device} {_model(device)}, {kind} ({options})",
        f"software  Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; load {load}",
    ]


def mount_of(folder: Path) -> tuple[str, str, str]:
    """Give device, kind and options of the file system that a folder lies on."""
    place = folder.resolve()
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    above = [mount for mount in mounts if place.is_relative_to(mount[1].replace("\\040", " "))]
    device, _, kind, options = max(above, key=lambda mount: len(mount[1]))[:4]
    return device, kind, options


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"model name", "Model"}:
            return value.strip()
    return platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _model(device: str) -> str:
    name = Path(device).name.rstrip("0123456789").rstrip("p")
    for path in (Path("/sys/block") / name / "device/model", Path("/sys/block") / name / "device/name"):
        if path.exists():
            return path.read_text().strip()
    return "(no model named)"
