"""Fixtures for the service: recorders that run on real files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.counter import CounterBench
from fakes.moments import delivered, note
from yaoma.core.allowlist import MemoryAllowlist
from yaoma.core.policy import Policy

NewBench = Callable[..., CounterBench]
POLICY = Policy(hold_off_ms=0, training_codes_prefixes=(), emergency_hours=48)


@pytest.fixture
def new_bench(tmp_path: Path) -> Iterator[NewBench]:
    """Give a maker of recorders on one state folder."""
    made: list[CounterBench] = []

    def new(allowlist: MemoryAllowlist | None = None, **more: Any) -> CounterBench:
        more.setdefault("policy", POLICY)
        made.append(CounterBench(tmp_path / "state", allowlist=allowlist or delivered(note()), **more))
        return made[-1]

    yield new
    for bench in made:
        bench.stop()
