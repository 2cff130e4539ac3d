"""Typed capture: the raw keys of one scan from one of several devices that a technician has named."""

import select
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from yaoma_drivers.key_decoder import KeyEvent, KeyState
from yaoma_drivers.key_device import KeyDevice
from yaoma_drivers.typed_scan import TypedScan, has_typed

__all__ = ["Captured", "TypedCapture"]

#: So long after the last key a scan is over; wireless scanners pause inside one for less.
_QUIET_S: Final = 0.6

#: A signed control code typed as Alt and numbers is shorter; what is longer is no sheet of ours.
_MAX_EVENTS: Final = 8192


@dataclass(frozen=True, slots=True)
class Captured:
    """A scan and who typed it.

    Args:
        name: The device, as it was named.
        scan: What it typed.
    """

    name: str
    scan: TypedScan


@dataclass(slots=True)
class _Pending:
    state: KeyState
    events: list[KeyEvent] = field(default_factory=list, repr=False)
    last_s: float = 0.0

    @property
    def has_begun(self) -> bool:
        return has_typed(self.events)


class TypedCapture:
    """Collects what devices type, each for itself; at their end they are given back by whoever has opened them.

    Args:
        devices: Open devices by name.
        now_s: The clock, in seconds.

    Raises:
        OSError: A device went while it was asked for its state.
    """

    def __init__(self, devices: Mapping[str, KeyDevice], now_s: Callable[[], float] = time.monotonic) -> None:
        self._devices = dict(devices)
        self._now_s = now_s
        self._pending = {name: _Pending(device.state()) for name, device in self._devices.items()}

    def next(self, wait_s: float) -> Captured | None:
        """Wait for a scan; None if nothing was typed in time. A scan that has begun is waited for to its end.

        Args:
            wait_s: How long, in seconds.

        Raises:
            OSError: A device went.
        """
        until_s = self._now_s() + wait_s
        while True:
            now_s = self._now_s()
            for name, pending in self._pending.items():
                if pending.has_begun and (now_s - pending.last_s >= _QUIET_S or len(pending.events) >= _MAX_EVENTS):
                    return self._taken(name)
            begun = [pending.last_s + _QUIET_S for pending in self._pending.values() if pending.has_begun]
            if now_s >= until_s and not begun:
                return None
            self._read(max(0.0, min(begun, default=until_s) - now_s))

    def _read(self, wait_s: float) -> None:
        by_fileno = {device.fileno(): name for name, device in self._devices.items()}
        readable, _, _ = select.select(list(by_fileno), [], [], wait_s)
        for fileno in readable:
            name = by_fileno[fileno]
            events = self._devices[name].read()
            if events:
                pending = self._pending[name]
                pending.last_s = self._now_s()
                # Asking for the state again would empty the kernel's queue of keys; lamps and releases are followed.
                pending.events += events
                if not pending.has_begun:
                    del pending.events[:-_MAX_EVENTS]

    def _taken(self, name: str) -> Captured:
        pending = self._pending[name]
        scan = TypedScan(tuple(pending.events[:_MAX_EVENTS]), pending.state)
        self._pending[name] = _Pending(self._devices[name].state())
        return Captured(name, scan)
