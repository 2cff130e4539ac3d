"""What the tests of drivers share: listeners that always end, and scanners on pseudo-terminals."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from fakes.listener import Listener
from fakes.pty_scanner import PtyScanner
from yaoma_drivers.driver import Driver


@pytest.fixture
def listen() -> Iterator[Callable[[Driver], Listener]]:
    """Start listeners that are stopped after the test."""
    with ExitStack() as ends:

        def start(driver: Driver) -> Listener:
            listener = Listener(driver)
            ends.callback(listener.end)
            return listener

        yield start


@pytest.fixture
def plug() -> Iterator[Callable[[], PtyScanner]]:
    """Plug in scanners that are unplugged after the test."""
    with ExitStack() as ends:

        def start() -> PtyScanner:
            scanner = PtyScanner()
            ends.callback(scanner.unplug)
            return scanner

        yield start
