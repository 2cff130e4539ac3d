"""The verdict's rules: what is said of a symbol in a situation, and what is never said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.allowlist import Denial, DenialKind, MemoryAllowlist, Product
from yaoma.core.code import Cn20, Gs1, Lookalike, LookalikeKind, Other, OtherPattern, TraceCode
from yaoma.core.ledger import Seen
from yaoma.core.policy import Policy
from yaoma.core.reason import CLASSES, Degraded, Reason, VerdictClass
from yaoma.core.record import ClockState, Stamp
from yaoma.core.ticket import Ticket
from yaoma.core.verdict import Situation, Verdict, judge

NOW = Stamp(1_795_000_000_000, 500_000, "boot-a", ClockState.SYNCED)
LISTED, UNLISTED, ALIEN = Cn20("81234560000000010000"), Cn20("81234560000000020000"), Cn20("89999990000000010000")
RECALLED = Cn20("81234560000000030000")
BANNED_PRODUCT = Cn20("87777770000000010000")
GLUED = Gs1("06901234567892", "A1", may_be_glued=True)
GLUED_LISTED = Gs1("06901234567892", "B1", may_be_glued=True)
CASED = Gs1("06901234567892", "Ab1X")
FOREIGN = Other("std", "ZX0001", "std:7")
TICKET = Ticket("t1", "counter", "dispense", 3, packs=2)
ID_CARD = Lookalike(LookalikeKind.ID_NUMBER, 18)
WANTS_PERSON = replace(TICKET, wants_person=True)

LIST = MemoryAllowlist(
    7,
    NOW.wall_ms + 1,
    {"cn20:8123456": Product("cn20:8123456", "阿莫西林")},
    frozenset({LISTED.key, RECALLED.key, BANNED_PRODUCT.key, GLUED_LISTED.key}),
    {RECALLED.key: Denial(DenialKind.RECALL, "2026-17"), BANNED_PRODUCT.product_key: Denial(DenialKind.WARNING)},
    (OtherPattern("std", r"ZX\d{4}", "std:7"),),
)
EXPIRED = replace(LIST, expires_ms=NOW.wall_ms)
_GS1_PRODUCT = {CASED.product_key: Product(CASED.product_key, "进口药")}
CASED_LIST = replace(LIST, products=_GS1_PRODUCT, codes=frozenset({CASED.key}))
CASED_LOWER = replace(CASED_LIST, codes=frozenset({replace(CASED, serial="ab1x").key}))

PASS, REPEAT, REVIEW, STOP, FAULT = VerdictClass
STALE, NO_LIST, NO_CLOCK = Degraded.LIST_STALE, Degraded.LIST_MISSING, Degraded.CLOCK_UNTRUSTED


def situation(
    *,
    now: Stamp = NOW,
    ticket: Ticket | None = None,
    seen: Seen | None = None,
    allowlist: MemoryAllowlist | None = LIST,
    policy: Policy | None = None,
    disk_low: bool = False,
    can_seal: bool = True,
    floor_ms: int = 0,
) -> Situation:
    """An ordinary moment at the counter, with changes."""
    return Situation(
        now,
        "counter",
        ticket,
        seen,
        allowlist,
        policy or Policy(),
        disk_low=disk_low,
        can_seal=can_seal,
        floor_ms=floor_ms,
    )


def earlier(
    ago_ms: int, *, station: str = "counter", ticket: str | None = None, boot: str = "boot-a", place: int = 0
) -> Seen:
    """The last scan of the code, so long ago."""
    stamp = Stamp(NOW.wall_ms - ago_ms, NOW.mono_ms - ago_ms, boot, ClockState.SYNCED)
    return Seen("log", 9, station, ticket, "PASS", stamp, place)


UNTRUSTED = replace(NOW, clock=ClockState.UNTRUSTED)

TABLE: dict[str, tuple[TraceCode | Lookalike, Situation, VerdictClass, str, set[Degraded]]] = {
    "listed": (LISTED, situation(), PASS, "in_list", set()),
    "not listed, product known": (UNLISTED, situation(), REVIEW, "not_in_list", set()),
    "product unknown": (ALIEN, situation(), REVIEW, "product_unknown", set()),
    "denied by code": (RECALLED, situation(), STOP, "denied_recall", set()),
    "denied by product": (BANNED_PRODUCT, situation(), STOP, "denied_warning", set()),
    "denied and repeated": (RECALLED, situation(seen=earlier(1)), STOP, "denied_recall", set()),
    "denied by an expired list": (RECALLED, situation(allowlist=EXPIRED), STOP, "denied_recall", {STALE}),
    "disk low": (LISTED, situation(disk_low=True), PASS, "in_list", {Degraded.DISK_LOW}),
    # No list
    "no list": (LISTED, situation(allowlist=None), REVIEW, "list_missing", {NO_LIST}),
    "no list, lenient": (
        LISTED, situation(allowlist=None, policy=Policy(pass_without_list=True)), PASS, "list_missing", {NO_LIST},
    ),
    "no list, lenient, maybe glued": (
        GLUED, situation(allowlist=None, policy=Policy(pass_without_list=True)), REVIEW, "list_missing", {NO_LIST},
    ),
    # Expiry
    "expired": (LISTED, situation(allowlist=EXPIRED), REVIEW, "list_stale", {STALE}),
    "expired, lenient": (
        LISTED, situation(allowlist=EXPIRED, policy=Policy(pass_with_stale_list=True)), PASS, "in_list", {STALE},
    ),
    "expired, not listed": (UNLISTED, situation(allowlist=EXPIRED), REVIEW, "not_in_list", {STALE}),
    "expired, clock set backwards": (
        LISTED,
        situation(allowlist=EXPIRED, now=replace(NOW, wall_ms=1_000), floor_ms=NOW.wall_ms),
        REVIEW, "list_stale", {STALE},
    ),
    "floor below the expiry": (LISTED, situation(floor_ms=NOW.wall_ms), PASS, "in_list", set()),
    # Clock
    "clock unsure": (LISTED, situation(now=UNTRUSTED), PASS, "in_list", {NO_CLOCK}),
    "clock unsure, strict": (
        LISTED,
        situation(now=UNTRUSTED, policy=Policy(pass_with_untrusted_clock=False)),
        REVIEW, "clock_untrusted", {NO_CLOCK},
    ),
    "held over": (LISTED, situation(now=replace(NOW, clock=ClockState.HOLDOVER)), PASS, "in_list", set()),
    # Another standard
    "other standard": (FOREIGN, situation(), PASS, "other_standard", {Degraded.UNVERIFIED}),
    "other standard, expired": (FOREIGN, situation(allowlist=EXPIRED), REVIEW, "list_stale", {STALE}),
    "other standard, clock strict": (
        FOREIGN,
        situation(now=UNTRUSTED, policy=Policy(pass_with_untrusted_clock=False)),
        REVIEW, "clock_untrusted", {NO_CLOCK},
    ),
    # GS1
    "maybe glued": (GLUED, situation(), FAULT, "gs1_glued", set()),
    "maybe glued but listed": (GLUED_LISTED, situation(), PASS, "in_list", set()),
    "case turned": (replace(CASED, serial="aB1x"), situation(allowlist=CASED_LIST), FAULT, "case_turned", set()),
    "upper case": (replace(CASED, serial="AB1X"), situation(allowlist=CASED_LOWER), FAULT, "case_turned", set()),
    "case as listed": (CASED, situation(allowlist=CASED_LIST), PASS, "in_list", set()),
    "digits have no case": (replace(CASED, serial="12"), situation(allowlist=CASED_LIST), REVIEW, "not_in_list", set()),
    "case turned, nothing listed": (
        replace(CASED, serial="zZ"), situation(allowlist=CASED_LIST), REVIEW, "not_in_list", set(),
    ),
    # Repeats
    "again at once": (LISTED, situation(seen=earlier(0)), REPEAT, "repeat_scan", set()),
    "at the end of the hold-off": (LISTED, situation(seen=earlier(10_000)), REPEAT, "repeat_scan", set()),
    "after the hold-off": (LISTED, situation(seen=earlier(10_001)), PASS, "in_list", set()),
    "again at another station": (LISTED, situation(seen=earlier(1, station="back")), PASS, "in_list", set()),
    "again in another boot": (LISTED, situation(seen=earlier(1, boot="boot-b")), PASS, "in_list", set()),
    "again for a new ticket": (LISTED, situation(ticket=TICKET, seen=earlier(1)), PASS, "in_list", set()),
    "again on the ticket, later": (
        LISTED, situation(ticket=TICKET, seen=earlier(99_999, ticket="t1", place=2)), REPEAT, "on_ticket", set(),
    ),
    "again on the ticket, from another station of it": (
        LISTED,
        situation(ticket=TICKET, seen=earlier(1, station="back", ticket="t1", place=2)),
        REPEAT, "on_ticket", set(),
    ),
    "on another ticket": (
        LISTED, situation(ticket=TICKET, seen=earlier(1, ticket="t0", place=2)), PASS, "in_list", set(),
    ),
    "on the ticket without a place": (
        LISTED, situation(ticket=TICKET, seen=earlier(99_999, ticket="t1")), PASS, "in_list", set(),
    ),
    # Persons
    "person for the ticket": (ID_CARD, situation(ticket=WANTS_PERSON), PASS, "person_sealed", set()),
    "person without keys": (
        ID_CARD, situation(ticket=WANTS_PERSON, can_seal=False), FAULT, "person_not_sealable", set(),
    ),
    "person nobody asked for": (ID_CARD, situation(ticket=TICKET), FAULT, "lookalike_id_number", set()),
    "person without ticket": (ID_CARD, situation(), FAULT, "lookalike_id_number", set()),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_verdict_when_in_a_situation_then_class_reason_and_flags_are_those_of_the_table(name: str) -> None:
    """Each rule of the verdict, alone and where two of them meet."""
    code, moment, verdict, reason, flags = TABLE[name]
    found = judge(code, moment)

    assert (found.verdict, found.reason, set(found.degraded)) == (verdict, reason, flags)


@pytest.mark.parametrize("kind", LookalikeKind)
def test_lookalike_when_scanned_then_it_is_a_fault_of_its_own_kind(kind: LookalikeKind) -> None:
    """A technical fault is never suspicion, list or no list."""
    for allowlist in (LIST, None):
        found = judge(Lookalike(kind, 13), situation(allowlist=allowlist))
        assert (found.verdict, found.reason) == (FAULT, f"lookalike_{kind.value}")
        assert found.facts == {"length": 13}


def test_facts_when_something_is_said_then_they_fill_its_sentence() -> None:
    """Version, product and next place; the seconds since the last scan; the place; the notice's number."""
    assert judge(LISTED, situation(ticket=TICKET)).facts == {"list_version": 7, "product": "阿莫西林", "place": 3}
    assert judge(LISTED, situation(seen=earlier(8_900))).facts == {"seconds": 8}
    assert judge(LISTED, situation(ticket=TICKET, seen=earlier(99_999, ticket="t1", place=2))).facts == {"place": 2}
    assert judge(RECALLED, situation()).facts == {
        "note": "2026-17",
        "list_version": 7,
        "product": "阿莫西林",
        "place": 0,
    }


def test_verdict_when_made_with_a_class_its_reason_can_not_have_then_it_is_refused() -> None:
    """No code path can show green for a recall."""
    with pytest.raises(ValueError, match="denied_recall"):
        Verdict(VerdictClass.PASS, Reason.DENIED_RECALL)


CODES = st.sampled_from(
    [LISTED, UNLISTED, ALIEN, RECALLED, BANNED_PRODUCT, GLUED, GLUED_LISTED, FOREIGN, ID_CARD]
) | st.builds(Lookalike, st.sampled_from(LookalikeKind), st.integers(0, 300))

STAMPS = st.builds(
    Stamp,
    st.integers(0, 2 * NOW.wall_ms),
    st.integers(0, 10**9),
    st.sampled_from(["boot-a", "boot-b"]),
    st.sampled_from(ClockState),
)
TICKETS = st.builds(
    Ticket,
    st.sampled_from(["t1", "t2"]),
    st.just("counter"),
    st.just("dispense"),
    st.integers(0, 5),
    packs=st.integers(0, 9),
    wants_person=st.booleans(),
)
SEEN = st.builds(
    Seen,
    st.just("log"),
    st.integers(0, 9),
    st.sampled_from(["counter", "back"]),
    st.sampled_from([None, "t1", "t2"]),
    st.sampled_from(["PASS", "REVIEW", "STOP"]),
    STAMPS,
    place=st.integers(0, 9),
)
POLICIES = st.builds(Policy, st.integers(0, 600_000), st.booleans(), st.booleans(), st.booleans())
SITUATIONS = st.builds(
    Situation,
    now=STAMPS,
    station=st.just("counter"),
    ticket=st.none() | TICKETS,
    seen=st.none() | SEEN,
    allowlist=st.sampled_from([None, LIST, EXPIRED]),
    policy=POLICIES,
    disk_low=st.booleans(),
    can_seal=st.booleans(),
    floor_ms=st.integers(0, 2 * NOW.wall_ms),
)


@given(CODES, SITUATIONS)
def test_verdict_when_anything_comes_together_then_it_is_one_that_the_table_of_classes_allows(
    code: TraceCode | Lookalike, moment: Situation
) -> None:
    """Whatever the situation, there is one verdict, allowed by `CLASSES`, with true flags and no more."""
    found = judge(code, moment)
    flags = set(found.degraded)

    assert found.verdict in CLASSES[found.reason]
    assert (Degraded.LIST_MISSING in flags) == (moment.allowlist is None)
    assert (Degraded.CLOCK_UNTRUSTED in flags) == (moment.now.clock is ClockState.UNTRUSTED)
    assert (Degraded.DISK_LOW in flags) == moment.disk_low
    if moment.allowlist is not None:
        latest_ms = max(moment.now.wall_ms, moment.floor_ms)
        assert (Degraded.LIST_STALE in flags) == (latest_ms >= moment.allowlist.expires_ms)
    assert len(flags) == len(found.degraded)


@pytest.mark.row("S1-28")
@pytest.mark.row("S4-24")
@pytest.mark.row("S2-11")
@given(st.sampled_from([RECALLED, BANNED_PRODUCT]), SITUATIONS)
def test_denied_pack_when_there_is_any_list_then_it_stops(code: TraceCode, moment: Situation) -> None:
    """A denial comes before repeats, expiry and clock; only without a list nobody knows of it."""
    found = judge(code, moment)

    assert (found.verdict is STOP) == (moment.allowlist is not None)


@given(CODES, SITUATIONS)
def test_pass_when_given_then_the_ground_it_stands_on_is_said(code: TraceCode | Lookalike, moment: Situation) -> None:
    """No silent PASS: without list, with an expired one or an unsure clock only where policy says so, and flagged."""
    found = judge(code, moment)
    if found.verdict is not PASS or isinstance(code, Lookalike):
        return

    policy = moment.policy
    assert moment.allowlist is not None or (policy.pass_without_list and NO_LIST in found.degraded)
    assert STALE not in found.degraded or policy.pass_with_stale_list
    if moment.allowlist is not None:
        assert NO_CLOCK not in found.degraded or policy.pass_with_untrusted_clock
        assert moment.allowlist.listing(code).source or Degraded.UNVERIFIED in found.degraded


@given(CODES, SITUATIONS, st.integers(0, 2 * NOW.wall_ms))
def test_clock_when_set_backwards_then_no_expired_list_comes_back(
    code: TraceCode | Lookalike, moment: Situation, back_ms: int
) -> None:
    """With the floor at the latest known time, setting the wall clock back never takes the flag away."""
    found = judge(code, moment)
    known_ms = max(moment.floor_ms, moment.now.wall_ms)
    turned = replace(moment, now=replace(moment.now, wall_ms=min(moment.now.wall_ms, back_ms)), floor_ms=known_ms)

    assert judge(code, turned) == found
