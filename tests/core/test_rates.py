"""Rates: the formula that stands in `yaoma.core.rates`, number by number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.report_journal import BEGIN_MS, Shelf
from fakes.reported import CASES, DIRECTIONS, GRANULE, TABLETS, Answers, events_of, product
from yaoma.core.operation import Direction
from yaoma.core.policy import Policy
from yaoma.core.product import ProductFlag
from yaoma.core.rates import GroupBy, Rate, ScanRate, UploadRate, delay_of, scan_rates, upload_rates
from yaoma.core.report_facts import DESPATCH, STORED, Arrival, Facts
from yaoma.core.report_gather import Knowledge, gather
from yaoma.core.report_period import Period

POLICY = Policy(exempt=frozenset({ProductFlag.GRANULE, ProductFlag.VACCINE}))
NOVEMBER = Period.of_month("2026-11")


def counted(shelf: Shelf, answers: Answers | None = None) -> Facts:
    """Gather what a shelf's records come to in November."""
    knowledge = Knowledge(
        delivered=answers or Answers(),
        institution="pharmacy",
    )
    return gather(events_of(shelf.bodies), NOVEMBER, knowledge)


def rate_of(facts: Facts, direction: Direction = Direction.OUT) -> ScanRate:
    """Give the one rate over everything."""
    rates = scan_rates(facts, direction, by=GroupBy.NOTHING, directions=DIRECTIONS, products=product, policy=POLICY)
    return rates.get("", ScanRate())


def sale(shelf: Shelf, name: str, codes: list[str], institution: str = "") -> list[int]:
    """Put a closed sale on the shelf; give the places of its scans."""
    shelf.ticket("open", name)
    places = [shelf.scan(code, name) for code in codes]
    shelf.ticket("close", name, **({"institution": institution} if institution else {}))
    return places


@pytest.mark.row("S1-01")
@pytest.mark.row("S0-02")
def test_scan_rate_when_lines_want_more_than_was_scanned_then_the_rest_is_due() -> None:
    """Two of three packs that a sale's lines name were scanned: 2 / 3, and 666 per mille."""
    shelf = Shelf()
    shelf.ticket("open", "t1", lines=[{"drug": "X1", "matches": [TABLETS], "packs": 3}])
    shelf.scan(f"{TABLETS}0000000010001", "t1", line=0)
    shelf.scan(f"{TABLETS}0000000020001", "t1", line=0)
    shelf.ticket("close", "t1")

    rate = rate_of(counted(shelf))

    assert (Rate(2, 3), 666) == (rate.rate, rate.rate.per_mille)
    assert rate.rate.meets(666)
    assert not rate.rate.meets(667)


@pytest.mark.row("S1-01")
@pytest.mark.row("S3-06")
def test_scan_rate_when_a_drug_is_exempt_then_it_stands_on_neither_side() -> None:
    """Granules that nobody scanned don't lower the rate; they are named by the class that exempts them."""
    shelf = Shelf()
    lines = [{"drug": "X2", "matches": [GRANULE], "packs": 7}, {"drug": "X1", "matches": [TABLETS], "packs": 1}]
    shelf.ticket("open", "t1", lines=lines)
    shelf.scan(f"{TABLETS}0000000010001", "t1", line=1)
    shelf.ticket("close", "t1")

    rate = rate_of(counted(shelf))

    assert (Rate(1, 1), {"granule": 7}) == (rate.rate, rate.exempt)


@pytest.mark.row("S0-04")
@pytest.mark.row("S4-19")
def test_scan_rate_when_a_code_was_typed_then_it_is_due_and_not_scanned() -> None:
    """S3-16: a typed code is kept and marked, but no pack was scanned."""
    shelf = Shelf()
    shelf.ticket("open", "t1")
    shelf.scan(f"{TABLETS}0000000010001", "t1", source="hand")
    shelf.scan(f"{TABLETS}0000000020001", "t1")
    shelf.ticket("close", "t1")

    rate = rate_of(counted(shelf))

    assert (Rate(1, 2), 1) == (rate.rate, rate.moved.typed)


def test_scan_rate_when_nothing_was_due_then_no_data_and_not_all() -> None:
    """A day without goods has no rate; nothing divided by nothing is not 100 %."""
    rate = rate_of(counted(Shelf())).rate

    assert (None, None) == (rate.per_mille, rate.meets(0))


@pytest.mark.row("S0-10")
def test_scan_rate_when_goods_have_no_code_then_they_are_due() -> None:
    """Ten packs that came in without a code count against the scan-in rate."""
    shelf = Shelf()
    shelf.ticket("open", "t1", "receive")
    shelf.scan(f"{TABLETS}0000000010001", "t1", "receive")
    shelf.record("stock", action="in", drug=TABLETS, lot="L1", quantity=10, ticket="t1", operation="receive")
    shelf.ticket("close", "t1", "receive")

    assert Rate(1, 11) == rate_of(counted(shelf), Direction.IN).rate


def test_scan_rate_when_an_uncoded_pack_is_sold_on_a_line_then_it_is_due_once() -> None:
    """A line for two packs, one of them without a code, wants two packs and not three."""
    shelf = Shelf()
    shelf.ticket("open", "t1", lines=[{"drug": "X1", "matches": [TABLETS], "packs": 2}])
    shelf.scan(f"{TABLETS}0000000010001", "t1", line=0)
    shelf.record("stock", action="out", drug=TABLETS, lot="", quantity=1, ticket="t1")
    shelf.ticket("close", "t1")

    assert Rate(1, 2) == rate_of(counted(shelf)).rate


@pytest.mark.row("S1-05")
@pytest.mark.parametrize("is_before", [True, False])
def test_scan_rate_when_a_container_is_scanned_then_its_packs_are(*, is_before: bool) -> None:
    """A case whose code was scanned brings in the packs that the shipment says; what did not come is still due."""
    shelf = Shelf()
    inside = [f"{TABLETS}0000000{number}0001" for number in range(10, 15)]
    codes = [f"{GRANULE}0000000010001", f"{TABLETS}0000000990001"]
    shelf.ticket("open", "t1", "receive", shipment="asn-1")
    shelf.scan("cn20:82000010000000010000", "t1", "receive", packs=inside)
    if is_before:
        shelf.record("difference", ticket="t1", missing=3, missing_codes=codes)
    shelf.ticket("close", "t1", "receive", shipment="asn-1")
    if not is_before:
        shelf.record("difference", ticket="t1", missing=3, missing_codes=codes)

    rate = rate_of(counted(shelf), Direction.IN)

    # One of the missing packs is exempt, one is not, of one only the number is known.
    assert (Rate(5, 7), {"granule": 1}) == (rate.rate, rate.exempt)


def test_scan_rate_when_one_code_stands_for_many_packs_then_each_scan_is_one() -> None:
    """Bottles that carry only their case's code are counted scan by scan; units of an opened pack are no packs."""
    shelf = Shelf()
    shelf.ticket("open", "t1")
    for _ in range(3):
        shelf.scan(f"{CASES}0000000010001", "t1", taken=1, case=True)
    shelf.scan(f"{TABLETS}0000000010001", "t1", taken=12)
    shelf.ticket("close", "t1")

    rate = rate_of(counted(shelf))

    assert Rate(3, 3) == rate.rate


@pytest.mark.row("S0-07")
def test_scan_rate_when_a_ticket_is_practice_cancelled_or_open_then_nothing_counts() -> None:
    """Only what took effect counts, and practice never does."""
    shelf = Shelf()
    shelf.ticket("open", "t1", training=True)
    shelf.scan(f"{TABLETS}0000000010001", "t1", training=True, degraded=["training"])
    shelf.ticket("close", "t1", training=True)
    shelf.ticket("open", "t2")
    shelf.scan(f"{TABLETS}0000000020001", "t2")
    shelf.ticket("cancel", "t2")
    shelf.ticket("open", "t3")
    shelf.scan(f"{TABLETS}0000000030001", "t3")

    facts = counted(shelf)

    assert (Rate(0, 0), {}, 1) == (rate_of(facts).rate, facts.uploaded, facts.training)


def test_scan_rate_when_a_scan_is_undone_or_denied_then_it_has_left_the_ticket() -> None:
    """An undone scan and a pack that turned out to be recalled are not handed out."""
    shelf = Shelf()
    first, second, third = (f"{TABLETS}000000{number}0001" for number in (101, 102, 103))
    shelf.ticket("open", "t1")
    for code in (first, second, third):
        shelf.scan(code, "t1")
    shelf.record("undo", ticket="t1", station="counter", packs=[first])
    shelf.scan(second, "t1", verdict="STOP", reason="denied_recall")
    shelf.ticket("close", "t1")

    assert Rate(1, 1) == rate_of(counted(shelf)).rate


@pytest.mark.row("S0-25")
def test_scan_rate_when_by_day_then_a_ticket_counts_on_the_day_it_was_closed() -> None:
    """What was scanned before midnight and closed after it belongs to the next day."""
    shelf = Shelf(begin_ms=NOVEMBER.from_ms + 86_400_000 - 3000)
    sale(shelf, "t1", [f"{TABLETS}0000000010001", f"{TABLETS}0000000020001"])

    rates = scan_rates(
        counted(shelf),
        Direction.OUT,
        by=GroupBy.DAY,
        directions=DIRECTIONS,
        products=product,
        policy=POLICY,
    )

    assert {"2026-11-02": Rate(2, 2)} == {day: rate.rate for day, rate in rates.items()}


def test_scan_rate_when_grouped_then_rows_add_up(subtests: pytest.Subtests) -> None:
    """By day, month, operation and institution the same packs are told apart, none twice."""
    shelf = Shelf()
    sale(shelf, "t1", [f"{TABLETS}0000000010001"])
    sale(shelf, "t2", [f"{TABLETS}0000000020001"], institution="village")

    for by, rows in (
        (GroupBy.DAY, {"2026-11-01"}),
        (GroupBy.MONTH, {"2026-11"}),
        (GroupBy.OPERATION, {"dispense"}),
        (GroupBy.INSTITUTION, {"pharmacy", "village"}),
    ):
        with subtests.test(by=by):
            rates = scan_rates(
                counted(shelf), Direction.OUT, by=by, directions=DIRECTIONS, products=product, policy=POLICY
            )
            assert rows == set(rates)
            assert 2 == sum(rate.rate.n for rate in rates.values())


@pytest.mark.row("S1-29")
@pytest.mark.row("S2-21")
@pytest.mark.row("S0-13")
def test_upload_rate_when_one_destination_refuses_then_only_the_other_has_it() -> None:
    """Each destination has its own rate; unknown, refused and silent are not accepted."""
    shelf, answers = Shelf(), Answers()
    codes = [f"{TABLETS}0000000{number}0001" for number in range(10, 14)]
    places = sale(shelf, "t1", codes)
    for place in places:
        answers.said[place] = {STORED: Arrival("stored", "", BEGIN_MS + 60_000)}
    answers.said[places[0]] |= {"nhsa": Arrival("accepted", "", BEGIN_MS + 61_000)}
    answers.said[places[1]] |= {"nhsa": Arrival("refused", "sold_before", None)}
    answers.said[places[2]] |= {"nhsa": Arrival("unknown", "", None)}
    answers.said[places[3]] = {}

    facts = counted(shelf, answers)
    rate = upload_rates(facts, by=GroupBy.NOTHING, directions=DIRECTIONS)[""]

    assert (Rate(3, 4), Rate(1, 4)) == (rate.stored, rate.accepted("nhsa"))
    assert {("nhsa", "sold_before"): 1} == facts.refusals
    assert Rate(0, 4) == rate.accepted("alihealth")


def test_upload_rate_when_a_receiver_found_something_else_then_it_is_no_upload() -> None:
    """What another site says of a despatch note is a task for the sender, and lowers no rate of its uploads."""
    shelf, answers = Shelf(), Answers()
    (place,) = sale(shelf, "t1", [f"{TABLETS}0000000100001"])
    answers.said[place] = {DESPATCH: Arrival("refused", "despatch_missing", None)}

    facts = counted(shelf, answers)
    rate = upload_rates(facts, by=GroupBy.NOTHING, directions=DIRECTIONS)[""]

    assert ((), {}) == (rate.destinations, facts.refusals)


def test_upload_rate_when_nothing_moved_then_no_row() -> None:
    """A count of the stock is not uploaded as a movement."""
    shelf = Shelf()
    shelf.ticket("open", "t1", "count")
    shelf.scan(f"{TABLETS}0000000010001", "t1", "count")
    shelf.ticket("close", "t1", "count")

    assert {} == upload_rates(counted(shelf), by=GroupBy.NOTHING, directions=DIRECTIONS)


@pytest.mark.row("S4-18")
def test_delay_when_known_then_from_the_scan_to_the_first_answer() -> None:
    """Delays are those of single records, by nearest rank; a scan without a trusted time has none."""
    shelf, answers = Shelf(), Answers()
    shelf.ticket("open", "t1")
    first = shelf.scan(f"{TABLETS}0000000010001", "t1")
    second = shelf.scan(f"{TABLETS}0000000020001", "t1", clock="untrusted")
    shelf.ticket("close", "t1")
    for place in (first, second):
        answers.said[place] = {STORED: Arrival("stored", "", BEGIN_MS + 9_000 + 2000)}

    facts = counted(shelf, answers)

    assert (1, [9_000]) == (facts.untimed, list(facts.delays[STORED]))


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=300))
def test_delay_when_computed_then_ranks_are_values_that_occurred(delays_ms: list[int]) -> None:
    """At least 50 and 95 of 100 took no longer than p50 and p95, and fewer took no longer than anything below."""
    delay = delay_of(delays_ms)

    assert delay is not None
    for percent, value in ((50, delay.p50_ms), (95, delay.p95_ms)):
        assert value in delays_ms
        assert sum(one <= value for one in delays_ms) * 100 >= percent * len(delays_ms)
        assert sum(one < value for one in delays_ms) * 100 < percent * len(delays_ms)
    assert len(delays_ms) == sum(delay.steps) == delay.number


def test_delay_when_none_is_known_then_no_data() -> None:
    """No answer is not an answer at once."""
    assert delay_of([]) is None


@given(st.integers(0, 10**7), st.integers(1, 10**7))
def test_rate_when_rounded_then_never_up(part: int, rest: int) -> None:
    """1000 per mille is said of all packs and of nothing less."""
    rate = Rate(part, part + rest)

    assert rate.per_mille is not None
    assert rate.per_mille < 1000
    assert not rate.meets(1000)


def test_upload_rate_when_empty_then_no_destination() -> None:
    """Where nobody said anything nothing is claimed."""
    assert () == UploadRate().destinations
