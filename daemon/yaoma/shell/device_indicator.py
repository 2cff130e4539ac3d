"""Device indicator: a driver of a lamp, buzzer or loudspeaker, opened when it can be and shown what its stations do."""

import time
from collections.abc import Callable, Collection
from typing import Final

from yaoma.shell.indicator import Shown
from yaoma_drivers.errors import DeviceError, DeviceReason
from yaoma_drivers.indicator import IndicatorDriver

__all__ = ["DeviceIndicator"]

#: A device that could not be opened is worth another try after so long.
_AGAIN_S: Final = 5.0
#: A signal that has been shown for so long without an error shows that the device works.
_PROVEN_S: Final = 1.0


class DeviceIndicator:
    """Opens its device by itself, again and again where it must; used by one worker's thread.

    Args:
        name: The configured name.
        driver: What drives the device.
        stations: Whose scans it shows; empty for all.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self,
        name: str,
        driver: IndicatorDriver,
        stations: Collection[str] = (),
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._driver = driver
        self._stations = frozenset(stations)
        self._monotonic = monotonic
        self._problem = ""
        self._is_open = False
        self._again_s = 0.0
        self._shown_s: float | None = None
        self._failed_at_opening = False

    @property
    def name(self) -> str:
        """What threads, log lines and `yaoma status` call it."""
        return self._name

    @property
    def problem(self) -> str:
        """Why nothing is shown here, an id of the catalogue's section `device`; empty if all is well."""
        return self._problem

    def show(self, shown: Shown) -> None:
        """Show one scan of its stations.

        Raises:
            DeviceError: If the device can't be used now.
        """
        if self._stations and shown.station not in self._stations:
            return
        self._open()
        try:
            self._driver.show(shown.signal)
        except Exception as error:
            self._failed(error)
            raise
        self._shown_s = self._monotonic()

    def step(self) -> float | None:
        """Do what is due; give in how many seconds something is due again, or None.

        Raises:
            DeviceError: If the device can't be used now.
        """
        now_s = self._monotonic()
        if not self._is_open and now_s < self._again_s:
            return self._again_s - now_s
        self._open()
        try:
            due_s = self._driver.step()
        except Exception as error:
            self._failed(error)
            raise
        if self._shown_s is not None and (due_s is None or now_s - self._shown_s >= _PROVEN_S):
            self._problem = ""
        return due_s

    def close(self) -> None:
        """Be dark and silent."""
        self._is_open = False
        self._driver.close()

    def _open(self) -> None:
        if self._is_open:
            return
        try:
            self._driver.open()
        except Exception as error:
            self._failed(error)
            self._failed_at_opening = True
            raise
        self._is_open = True
        # Of some devices only showing shows whether they work; they say so.
        if self._failed_at_opening or getattr(self._driver, "proven_by_opening", True):
            self._problem = ""

    def _failed(self, error: Exception) -> None:
        self._problem = error.reason.value if isinstance(error, DeviceError) else DeviceReason.FAILED.value
        self._shown_s, self._failed_at_opening = None, False
        self._again_s = self._monotonic() + _AGAIN_S
        self.close()
