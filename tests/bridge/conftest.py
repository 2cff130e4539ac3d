"""Fixtures of the bridge: a centre with one registered box, and that box's log."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import stepped_bridge
from fakes.box import BoxLog
from fakes.postgres import Postgres
from fakes.stepped_bridge import SteppedBridge, register
from yaoma_link.topics import BoxName

BOX = BoxName("H1", "counter-1")


@pytest.fixture(scope="session", autouse=True)
def postgres_instead() -> Iterator[None]:
    """Run all of this folder on PostgreSQL if the environment says so: YAOMA_TEST_STORE=postgres."""
    if os.environ.get("YAOMA_TEST_STORE") != "postgres":
        yield
        return
    stepped_bridge.POSTGRES = Postgres()
    yield
    stepped_bridge.POSTGRES.stop()


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[SteppedBridge]:
    """Give a bridge that knows the key of `log`'s box."""
    register(tmp_path / "boxes", BOX)
    running = SteppedBridge(tmp_path)
    yield running
    running.close()


@pytest.fixture
def log() -> BoxLog:
    """Give an empty log of the registered box."""
    return BoxLog(BOX, "log1")
