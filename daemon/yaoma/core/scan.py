"""The record of a judged scan: what was read, what was said of it, and nothing of anybody's identity."""

from collections.abc import Mapping
from typing import Final

from yaoma.core.allowlist import Source
from yaoma.core.canonical import Json
from yaoma.core.code import ControlCode, Gs1, Lookalike, Meaning, Other, TraceCode
from yaoma.core.counter_rules import wanted_line
from yaoma.core.findings import NOTHING, Findings
from yaoma.core.portion import is_case, portion_of
from yaoma.core.reason import Reason, VerdictClass
from yaoma.core.record import Entry, Kind
from yaoma.core.situation import Situation
from yaoma.core.ticket import VERIFY, Ticket
from yaoma.core.verdict import Verdict
from yaoma_drivers.symbol import Source as ReadBy
from yaoma_drivers.symbol import Symbol

__all__ = ["Person", "identity_entry", "scan_entry"]

_ON_TICKET: Final = frozenset({VerdictClass.PASS, VerdictClass.REVIEW})


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
    symbol: Symbol, code: Meaning, verdict: Verdict, situation: Situation, person: Person | None = None
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
        "verdict": str(verdict.verdict),
        "reason": str(verdict.reason),
        "degraded": [str(flag) for flag in verdict.degraded],
        "station": situation.station,
        "scanner": symbol.scanner,
        "source": str(symbol.source),
        "operation": ticket.operation if ticket else VERIFY,
        "ticket": ticket.id if ticket else None,
        "list": allowlist.version if allowlist else None,
        "waited_ms": max(0, situation.now.mono_ms - symbol.read_mono_ms),
    }
    if isinstance(code, Lookalike):
        fields |= {"lookalike": code.kind.value, "length": code.length}
        if code.text is not None:
            fields["text"] = code.text
    elif isinstance(code, ControlCode):
        fields["control"] = code.action.value
        if code.argument:
            fields["argument"] = code.argument
        if code.sheet is not None:
            fields["sheet"] = code.sheet.id
    else:
        fields |= _code_fields(symbol, code, verdict, situation)
    if verdict.also:
        fields["also"] = [str(one) for one in verdict.also]
    if symbol.in_burst:
        fields["burst"] = True
    if situation.is_training:
        fields["training"] = True
    if person is not None:
        fields["person"] = dict(person.fields)
    return Entry(Kind.SCAN, fields, person.blob if person else None)


def identity_entry(ticket: Ticket, operator: str, person: Person) -> Entry:
    """Make the record of an identity that came by a program or a keyboard; of it stands here what a scan's record says.

    Args:
        ticket: The open ticket that it belongs to.
        operator: Who says so; empty if unknown.
        person: The sealed identity.
    """
    fields: dict[str, Json] = {
        "verdict": VerdictClass.PASS.value,
        "reason": Reason.PERSON_SEALED.value,
        "degraded": [],
        "station": ticket.station,
        "source": ReadBy.HAND.value,
        "operation": ticket.operation,
        "ticket": ticket.id,
        "operator": operator,
        "person": dict(person.fields),
    }
    if ticket.is_training:
        fields["training"] = True
    return Entry(Kind.SCAN, fields, person.blob)


def _code_fields(symbol: Symbol, code: TraceCode, verdict: Verdict, situation: Situation) -> dict[str, Json]:
    ticket = situation.ticket
    fields: dict[str, Json] = {"code": code.key}
    if symbol.aim:
        fields["aim"] = symbol.aim
    if isinstance(code, Gs1):
        fields |= _gs1_fields(code)
    if isinstance(code, Other) and code.product_key:
        fields["product"] = code.product_key
    findings = situation.findings or NOTHING
    # What the symbol itself says stays as it was read.
    fields = _list_fields(findings) | fields
    if ticket is not None and verdict.verdict in _ON_TICKET:
        fields |= _ticket_fields(findings, situation)
    if verdict.verdict is VerdictClass.REPEAT and situation.seen is not None:
        fields["of"] = {"log": situation.seen.log, "seq": situation.seen.seq}
    return fields


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


def _list_fields(findings: Findings) -> dict[str, Json]:
    """Keep what the list said of the pack, where it said more than that it may be here."""
    fields: dict[str, Json] = {}
    source = findings.listing.source
    if source is not None and source is not Source.LIST:
        fields["via"] = source.value
    if findings.shipment is not None:
        fields["shipment"] = findings.shipment.id
    if findings.lot:
        fields["lot"] = findings.lot
    if findings.expiry is not None:
        fields["expiry"] = findings.expiry.isoformat()
    return fields


def _ticket_fields(findings: Findings, situation: Situation) -> dict[str, Json]:
    """Keep what the scan does to its ticket, so that the ledger follows from the journal alone."""
    fields: dict[str, Json] = {}
    line, portion, operation = wanted_line(findings, situation), portion_of(findings, situation), situation.operation
    if line is not None:
        fields["line"] = line
    if portion is not None:
        fields["taken"] = portion.units
        if portion.of_case:
            fields["case"] = True
        if portion.assumed:
            fields["holds"] = portion.assumed
    product = findings.product
    if operation is not None and operation.opens and product is not None and product.units and not is_case(product):
        fields["opens"] = product.units
    if findings.packs and operation is not None and operation.into is not None:
        fields["packs"] = list(findings.packs)
    return fields
