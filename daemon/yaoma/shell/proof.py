"""Offline proof: is a log whole and unaltered, and does one record stand in it (DESIGN.md 3, promise 3)."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from yaoma.core.canonical import Json, canonical, parse_canonical
from yaoma.core.checkpoint import Checkpoint, log_origin
from yaoma.core.merkle import Frontier, inclusion_path, leaf_hash, root_from_path
from yaoma.core.note import NoteError, Verifier
from yaoma.core.record import Kind, Record, RecordError
from yaoma.shell.closed_log import ClosedLog
from yaoma.shell.database import DatabaseError
from yaoma.shell.log_file import LogFile, Row

__all__ = ["PROOF_TYPE", "LogReport", "ProofError", "check_proof", "prove", "verify_log"]

PROOF_TYPE = "yaoma/proof/v1"

_STEP = 4096

#: A hole this long is no hole: a box writes less in its life.
_MOST_MISSING = 1 << 24


class ProofError(ValueError):
    """The proof does not hold, or can't be made; the sentence says why."""


@dataclass(slots=True)
class LogReport:
    """What was found in one log's file.

    Args:
        path: The file.
        log: The log's id, or an empty string if it can't be read.
        site: The institution that its first record names.
        box: The box that its first record names.
        size: Number of records.
        root: The tree hash of all of them.
        signed_upto: The size of the newest checkpoint that holds.
        anchored_upto: The size at which the bridge has confirmed the root; 0 if it has not.
        previous: What the first record says of the log before it.
        problems: One sentence for each thing that is wrong.
    """

    path: Path
    log: str = ""
    site: str = ""
    box: str = ""
    size: int = 0
    root: bytes = b""
    signed_upto: int = 0
    anchored_upto: int = 0
    previous: Mapping[str, Json] | None = None
    problems: list[str] = field(default_factory=list)


def verify_log(path: Path, verifiers: Sequence[Verifier], anchors: Mapping[str, Frontier]) -> LogReport:
    """Look at every record and checkpoint of a file.

    Args:
        path: The log's file.
        verifiers: Keys with which the box has signed checkpoints.
        anchors: By log, the frontier at which the bridge's signed receipt agreed with this box.
    """
    report = LogReport(path)
    try:
        file = LogFile.read_only(path)
    except DatabaseError as error:
        report.problems.append(f"the file can't be opened: {error.problem}")
        return report
    try:
        roots = _walk(file, report, anchors)
        _checkpoints(file, report, roots, verifiers)
    except DatabaseError as error:
        report.problems.append(f"the file can't be read: {error.problem}")
    finally:
        file.close()
    return report


def _walk(file: LogFile, report: LogReport, anchors: Mapping[str, Frontier]) -> dict[int, bytes]:
    """Go through the records in order; give the roots at the sizes that were signed or anchored."""
    report.size = file.size()
    wanted = {stored.size for stored in file.checkpoints(-1)}
    roots: dict[int, bytes] = {}
    frontier, place = Frontier(), 0
    while place < report.size:
        rows = file.rows(place, min(report.size, place + _STEP)) or _next_row(file, place, report)
        for seq, body, leaf in rows:
            if seq > place:
                report.problems.append(_missing(place, seq))
                if seq - place > _MOST_MISSING:
                    # No log has so many: the number of a record is damaged, and what it says ends here.
                    report.size = place
                    break
                frontier, place = frontier.extended([bytes(32)] * (seq - place)), seq
            if leaf != leaf_hash(body):
                report.problems.append(f"record {seq} was altered: its bytes do not fit its hash")
            else:
                _read(body, seq, report)
            frontier, place = frontier.appended(leaf_hash(body)), seq + 1
            if place in wanted:
                roots[place] = frontier.root()
            anchor = anchors.get(report.log)
            if anchor is not None and anchor.size == place:
                _anchor(report, frontier, anchor)
    report.root = frontier.root()
    anchor = anchors.get(report.log)
    if anchor is not None and anchor.size > report.size:
        report.problems.append(f"the bridge has stored {anchor.size} records, here are {report.size}")
    return roots


def _next_row(file: LogFile, place: int, report: LogReport) -> list[Row]:
    """Give the first row behind a hole that is longer than a step; without one, the last number was damaged."""
    rows = file.first_row_from(place)
    if not rows:
        report.problems.append(_missing(place, report.size))
        report.size = place
    return rows


def _missing(first: int, last: int) -> str:
    return f"record {first} is missing" if last == first + 1 else f"records {first} to {last - 1} are missing"


def _anchor(report: LogReport, frontier: Frontier, anchor: Frontier) -> None:
    if frontier.root() == anchor.root():
        report.anchored_upto = anchor.size
    else:
        report.problems.append(f"the first {anchor.size} records are not those that the bridge has confirmed")


def _read(body: bytes, seq: int, report: LogReport) -> None:
    try:
        record = Record.read(body)
    except RecordError as error:
        report.problems.append(f"record {seq} can't be read: {error}")
        return
    if seq == 0:
        report.log = record.log
        report.site, report.box = str(record.fields.get("site", "")), str(record.fields.get("box", ""))
        previous = record.fields.get("previous")
        report.previous = previous if isinstance(previous, Mapping) else None
        if record.kind != Kind.OPEN:
            report.problems.append("the first record is not an opening record")
    if (record.log, record.seq) != (report.log, seq):
        report.problems.append(f"record {seq} belongs to another place: it says {record.log}/{record.seq}")


def _checkpoints(file: LogFile, report: LogReport, roots: Mapping[int, bytes], verifiers: Sequence[Verifier]) -> None:
    origin = log_origin(report.site, report.box, report.log)
    for stored in reversed(file.checkpoints(-1)):
        try:
            checkpoint = Checkpoint.opened(stored.note, verifiers)
        except NoteError as error:
            report.problems.append(f"the checkpoint at {stored.size} is not valid: {error}")
            continue
        if (checkpoint.origin, checkpoint.size) != (origin, stored.size):
            report.problems.append(f"the checkpoint at {stored.size} belongs to another log or size")
        elif stored.size > report.size:
            report.problems.append(f"{stored.size} records were signed, {report.size} are there")
        elif roots.get(stored.size) != checkpoint.root:
            report.problems.append(f"the first {stored.size} records are not those that were signed")
        else:
            report.signed_upto = stored.size


def prove(log: ClosedLog, seq: int) -> bytes:
    """Make the proof that a record stands in a log, against its newest checkpoint that covers it.

    Raises:
        ProofError: If there is no such record, or no checkpoint covers it yet.
        DatabaseError: If the file can't be read.
    """
    covering = [(size, note) for size, note in log.checkpoints() if size > seq]
    if not 0 <= seq < log.size:
        raise ProofError(f"log {log.log} has no record {seq}; it has {log.size}")
    if not covering:
        raise ProofError(f"no checkpoint covers record {seq} yet; there is one at least every minute with news")
    size, note = covering[-1]
    path = inclusion_path(seq, size, log.leaf_hashes)
    return canonical(
        {
            "type": PROOF_TYPE,
            "seq": seq,
            "body": log.bodies(seq, seq + 1)[0].decode(),
            "path": [base64.b64encode(one).decode() for one in path],
            "checkpoint": note,
        }
    )


def check_proof(proof: bytes, verifiers: Iterable[Verifier]) -> tuple[Checkpoint, Record]:
    """Check a proof without the log, and give what it proves.

    Args:
        proof: As `prove` made it.
        verifiers: The box's keys.

    Raises:
        ProofError: If the record does not stand in the signed log.
    """
    try:
        fields = parse_canonical(proof.strip())
        seq, body, path, note = (fields[name] for name in ("seq", "body", "path", "checkpoint"))
        if fields.get("type") != PROOF_TYPE or not isinstance(seq, int) or not isinstance(path, list):
            raise ProofError("this is no proof of a record")
        record = Record.read(str(body).encode())
        checkpoint = Checkpoint.opened(str(note), verifiers)
        hashes = [base64.b64decode(str(one), validate=True) for one in path]
        root = root_from_path(record.leaf, seq, checkpoint.size, hashes)
    except ProofError:
        raise
    except (KeyError, ValueError, binascii.Error) as error:
        raise ProofError(f"the proof does not hold: {error}") from None
    if root != checkpoint.root or not checkpoint.origin.endswith(f"/{record.log}") or record.seq != seq:
        raise ProofError("the proof does not hold: the record does not stand in the signed log at this place")
    return checkpoint, record
