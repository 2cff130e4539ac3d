"""Pairing note: what a technician's command leaves in the state folder of a scanner that it bound, to be recorded."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from yaoma_link.keyfile import write_public

__all__ = ["PairingNote", "leave_note", "notes_in"]

log = logging.getLogger("yaoma.pairing")

_NAME: Final = "pairing-{scanner}-{paired_ms}.json"
_PATTERN: Final = "pairing-*.json"
_MAX_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class PairingNote:
    """One scanner that was bound to a station.

    Args:
        scanner: Its new name.
        station: Its station.
        driver: Its driver.
        device: How the configuration names its device: socket or serial number.
        sheet: The id of the signed sheet that named the station; empty if the command did.
        paired_ms: When, milliseconds since 1970.
    """

    scanner: str
    station: str
    driver: str
    device: str
    sheet: str
    paired_ms: int


def leave_note(folder: Path, note: PairingNote) -> Path:
    """Leave a note for the daemon, which records it when it looks next, or at its next start.

    Args:
        folder: The state folder.
        note: What was done.

    Raises:
        OSError: If it can't be written.
    """
    file = folder / _NAME.format(scanner=note.scanner, paired_ms=note.paired_ms)
    write_public(file, json.dumps(asdict(note)).encode("utf-8"), replace=True)
    return file


def notes_in(folder: Path) -> dict[Path, PairingNote]:
    """Read the notes, oldest name first; one that is none is taken away with a line in the log.

    Args:
        folder: The state folder.
    """
    found = {}
    for file in sorted(folder.glob(_PATTERN)):
        try:
            found[file] = _read(file)
        except (OSError, ValueError, TypeError):
            log.warning("pairing note can't be read: file=%s", file.name)
            file.unlink(missing_ok=True)
    return found


def _read(file: Path) -> PairingNote:
    with file.open("rb") as stream:
        note = PairingNote(**json.loads(stream.read(_MAX_BYTES)))
    texts = (note.scanner, note.station, note.driver, note.device, note.sheet)
    if type(note.paired_ms) is not int or not all(isinstance(text, str) for text in texts):
        raise TypeError("a field of another type")
    return note
