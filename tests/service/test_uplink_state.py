"""What the status says of the way to the bridge."""

import pytest

from yaoma.service.uplink_state import UplinkState


@pytest.mark.parametrize(
    ("state", "pending"),
    [
        (UplinkState(), 60),
        (UplinkState(log="old", stored_upto=90, size=90), 60),
        (UplinkState(log="log", stored_upto=95, size=96, pending=1), 5),
        (UplinkState(log="log", stored_upto=100, size=100, pending=7), 7),
    ],
)
def test_pending_when_the_uploader_has_not_looked_yet_then_nothing_counts_as_delivered(
    state: UplinkState, pending: int
) -> None:
    """Nought would say that everything arrived; records of other logs count besides."""
    assert state.pending_of("log", 100, lambda: 40) == pending
