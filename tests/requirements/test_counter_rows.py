"""Rows of the matrix that no test of a part shows by itself: payer, other codes of a drug, unknown prefixes."""

import pytest

from fakes.moments import WHOLE, catalogue, moment, pack
from yaoma.core.allowlist import MemoryAllowlist, drugs_named
from yaoma.core.pack import PackState
from yaoma.core.problem import ProblemRefusedError, problem_entry
from yaoma.core.product import CodeSystem, Product
from yaoma.core.ticket import Action, TicketCommand, ticket_entry
from yaoma.core.verdict import judge
from yaoma.shell.operations import load_operations


@pytest.mark.row("S1-24")
@pytest.mark.row("S3-14")
@pytest.mark.parametrize("payer", ["injury", "insurance", "self"])
def test_ticket_when_somebody_else_pays_then_its_record_says_who(payer: str) -> None:
    """Work-injury sales carry the same codes and say who pays, so that the centre can tell them apart."""
    command = TicketCommand(Action.OPEN, "counter", "dispense", payer=payer)

    assert payer == ticket_entry(command, None, "t1").fields["payer"]


@pytest.mark.row("S3-15")
def test_pack_when_its_prefix_is_not_in_the_list_then_it_is_to_be_reviewed() -> None:
    """A drug whose prefix nobody has registered is named as such, and is not let through in silence."""
    code = pack("cn20:8999999")
    found = judge(code, moment("receive", code))

    assert "REVIEW" == found.verdict.value
    assert "product_unknown" in {found.reason, *found.also}


@pytest.mark.row("S4-02")
@pytest.mark.parametrize(
    "text", ["ean:6901234567892", "standard:86900001000011", "insurance:XA01ABC", "own:A-17", "d-1", WHOLE]
)
def test_drug_when_the_till_names_it_by_any_of_its_codes_then_it_is_that_drug(text: str) -> None:
    """EAN, 本位码, 医保编码, the institution's own number, drug id and prefix lead to one drug."""
    aliases = (
        (CodeSystem.EAN, "6901234567892"),
        (CodeSystem.STANDARD, "86900001000011"),
        (CodeSystem.INSURANCE, "XA01ABC"),
        (CodeSystem.OWN, "A-17"),
    )
    product = Product(WHOLE, "阿莫西林胶囊", drug="d-1", aliases=aliases)
    allowlist = MemoryAllowlist(7, 1, {WHOLE: product}, frozenset(), {})

    assert ("d-1",) == drugs_named(allowlist, text)
    assert () == drugs_named(catalogue(), "ean:6900000000000")


@pytest.mark.row("S1-22")
def test_ward_when_drugs_go_to_it_then_the_scan_is_no_outpatients() -> None:
    """Two operations, told apart in every record and report; both want each pack scanned and in stock."""
    operations = load_operations()

    assert {operations[name].into for name in ("dispense", "dispense_ward")} == {PackState.DISPENSED}
    assert operations["dispense"].zh != operations["dispense_ward"].zh
    assert operations["dispense_ward"].hands_out


@pytest.mark.row("S2-06")
def test_ticket_when_the_goods_are_somebody_elses_then_its_record_names_the_owner() -> None:
    """Goods in store for another company keep its name on every movement."""
    command = TicketCommand(Action.OPEN, "counter", "receive", owner="某某医药")

    assert ticket_entry(command, None, "t1").fields["owner"] == "某某医药"


@pytest.mark.row("S3-22")
def test_problem_when_it_can_t_wait_then_its_record_says_so() -> None:
    """An urgent report is told apart; a severity that there is not is refused."""
    assert problem_entry("patient", severity="urgent").fields["severity"] == "urgent"
    with pytest.raises(ProblemRefusedError):
        problem_entry("patient", severity="maybe")
