"""`yaoma-tools person`: opens a sealed identity with the offline recovery key, on a terminal and nowhere else."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from yaoma.core.record import Record, RecordError
from yaoma.core.sealed import SealedError, person_context
from yaoma.shell.database import DatabaseError
from yaoma.shell.log_file import LogFile
from yaoma_link.identity import load_sealing_key
from yaoma_link.key_ring import KeyRing

__all__ = ["FAILURES", "RecoveryError", "app", "find_sealed"]

app = typer.Typer(help="Identities that a box has sealed.", no_args_is_help=True)


class RecoveryError(Exception):
    """An identity can't be opened; the sentence says why and holds nothing of it."""


FAILURES = (RecoveryError,)


def find_sealed(state: Path, log: str, seq: int) -> tuple[bytes, str]:
    """Find a sealed identity in the files of a box, also where its record was copied into another log.

    Args:
        state: The box's state folder, or a copy of it.
        log: The log in which the record was first written.
        seq: Its place there.

    Returns:
        The sealed bytes and their context.

    Raises:
        RecoveryError: If there is none.
    """
    owners: dict[str, tuple[str, str]] = {}
    found: tuple[bytes, str] | None = None
    for path in [state / "journal.db", *sorted((state / "closed").glob("*.db"))]:
        try:
            file = LogFile.read_only(path)
        except DatabaseError:
            continue
        try:
            owner = _owner(file)
            owners[owner[0]] = owner[1:]
            for _, body, blob in file.sealed_rows():
                if Record.read(body).identity == (log, seq):
                    found = (blob, owner[0])
        except (DatabaseError, RecordError, IndexError):
            continue
        finally:
            file.close()
    if found is None:
        raise RecoveryError(f"{state}: no sealed identity of {log}/{seq} lies there; it may have been erased")
    blob, lies_in = found
    return blob, person_context(*owners.get(log, owners[lies_in]), log)


def _owner(file: LogFile) -> tuple[str, str, str]:
    opening = Record.read(file.rows(0, 1)[0][1])
    return opening.log, str(opening.fields.get("site")), str(opening.fields.get("box"))


@app.command("open")
def person_open(
    state: Annotated[Path, typer.Argument(metavar="STATE", help="The box's state folder, or a copy of it.")],
    record: Annotated[str, typer.Argument(metavar="LOG/SEQ", help="The record, as the journal shows it.")],
    key: Annotated[Path, typer.Option(help="The private recovery key.")],
) -> None:
    """Open one sealed identity with the recovery key, where the bridge can't. It is shown on a terminal only.

    Do it where the key lives: on a machine without network, with a copy of the box's folder.

    Example: yaoma-tools person open /media/card/yaoma abcdefghijkmnpqr/4711 --key /media/safe/recovery.key
    """
    log, _, seq = record.rpartition("/")
    if not log or not seq.isascii() or not seq.isdecimal():
        raise typer.BadParameter("expected LOG/SEQ", param_hint="LOG/SEQ")
    if not sys.stdout.isatty():
        raise RecoveryError("an identity is shown on a terminal only: no pipe, no file")
    ring = KeyRing([load_sealing_key(key, key.stem)])
    blob, context = find_sealed(state, log, int(seq))
    try:
        typer.echo(ring.open(blob, context).decode("ascii", "replace"))
    except SealedError as error:
        raise RecoveryError(f"{record}: {error}") from None
