"""Plan: which lines 码上放心 wants, and how a bill is divided for it (DOMAIN.md 3.5). Pure."""

from collections.abc import Iterator, Sequence

from yaoma.core.canonical import Json
from yaoma_bridge.alihealth.bill_types import LOCAL, PERSON_TYPES, bill_type
from yaoma_bridge.alihealth.options import AlihealthOptions, family_of, own_settings
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.platform import Parcel, Ruling, RulingKind

__all__ = ["divided", "ruled"]

_FORM = "cn20:"


def ruled(bill: Bill, line: BillLine, options: AlihealthOptions) -> Ruling:
    """Say whether the platform wants a line.

    A pack that is handed out unit by unit was sold once: with its first unit (DOMAIN.md 5.1). Units that come back say
    nothing of the pack.
    """
    if bill.operation in LOCAL:
        return Ruling(RulingKind.NOT_NEEDED, "local_operation")
    if bill.institution is None or own_settings(bill.institution) is None:
        return Ruling(RulingKind.HELD, "institution_unknown")
    if not bill_type(family_of(bill), bill.operation, options.bill_types):
        return Ruling(RulingKind.NOT_NEEDED, "no_bill_type")
    portions = line.units or line.case_packs
    if portions < 0 or (portions > 0 and not line.is_first_portion):
        return Ruling(RulingKind.NOT_NEEDED, "part_of_a_pack")
    if not all(key.startswith(_FORM) for key in _codes(line)):
        return Ruling(RulingKind.HELD, "code_form_unsupported")
    return Ruling()


def divided(bill: Bill, options: AlihealthOptions) -> Sequence[Parcel]:
    """Divide a bill: by the despatch note that it came with, then by the number of codes.

    No code stands in the bill twice, and a container never beside what is in it: whoever scanned a pack of a container
    by itself took it out of the container, which then goes pack by pack.
    """
    kind = bill_type(family_of(bill), bill.operation, options.bill_types)
    call = f"{family_of(bill).value}.{'uploadretail' if kind in PERSON_TYPES else 'uploadinoutbill'}"
    parts = list(_parts(bill, options.codes_per_bill, call))
    made = []
    for index, (shipment, entries) in enumerate(parts, start=1):
        number = bill.number if len(parts) == 1 else f"{bill.number}_{index}"
        facts: dict[str, Json] = {"bill_type": kind, "shipment": shipment}
        lines = tuple(dict.fromkeys(line for line, _ in entries))
        made.append(Parcel(number, call, bill, lines, tuple(code for _, code in entries if code), facts=facts))
    return made


def _codes(line: BillLine) -> tuple[str, ...]:
    """Give what stands in the bill for a line: its own code, or of a container that is not whole what is in it."""
    return line.packs if line.packs and not line.is_whole else (line.code,)


def _parts(bill: Bill, most: int, call: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Give the parts: of each despatch note, so many codes with the line that each stands for."""
    inside = {pack for line in bill.lines if line.is_whole for pack in line.packs}
    by_shipment: dict[str, list[tuple[int, str]]] = {}
    known: set[str] = set()
    for number, line in enumerate(bill.lines):
        for code in line.due(_codes(line), (call,)):
            # What is said already still counts for its line.
            said = "" if code in known or code in inside else code
            known.add(code)
            by_shipment.setdefault(line.shipment or bill.shipment, []).append((number, said))
    for shipment, entries in by_shipment.items():
        for first in range(0, len(entries), most):
            yield shipment, entries[first : first + most]
