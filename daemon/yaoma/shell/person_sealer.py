"""Person sealer: seals for the records of one box, to whichever keys lie in its key files now."""

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.scan import Person
from yaoma.core.sealed import SealKeyError, person_context
from yaoma.shell.sealing import Sealer, load_seal_keys

__all__ = ["PersonSealer"]

log = logging.getLogger("yaoma.sealing")

_NO_FACTS: Final[Mapping[str, Json]] = MappingProxyType({})

#: What changes when a file is written or replaced.
_Mark = tuple[tuple[int, int, int], ...]


class PersonSealer:
    """Seals identities; a key file that is replaced counts a moment later, without a restart.

    A box that is offline goes on sealing to the keys it has: the bridge keeps their private halves (DESIGN.md 10).

    Args:
        site: The institution's code.
        box: The device id.
        files: The files of public keys, see `load_seal_keys`.
        salt: The box's secret salt of the hashes.

    Raises:
        SealKeyError: If a line of a file is no key.
        OSError: If a file can't be read.
        ValueError: If there is no key at all, one is there twice, or the salt is too short.
    """

    def __init__(self, site: str, box: str, files: Sequence[Path], salt: bytes) -> None:
        self._site = site
        self._box = box
        self._files = tuple(files)
        self._salt = salt
        self._lock = threading.Lock()
        self._mark: _Mark | None = _mark(self._files)
        self._sealer = self._loaded()

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys that count now."""
        return self._sealer.key_ids

    def seal(self, number: bytes, log_id: str, facts: Mapping[str, Json] = _NO_FACTS) -> Person:
        """Seal one identity for a record.

        Args:
            number: As it was scanned, or `Identity.number`.
            log_id: The log that the record is drafted for.
            facts: What the record may say of it beside hash and key ids, such as `Identity.facts`.
        """
        sealed = self._sealer.seal(number, person_context(self._site, self._box, log_id), facts)
        return Person(sealed.fields, sealed.blob)

    def refresh(self) -> bool:
        """Look whether a key file changed; a file that can't be used leaves the keys as they were.

        Returns:
            Whether other keys count now.
        """
        with self._lock:
            mark = _mark(self._files)
            if mark is None or mark == self._mark:
                return False
            self._mark = mark
            before = self.key_ids
            try:
                self._sealer = self._loaded()
            except (SealKeyError, OSError, ValueError) as error:
                log.warning("sealing keys unchanged, the new file can't be used: problem=%s", type(error).__name__)
                return False
            log.warning("other sealing keys count now: name=%s", ",".join(self.key_ids))
            return before != self.key_ids

    def _loaded(self) -> Sealer:
        return Sealer([key for path in self._files for key in load_seal_keys(path)], self._salt)


def _mark(files: Sequence[Path]) -> _Mark | None:
    """Give what changes when one is replaced; None while one is away, as between two names."""
    try:
        found = [path.stat() for path in files]
    except OSError:
        return None
    return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)
