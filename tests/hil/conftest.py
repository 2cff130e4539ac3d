"""Fixtures of the hardware tests: one resumed guest per module, in which the installed box runs."""

from collections.abc import Iterator

import pytest

from hil.counter_guest import CounterGuest
from hil.layers import layers, newest_guest
from hil.machine import Machine
from hil.prepare import obstacle


@pytest.fixture(scope="module")
def guest() -> Iterator[CounterGuest]:
    """Resume the saved guest; what a module does to it is gone after it."""
    if why := obstacle():
        pytest.skip(why)
    made = newest_guest(layers())
    if not made.state.exists():
        pytest.skip("no guest has been built: make hil")
    with Machine(made.kernel, made.booted, made.state) as machine:
        yield CounterGuest(machine)
