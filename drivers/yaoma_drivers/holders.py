"""Find out which programs have a device open, as far as our user may see."""

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Holder", "holders", "spoken"]

_MAX_HOLDERS = 3


@dataclass(frozen=True, slots=True)
class Holder:
    """One program that has the device open.

    Args:
        process: Its process id.
        name: The name that the kernel has for it.
    """

    process: int
    name: str


def holders(node: Path, proc: Path = Path("/proc")) -> tuple[Holder, ...]:
    """Return the first programs that have a device node open, our own among them; those of other users need root.

    Args:
        node: The node itself, no link to it.
        proc: Where the kernel shows processes.
    """
    found: list[Holder] = []
    for process in sorted(int(name) for name in os.listdir(proc) if name.isdecimal()):  # noqa: PTH208 - names only
        if len(found) < _MAX_HOLDERS and _has_open(proc / str(process) / "fd", str(node)):
            found.append(Holder(process, _name(proc / str(process))))
    return tuple(found)


def spoken(node: Path, proc: Path = Path("/proc")) -> str:
    """Return words for who has a device open, to be put into a sentence.

    Args:
        node: The node itself, no link to it.
        proc: Where the kernel shows processes.
    """
    names = [
        "this program itself for another scanner"
        if holder.process == os.getpid()
        else f"{holder.name} (process {holder.process})"
        for holder in holders(node, proc)
    ]
    return ", ".join(names) or f"another user's program (as root: `fuser -v {node}`)"


def _has_open(folder: Path, target: str) -> bool:
    try:
        numbers = os.listdir(folder)  # noqa: PTH208 - names only
    except OSError:
        return False
    for number in numbers:
        try:
            if os.readlink(folder / number) == target:  # noqa: PTH115 - sockets and pipes are no paths
                return True
        except OSError:
            continue
    return False


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program"
