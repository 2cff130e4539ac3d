"""Pairings: has it recorded which scanner a technician bound to which station, and by which signed sheet."""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from yaoma.core.command import Append
from yaoma.core.deed import paired
from yaoma.service.work import Answer, Request
from yaoma.shell.pairing_note import PairingNote, notes_in

__all__ = ["Pairings"]

_LOOK_EVERY_S: Final = 2.0


class Pairings:
    """Watches for notes of the pairing command. Call `look` every now and then from one thread.

    Args:
        folder: The state folder.
        post: Hands a request to the recorder, now or as soon as there is a place; returns at once.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self, folder: Path, post: Callable[[Request], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._post = post
        self._monotonic = monotonic
        self._looked_s = float("-inf")
        self._under_way: set[Path] = set()
        self._answered: deque[tuple[Path, bool]] = deque()

    def look(self) -> None:
        """Have new notes recorded; each is taken away once its record is on the disk."""
        now_s = self._monotonic()
        if now_s - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = now_s
        while self._answered:
            file, is_kept = self._answered.popleft()
            if is_kept:
                file.unlink(missing_ok=True)
            self._under_way.discard(file)
        for file, note in notes_in(self._folder).items():
            if file not in self._under_way:
                self._under_way.add(file)
                self._record(file, note)

    def _record(self, file: Path, note: PairingNote) -> None:
        def answered(answer: Answer) -> None:
            # On the recorder's thread, which touches no other file. Out of service just now: the next look tries again.
            self._answered.append((file, not answer.refusal))

        entry = paired(
            note.scanner,
            note.station,
            driver=note.driver,
            device=note.device,
            sheet=note.sheet,
            paired_ms=note.paired_ms,
        )
        self._post(Request(Append(entry), answered))
