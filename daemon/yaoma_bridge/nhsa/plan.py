"""Plan: which rows of a bill go to the insurance platform in which call, and what still stands in the way; pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.product import PackLevel, ProductFlag
from yaoma_bridge.bill import Bill, BillLine, SealedPerson
from yaoma_bridge.field_map import FieldTroubleError, gaps
from yaoma_bridge.nhsa.institution import NhsaSite, nhsa_site
from yaoma_bridge.nhsa.profile import Doing, Profile, Transaction
from yaoma_bridge.nhsa.rows import Row, code_text, codes_of, rows_of
from yaoma_bridge.nhsa.values import Person, line_values, row_object
from yaoma_bridge.platform import Parcel, Ruling, RulingKind

__all__ = ["parcels_of", "reason_of", "rows_in", "ruling_of", "sealed_person", "wants_person"]

#: What stands for an identity where only its presence counts.
_SOMEBODY: Final = "0" * 18
#: Around the rows, and for an identity that joins each row when it is sent.
_FRAME_LETTERS: Final = 100
_PERSON_LETTERS: Final = 80

#: What has to be put right, by where the missing value comes from.
_REASONS: Final[Mapping[str, str]] = {
    "drug": "drug_data_missing",
    "lot": "lot_data_missing",
    "bill": "bill_data_missing",
    "payer": "bill_data_missing",
    "site": "institution_incomplete",
    "person": "person_data_missing",
}


def ruling_of(bill: Bill, line: BillLine, profile: Profile) -> Ruling:
    """Say whether insurance wants a line, and whether everything is known that it wants with it."""
    if bill.operation not in profile.operation:
        return Ruling(RulingKind.NOT_NEEDED, "operation_not_for_insurance")
    site = nhsa_site(bill.institution)
    if site is None:
        is_described = bill.institution is not None and "nhsa" in bill.institution.own
        return Ruling(RulingKind.HELD, "institution_incomplete" if is_described else "institution_unknown")
    missing = _missing(bill, line, profile, site)
    return Ruling(RulingKind.HELD, missing) if missing else Ruling()


def parcels_of(bill: Bill, profile: Profile) -> Sequence[Parcel]:
    """Make rows, and calls that are not too long for `input`."""
    site = nhsa_site(bill.institution)
    assert site is not None, "lines without an institution are held"
    parcels: list[Parcel] = []
    for doing in _doings(bill, profile, site):
        transaction = profile.transaction[doing.do]
        rows = rows_of(bill, doing, profile, range(len(bill.lines)))
        for call in _calls(bill, site, doing, profile, rows):
            facts: dict[str, Json] = {
                "do": doing.do,
                "type": doing.change_type,
                "gift": doing.gift,
                "rows": [row.json() for row in call],
            }
            lines = tuple(sorted({number for row in call for number in row.lines}))
            codes = tuple(key for row in call for key in row.codes)
            infno = transaction.batch_infno if len(call) > 1 else transaction.infno
            parcels.append(Parcel(call[0].number, infno, bill, lines, codes, facts=facts))
    return parcels


def rows_in(parcel: Parcel) -> tuple[Doing, tuple[Row, ...]]:
    """Read back what a parcel carries."""
    facts = parcel.facts
    rows = facts["rows"]
    assert isinstance(rows, list)
    doing = Doing(do=str(facts["do"]), change_type=str(facts["type"]), gift=facts["gift"] is True)
    return doing, tuple(Row.read(row) for row in rows)


def reason_of(trouble: FieldTroubleError) -> str:
    """Give the reason id for a field that can't be written."""
    if trouble.problem != "missing":
        return "insurance_field_unfit"
    return _REASONS.get(trouble.source.partition(".")[0], "institution_incomplete")


def wants_person(transaction: Transaction) -> bool:
    """Say whether a transaction has a field for an identity."""
    return any(source.startswith("person.") for rule in transaction.fields for source in rule.source)


def sealed_person(bill: Bill) -> SealedPerson | None:
    """Give the bill's newest identity that was not erased."""
    return next((one for one in reversed(bill.persons) if one.blob), None)


def _missing(bill: Bill, line: BillLine, profile: Profile, site: NhsaSite) -> str:
    if line.product is None:
        return "product_unknown"
    if line.level is not PackLevel.SMALL and not line.packs and ProductFlag.CASE_CODE not in line.product.flags:
        return "container_unresolved"
    somebody = _somebody(bill)
    for doing in _doings(bill, profile, site):
        transaction = profile.transaction[doing.do]
        codes = transaction.codes
        if codes is not None and not all(code_text(key, codes) for key in codes_of(line)):
            return "code_form_unknown"
        values = line_values(bill, line, site, doing)
        values |= {"row.number": bill.number, "row.count": "1"}
        if somebody is not None:
            values |= {"person.kind": somebody.kind, "person.number": somebody.number}
        if troubles := gaps(transaction.fields, values):
            return reason_of(troubles[0])
    return ""


def _doings(bill: Bill, profile: Profile, site: NhsaSite) -> Iterator[Doing]:
    for doing in profile.operation[bill.operation]:
        if doing.when != "purchases" or site.purchases:
            yield doing


def _calls(bill: Bill, site: NhsaSite, doing: Doing, profile: Profile, rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Divide rows so that each call's `input` is short enough."""
    gateway, transaction = profile.gateway, profile.transaction[doing.do]
    most = gateway.rows_per_call if transaction.batch_infno else 1
    more = _PERSON_LETTERS if wants_person(transaction) else 1
    call: list[Row] = []
    letters = 0
    for row in rows:
        written = row_object(bill, row, site, doing, transaction=transaction, person=None)
        length = len(json.dumps(written, ensure_ascii=False, separators=(",", ":"))) + more
        if call and (len(call) == most or letters + length > gateway.max_input_letters - _FRAME_LETTERS):
            yield call
            call, letters = [], 0
        call.append(row)
        letters += length
    if call:
        yield call


def _somebody(bill: Bill) -> Person | None:
    sealed = sealed_person(bill)
    return None if sealed is None else Person(str(sealed.facts.get("kind", "")), _SOMEBODY)
