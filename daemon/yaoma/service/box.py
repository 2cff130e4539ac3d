"""The box: starts its workers, watches them, stops them in the order that loses nothing."""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from yaoma.service.reader import Reader
from yaoma.service.recorder import Recorder, SiteLostError
from yaoma.service.watch import Watch
from yaoma.service.work import Item
from yaoma.shell.indicator_worker import IndicatorWorker
from yaoma.shell.port_worker import PortWorker
from yaoma_drivers.stop import Stop

__all__ = ["Box", "Ended", "Worker"]

log = logging.getLogger("yaoma.box")

_LOOK_S = 0.5
_STOP_S = 10.0
#: All drivers together; their contract gives each a second. One that hangs must not take the recorder's time.
_READERS_STOP_S = 2.0


class Ended(StrEnum):
    """Why a box stopped."""

    ASKED = "asked"
    FAILED = "failed"  # a worker ended by a defect; systemd starts the daemon anew
    RESTART = "restart"  # the centre wants a new start; systemd makes it
    SITE_LOST = "site_lost"  # site.db can't be used; start again at once, which makes it anew


class Worker(Protocol):
    """A thread that can be started, watched and stopped."""

    @property
    def failure(self) -> Exception | None:
        """What ended it, or None."""
        ...

    def start(self) -> None:
        """Start it."""
        ...

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """All workers of one box.

    Args:
        items: The recorder's queue.
        recorder: Judges and appends.
        readers: One per scanner.
        reader_stop: Ends the readers.
        others: Workers that end after the recorder: uploader and control socket.
        stop_others: Ends them, in the given order; each is called with a deadline in seconds.
        indicators: Indicators may be slow, break or hang: they are not watched, only started and stopped.
        ports: Likewise the ways to the tills.
        tend: Called every now and then on the main thread, such as a look at the list's file.
        watch: Hears of everything that systemd is told.
        status: Gives one line on how the box does.
        close: Closes the files, last of all.
        wants_restart: Whether the centre wants a new start.
    """

    items: "queue.Queue[Item]"
    recorder: Recorder
    readers: Sequence[Reader]
    reader_stop: Stop
    others: Sequence[Worker]
    stop_others: Sequence[Callable[[float], object]]
    indicators: Sequence[IndicatorWorker]
    tend: Sequence[Callable[[], object]]
    watch: Watch
    status: Callable[[], str]
    close: Callable[[], None]
    ports: Sequence[PortWorker] = ()
    wants_restart: Callable[[], bool] = lambda: False

    def run(self, stop: Stop) -> Ended:
        """Work until `stop` is set or a worker fails.

        A scanner that is missing or a broker that is away is a state that is shown, not a failed start.
        """
        workers: list[Worker] = [*self.others, self.recorder, *self.readers]
        try:
            for output in (*self.indicators, *self.ports):
                output.start()
            for worker in workers:
                worker.start()
            return self._watch(workers, stop)
        finally:
            self._stop()

    def _watch(self, workers: Sequence[Worker], stop: Stop) -> Ended:
        announced = False
        while not stop.wait(_LOOK_S if announced else 0.05):
            for worker in workers:
                if isinstance(worker.failure, SiteLostError):
                    return Ended.SITE_LOST
                if worker.failure is not None or not worker.is_alive():
                    log.critical("worker ended: worker=%s", getattr(worker, "name", type(worker).__name__))
                    return Ended.FAILED
            if self.wants_restart():
                return Ended.RESTART
            for reader in self.readers:
                reader.look()
            for tend in self.tend:
                tend()
            if not announced and self.recorder.journal is not None:
                announced = True
                self.watch.ready(self.status())
            self.watch.look(self.status())
        return Ended.ASKED

    def _stop(self) -> None:
        """Stop readers, then the recorder with its queue drained, then what tells of it, then the files."""
        deadline_s = time.monotonic() + _STOP_S
        self.reader_stop.set()
        readers_deadline_s = time.monotonic() + _READERS_STOP_S
        for reader in self.readers:
            _join(reader, readers_deadline_s)
        while self.recorder.is_alive() and time.monotonic() < deadline_s:
            with contextlib.suppress(queue.Full):
                self.items.put(None, timeout=0.1)
                break
        _join(self.recorder, deadline_s)
        for stop_other in self.stop_others:
            stop_other(max(0.5, deadline_s - time.monotonic()))
        for port in self.ports:
            port.stop(max(0.5, deadline_s - time.monotonic()))
        for indicator in self.indicators:
            indicator.stop()
        self.close()


def _join(thread: threading.Thread, deadline_s: float) -> None:
    if thread.ident is not None:
        thread.join(max(0.1, deadline_s - time.monotonic()))
        if thread.is_alive():
            log.error("worker does not stop: worker=%s", thread.name)
