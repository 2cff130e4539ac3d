"""The installed box as a program beside it sees it: its control socket and its log."""

import contextlib
import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

__all__ = ["ask", "log_lines", "place", "scanner", "scans", "wait_open", "wait_scanner"]

_SOCKET = "/run/yaoma/control.sock"
_DEVICE_FOLDERS = ("/dev/input/by-id", "/dev/input/by-path", "/dev/serial/by-id", "/dev/yaoma/by-path")


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """Ask the daemon one thing."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(60)
        line.connect(_SOCKET)
        line.sendall(json.dumps(request).encode() + b"\n")
        with line.makefile("rb") as answers:
            answer: dict[str, Any] = json.loads(answers.readline())
    return answer


def place() -> dict[str, Any]:
    """Give the end of the log, for `scans`."""
    return ask({"do": "scans"})


def scans(log: str, after: int, count: int, within_s: float, quiet_s: float) -> list[dict[str, Any]]:
    """Wait for so many scans and give what there is then, or once none has come for some seconds after the first."""
    found: list[dict[str, Any]] = []
    until_s = time.monotonic() + within_s
    while len(found) < count and time.monotonic() < until_s:
        answer = ask({"do": "scans", "log": log, "after": after, "wait_s": 1})
        log, after = answer["log"], answer["next"]
        found += answer["scans"]
        if answer["scans"] and quiet_s:
            until_s = time.monotonic() + quiet_s
    return found


def scanner(name: str) -> dict[str, Any]:
    """Give what the daemon says of one scanner."""
    (found,) = [one for one in ask({"do": "status"})["scanners"] if one["scanner"] == name]
    return dict(found)


def wait_scanner(name: str, reason: str, within_s: float) -> dict[str, Any]:
    """Wait until a scanner works, or does not for a reason; give what the daemon says of it."""
    until_s = time.monotonic() + within_s
    while (found := scanner(name))["reason"] != reason or found["working"] is bool(reason):
        if time.monotonic() > until_s:
            raise AssertionError(f"{name} does not become {reason or 'working'!r}: {found}")
        time.sleep(0.2)
    return found


def wait_open(pattern: str, within_s: float) -> str:
    """Wait until the daemon has a device open; give its node.

    Args:
        pattern: The device's path, a link or the like; or `uniq:` and the serial number of one without a link.
        within_s: How long it may take, in seconds.
    """
    until_s = time.monotonic() + within_s
    while True:
        nodes = {os.path.realpath(path) for path in _paths(pattern) if Path(path).exists()}
        if found := nodes & _open_files():
            return found.pop()
        if time.monotonic() > until_s:
            there = sorted(str(path) for folder in _DEVICE_FOLDERS for path in Path(folder).glob("*"))
            raise AssertionError(f"{pattern} is not open; it is {nodes or 'not there'}; there are {there}")
        time.sleep(0.1)


def _paths(pattern: str) -> list[str]:
    kind, _, serial = pattern.partition(":")
    if kind != "uniq":
        return [pattern]
    inputs = Path("/sys/class/input").glob("event*/device/uniq")
    raw = Path("/sys/class/hidraw").glob("hidraw*/device/uevent")
    found = [f"/dev/input/{file.parts[4]}" for file in inputs if file.read_text().strip() == serial]
    return found + [f"/dev/{file.parts[4]}" for file in raw if f"HID_UNIQ={serial}\n" in file.read_text()]


def _open_files() -> set[str]:
    """Give what the daemon has open now."""
    said = subprocess.run(["/bin/systemctl", "show", "-P", "MainPID", "yaoma"], capture_output=True, check=True)
    found = set()
    for link in Path(f"/proc/{int(said.stdout)}/fd").glob("*"):
        with contextlib.suppress(OSError):
            found.add(str(link.readlink()))
    return found


def log_lines(since: str) -> list[dict[str, Any]]:
    """Give the daemon's lines in the journal after a cursor, each with its fields."""
    said = subprocess.run(
        ["/usr/bin/journalctl", "-t", "yaoma", "-o", "json", f"--after-cursor={since}"],
        capture_output=True,
        check=True,
    )
    return [json.loads(line) for line in said.stdout.splitlines()]
