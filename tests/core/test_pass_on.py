"""Pass on: every verdict, every operation, every class of code, one by one (S1-16, DESIGN.md 11)."""

from itertools import product

import pytest

from yaoma.core.code import Cn20, ControlCode, Gs1, Lookalike, LookalikeKind, Meaning, Other, parse
from yaoma.core.control_code import ControlAction
from yaoma.core.operation import UNKNOWN_OPERATION
from yaoma.core.pass_on import TILL_KINDS, goes_on, is_tills_own, sent_as, sent_unchanged
from yaoma.core.policy import Policy
from yaoma.core.reason import VerdictClass
from yaoma.core.ticket import VERIFY, Ticket
from yaoma.shell.operations import load_operations
from yaoma_drivers.symbol import Symbol

OPERATIONS = load_operations()
CODE = "81000000000000000001"
PAYMENT = "134567890123456789"
ID = "11010519491231002X"
POLICIES = {
    "default": Policy(),
    "review": Policy(pass_on_also=frozenset({VerdictClass.REVIEW})),
    "all": Policy(pass_on_also=frozenset({VerdictClass.REVIEW, VerdictClass.STOP})),
}


def ticket(operation: str, *, is_training: bool = False, wants_person: bool = False) -> Ticket:
    """An open ticket."""
    return Ticket("t", "counter", operation, 0, wants_person=wants_person, is_training=is_training)


def scanned(text: str, aim: str = "") -> Meaning:
    """What a symbol means."""
    return parse(Symbol(text.encode(), "gun", 0, aim))


@pytest.mark.row("S1-16")
@pytest.mark.parametrize("policy", POLICIES)
def test_trace_code_when_judged_then_only_what_was_let_through_goes_on(policy: str) -> None:
    """PASS goes on; REVIEW and STOP only by policy; REPEAT only if the till lacks it; FAULT, late, practice never."""
    switch = (False, True)
    for verdict, is_late, is_owed, is_training in product(VerdictClass, switch, switch, switch):
        expected = {
            VerdictClass.PASS: True,
            VerdictClass.REPEAT: is_owed,
            VerdictClass.REVIEW: policy in {"review", "all"},
            VerdictClass.STOP: policy == "all",
            VerdictClass.FAULT: False,
        }[verdict]
        found = goes_on(verdict, POLICIES[policy], is_late=is_late, is_owed=is_owed, is_training=is_training)

        assert (expected and not is_late and not is_training) == found, (verdict, is_late, is_owed, is_training)


def test_fault_when_a_policy_names_it_all_the_same_then_it_does_not_go_on() -> None:
    """No file makes a bad read reach the till."""
    policy = Policy(pass_on_also=frozenset(VerdictClass))

    assert not goes_on(VerdictClass.FAULT, policy, is_late=False, is_owed=True, is_training=False)


@pytest.mark.row("S1-16")
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_lookalike_when_scanned_under_a_ticket_then_only_a_tills_goes_on_and_only_at_a_sale(operation: str) -> None:
    """In any other operation it is a fault as ever."""
    for kind in LookalikeKind:
        found = is_tills_own(Lookalike(kind, 13), b"", ticket(operation), OPERATIONS[operation], without_ticket=True)

        assert (operation == "dispense" and kind in TILL_KINDS) == found, kind


@pytest.mark.parametrize("without_ticket", [False, True])
def test_lookalike_when_no_ticket_is_open_then_the_configuration_decides(*, without_ticket: bool) -> None:
    """Shops whose till opens no tickets still take payments."""
    for kind in LookalikeKind:
        found = is_tills_own(Lookalike(kind, 13), b"", None, OPERATIONS[VERIFY], without_ticket=without_ticket)

        assert (without_ticket and kind in TILL_KINDS) == found, kind


@pytest.mark.parametrize("is_training", [False, True])
@pytest.mark.parametrize(
    "code",
    [Cn20(CODE), Gs1("06901234567892", "A1"), Other("x", "y"), ControlCode(ControlAction.OPEN, "dispense")],
    ids=lambda code: type(code).__name__,
)
def test_trace_and_control_codes_when_scanned_then_they_never_go_unrecorded(
    code: Meaning, *, is_training: bool
) -> None:
    """They are judged, whatever ticket is open."""
    sale = ticket("dispense", is_training=is_training)

    assert not is_tills_own(code, b"", sale, OPERATIONS["dispense"], without_ticket=True)
    assert not is_tills_own(code, b"", None, OPERATIONS[VERIFY], without_ticket=True)


@pytest.mark.parametrize(
    ("name", "text", "aim", "expected"),
    [
        ("WeChat payment code", PAYMENT, "", True),
        ("Alipay payment code", "284567890123456789", "]Q1", True),
        ("insurance QR", "3601X9hq7TzWm4KpR2", "", True),
        ("shampoo", "6901234567892", "]E0", True),
        ("address without a code", "https://qr.example/f2f0abc", "", True),
        ("member card", "12345678", "", True),
        ("QR with Chinese text", "会员卡", "", True),
        ("logistics label", "00312345678901234567", "", True),
        ("another order's 20 digits", "71000000000000000001", "", True),
        ("identity card", ID, "", False),
        ("old identity card", "110105491231002", "", False),
        ("two codes glued together", CODE + CODE, "", False),
        ("two codes on two lines", f"{CODE}\r\n{CODE}", "", False),
        ("trace code that was cut off", CODE[:15], "", False),
        ("trace code with a digit too many", CODE + "1", "", False),
        ("nothing", "", "", False),
        ("trace code", CODE, "", False),
        ("control code", ControlCode(ControlAction.UNDO).text, "", False),
        ("control code that was cut off", ControlCode(ControlAction.UNDO).text[:-1], "", False),
        ("trace code in a note", f"追溯码：{CODE}", "", False),
        ("trace code in a text", f"code={CODE};", "", False),
        ("trace code behind two AIM identifiers", f"]C0]C0{CODE}", "]Q1", False),
        ("trace code between an AIM identifier and a letter", f"]C0{CODE}x", "", False),
        ("GS1 code behind two AIM identifiers", "]Q3]d2010690123456789221ABC123", "]Q1", False),
        ("GS1 code on a second line", "abc\r010690123456789221ABC123", "", False),
    ],
)
def test_code_when_scanned_at_a_sale_then_the_tills_own_goes_on(
    name: str, text: str, aim: str, *, expected: bool
) -> None:
    """What people really hold under a till's scanner."""
    meaning = scanned(text, aim)
    found = is_tills_own(meaning, text.encode(), ticket("dispense"), OPERATIONS["dispense"], without_ticket=False)

    assert expected == found, f"{name}: {meaning}"


def test_practice_when_a_payment_code_is_scanned_then_nothing_goes_on() -> None:
    """Practice reaches no till; the code is a fault as ever."""
    practice = ticket("dispense", is_training=True)

    assert not is_tills_own(scanned(PAYMENT), PAYMENT.encode(), practice, OPERATIONS["dispense"], without_ticket=True)


def test_person_when_the_sale_wants_one_then_the_id_stays_and_the_payment_goes_on() -> None:
    """A real-name sale takes the ID for itself; whoever pays after that pays as always."""
    sale = ticket("dispense", wants_person=True)

    assert not is_tills_own(scanned(ID), ID.encode(), sale, OPERATIONS["dispense"], without_ticket=True)
    assert is_tills_own(scanned(PAYMENT), PAYMENT.encode(), sale, OPERATIONS["dispense"], without_ticket=True)


def test_operation_when_it_has_left_the_table_then_it_is_no_till() -> None:
    """Nothing goes on unseen under a ticket that nobody understands."""
    assert not is_tills_own(scanned(PAYMENT), PAYMENT.encode(), ticket("gone"), UNKNOWN_OPERATION, without_ticket=True)


@pytest.mark.parametrize(
    ("key", "data", "sent"),
    [
        (f"cn20:{CODE}", f"https://x.example/?c={CODE}", CODE),
        (f"cn20:{CODE}", f" {CODE}\t", CODE),
        ("gs1:010690123456789221A1", "]d2010690123456789221A1\x1d10L1", "010690123456789221A1\x1d10L1"),
        ("gs1:010690123456789221A1", " 010690123456789221A1 ", "010690123456789221A1"),
        ("other:x:AB12", "AB12", "AB12"),
    ],
)
def test_trace_code_when_it_goes_on_then_the_till_gets_what_it_can_use(key: str, data: str, sent: str) -> None:
    """Twenty digits, whatever they stood in; of GS1 everything, lot and expiry too."""
    assert sent.encode() == sent_as(key, data.encode())


@pytest.mark.parametrize("data", [b"134567890123456789", b" a \x00\xff ", b"]", b"]C", "会员".encode("gb18030")])
def test_other_code_when_it_goes_on_then_no_byte_is_changed(data: bytes) -> None:
    """Only an AIM identifier, which the scanner sends for the box, is left out."""
    assert data == sent_unchanged(data)
    assert data == sent_unchanged(b"]Q1" + data)
