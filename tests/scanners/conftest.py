"""Fixtures for the scanners' commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.desk import Desk
from yaoma.cli import scanners_calibrate
from yaoma.config import inventory
from yaoma_drivers import hid, key_device, typed_capture
from yaoma_drivers.hidraw_identity import HidrawPlaces


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Give a desk at which nothing but its own devices can be found or opened."""
    made = Desk(tmp_path)
    monkeypatch.setattr(key_device, "open_key_device", made.open)
    monkeypatch.setattr(typed_capture, "_QUIET_S", 0.15)
    for module in (inventory, scanners_calibrate, hid):
        monkeypatch.setattr(module, "InputPlaces", lambda: made.tree.places)
    # What is plugged into the machine that runs the tests is none of theirs.
    monkeypatch.setattr(inventory, "HidrawPlaces", lambda: HidrawPlaces(tmp_path / "none", tmp_path, tmp_path / "none"))
    monkeypatch.setattr(inventory, "plugged_in", lambda _: [])
    yield made
    for plug in made.plugs.values():
        plug.pull()
