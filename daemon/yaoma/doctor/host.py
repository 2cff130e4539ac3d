"""Host: the machine as the doctor looks at it; another root makes it a machine of a test's own."""

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Account", "Host", "Process", "account_of", "group_name", "may"]

_READ: Final = 4
_WRITE: Final = 2


@dataclass(frozen=True, slots=True)
class Process:
    """A running program.

    Args:
        number: Its process id.
        name: The name that the kernel has for it.
        terminal: The device number of its controlling terminal, 0 if it has none.
    """

    number: int
    name: str
    terminal: int


@dataclass(frozen=True, slots=True)
class Host:
    """Where the system tells about itself.

    Args:
        root: The root of its file tree.
    """

    root: Path = Path("/")

    @property
    def proc(self) -> Path:
        """The kernel's processes."""
        return self.root / "proc"

    @property
    def sys(self) -> Path:
        """The kernel's devices."""
        return self.root / "sys"

    @property
    def run(self) -> Path:
        """What running services tell."""
        return self.root / "run"

    @property
    def etc(self) -> Path:
        """What the administrator has set."""
        return self.root / "etc"

    def text(self, path: Path) -> str:
        """Read a small file; empty if it is not there or may not be read."""
        try:
            return path.read_text("utf-8", errors="replace").strip(" \t\r\n\0")
        except OSError:
            return ""

    def processes(self) -> Iterator[Process]:
        """Give every process that can be seen; other users' too, but for their open files."""
        try:
            numbers = sorted(int(path.name) for path in self.proc.iterdir() if path.name.isdecimal())
        except OSError:
            return
        for number in numbers:
            # The name stands in brackets and may hold brackets and spaces itself (proc(5)).
            head, _, tail = self.text(self.proc / str(number) / "stat").rpartition(")")
            fields = tail.split()
            if head and len(fields) > _TTY:
                yield Process(number, head.partition("(")[2], int(fields[_TTY]))


#: `tty_nr` is field 7 of proc(5)'s stat; the fields after the name begin with number 3.
_TTY: Final = 4


@dataclass(frozen=True, slots=True)
class Account:
    """A user and the groups that count for what it may open.

    Args:
        name: Its name, or its number if it has none.
        uid: Its number.
        gids: Numbers of its groups.
    """

    name: str
    uid: int
    gids: frozenset[int]


def account_of(uid: int) -> Account:
    """Give a user with all groups.

    Args:
        uid: The user's number.
    """
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(str(uid), uid, frozenset())
    return Account(entry.pw_name, uid, frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid)))


def group_name(gid: int) -> str:
    """Give a group's name, or its number if it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def may(account: Account, status: os.stat_result, *, write: bool = False) -> bool:
    """Tell whether a user may open a file by its mode; access lists and folders above it are not looked at.

    Args:
        account: The user.
        status: Of the file.
        write: For reading and writing, not only for reading.
    """
    if account.uid == 0:
        return True
    if account.uid == status.st_uid:
        shift = 6
    elif status.st_gid in account.gids:
        shift = 3
    else:
        shift = 0
    wanted = _READ | (_WRITE if write else 0)
    return stat.S_IMODE(status.st_mode) >> shift & wanted == wanted
