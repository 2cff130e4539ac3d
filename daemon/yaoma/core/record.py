"""Records: what the journal holds, one canonical JSON body each.

The form is frozen: a body is hashed into the log and its hash leaves the box. A field may be added; none is renamed,
and a reader passes over fields that it does not know.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from yaoma.core.canonical import Json, NotCanonicalError, canonical, parse_canonical
from yaoma.core.merkle import leaf_hash

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from yaoma.core.checked_value import dataclass

__all__ = ["MAX_BODY_BYTES", "VERSION", "ClockState", "Entry", "Kind", "Record", "RecordError", "Stamp"]

VERSION = 1

#: A body is far smaller; a container's receive record with every code it brought in is the longest.
MAX_BODY_BYTES = 256 * 1024

#: Names of logs, kinds and boots are far shorter; a store keeps them in keys, which are limited too.
_MAX_NAME_LETTERS = 128


class RecordError(ValueError):
    """The bytes are no record of a version that is known here; the sentence never quotes them."""


class ClockState(StrEnum):
    """How far the wall clock can be trusted (SCANNERS.md 7)."""

    SYNCED = "synced"  # the kernel says that NTP holds it
    HOLDOVER = "holdover"  # it was synced since this boot
    RTC = "rtc"  # a battery-backed clock set it, to a plausible time
    UNTRUSTED = "untrusted"


class Kind(StrEnum):
    """What a record tells. The set is open: a reader keeps kinds that it does not know."""

    OPEN = "open"  # a log begins; names the log before it
    CLOSE = "close"  # a log ends; nothing follows
    START = "start"  # the daemon started, with this configuration
    SCAN = "scan"  # a judged scan
    TICKET = "ticket"  # a ticket was opened, closed or cancelled
    OVERRIDE = (
        "override"  # a named operator lets packs through that were to be reviewed, or says why there is no identity
    )
    SIGN_ON = "sign_on"  # who works at a station from here on
    UNDO = "undo"  # the last scan is taken off its ticket
    DIFFERENCE = "difference"  # what closing a delivery found against the sender's note
    STOCK = "stock"  # goods without a code came, went or were counted (无码库)
    HOLD = "hold"  # packs in stock are denied since they were received
    SETTLE = "settle"  # duties are done with
    MERGE = "merge"  # what another box of the site did
    PROBLEM = "problem"  # a report from the counter
    PASS_ON = "pass_on"  # noqa: S105 - no password: a code did not reach the till
    OUTAGE = "outage"  # the way to the centre was interrupted
    APPLIED = "applied"  # another list or policy counts from here on
    PAIR = "pair"  # a technician bound a scanner to a station
    ERASED = "erased"  # sealed identities were erased
    CLOCK = "clock"  # the clock's state changed, so that times of this boot can be restated
    COPY = "copy"  # a record of another log that could not go on there


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened, by both clocks.

    Args:
        wall_ms: Milliseconds since 1970 by the wall clock, right or wrong.
        mono_ms: Milliseconds since boot; never goes back within one boot.
        boot: The first 16 hexadecimal digits of the kernel's boot id.
        clock: How far `wall_ms` can be trusted.
    """

    wall_ms: int
    mono_ms: int
    boot: str
    clock: ClockState


@dataclass(frozen=True, slots=True)
class Entry:
    """What shall be recorded, before it has its place in a log.

    Args:
        kind: What it tells.
        fields: The fields of this kind; none of the names that every record has.
        sealed: A sealed identity (HPKE) that is kept beside the record and can be erased, or None.
    """

    kind: Kind
    fields: Mapping[str, Json]
    sealed: bytes | None = field(default=None, repr=False)

    def body(self, log: str, seq: int, stamp: Stamp) -> bytes:
        """Give the canonical bytes at a place in a log."""
        return canonical(
            {
                **self.fields,
                "v": VERSION,
                "log": log,
                "seq": seq,
                "kind": str(self.kind),
                "boot": stamp.boot,
                "wall_ms": stamp.wall_ms,
                "mono_ms": stamp.mono_ms,
                "clock": str(stamp.clock),
            }
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of a log, as it was read from its bytes.

    Args:
        log: The log it stands in.
        seq: Its place there, from 0.
        kind: Its kind as text; maybe one that is not in `Kind`.
        stamp: When.
        fields: All fields of the body.
        body: The bytes that the leaf hash covers.
    """

    log: str
    seq: int
    kind: str
    stamp: Stamp
    fields: Mapping[str, Json]
    body: bytes = field(repr=False)

    @property
    def leaf(self) -> bytes:
        """The leaf hash of the body."""
        return leaf_hash(self.body)

    @property
    def identity(self) -> tuple[str, int]:
        """The log and place that count for receivers: of a copy, those of the original (DESIGN.md 6)."""
        origin = self.fields.get("origin")
        if self.kind == Kind.COPY and isinstance(origin, Mapping):
            log, seq = origin.get("log"), origin.get("seq")
            if isinstance(log, str) and isinstance(seq, int):
                return log, seq
        return self.log, self.seq

    def original(self) -> "Record":
        """Give the record itself, or what a copy holds, through copies of copies."""
        inner = self.fields.get("record")
        if self.kind != Kind.COPY or not isinstance(inner, Mapping):
            return self
        return Record.read(canonical(dict(inner))).original()

    @classmethod
    def read(cls, body: bytes) -> "Record":
        """Read a body.

        Raises:
            RecordError: If it is too long, not canonical, of another version, or lacks what every record has.
        """
        if len(body) > MAX_BODY_BYTES:
            raise RecordError(f"a record has at most {MAX_BODY_BYTES} bytes")
        try:
            fields = parse_canonical(body)
        except NotCanonicalError as error:
            raise RecordError(f"not a record: {error}") from None
        if type(fields.get("v")) is not int or fields["v"] != VERSION:
            raise RecordError(f"a record of version {VERSION} was expected")
        log, kind, boot = (fields.get(name) for name in ("log", "kind", "boot"))
        seq, wall_ms, mono_ms = (fields.get(name) for name in ("seq", "wall_ms", "mono_ms"))
        if not (isinstance(log, str) and isinstance(kind, str) and isinstance(boot, str)):
            raise RecordError("a record names its log, kind and boot")
        if max(len(log), len(kind), len(boot)) > _MAX_NAME_LETTERS:
            raise RecordError(f"names of log, kind and boot have at most {_MAX_NAME_LETTERS} letters")
        if type(seq) is not int or type(wall_ms) is not int or type(mono_ms) is not int or seq < 0:
            raise RecordError("a record has its place and both times as whole numbers")
        try:
            clock = ClockState(str(fields.get("clock")))
        except ValueError:
            raise RecordError("a record says how far its clock can be trusted") from None
        return cls(log, seq, kind, Stamp(wall_ms, mono_ms, boot, clock), fields, body)

    @classmethod
    def copied(cls, original: "Record") -> Entry:
        """Make the entry that carries a record over into another log."""
        log, seq = original.identity
        return Entry(
            Kind.COPY,
            {
                "origin": {"log": log, "seq": seq, "leaf": original.original().leaf.hex()},
                "record": dict(original.original().fields),
            },
        )
