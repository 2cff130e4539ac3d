"""List file: the small signed list on the box's disk, reloaded when it changes, never half."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from yaoma.core.allowlist import Allowlist, MemoryAllowlist
from yaoma.core.note import NoteError, Verifier, open_note
from yaoma.core.site_list import ListRefusal, ListRefusedError, SiteList, read_list

__all__ = ["MAX_LIST_BYTES", "ListHolder", "ListRefusal", "ListRefusedError", "load_list", "load_site_list"]

log = logging.getLogger("yaoma.list")

MAX_LIST_BYTES: Final = 8 * 1024 * 1024

_LOOK_EVERY_S: Final = 3.0


def load_list(path: Path, verifiers: Sequence[Verifier], site: str, newer_than: int = 0) -> MemoryAllowlist:
    """Load a signed list whole, or not at all.

    Args:
        path: The file: a signed note.
        verifiers: The centre's keys.
        site: The institution's code of this box.
        newer_than: Its version must be above this one.

    Raises:
        ListRefusedError: If it must not be used.
    """
    return load_site_list(path, verifiers, site, newer_than).allowlist


def load_site_list(path: Path, verifiers: Sequence[Verifier], site: str, newer_than: int = 0) -> SiteList:
    """Load a signed list as `load_list` does, and tell besides when it was signed.

    Raises:
        ListRefusedError: If it must not be used.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_LIST_BYTES + 1)
    except FileNotFoundError:
        raise ListRefusedError(ListRefusal.ABSENT, f"there is no file {path.name}") from None
    except OSError as error:
        raise ListRefusedError(ListRefusal.UNREADABLE, f"{path.name}: {error.strerror}") from None
    if len(content) > MAX_LIST_BYTES:
        raise ListRefusedError(ListRefusal.TOO_LARGE, f"a list file has at most {MAX_LIST_BYTES} bytes")
    try:
        text = open_note(content.decode(), verifiers, max_bytes=MAX_LIST_BYTES)
    except UnicodeDecodeError:
        raise ListRefusedError(ListRefusal.UNSIGNED, "the file is no signed note: it is not UTF-8") from None
    except NoteError as error:
        raise ListRefusedError(ListRefusal.UNSIGNED, str(error)) from None
    found = read_list(text, site)
    if found.allowlist.version <= newer_than:
        raise ListRefusedError(
            ListRefusal.NOT_NEWER, f"version {found.allowlist.version} is not above {newer_than}, which was in use"
        )
    return found


class ListHolder:
    """Holds the list that counts now. Reading it costs nothing; looking at the file is another thread's work.

    Args:
        path: The file.
        verifiers: The centre's keys.
        site: The institution's code of this box.
        at_least: The lowest version that may be used: the one in use before the restart, from the journal.
        signed_time: Told the time at which a list was signed, see `yaoma.shell.clock.TimeFloor.saw_signed`.
    """

    def __init__(
        self,
        path: Path,
        verifiers: Sequence[Verifier],
        site: str,
        *,
        at_least: int = 0,
        signed_time: Callable[[int], None] | None = None,
    ) -> None:
        self._path = path
        self._verifiers = tuple(verifiers)
        self._site = site
        self._newer_than = at_least - 1
        self._signed_time = signed_time
        self._lock = threading.Lock()
        self._looked_s = float("-inf")
        self._mark: tuple[int, int, int] | None = None
        self._list: SiteList | None = None
        self._refusal: ListRefusedError | None = None

    @property
    def current(self) -> Allowlist | None:
        """The list that counts now, or None if none was ever accepted."""
        found = self._list
        return found.allowlist if found else None

    @property
    def issued_ms(self) -> int | None:
        """When that list was signed, milliseconds since 1970, or None."""
        found = self._list
        return found.issued_ms if found else None

    @property
    def refusal(self) -> ListRefusedError | None:
        """Why the file that lies there now is not used; None if it is."""
        return self._refusal

    def refresh(self, *, at_once: bool = False) -> bool:
        """Look whether the file changed, every few seconds at most; a refused one leaves the list as it was.

        Parsing 8 MiB takes a while: not for the recorder's thread.

        Args:
            at_once: Look even if the last look was a moment ago.

        Returns:
            Whether another list counts now.
        """
        with self._lock:
            now_s = time.monotonic()
            if not at_once and now_s - self._looked_s < _LOOK_EVERY_S:
                return False
            self._looked_s = now_s
            mark = _mark(self._path)
            if mark == self._mark and (mark is not None or self._refusal is not None):
                return False
            self._mark = mark
            return self._reload()

    def _reload(self) -> bool:
        held = self._list
        try:
            found = load_site_list(self._path, self._verifiers, self._site, self._newer_than)
            if held is not None and found.digest != held.digest and found.allowlist.version == held.allowlist.version:
                raise ListRefusedError(
                    ListRefusal.NOT_NEWER, f"version {held.allowlist.version} is in use with another content"
                )
        except ListRefusedError as refusal:
            self._refusal = refusal
            log.warning("list refused: reason=%s hint=%s", refusal.reason.value, refusal.hint)
            return False
        self._refusal = None
        if held is not None and found.digest == held.digest:
            return False
        # The list itself is the lowest from here on; the same version may be read again after a touch.
        self._newer_than = found.allowlist.version - 1
        self._list = found
        if self._signed_time is not None:
            self._signed_time(found.issued_ms)
        log.info("list in use: version=%d codes=%d", found.allowlist.version, len(found.allowlist.codes))
        return True


def _mark(path: Path) -> tuple[int, int, int] | None:
    """Give what changes when a file is written or replaced; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
