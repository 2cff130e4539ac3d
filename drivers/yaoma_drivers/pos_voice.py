"""PosVoice: makes a HID POS scanner beep its verdicts, by the usages 0x85 to 0x87."""

import contextlib
from collections.abc import Mapping
from typing import Final, Literal

from yaoma_drivers.hidraw_device import HidrawDevice
from yaoma_drivers.pos_layout import PosLayout, PosReport, PosUsage
from yaoma_drivers.signal import Signal

__all__ = ["BEEPS", "Beep", "PosVoice", "beep_reports"]

Beep = Literal["good_read", "not_on_file", "error", "none"]

#: What stands in for a beep that the scanner does not have; silence would be taken for the verdict before.
_USAGES: Final[dict[Beep, tuple[PosUsage, ...]]] = {
    "good_read": (PosUsage.SOUND_GOOD_READ_BEEP,),
    "not_on_file": (PosUsage.SOUND_NOT_ON_FILE_BEEP, PosUsage.SOUND_ERROR_BEEP),
    "error": (PosUsage.SOUND_ERROR_BEEP, PosUsage.SOUND_NOT_ON_FILE_BEEP),
    "none": (),
}
#: What a scanner beeps if nothing else is configured (SCANNERS.md 6.3).
BEEPS: Final[dict[Signal, Beep]] = {
    Signal.PASS: "good_read",
    Signal.REPEAT: "good_read",
    Signal.REVIEW: "not_on_file",
    Signal.STOP: "error",
    Signal.FAULT: "error",
    Signal.OUT_OF_SERVICE: "error",
}


def beep_reports(layout: PosLayout, beeps: Mapping[Signal, Beep]) -> dict[Signal, PosReport]:
    """Return the report of each signal, as far as this scanner can beep.

    Args:
        layout: What the scanner can be told.
        beeps: How each signal is meant to sound.
    """
    reports = {}
    for signal, beep in beeps.items():
        found = (layout.report_for(wanted) for wanted in _USAGES[beep])
        report = next((each for each in found if each is not None), None)
        if report is not None:
            reports[signal] = report
    return reports


class PosVoice:
    """Sends the report of a signal; the kernel may wait for the device meanwhile, so this thread has its own handle.

    Args:
        device: The scanner; closed with this object.
        reports: The report of each signal.
    """

    def __init__(self, device: HidrawDevice, reports: Mapping[Signal, PosReport]) -> None:
        self._device = device
        self._reports = reports
        self._due: PosReport | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a report still has to be sent."""
        return self._due is not None

    def say(self, signal: Signal, until_ms: int) -> None:  # noqa: ARG002 - a report goes out at once, or not at all
        """Begin to tell a signal."""
        self._due = self._reports.get(signal)

    def go_on(self, now_ms: int) -> None:  # noqa: ARG002 - as above
        """Send it; a device that does not take it has lost this verdict only. One that went is noticed by who reads."""
        due, self._due = self._due, None
        if due is not None:
            with contextlib.suppress(OSError):
                self._device.send(due)

    def lines(self) -> list[int]:
        """Return nothing: a report goes out whole."""
        return []

    def close(self) -> None:
        """Give the handle back."""
        self._device.close()
