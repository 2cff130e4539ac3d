"""Runs `yaoma` under the system calls, address families and memory rule of its unit file; what systemd would do."""

import ctypes
import errno
import re
import socket
import struct
import subprocess
from pathlib import Path

UNIT = Path(__file__).parents[2] / "systemd" / "yaoma.service"
NUMBERS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")

_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_NR, _ARCH, _ARGUMENT = 0, 4, 16
_X86_64 = 0xC000003E
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NO_NEW_PRIVILEGES, _SECCOMP, _DENY_WRITE_EXECUTE = 38, 22, 65
_FILTER_MODE = 2


def settings(name: str) -> list[str]:
    """Give the values of a setting of the unit, in order."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)


def members(group: str) -> set[str]:
    """Give the system calls of a group of systemd's, groups in it included."""
    if not group.startswith("@"):
        return {group}
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", group], capture_output=True, text=True, check=True
    ).stdout
    names = [line.strip() for line in said.split("\n")[1:] if line.strip() and "#" not in line]
    return set().union(*(members(name) for name in names))


def allowed() -> set[str]:
    """Give the system calls that the unit leaves."""
    # @default is always in an allow list (systemd.exec(5))
    left = members("@default")
    for value in settings("SystemCallFilter"):
        groups: set[str] = set().union(*(members(name) for name in value.removeprefix("~").split()))
        left = left - groups if value.startswith("~") else left | groups
    return left


def program() -> bytes:
    """Write the filter: every other system call fails with EPERM."""
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text()))
    families = [getattr(socket, name) for name in settings("RestrictAddressFamilies")[0].split()]
    code = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _X86_64), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NR)]
    for name in sorted((allowed() - {"socket"}) & numbers.keys()):
        code += [(_EQUAL, 0, 1, int(numbers[name])), (_RETURN, 0, 0, _ALLOW)]
    code += [
        (_EQUAL, 1, 0, int(numbers["socket"])),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_LOAD, 0, 0, _ARGUMENT),
    ]
    for family in families:
        code += [(_EQUAL, 0, 1, family), (_RETURN, 0, 0, _ALLOW)]
    code.append((_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT))
    return b"".join(struct.pack("HBBI", *one) for one in code)


def restrict() -> None:
    """Take from this process, for good, what the unit takes."""
    code = program()
    libc = ctypes.CDLL(None, use_errno=True)
    octets = ctypes.create_string_buffer(code, len(code))
    filter_program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(octets)))
    for arguments in (
        (_NO_NEW_PRIVILEGES, 1, 0, 0, 0),
        (_DENY_WRITE_EXECUTE, 1, 0, 0, 0),
        (_SECCOMP, _FILTER_MODE, ctypes.addressof(filter_program), 0, 0),
    ):
        if libc.prctl(*(ctypes.c_ulong(one) for one in arguments)):
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    restrict()
    from yaoma.cli.main import main

    main()
