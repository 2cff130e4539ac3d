"""Scanner desk: answers what a technician's commands ask of the scanners that the running daemon holds."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from yaoma.core.ticket import CommandRefusedError
from yaoma.service.reader import Reader

__all__ = ["ScannerDesk"]

_LONGEST_WAIT_S: Final = 20.0
_LOOK_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class ScannerDesk:
    """What may be asked of scanners.

    Args:
        readers: One for each scanner.
        is_stopping: Says that the daemon is about to end, so that nobody is kept waiting.
    """

    readers: Sequence[Reader]
    is_stopping: Callable[[], bool] = lambda: False

    def answers(self) -> Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]:
        """Give who answers each question."""
        return {
            "scanner_readings": self._readings,
            "scanner_lend": self._lend,
            "scanner_take_back": self._take_back,
        }

    def _readings(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give what was read lately: when, how long, how typed; of no symbol the text."""
        reader, after, wait_s = self._reader(request), request.get("after"), request.get("wait_s", 0)
        if (after is not None and type(after) is not int) or not isinstance(wait_s, int | float):
            raise ValueError("after and wait_s are numbers")
        if after is None:
            return {"next": reader.state.read, "readings": []}
        until_s = time.monotonic() + min(max(0.0, wait_s), _LONGEST_WAIT_S)
        while not (found := reader.readings(after)) and time.monotonic() < until_s and not self.is_stopping():
            time.sleep(_LOOK_S)
        return {"next": found[-1].number if found else after, "readings": [asdict(one) for one in found]}

    def _lend(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let go of a scanner for a while; what is scanned meanwhile is not recorded."""
        reader, lent_s = self._reader(request), request.get("seconds")
        if not isinstance(lent_s, int | float) or lent_s <= 0:
            raise ValueError("seconds is a number above 0")
        if not reader.lend(lent_s):
            reader.take_back()
            raise CommandRefusedError("busy")
        return {"lent": reader.state.scanner}

    def _take_back(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        reader = self._reader(request)
        reader.take_back()
        return {"taken_back": reader.state.scanner}

    def _reader(self, request: Mapping[str, Any]) -> Reader:
        name = request.get("scanner")
        found = next((one for one in self.readers if one.state.scanner == name), None)
        if found is None:
            raise CommandRefusedError("scanner_unknown")
        return found
