"""Receipt text: every code of a closed ticket, whole, and nobody's name."""

import pytest

from fakes.report_journal import Shelf
from fakes.reported import TABLETS, events_of, product
from yaoma.core.policy import Bilingual, Policy
from yaoma.core.receipt_text import receipt_lines

FIRST, SECOND = f"{TABLETS}0000000010001", f"{TABLETS}0000000020001"
IMPORTED = "gs1:010690123456789221SN1"
MARKER = "PERSON-MARKER"


def said(shelf: Shelf, policy: Policy | None = None, ticket: str = "t1", language: str = "zh-CN") -> list[str]:
    """Give the receipt of a ticket."""
    return receipt_lines(events_of(shelf.bodies), ticket, product=product, policy=policy or Policy(), language=language)


@pytest.mark.row("S1-17")
@pytest.mark.row("S3-13")
def test_receipt_when_a_ticket_is_closed_then_each_drug_with_every_code() -> None:
    """Two packs of one drug stand on one line, another drug on the next; a scan that was undone is not there."""
    shelf = Shelf()
    shelf.ticket("open", "t1", person={"hash": MARKER})
    for code in (FIRST, SECOND, IMPORTED, f"{TABLETS}0000000030001"):
        shelf.scan(code, "t1", person={"hash": MARKER})
    shelf.record("undo", ticket="t1", packs=[f"{TABLETS}0000000030001"])
    shelf.scan(f"{TABLETS}0000000040001", "t2")
    shelf.ticket("close", "t1", operator=MARKER)

    lines = said(shelf)

    assert [
        "阿莫西林胶囊 追溯码：81000010000000010001 81000010000000020001",
        "追溯码：(01)06901234567892(21)SN1",
    ] == lines
    assert MARKER not in "".join(lines)
    assert said(shelf, language="en")[0].startswith("阿莫西林胶囊 trace code: 8100001")


def test_receipt_when_the_ticket_is_open_or_cancelled_then_nothing() -> None:
    """A receipt tells what was sold, not what lies on the counter."""
    shelf = Shelf()
    shelf.ticket("open", "t1")
    shelf.scan(FIRST, "t1")
    assert [] == said(shelf)

    shelf.ticket("cancel", "t1")
    assert [] == said(shelf)


def test_receipt_when_the_policy_has_braces_then_they_are_text() -> None:
    """A template from a file formats nothing but its two places."""
    policy = Policy(receipt_text=Bilingual("{product.__class__} {codes} {0}", "x"))
    shelf = Shelf()
    shelf.ticket("open", "t1")
    shelf.scan(FIRST, "t1")
    shelf.ticket("close", "t1")

    assert ["{product.__class__} 81000010000000010001 {0}"] == said(shelf, policy)
