"""Control codes through the real recorder: what the operator's sheet commands, and what it can't."""

from collections.abc import Callable, Mapping
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.counter import CounterBench
from fakes.moments import TABLETS, pack
from yaoma.core.control_code import ControlAction, ControlCode, Sheet
from yaoma.core.control_sheet import sign
from yaoma.core.note import Signer
from yaoma.core.ticket import Action, Line
from yaoma.service.control_desk import ControlDesk
from yaoma.service.post import Post

NewBench = Callable[..., CounterBench]
SIGNER = Signer("sheets.example", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
STRANGER = Signer("sheets.example", Ed25519PrivateKey.from_private_bytes(bytes(32)))
SHEET = Sheet("H32132200561", "COUNTER-1", "T-0007", date(2026, 12, 31))
DONE, REFUSED = ("PASS", "control_done"), ("FAULT", "control_refused")
PACK, OTHER = pack().key, pack(number=2).key


@pytest.fixture
def bench(new_bench: NewBench) -> CounterBench:
    """A recorder that knows the technician's key."""

    def control(posts: Mapping[str, Post]) -> ControlDesk:
        return ControlDesk(
            site="H32132200561", box="counter-1", verifiers=[SIGNER.verifier()], revoked=lambda: {"T-0666"}, posts=posts
        )

    return new_bench(control=control)


def plain(action: ControlAction, argument: str = "") -> str:
    """A code that everybody may scan."""
    return ControlCode(action, argument).text


def signed(action: ControlAction, argument: str = "", *, sheet: Sheet = SHEET, signer: Signer = SIGNER) -> str:
    """A code of the technician's sheet."""
    return sign(action, argument, sheet, signer).text


def refusal(bench: CounterBench) -> str:
    """Why the last code was refused."""
    return str(bench.shown.verdicts[-1][1].facts["refusal"])


OPEN, CLOSE, UNDO, CONFIRM = (
    plain(ControlAction.OPEN, "dispense"),
    plain(ControlAction.CLOSE),
    plain(ControlAction.UNDO),
    plain(ControlAction.CONFIRM),
)


def test_sale_when_it_is_made_with_the_sheet_alone_then_it_takes_effect(bench: CounterBench) -> None:
    """Operator, open, two packs, one undone, closed: without a keyboard."""
    said = bench.said(plain(ControlAction.OPERATOR, "LI"), OPEN, PACK, OTHER, UNDO, CLOSE)

    assert said == [DONE, DONE, ("PASS", "in_list"), ("PASS", "in_list"), DONE, DONE]
    seen, undone = bench.ledger.seen(PACK), bench.ledger.seen(OTHER)
    assert seen is not None
    assert undone is not None
    assert (seen.effect, undone.effect) == ("dispense", "")
    assert bench.shown.verdicts[-1][2].fields["control"] == "close"


def test_code_when_scanned_then_it_acts_on_its_own_scanners_station_only(bench: CounterBench) -> None:
    """The gun in the store opens and closes nothing at the counter."""
    bench.said(OPEN, PACK)
    assert bench.said(CLOSE, scanner="gun-2") == [REFUSED]
    assert refusal(bench) == "no_open_ticket"
    assert bench.ledger.open_ticket("counter") is not None
    assert bench.said(plain(ControlAction.OPERATOR, "WANG"), scanner="gun-2") == [DONE]
    assert [bench.posts[station].operator for station in ("counter", "store")] == ["", "WANG"]


def test_open_when_the_operator_has_changed_his_mind_then_an_empty_ticket_gives_way_and_no_other(
    bench: CounterBench,
) -> None:
    """With a pack on it, with lines of the till, or for a despatch note it stays."""
    receive = plain(ControlAction.OPEN, "receive")
    assert bench.said(OPEN, receive) == [DONE, DONE]
    ticket = bench.ledger.open_ticket("counter")
    assert ticket is not None
    assert ticket.operation == "receive"
    bench.said(PACK)
    assert bench.said(OPEN) == [REFUSED]
    assert refusal(bench) == "ticket_already_open"
    bench.ticket(Action.CLOSE)
    bench.ticket(Action.OPEN, lines=(Line("d-whole", (), 1),))
    assert bench.said(receive) == [REFUSED]
    bench.ticket(Action.CANCEL)
    bench.ticket(Action.OPEN, "receive", shipment="n-1")
    assert bench.said(OPEN) == [REFUSED]


def test_open_when_it_is_refused_then_the_empty_ticket_stays(bench: CounterBench) -> None:
    """An operation that is not in the table, or that needs a name, takes nothing away."""
    bench.said(OPEN)
    before = bench.ledger.open_ticket("counter")
    for operation, reason in (("fly", "operation_unknown"), ("check_return", "operator_needed")):
        assert bench.said(plain(ControlAction.OPEN, operation)) == [REFUSED]
        assert refusal(bench) == reason
        assert bench.ledger.open_ticket("counter") == before


def test_confirm_when_nobody_signed_on_or_nothing_is_to_review_then_it_is_refused(bench: CounterBench) -> None:
    """Anybody with a name may let a doubtful pack through; a red one nobody."""
    unlisted = pack(number=99).key
    bench.said(OPEN, unlisted)
    assert bench.said(CONFIRM) == [REFUSED]
    assert refusal(bench) == "operator_needed"
    bench.said(plain(ControlAction.OPERATOR, "LI"))
    assert bench.said(CONFIRM) == [DONE]
    seen = bench.ledger.seen(unlisted)
    assert seen is not None
    assert seen.is_cleared
    bench.said(PACK)
    assert bench.said(CONFIRM) == [REFUSED]
    assert refusal(bench) == "nothing_to_override"


def test_signed_code_when_its_sheet_counts_then_it_is_obeyed(bench: CounterBench) -> None:
    """Cancel, emergency use, the badge of a person in charge."""
    unlisted = pack(number=99).key
    assert bench.said(signed(ControlAction.SUPERVISOR, "WANG"), OPEN, unlisted) == [
        DONE, DONE, ("REVIEW", "not_in_list"),
    ]  # fmt: skip
    assert bench.posts["counter"].is_supervisor
    assert bench.said(signed(ControlAction.OVERRIDE)) == [DONE]
    (duty,) = bench.ledger.duties()
    assert (duty.kind, duty.code) == ("emergency", unlisted)
    assert bench.said(signed(ControlAction.CANCEL)) == [DONE]
    assert (bench.ledger.open_ticket("counter"), bench.ledger.duties()) == (None, [])
    assert bench.said(plain(ControlAction.OPERATOR, "WANG")) == [DONE]
    assert not bench.posts["counter"].is_supervisor


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (signed(ControlAction.CANCEL, signer=STRANGER), "bad_signature"),
        (signed(ControlAction.CANCEL, sheet=Sheet("OTHER", "", "T-1", SHEET.expires)), "other_site"),
        (signed(ControlAction.CANCEL, sheet=Sheet(SHEET.site, "COUNTER-2", "T-1", SHEET.expires)), "other_box"),
        (signed(ControlAction.CANCEL, sheet=Sheet(SHEET.site, "", "T-0666", SHEET.expires)), "revoked"),
        (signed(ControlAction.CANCEL, sheet=Sheet(SHEET.site, "", "T-1", date(2026, 11, 17))), "expired"),
    ],
)
def test_signed_code_when_its_sheet_does_not_count_then_nothing_happens(
    bench: CounterBench, text: str, reason: str
) -> None:
    """Wrong key, site, box, a lost sheet, an old one: refused, recorded, and the ticket stays."""
    bench.said(OPEN, PACK)

    assert bench.said(text) == [REFUSED]
    assert refusal(bench) == f"sheet_refused.{reason}"
    ticket = bench.ledger.open_ticket("counter")
    assert ticket is not None
    assert ticket.packs == 1


def test_training_when_switched_on_then_the_next_tickets_are_practice_until_it_is_off(bench: CounterBench) -> None:
    """S0-07: not in the middle of a ticket; what is practised changes no pack."""
    on, off = signed(ControlAction.TRAINING, "on"), signed(ControlAction.TRAINING, "off")
    assert bench.said(OPEN, on) == [DONE, REFUSED]
    bench.ticket(Action.CANCEL)
    assert bench.said(on, OPEN, pack(TABLETS).key, CLOSE, off, OPEN) == [DONE, DONE, ("PASS", "in_list"), *[DONE] * 3]
    ticket = bench.ledger.open_ticket("counter")
    assert ticket is not None
    assert not ticket.is_training
    assert bench.ledger.seen(pack(TABLETS).key) is None


def test_pairing_code_when_a_known_scanner_reads_it_then_it_says_what_to_do(bench: CounterBench) -> None:
    """A running box opens no new scanner: it says who does, or that this one has its station already."""
    assert bench.said(signed(ControlAction.PAIR, "STORE")) == [REFUSED]
    assert refusal(bench) == "pairing_by_command"
    assert bench.said(signed(ControlAction.PAIR, "COUNTER")) == [REFUSED]
    assert refusal(bench) == "pairing_known"
    assert bench.said(signed(ControlAction.PAIR, "COUNTER", signer=STRANGER)) == [REFUSED]
    assert refusal(bench) == "sheet_refused.bad_signature"
