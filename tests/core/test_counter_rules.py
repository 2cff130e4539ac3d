"""The rules of the counter, each alone and against the others: what they say, and which says it first."""

from dataclasses import replace
from datetime import date

import pytest

from fakes.moments import (
    CARTON,
    CASE,
    NOW,
    PRODUCTS,
    TABLETS,
    WHOLE,
    carton,
    catalogue,
    delivered,
    known,
    moment,
    note,
    on_ticket,
    pack,
    said,
)
from yaoma.core.allowlist import CodeStatus, Denial, DenialKind, Listing, Source
from yaoma.core.code import Gs1, TraceCode
from yaoma.core.ledger import Take
from yaoma.core.pack import PackState
from yaoma.core.policy import Policy
from yaoma.core.product import Product, ProductFlag
from yaoma.core.reason import CLASSES, DEFAULT_CLASS, Degraded, Reason, VerdictClass
from yaoma.core.shipment import ShipmentKind, ShipmentLine
from yaoma.core.situation import Situation
from yaoma.core.ticket import Line
from yaoma.core.verdict import judge

STOCK = known(PackState.IN_STOCK)
RECALL = Denial(DenialKind.RECALL, "2026-11")
POPPY = Product(WHOLE, "吗啡", drug="d-whole", flags=frozenset({ProductFlag.CONTROLLED}))
LENIENT = Policy(receive_without_shipment=VerdictClass.PASS)
GTIN = "06901234567892"


def line(drug: str = "d-whole", packs: int = 1, units: int = 0, *, filled: int = 0, filled_units: int = 0) -> Line:
    """A line of the till."""
    return Line(drug, (drug,), packs, units, filled=filled, filled_units=filled_units)


def listed(**more: object) -> Situation:
    """A pack from the shelf, sold, about which the list says more."""
    return moment("dispense", seen=STOCK, allowlist=catalogue({pack().key: Listing(Source.LIST, **more)}))  # type: ignore[arg-type]  # passed through


def received(**more: object) -> Situation:
    """A pack of the note, received."""
    return moment("receive", allowlist=delivered(note(), **more))


GS1_PACK = Gs1(GTIN, "S1", lot="L7")
GS1_LIST = delivered(
    replace(
        note(),
        lines=(ShipmentLine(f"gs1:01{GTIN}", 1, "L1"),),
        parents={GS1_PACK.key: ""},
        line_of={GS1_PACK.key: 0},
    ),
    products={f"gs1:01{GTIN}": Product(f"gs1:01{GTIN}", "进口药")},
)
OTHER_LOT = delivered(note(), listings={pack().key: Listing(Source.SHIPMENT, lot="L2", shipment="n-1")})

#: For each reason whose class the policy chooses, a moment in which it is what stands against the pack.
MOMENTS: dict[str, tuple[TraceCode, Situation]] = {
    Reason.LOT_UNKNOWN: (
        pack(), moment("dispense", seen=STOCK, allowlist=catalogue(lot_denials={(WHOLE, "L9"): RECALL})),
    ),
    Reason.STATUS_UNKNOWN: (pack(), received()),
    Reason.STATUS_ABSENT: (pack(), listed(status=CodeStatus.ABSENT)),
    Reason.STATUS_GONE: (pack(), listed(status=CodeStatus.GONE)),
    Reason.NOT_SMALLEST: (carton(), moment("dispense", carton(), seen=STOCK)),
    Reason.HISTORY_UNKNOWN: (pack(), moment("dispense", complete_since_ms=None)),
    Reason.NO_RECEIPT: (pack(), moment("dispense")),
    Reason.RETURNED_UNCHECKED: (pack(), moment("dispense", seen=known(PackState.RETURNED))),
    Reason.RETURNED_WITHOUT_SALE: (pack(), moment("return_customer")),
    Reason.NOT_OPENED: (
        pack(TABLETS), moment("dispense", pack(TABLETS), seen=STOCK, on={"lines": (line("d-tablets", 0, 5),)}),
    ),
    Reason.UNITS_UNKNOWN: (pack(), moment("split", seen=STOCK)),
    Reason.LINE_FULL: (pack(), moment("dispense", seen=STOCK, on={"lines": (line(filled=1),)})),
    Reason.PARENT_AND_CHILD: (pack(), moment("transfer_out", seen=STOCK, relative=carton().key)),
    Reason.ON_OTHER_TICKET: (pack(), moment("dispense", seen=STOCK, held_by="store")),
    Reason.IDENTITY_MISSING: (
        pack(), moment("dispense", seen=STOCK, allowlist=catalogue(products={WHOLE: POPPY})),
    ),
    Reason.NO_SHIPMENT: (pack(), moment("receive")),
    Reason.OTHER_SHIPMENT: (pack(), replace(received(), ticket=replace(moment("receive").ticket, shipment="n-2"))),  # type: ignore[type-var]  # a ticket is open
    Reason.NOT_IN_SHIPMENT: (pack(number=9), moment("receive", pack(number=9), on={"shipment": "n-1"})),
    Reason.LOT_MISMATCH: (pack(), moment("receive", allowlist=OTHER_LOT)),
    Reason.HEADQUARTERS_NOT_ALLOWED: (
        pack(), moment("receive", allowlist=catalogue({pack().key: Listing(Source.HEADQUARTERS)})),
    ),
}  # fmt: skip


def test_moments_when_counted_then_every_reason_with_a_choice_has_one() -> None:
    """A new reason that the policy may judge has to be reached here."""
    assert set(MOMENTS) == set(DEFAULT_CLASS)
    assert set(DEFAULT_CLASS) == {reason for reason, allowed in CLASSES.items() if len(allowed) > 1} - {
        Reason.LIST_MISSING
    }


@pytest.mark.row("S0-18")
@pytest.mark.row("S1-09")
@pytest.mark.row("S1-15")
@pytest.mark.row("S2-03")
@pytest.mark.row("S3-03")
@pytest.mark.row("S4-03")
@pytest.mark.row("S4-08")
@pytest.mark.row("S4-13")
@pytest.mark.parametrize("reason", MOMENTS)
def test_reason_when_the_policy_chooses_then_only_the_classes_that_it_allows_are_reached(reason: str) -> None:
    """Each class of CLASSES by the policy's word, no other by any; without a word the default."""
    code, situation = MOMENTS[reason]
    for wanted in [None, *VerdictClass]:
        severity = {} if wanted is None else {reason: wanted}
        found = judge(code, replace(situation, policy=replace(situation.policy, severity=severity)))
        expected = wanted if wanted in CLASSES[reason] else DEFAULT_CLASS[reason]
        if expected is VerdictClass.PASS:
            assert (found.verdict, found.reason) == (VerdictClass.PASS, "in_list"), (wanted, found)
        else:
            assert (found.verdict, found.reason) == (expected, reason), (wanted, found)
        assert (Degraded.HISTORY_UNKNOWN in found.degraded) == (
            reason == Reason.HISTORY_UNKNOWN and expected is VerdictClass.PASS
        )


#: Reasons whose class nobody chooses, and what else is worth a line: code, moment, class, reason, also.
FIXED: dict[str, tuple[TraceCode, Situation, str, str, tuple[str, ...]]] = {
    "cancelled code": (pack(), listed(status=CodeStatus.CANCELLED), "STOP", "status_cancelled", ()),
    "activated code": (pack(), listed(status=CodeStatus.ACTIVATED), "PASS", "in_list", ()),
    "sold code comes back": (
        pack(),
        moment("return_customer", seen=known(PackState.DISPENSED),
               allowlist=catalogue({pack().key: Listing(Source.LIST, status=CodeStatus.GONE)})),
        "PASS", "in_list", (),
    ),
    "another drug (S3-16)": (
        pack(), moment("dispense", seen=STOCK, on={"lines": (line("d-other"),)}), "STOP", "other_drug", (),
    ),
    "second line has room": (
        pack(), moment("dispense", seen=STOCK, on={"lines": (line(filled=1), line())}), "PASS", "in_list", (),
    ),
    "a whole pack where units are open": (
        pack(TABLETS),
        moment("dispense", pack(TABLETS), seen=STOCK, on={"lines": (line("d-tablets", 1, 5, filled=1),)}),
        "REVIEW", "line_full", (),
    ),
    "an opened pack where a whole one is wanted": (
        pack(TABLETS),
        moment("dispense", pack(TABLETS), seen=known(PackState.OPENED, left=9), on={"lines": (line("d-tablets"),)}),
        "STOP", "opened_whole", ("line_full",),
    ),
    "denied lot": (
        pack(), replace(listed(lot="L9"), findings=None,
                        allowlist=catalogue({pack().key: Listing(Source.LIST, lot="L9")},
                                            lot_denials={(WHOLE, "L9"): RECALL})),
        "STOP", "denied_recall", (),
    ),
    "another lot than the denied one": (
        pack(), replace(listed(), findings=None,
                        allowlist=catalogue({pack().key: Listing(Source.LIST, lot="L8")},
                                            lot_denials={(WHOLE, "L9"): RECALL})),
        "PASS", "in_list", (),
    ),
    "lot on the pack is not that of the note": (
        GS1_PACK, moment("receive", GS1_PACK, allowlist=GS1_LIST), "REVIEW", "lot_mismatch", (),
    ),
    "everything at once": (
        pack(),
        moment("dispense", seen=known(PackState.LEFT), relative="cn20:x", held_by="store",
               on={"lines": (line("d-other"),)},
               allowlist=catalogue(denials={pack().key: RECALL}, products={WHOLE: POPPY})),
        "STOP", "denied_recall",
        ("identity_missing", "left_stock", "on_other_ticket", "other_drug", "parent_and_child"),
    ),
    "two to review": (
        pack(), moment("transfer_out", seen=STOCK, relative="cn20:x", on={"lines": (line(filled=1),)}),
        "REVIEW", "line_full", ("parent_and_child",),
    ),
    "a stop behind a review": (
        pack(), moment("transfer_out", seen=known(PackState.DISPENSED), on={"lines": (line(filled=1),)}),
        "STOP", "sold_here", ("line_full",),
    ),
    "unlisted and to review": (
        pack(number=99), moment("dispense", pack(number=99), seen=STOCK, relative="cn20:x"),
        "REVIEW", "parent_and_child", ("not_in_list",),
    ),
    "sold, without any list": (
        pack(), moment("dispense", seen=known(PackState.DISPENSED), allowlist=None), "STOP", "sold_here", (),
    ),
    "damaged page": (
        pack(), moment("dispense", seen=STOCK, allowlist=catalogue({pack().key: Listing(damaged=True)})),
        "REVIEW", "list_damaged", (),
    ),
    "damaged page of a recalled pack": (
        pack(), moment("dispense", seen=STOCK, allowlist=catalogue({pack().key: Listing(damaged=True)},
                                                                   denials={pack().key: RECALL})),
        "STOP", "denied_recall", ("list_damaged",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FIXED)
def test_pack_when_several_things_stand_against_it_then_the_gravest_is_said_and_the_others_named(name: str) -> None:
    """STOP before REVIEW before PASS; within a class the order of the rules; all others stand in `also`."""
    code, situation, *expected = FIXED[name]
    if situation.findings is None:
        situation = replace(situation, findings=moment("verify", code, allowlist=situation.allowlist).findings)
    found = judge(code, situation)

    assert [found.verdict, found.reason, tuple(found.also)] == expected


@pytest.mark.row("S1-13")
def test_container_when_one_pack_inside_is_bad_then_it_does_not_come_in_with_the_others() -> None:
    """A large code answers for everything inside: recalls by code or lot, expiry, status and history (S1-05)."""
    inside = pack(number=3)
    bad = {
        "denied_recall": delivered(note(), denials={inside.key: RECALL}),
        "expired": delivered(replace(note(), lines=(replace(note().lines[0], expiry=date(2026, 11, 1)),))),
        "status_absent": delivered(
            note(), listings={inside.key: Listing(Source.SHIPMENT, status=CodeStatus.ABSENT, shipment="n-1")}
        ),
        "list_damaged": delivered(note(), listings={inside.key: Listing(damaged=True)}),
    }
    for reason, allowlist in bad.items():
        assert said(carton(), moment("receive", carton(), allowlist=allowlist, contents=(None,) * 4))[1] == reason
    by_lot = delivered(note(), lot_denials={(WHOLE, "L1"): RECALL})
    assert said(carton(), moment("receive", carton(), allowlist=by_lot, contents=(None,) * 4))[1] == "denied_recall"
    good = moment("receive", carton(), allowlist=delivered(note()), contents=(None,) * 4)
    assert said(carton(), good) == ("PASS", "in_list", ())
    assert (good.findings.lot, len(good.findings.packs)) == ("L1", 4)  # type: ignore[union-attr]  # looked up


@pytest.mark.parametrize(
    ("state", "verdict", "reason"),
    [
        (PackState.DISPENSED, "STOP", "sold_here"),
        (PackState.QUARANTINED, "STOP", "quarantined"),
        (PackState.IN_STOCK, "REVIEW", "in_stock_already"),
        (PackState.UNKNOWN, "PASS", "in_list"),
    ],
)
def test_container_when_a_pack_inside_is_in_a_state_then_the_worst_counts(
    state: PackState, verdict: str, reason: str
) -> None:
    """The second delivery of a note, with packs that were sold meanwhile, is not green."""
    contents = (None, STOCK if verdict == "STOP" else None, known(state), None)
    situation = moment("receive", carton(), allowlist=delivered(note()), contents=contents)

    assert said(carton(), situation)[:2] == (verdict, reason)


def test_container_when_it_holds_more_than_a_record_can_then_it_stops() -> None:
    """What is inside is scanned; a policy can't change that."""
    large = note(packs=4001)
    lenient = replace(Policy(), severity={Reason.NOT_SMALLEST: VerdictClass.REVIEW})
    situation = moment("receive", carton(), allowlist=delivered(large), policy=lenient)

    assert said(carton(), situation)[:2] == ("STOP", "not_smallest")


def test_container_when_all_of_it_is_on_the_ticket_then_it_is_a_repeat() -> None:
    """Two pulls of the trigger bring nothing in twice; one pack more is not yet all of it."""
    contents = tuple(on_ticket(PackState.UNKNOWN, Take(place)) for place in range(1, 5))
    situation = moment("receive", carton(), allowlist=delivered(note()), contents=contents)

    assert said(carton(), situation)[:2] == ("REPEAT", "on_ticket")
    assert said(carton(), replace(situation, contents=(*contents[:3], None)))[0] == "PASS"


@pytest.mark.row("S4-05")
def test_container_when_sold_then_only_the_smallest_package_may_be_except_where_its_packs_carry_no_code() -> None:
    """S4-05; a case whose packs carry none is scanned itself (SCANNERS.md 2)."""
    assert PRODUCTS[CARTON].packs > 1
    assert said(carton(), moment("dispense", carton(), seen=STOCK))[1] == "not_smallest"
    assert said(carton(), moment("transfer_out", carton(), seen=STOCK))[0] == "PASS"
    case = pack(CASE)
    assert said(case, moment("dispense", case, seen=known(PackState.IN_STOCK, left=10)))[0] == "PASS"


@pytest.mark.row("S2-09")
def test_headquarters_when_its_receipt_is_a_note_then_the_policy_is_asked_too() -> None:
    """A chain's pushed receipt counts where the place allows it (S2-09), as a note or without one."""
    allowlist = delivered(note(kind=ShipmentKind.HEADQUARTERS))
    situation = moment("receive", allowlist=allowlist)

    assert said(pack(), situation)[:2] == ("REVIEW", "headquarters_not_allowed")
    allowed = replace(situation, policy=replace(LENIENT, headquarters_receipts=True))
    assert said(pack(), allowed)[:2] == ("PASS", "in_list")


@pytest.mark.parametrize(("before", "again"), [("STOP", "PASS"), ("REVIEW", "PASS"), ("PASS", "REPEAT")])
def test_pack_when_scanned_again_after_what_it_lacked_is_there_then_it_is_judged_anew(before: str, again: str) -> None:
    """A pack that was held back isn't "already scanned"; it is not on the ticket, or not green."""
    place = () if before == "STOP" else (Take(1),)
    seen = replace(STOCK, ticket="t1", verdict=before, stamp=NOW, takes=place, place=len(place))
    situation = moment("dispense", seen=seen, on={"has_person": True}, allowlist=catalogue(products={WHOLE: POPPY}))

    assert said(pack(), situation)[0] == again


def test_identity_when_the_ticket_has_one_or_nothing_is_handed_out_then_nobody_asks() -> None:
    """S1-18, S4-08: for the sale, not for the shelf."""
    poppies = catalogue(products={WHOLE: POPPY})
    for operation, has_person, verdict in (
        ("dispense", False, "REVIEW"),
        ("vaccinate", False, "REVIEW"),
        ("dispense", True, "PASS"),
        ("move", False, "PASS"),
        ("destroy", False, "PASS"),
    ):
        situation = moment(operation, seen=STOCK, allowlist=poppies, on={"has_person": has_person})
        assert said(pack(), situation)[0] == verdict, operation


def test_reserved_when_nothing_is_done_with_the_pack_then_it_may_be_looked_at() -> None:
    """To verify takes nothing away from the ticket that the pack is on."""
    assert said(pack(), moment("verify", seen=STOCK, held_by="store"))[0] == "PASS"
    found = judge(pack(), moment("dispense", seen=STOCK, held_by="store"))
    assert (found.verdict, found.facts["station"]) == (VerdictClass.STOP, "store")
