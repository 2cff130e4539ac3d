"""EPCIS events: what a bill says as ObjectEvents of EPCIS 2.0, with the words of the Core Business Vocabulary.

A 20-digit code is no GS1 key, so it becomes a private URI below a base that belongs to the operator; a GS1 code becomes
its Digital Link (SCANNERS.md 3.3). Our own fields stand under one prefix.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote

from yaoma.core.canonical import Json
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.events import Event

__all__ = [
    "EpcisNames",
    "capture_document",
    "event_id",
    "events_of",
    "inspection_id",
    "inspection_of",
    "is_observed",
]

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

_ZONE: Final = timezone(timedelta(hours=8))
_OFFSET: Final = "+08:00"
_MS: Final = 1000
#: Where GTIN and serial stand behind `gs1:` in a key.
_GTIN_AT: Final = slice(2, 16)
_SERIAL_AT: Final = slice(18, None)

#: What each operation is in the vocabulary: action, step, disposition of a whole pack (SCANNERS.md 3.2). `returning`
#: and `verified` are no steps; CBV advises against `in_progress`, so a receipt says none.
_STEPS: Final[Mapping[str, tuple[str, str, str]]] = {
    "receive": ("OBSERVE", "receiving", ""),
    "transfer_in": ("OBSERVE", "receiving", ""),
    "gift_in": ("OBSERVE", "receiving", ""),
    "return_supplier": ("OBSERVE", "shipping", "returned"),
    "transfer_out": ("OBSERVE", "shipping", "in_transit"),
    "wholesale": ("OBSERVE", "shipping", "in_transit"),
    "gift_out": ("OBSERVE", "shipping", ""),
    "recall_out": ("OBSERVE", "shipping", "recalled"),
    "dispense": ("OBSERVE", "dispensing", "dispensed"),
    "dispense_ward": ("OBSERVE", "dispensing", "dispensed"),
    "vaccinate": ("OBSERVE", "dispensing", "dispensed"),
    "return_customer": ("OBSERVE", "receiving", "returned"),
    "move": ("OBSERVE", "storing", ""),
    "count": ("OBSERVE", "stock_taking", ""),
    "sample": ("OBSERVE", "sampling", ""),
    "damage": ("OBSERVE", "holding", "damaged"),
    "destroy": ("DELETE", "destroying", "destroyed"),
    "verify": ("OBSERVE", "inspecting", "conformant"),
}
_PARTLY: Final[Mapping[str, str]] = {"dispensed": "partially_dispensed"}

#: What an inspection finds, where the vocabulary has a finer word than `non_conformant`.
_FINDINGS: Final[Mapping[str, str]] = {
    "denied_recall": "recalled",
    "expired": "expired",
    "not_in_list": "no_pedigree_match",
    "not_in_shipment": "no_pedigree_match",
    "status_absent": "no_pedigree_match",
    "destroyed": "destroyed",
}


@dataclass(frozen=True, slots=True)
class EpcisNames:
    """Whose URIs these are.

    Args:
        base: Base of codes, places and bills: `<base>/obj/...`, `<base>/loc/...`, `<base>/bt/...`; no slash at its end.
        prefix: The prefix of our own fields.
        namespace: Its URI.
    """

    base: str
    prefix: str = "yaoma"
    namespace: str = ""

    def code(self, key: str) -> str:
        """Give the URI of a code; empty if its form has none."""
        form, _, rest = key.partition(":")
        if form == "cn20":
            return f"{self.base}/obj/{rest}"
        if form == "gs1":
            return f"https://id.gs1.org/01/{rest[_GTIN_AT]}/21/{quote(rest[_SERIAL_AT], safe='')}"
        standard, _, text = rest.partition(":")
        return f"{self.base}/obj/{quote(standard, safe='')}/{quote(text, safe='')}"

    def place(self, *parts: str) -> str:
        """Give the URI of a place."""
        return "/".join([f"{self.base}/loc", *(quote(part, safe="") for part in parts)])

    def bill(self, number: str) -> str:
        """Give the URI of a bill."""
        return f"{self.base}/bt/{quote(number, safe='')}"


def is_observed(operation: str) -> bool:
    """Say whether an operation has words in the vocabulary."""
    return operation in _STEPS


def event_id(bill: Bill, part: int) -> str:
    """Give an event's id: the same bill always gives the same one, so a repository can drop repeats."""
    return f"urn:uuid:{uuid.uuid5(_IDS, f'{bill.key}#{part}')}"


#: RFC 9562 version 5 wants a namespace; ours is a name below its namespace for URLs that nobody resolves.
_IDS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:yaoma:epcis-event")


def events_of(bill: Bill, names: EpcisNames) -> list[dict[str, Json]]:
    """Give a bill's events: one for whole packs, one for opened ones, one per operation's disposition.

    Args:
        bill: The bill.
        names: Whose URIs these are.
    """
    groups: dict[bool, list[BillLine]] = {}
    for line in bill.lines:
        groups.setdefault(line.is_split, []).append(line)
    return [
        _event(bill, names, lines, part, is_split=is_split)
        for part, (is_split, lines) in enumerate(sorted(groups.items()))
    ]


def inspection_id(event: Event) -> str:
    """Give the id of a verification's event: made from where its record stands, so it never changes."""
    return f"urn:uuid:{uuid.uuid5(_IDS, '/'.join(map(str, event.key)))}"


def inspection_of(event: Event, names: EpcisNames) -> dict[str, Json]:
    """Give a verification as an inspection (SCANNERS.md 3.2): the objects stay where they are.

    Args:
        event: A judged scan that stands on no ticket.
        names: Whose URIs these are.
    """
    fields = event.record.fields
    verdict, reason = str(fields.get("verdict")), str(fields.get("reason"))
    disposition = "conformant" if verdict == "PASS" else _FINDINGS.get(reason, "non_conformant")
    return {
        "type": "ObjectEvent",
        "eventID": inspection_id(event),
        "eventTime": _time(event.record.stamp.wall_ms + event.shift_ms),
        "eventTimeZoneOffset": _OFFSET,
        "action": "OBSERVE",
        "bizStep": "inspecting",
        "disposition": disposition,
        "epcList": [names.code(str(fields["code"]))],
        "readPoint": {"id": names.place(event.box.site, event.box.box, str(fields.get("station")))},
        "bizLocation": {"id": names.place(event.box.site)},
        f"{names.prefix}:verdict": verdict,
        f"{names.prefix}:reason": reason,
        f"{names.prefix}:clock": event.record.stamp.clock.value,
        f"{names.prefix}:log": event.record.log,
        f"{names.prefix}:seq": event.record.seq,
    }


def capture_document(events: Sequence[Mapping[str, Json]], names: EpcisNames, made_ms: int) -> dict[str, Json]:
    """Wrap events into a document to be captured.

    Args:
        events: The events.
        names: Whose fields they carry.
        made_ms: When the document is made, milliseconds since 1970.
    """
    return {
        "@context": [CONTEXT, {names.prefix: names.namespace or f"{names.base}/ns/"}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": _time(made_ms),
        "epcisBody": {"eventList": [dict(event) for event in events]},
    }


def _event(bill: Bill, names: EpcisNames, lines: Sequence[BillLine], part: int, *, is_split: bool) -> dict[str, Json]:
    action, step, disposition = _STEPS[bill.operation]
    if is_split:
        disposition = _PARTLY.get(disposition, disposition)
    event: dict[str, Json] = {
        "type": "ObjectEvent",
        "eventID": event_id(bill, part),
        "eventTime": _time(bill.closed_ms),
        "eventTimeZoneOffset": _OFFSET,
        "action": action,
        "bizStep": step,
        "epcList": [names.code(key) for line in lines for key in ((line.code,) if line.is_whole else line.packs)],
        "readPoint": {"id": names.place(bill.site, bill.box)},
        "bizLocation": {"id": names.place(bill.site)},
        "bizTransactionList": [{"bizTransaction": names.bill(bill.number)}],
        f"{names.prefix}:operation": bill.operation,
        f"{names.prefix}:log": bill.log,
        f"{names.prefix}:ticket": bill.ticket,
    }
    if disposition:
        event["disposition"] = disposition
    if bill.payer:
        event[f"{names.prefix}:payer"] = bill.payer
    if bill.supplier_bill:
        event["bizTransactionList"] = [
            {"bizTransaction": names.bill(bill.number)},
            {"type": "desadv", "bizTransaction": names.bill(bill.supplier_bill)},
        ]
    return event


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / _MS, _ZONE).isoformat(timespec="milliseconds")
