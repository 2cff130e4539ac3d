"""A ticket as the reports count it: what lies on it after scans and after some of them were undone."""

from yaoma.core.report_facts import Event
from yaoma.core.report_ticket import CountedTicket

CASE = "cn20:81234560000000010001"


def scan(code: str = CASE, **fields: object) -> Event:
    """The record of a scan."""
    return Event("l", 1, "scan", 0, True, {"code": code, **fields}, ("l", 1))


def test_ticket_when_one_portion_is_undone_then_the_others_stay() -> None:
    """A case's code that was scanned for three packs has two left, and none when all are undone."""
    ticket = CountedTicket()
    for _ in range(3):
        ticket.put(CASE, scan(taken=1, case=True))
    assert 3 == ticket.packs[CASE].smallest

    ticket.take_off([CASE])
    assert 2 == ticket.packs[CASE].smallest
    ticket.take_off([CASE])
    ticket.take_off([CASE])

    assert {} == ticket.packs


def test_ticket_when_a_pack_was_judged_twice_and_is_undone_then_it_is_gone() -> None:
    """A second look at a whole pack replaces the first; there is no earlier portion to come back."""
    ticket = CountedTicket()
    ticket.put(CASE, scan(verdict="REVIEW"))
    ticket.put(CASE, scan(verdict="PASS"))

    ticket.take_off([CASE])

    assert {} == ticket.packs


def test_ticket_when_a_code_was_denied_and_comes_again_then_old_portions_stay_away() -> None:
    """What left the ticket by a STOP does not come back when a later portion is undone."""
    ticket = CountedTicket()
    for _ in range(2):
        ticket.put(CASE, scan(taken=1, case=True))
    ticket.packs.pop(CASE)
    ticket.put(CASE, scan(taken=1, case=True))

    ticket.take_off([CASE])

    assert {} == ticket.packs
