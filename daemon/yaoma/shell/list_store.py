"""List store: holds the list that counts now, from list.db where a release is in force, else the small signed file."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from yaoma.core.allowlist import Allowlist
from yaoma.core.note import Verifier
from yaoma.core.site_list import ANY_SITE, ListRefusal, ListRefusedError
from yaoma.shell.base_file import BaseRefusedError
from yaoma.shell.box_list import BoxList, damaged_list, open_box_list
from yaoma.shell.database import DatabaseError
from yaoma.shell.list_db import DAMAGED, LIST_FLOOR, TIME_FLOOR, ListDb
from yaoma.shell.list_file import ListHolder
from yaoma.shell.list_news import ListNews
from yaoma.shell.list_tables import TableRefusedError
from yaoma.shell.told_list import open_told_list
from yaoma_link.state import StateMark

__all__ = ["SET_ASIDE_HINT", "ListStore"]

log = logging.getLogger("yaoma.list")

_LOOK_EVERY_S: Final = 1.0

#: What ends that packs are for review after list.db was set aside.
SET_ASIDE_HINT: Final = (
    "list.db was damaged and set aside; fetch the list again: yaoma update. With a small list alone: put one in place "
    "that the centre has signed since, or wait until the bridge has begun to tell its news again"
)


class ListStore(ListHolder):
    """A holder that prefers list.db, and puts what the bridge told beside a small list.

    Reading it costs nothing; looking at the files is another thread's work.

    Args:
        db: list.db; closed with the store.
        path: The small signed list, used while list.db has no release.
        verifiers: The centre's keys, for the small list.
        site: The institution's code of this box.
        at_least: The lowest version of a small list that may be used.
        signed_time: Told the times that the centre has signed.
        changed: Told of each list that comes into force, and of the one before it, on the thread that refreshes.
        close_after_s: How long a list that was replaced stays open for whoever is in the middle of a look-up.
    """

    def __init__(
        self,
        db: ListDb,
        path: Path,
        verifiers: Sequence[Verifier],
        site: str,
        *,
        at_least: int = 0,
        signed_time: Callable[[int], None] | None = None,
        changed: Callable[[Allowlist | None, Allowlist], None] | None = None,
        close_after_s: float = 5.0,
    ) -> None:
        super().__init__(path, verifiers, site, at_least=at_least, signed_time=signed_time)
        self.db = db
        self._changed = changed
        self._close_after_s = close_after_s
        self._big_lock = threading.Lock()
        self._big_looked_s = float("-inf")
        self._big_mark: tuple[int, int] | None = None
        self._big: BoxList | None = None
        self._told: BoxList | None = None
        self._broken: Allowlist | None = None
        self._big_refusal: ListRefusedError | None = None
        self._retired: list[tuple[float, BoxList]] = []
        self._has_damage = False
        self._is_settled = True
        self._is_set_aside = False

    @property
    def current(self) -> Allowlist | None:
        """The list that counts now, or None if none was ever accepted."""
        return self._broken or self._big or self._told or super().current

    @property
    def issued_ms(self) -> int | None:
        """When that list was signed, milliseconds since 1970, or None."""
        if self._broken is not None:
            return None
        return self._big.release.issued_ms if self._big is not None else super().issued_ms

    @property
    def refusal(self) -> ListRefusedError | None:
        """Why what lies there now is not used; None if it is."""
        if self._big_refusal is not None or self._big is not None:
            return self._big_refusal
        return super().refusal

    @property
    def has_damage(self) -> bool:
        """Whether a page or row was found damaged since the list came into force; a task for the technician."""
        return self._has_damage or self._broken is not None

    def refresh(self, *, at_once: bool = False) -> bool:
        """Look whether another process has changed the list; what look-ups use is only swapped at the end.

        Args:
            at_once: Look even if the last look was a moment ago.

        Returns:
            Whether another list counts now.
        """
        with self._big_lock:
            now_s = time.monotonic()
            self._close_retired(now_s)
            if not at_once and now_s - self._big_looked_s < _LOOK_EVERY_S:
                return False
            self._big_looked_s = now_s
            before = self.current
            is_new = self._look()
            if self._big is None and self._broken is None and super().refresh(at_once=at_once):
                self._tell()
                is_new = True
            now = self.current
            if now is None or now is before or not is_new:
                return False
        if self._changed is not None:
            self._changed(before, now)
        return True

    def close(self) -> None:
        """Close list.db and all pictures; look-ups answer `damaged` from here on."""
        with self._big_lock:
            for one in [*(picture for _, picture in self._retired), self._big, self._told]:
                if one is not None:
                    one.close()
            self._retired.clear()
            self.db.close()

    def _look(self) -> bool:
        """Take a new picture if somebody has changed list.db; say whether it holds anything new."""
        try:
            self.db.follow()
            mark = self.db.change_mark()
            if mark == self._big_mark:
                self._settle()
                return self._is_set_aside and self._recover(at_once=False)
            self._big_mark = mark
            self._take(self.db.floors())
            self._is_settled = False
        except DatabaseError as error:
            self._big_mark = None
            self._break(f"list.db: {error.problem}", 0)
        return True

    def _settle(self) -> None:
        """Take the same picture once more from the file alone.

        As long as one reads from the WAL it can't begin anew and would grow with every change. So when nobody reads an
        older picture, the WAL is written back into the file, and the next picture needs no WAL.
        """
        if self._is_settled or self._retired or (self._big or self._told) is None:
            return
        (busy, in_wal, written) = self.db.rows("PRAGMA wal_checkpoint(PASSIVE)")[0]
        if not busy and in_wal == written and self.db.change_mark() == self._big_mark:
            self._take(self.db.floors())
            self._is_settled = True

    def _take(self, floors: dict[str, int]) -> None:
        floor = floors.get(LIST_FLOOR, 0)
        self._is_set_aside = DAMAGED in floors
        if self._is_set_aside:
            if not self._recover(at_once=True):
                self._break(SET_ASIDE_HINT, floor)
            return
        try:
            taken = open_box_list(self.db, self._big.tables if self._big else None, on_damage=self._note_damage)
        except (BaseRefusedError, TableRefusedError) as error:
            self._break(f"{error}; fetch it again: yaoma update", floor)
            return
        except ValueError:
            self._break("a row of list.db is damaged; fetch the list again: yaoma update", floor)
            return
        if taken is None:
            self._broken = self._big_refusal = None
            self._tell()
            return
        if taken.release.site not in (self._site, ANY_SITE) or taken.version < floor:
            taken.close()
            self._break("the release in list.db is for another site, or older than what was in force", floor)
            return
        is_new = self._big is None or self._big.release != taken.release
        self._swap(taken)
        if self._signed_time is not None:
            self._signed_time(floors.get(TIME_FLOOR, 0))
        if is_new:
            log.info("list in use: version=%d codes=%d", taken.version, taken.codes)

    def _recover(self, *, at_once: bool) -> bool:
        """Lift the mark of a list.db that was set aside where a small list knows all that the lost one can have known.

        No release was ever in force, or its base would lie there. What is lost are the bridge's news: it has begun to
        tell them again, or the centre has signed a list since, which names what is denied.
        """
        super().refresh(at_once=at_once)
        small, db = self._list, self.db
        if small is None or any(db.folder.glob("base-*")):
            return False
        is_newer = small.allowlist.version > db.floors().get(LIST_FLOOR, 0)
        if not is_newer and ListNews(db).mark() == StateMark():
            return False
        db.lift_damage()
        self._is_set_aside = False
        self._broken = self._big_refusal = None
        self._tell()
        log.info("small list in use again: version=%d", small.allowlist.version)
        return True

    def _tell(self) -> None:
        """Put what the bridge told beside the small list, which alone would know nothing of it."""
        small = self._list
        if small is None:
            return
        try:
            taken = open_told_list(self.db, small, self._site, on_damage=self._note_damage)
        except ValueError:
            self._break("a row of list.db is damaged; fetch the list again: yaoma update", small.allowlist.version)
            return
        except DatabaseError as error:
            self._big_mark = None
            self._break(f"list.db: {error.problem}", small.allowlist.version)
            return
        old, self._told = self._told, taken
        self._has_damage = False
        self._retire(old)

    def _swap(self, taken: BoxList) -> None:
        old, told, self._big, self._told = self._big, self._told, taken, None
        self._broken = self._big_refusal = None
        self._has_damage = False
        self._retire(old)
        self._retire(told)

    def _retire(self, old: BoxList | None) -> None:
        """Close a picture later: somebody may be in the middle of a look-up."""
        if old is not None:
            self._retired.append((time.monotonic() + self._close_after_s, old))

    def _break(self, hint: str, floor: int) -> None:
        """Let nothing pass: a list was in force, and what it says can't be read."""
        if self._big_refusal is None or self._big_refusal.hint != hint:
            log.error("list can't be read, packs are for review: problem=%s", hint)
        self._big_refusal = ListRefusedError(ListRefusal.UNREADABLE, hint)
        before = self._broken or self._big or self._told
        if before is None:
            self._broken = damaged_list(floor, 0)
        elif self._broken is None:
            self._broken = damaged_list(max(floor, before.version), before.expires_ms)

    def _note_damage(self) -> None:
        if not self._has_damage:
            self._has_damage = True
            log.error("a page or row of the list is damaged: fetch the list again with yaoma update")

    def _close_retired(self, now_s: float) -> None:
        while self._retired and self._retired[0][0] <= now_s:
            self._retired.pop(0)[1].close()
