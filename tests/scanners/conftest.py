"""Fixtures for the scanners' commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.desk import Desk
from yaoma.cli import scanners_calibrate
from yaoma.config import inventory
from yaoma_drivers import hid, key_device, typed_capture


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Give a desk at which nothing but its own devices can be found or opened."""
    made = Desk(tmp_path)
    monkeypatch.setattr(key_device, "open_key_device", made.open)
    monkeypatch.setattr(typed_capture, "_QUIET_S", 0.15)
    for module in (inventory, scanners_calibrate, hid):
        monkeypatch.setattr(module, "InputPlaces", lambda: made.tree.places)
    yield made
    for plug in made.plugs.values():
        plug.pull()
