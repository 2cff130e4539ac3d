"""Fate: every move that there is, and none besides."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma_bridge.fate import FINAL, MOVES, Cause, Fate, MoveRefusedError, cause_of, folded, moved, outcome_of
from yaoma_bridge.platform import AnswerState
from yaoma_link.receipt import OutcomeState

_ALL = list(product(Fate, Cause))

#: What README.md says, written down a second time: where each cause leads from each fate; `-` where it can't come.
_TABLE = """
              waiting bundled sent       processing unknown    accepted refused held
bundle        bundled -       -          -          -          -        -       -
hold          held    held    -          -          -          -        -       -
release       -       -       -          -          -          -        -       bundled
send          -       sent    -          -          -          -        -       -
lost          -       -       unknown    -          -          -        -       -
drop          -       refused -          -          -          -        -       refused
retry         -       -       -          -          bundled    -        waiting waiting
revoke        -       -       -          -          -          refused  -       -
said_accepted -       -       accepted   accepted   accepted   -        -       -
said_processing -     -       processing processing processing -        -       -
said_refused  -       -       refused    refused    refused    refused  -       -
said_unknown  -       -       unknown    processing unknown    unknown  -       -
said_waiting  -       -       bundled    unknown    bundled    -        -       -
said_held     -       -       held       processing unknown    -        -       -
"""


def _expected() -> dict[tuple[Fate, Cause], Fate]:
    head, *rows = [line.split() for line in _TABLE.strip().splitlines()]
    return {
        (Fate(before), Cause(cause)): Fate(after)
        for cause, *cells in rows
        for before, after in zip(head, cells, strict=True)
        if after != "-"
    }


def test_the_table_is_the_one_of_the_page() -> None:
    """The moves are exactly those that are written down here by hand."""
    assert _expected() == MOVES


@pytest.mark.parametrize(("before", "cause"), _ALL, ids=lambda one: one.value)
def test_each_pair_moves_or_is_refused(before: Fate, cause: Cause) -> None:
    """A move outside the table is refused with both facts and changes nothing."""
    if (before, cause) in _expected():
        assert moved(before, cause) is _expected()[before, cause]
        return
    with pytest.raises(MoveRefusedError) as refused:
        moved(before, cause)
    assert (refused.value.before, refused.value.cause) == (before, cause)


def test_nothing_is_sent_out_of_doubt() -> None:
    """A send begins only from `bundled`, and nothing unknown gets there but by the platform's word or a person's."""
    assert [before for before, cause in MOVES if cause is Cause.SEND] == [Fate.BUNDLED]
    back = {cause for (before, cause), after in MOVES.items() if before is Fate.UNKNOWN and after is Fate.BUNDLED}
    assert back == {Cause.SAID_WAITING, Cause.RETRY}


def test_accepted_comes_only_by_the_platforms_word() -> None:
    """Nobody but the platform makes anything accepted."""
    assert {cause for (_, cause), after in MOVES.items() if after is Fate.ACCEPTED} == {Cause.SAID_ACCEPTED}


def test_each_answer_is_a_cause_that_a_sent_parcel_knows() -> None:
    """Whatever a platform says of what was just sent leads somewhere."""
    for said in AnswerState:
        assert (Fate.SENT, cause_of(said)) in MOVES


def test_final_fates_leave_only_by_a_person_or_a_late_word() -> None:
    """What is through is not sent or asked again by itself."""
    leaving = {cause for before, cause in MOVES if before in FINAL}
    assert leaving == {Cause.RETRY, Cause.REVOKE, Cause.SAID_REFUSED, Cause.SAID_UNKNOWN}


@given(st.lists(st.sampled_from(list(Fate)), min_size=1))
def test_a_record_is_accepted_only_if_all_its_parcels_are(fates: list[Fate]) -> None:
    """Of several parcels the gravest counts."""
    fate, _ = folded((one, "") for one in fates)
    assert fate in fates
    assert (fate is Fate.ACCEPTED) == (set(fates) == {Fate.ACCEPTED})
    if Fate.REFUSED in fates:
        assert fate is Fate.REFUSED


def test_boxes_are_told_a_word_for_each_fate() -> None:
    """What is bundled or sent still waits, as far as the counter is concerned."""
    assert {outcome_of(fate) for fate in Fate} == set(OutcomeState)
    assert outcome_of(Fate.SENT) is OutcomeState.WAITING
