"""Journal: a quick look that reads only the end: the last checkpoint, what follows it, and what was set aside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from yaoma.core.checkpoint import Checkpoint, log_origin
from yaoma.core.entry import OpenReason
from yaoma.core.merkle import Frontier, leaf_hash
from yaoma.core.note import NoteError, Verifier
from yaoma.core.record import Record, RecordError
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma.shell.database import DatabaseError
from yaoma.shell.log_file import LogFile

__all__ = ["check_aside", "check_journal"]

_JOURNAL: Final = Group.JOURNAL

#: A log that began for one of these followed another that could not go on.
_UNUSUAL: Final = frozenset({OpenReason.FORKED.value, OpenReason.DAMAGED.value, OpenReason.SHRUNK.value})


def check_journal(folder: Path, verifiers: Sequence[Verifier], site: str, box: str) -> list[Finding]:
    """Look at the open log, also while the daemon writes it; `yaoma journal verify` looks at every record.

    Args:
        folder: The state folder.
        verifiers: The box's own key.
        site: The institution's code.
        box: The device id.
    """
    path = folder / "journal.db"
    if not path.exists():
        return [ok(_JOURNAL, "doctor.journal_not_begun")]
    try:
        file = LogFile.read_only(path)
        try:
            return _look(file, verifiers, site, box)
        finally:
            file.close()
    except DatabaseError as error:
        return [trouble(_JOURNAL, "doctor.journal_unreadable", error.problem)]


def check_aside(folder: Path) -> list[Finding]:
    """Name damaged files that were set aside; they wait for a technician.

    Args:
        folder: The state folder.
    """
    try:
        names = sorted(path.name for path in (folder / "aside").iterdir())
    except OSError:
        return []
    if not names:
        return []
    return [warning(_JOURNAL, "doctor.journal_aside", number=len(names), file=names[-1], folder=str(folder / "aside"))]


def _look(file: LogFile, verifiers: Sequence[Verifier], site: str, box: str) -> list[Finding]:
    try:
        first = Record.read(file.rows(0, 1)[0][1])
    except (IndexError, RecordError):
        return [trouble(_JOURNAL, "doctor.journal_unreadable", "the first record can't be read")]
    if (first.fields.get("site"), first.fields.get("box")) != (site, box):
        named = f"{first.fields.get('site')}/{first.fields.get('box')}"
        return [warning(_JOURNAL, "doctor.journal_other_box", found=named, wanted=f"{site}/{box}")]
    reason = str(first.fields.get("reason"))
    follows = [warning(_JOURNAL, "doctor.journal_follows", reason=reason, log=first.log)] if reason in _UNUSUAL else []
    return [*follows, _end(file, verifiers, log_origin(site, box, first.log))]


def _end(file: LogFile, verifiers: Sequence[Verifier], origin: str) -> Finding:
    """Hold the last checkpoint against what its row says, and the records behind it against their hashes."""
    # Size and checkpoint are two reads while the daemon may append: the size first, so that it is never too large.
    size, stored = file.size(), next(iter(file.checkpoints()), None)
    if stored is None:
        return trouble(_JOURNAL, "doctor.journal_unsigned", size=size)
    try:
        checkpoint = Checkpoint.opened(stored.note, verifiers)
        edge = Frontier.from_bytes(stored.frontier)
    except (NoteError, ValueError) as error:
        return trouble(_JOURNAL, "doctor.journal_checkpoint_wrong", str(error), size=stored.size)
    said = checkpoint.origin, checkpoint.size, checkpoint.root
    if said != (origin, edge.size, edge.root()) or edge.size > file.size():
        return trouble(_JOURNAL, "doctor.journal_checkpoint_wrong", size=stored.size)
    rows = file.rows(edge.size, size) if size > edge.size else []
    for place, (seq, body, leaf) in enumerate(rows, edge.size):
        if seq != place or leaf != leaf_hash(body):
            return trouble(_JOURNAL, "doctor.journal_altered", seq=place)
    if len(rows) < size - edge.size:
        return trouble(_JOURNAL, "doctor.journal_altered", seq=edge.size + len(rows))
    return ok(_JOURNAL, "doctor.journal_sound", size=size, signed_upto=edge.size)
