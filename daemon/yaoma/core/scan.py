"""The record of a judged scan: what was read, what was said of it, and nothing of anybody's identity."""

from collections.abc import Mapping

from yaoma.core.canonical import Json
from yaoma.core.code import Gs1, Lookalike, TraceCode
from yaoma.core.record import Entry, Kind
from yaoma.core.ticket import VERIFY
from yaoma.core.verdict import Situation, Verdict
from yaoma_drivers.symbol import Symbol

__all__ = ["Person", "scan_entry"]


class Person:
    """A sealed identity on its way into the journal; its repr says nothing.

    Args:
        fields: Hash and key ids, for the record.
        blob: The sealed bytes, kept beside the record.
    """

    __slots__ = ("blob", "fields")

    def __init__(self, fields: Mapping[str, Json], blob: bytes) -> None:
        self.fields = fields
        self.blob = blob


def scan_entry(
    symbol: Symbol, code: TraceCode | Lookalike, verdict: Verdict, situation: Situation, person: Person | None = None
) -> Entry:
    """Make the record of one scan.

    Text goes in only for a trace code, or where the look-alike holds a product code (DESIGN.md 3, promise 5).

    Args:
        symbol: What the scanner delivered.
        code: What it means.
        verdict: What was said of it.
        situation: What the verdict was based on.
        person: The sealed identity, where the symbol was an identity card that belongs to the ticket.
    """
    ticket, allowlist = situation.ticket, situation.allowlist
    fields: dict[str, Json] = {
        "verdict": verdict.verdict.value,
        "reason": str(verdict.reason),
        "degraded": [flag.value for flag in verdict.degraded],
        "station": situation.station,
        "scanner": symbol.scanner,
        "source": symbol.source.value,
        "operation": ticket.operation if ticket else VERIFY,
        "ticket": ticket.id if ticket else None,
        "list": allowlist.version if allowlist else None,
        "waited_ms": max(0, situation.now.mono_ms - symbol.read_mono_ms),
    }
    if isinstance(code, Lookalike):
        fields |= {"lookalike": code.kind.value, "length": code.length}
        if code.text is not None:
            fields["text"] = code.text
    else:
        fields["code"] = code.key
        if symbol.aim:
            fields["aim"] = symbol.aim
        if isinstance(code, Gs1):
            fields |= _gs1_fields(code)
        if verdict.verdict.value == "REPEAT" and situation.seen is not None:
            fields["of"] = {"log": situation.seen.log, "seq": situation.seen.seq}
    if person is not None:
        fields["person"] = dict(person.fields)
    return Entry(Kind.SCAN, fields, person.blob if person else None)


def _gs1_fields(code: Gs1) -> dict[str, Json]:
    """Keep the parts from which every written form can be made (DOMAIN.md 1.4), and nothing else of the symbol.

    A web address around the code, or fields that name a recipient, are nobody's business here (promise 5).
    """
    fields: dict[str, Json] = {}
    if code.lot is not None:
        fields["lot"] = code.lot
    if code.expiry is not None:
        fields["expiry"] = code.expiry.isoformat()
    if code.produced is not None:
        fields["produced"] = code.produced.isoformat()
    return fields
