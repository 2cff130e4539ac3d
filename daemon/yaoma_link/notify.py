"""Notify: readiness, status and watchdog for systemd, and nothing at all when not under it."""

import contextlib
import os

try:
    from systemd.daemon import notify as _systemd_notify
except ImportError:  # an extra: absent on a developer's machine and in some containers
    _systemd_notify = None

__all__ = ["Notify"]


class Notify:
    """Tell systemd how the service is; every call is a no-op without NOTIFY_SOCKET (sd_notify(3))."""

    def __init__(self) -> None:
        self._listened_to = _systemd_notify is not None and bool(os.environ.get("NOTIFY_SOCKET"))

    @property
    def is_listened_to(self) -> bool:
        """Whether anybody hears what is said here."""
        return self._listened_to

    @property
    def watchdog_s(self) -> float:
        """How often systemd wants to hear of us at least, in seconds; 0 if it does not watch this process."""
        meant = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        wanted_us = os.environ.get("WATCHDOG_USEC", "")
        return int(wanted_us) / 1_000_000 if self._listened_to and meant and wanted_us.isdecimal() else 0.0

    def ready(self, status: str = "") -> None:
        """Say that start-up is over; dependants may start."""
        self._say("READY=1", status)

    def status(self, status: str) -> None:
        """Show one line in `systemctl status`."""
        self._say(status=status)

    def watchdog(self) -> None:
        """Say that every worker still makes progress."""
        self._say("WATCHDOG=1")

    def extend_start(self, by_s: float) -> None:
        """Ask for more time while a long start makes progress (`EXTEND_TIMEOUT_USEC`, sd_notify(3)).

        Args:
            by_s: How long nothing more may be heard, in seconds.
        """
        self._say(f"EXTEND_TIMEOUT_USEC={round(by_s * 1_000_000)}")

    def stopping(self, status: str = "") -> None:
        """Say that an orderly stop has begun."""
        self._say("STOPPING=1", status)

    def _say(self, state: str = "", status: str = "") -> None:
        if not self._listened_to:
            return
        # a line break in the status would be read as another assignment
        line = f"STATUS={' '.join(status.split())}" if status else ""
        # A word that is lost must not end what it speaks of; without words systemd's watchdog starts us anew.
        with contextlib.suppress(OSError):
            _systemd_notify("\n".join(part for part in (state, line) if part))
