"""A state folder with a long journal of closed tickets, written in bulk, for reports to go through."""

import json
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yaoma.core.checkpoint import Checkpoint, box_key_name, log_origin
from yaoma.core.merkle import Frontier, leaf_hash
from yaoma.core.note import Signer
from yaoma.shell.log_file import LogFile, StoredCheckpoint

__all__ = ["BEGIN_MS", "BOX", "LOG", "SIGNER", "SITE", "Shelf", "write_journal"]

SITE, BOX = "H32132200561", "counter-1"
SIGNER = Signer(box_key_name(SITE, BOX), Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))

#: 2026-11-01 08:00 at the counter.
BEGIN_MS = 1_793_491_200_000
LOG = "abcdefghijkmnpqr"
BOOT = "0123456789abcdef"

_COMMIT = 2000


class Shelf:
    """Makes the bodies of records, one second after the other.

    Args:
        begin_ms: When the first is made.
        step_ms: From one to the next.
        log: The log's id.
    """

    def __init__(self, begin_ms: int = BEGIN_MS, step_ms: int = 1000, log: str = LOG) -> None:
        self.bodies: list[bytes] = []
        self.now_ms = begin_ms
        self._taken = 0
        self._began_ms = begin_ms
        self._step_ms = step_ms
        self._log = log
        self.record("open", site=SITE, box=BOX, version="0.1.0", reason="new", tree="rfc6962-sha256", previous=None)

    def take(self) -> list[bytes]:
        """Give the bodies made since the last time, and forget them."""
        taken, self.bodies = self.bodies, []
        self._taken += len(taken)
        return taken

    def record(self, kind: str, **fields: object) -> int:
        """Add a record; give its place."""
        seq = self._taken + len(self.bodies)
        whole = {
            "v": 1,
            "log": self._log,
            "seq": seq,
            "kind": kind,
            "boot": BOOT,
            "wall_ms": self.now_ms,
            "mono_ms": self.now_ms - self._began_ms,
            "clock": "synced",
            **fields,
        }
        self.bodies.append(json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())
        self.now_ms += self._step_ms
        return seq

    def scan(self, code: str, ticket: str | None, operation: str = "dispense", **more: object) -> int:
        """Add a scan of a code."""
        fields: dict[str, object] = {
            "code": code,
            "verdict": "PASS",
            "reason": "in_list",
            "degraded": [],
            "station": "counter",
            "scanner": "gun",
            "source": "scanner",
            "operation": operation,
            "ticket": ticket,
            "list": 7,
            "waited_ms": 2,
        }
        return self.record("scan", **{**fields, **more})

    def ticket(self, action: str, ticket: str, operation: str = "dispense", **more: object) -> int:
        """Add what is done to a ticket."""
        fields: dict[str, object] = {"packs": 0, "operator": "u7", "station": "counter", "wants_person": False}
        return self.record("ticket", action=action, ticket=ticket, operation=operation, **{**fields, **more})


def write_journal(folder: Path, bodies: Iterator[bytes] | list[bytes], name: str = "journal.db", log: str = LOG) -> int:
    """Write a log file with these records and a signed checkpoint; give its size."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    file, frontier = LogFile.create(path), Frontier()
    rows: list[tuple[int, bytes, bytes]] = []

    def commit(*, last: bool) -> None:
        nonlocal frontier, rows
        frontier = frontier.extended(leaf for _, _, leaf in rows)
        note = Checkpoint.of(log_origin(SITE, BOX, log), frontier).signed(SIGNER)
        signed = StoredCheckpoint(frontier.size, note, frontier.to_bytes()) if last else None
        file.append(rows, checkpoint=signed)
        rows = []

    size = 0
    for body in bodies:
        rows.append((size, body, leaf_hash(body)))
        size += 1
        if len(rows) == _COMMIT:
            commit(last=False)
    commit(last=True)
    file.close()
    return size
