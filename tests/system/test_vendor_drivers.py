"""Drivers of somebody else in a real box: a good one serves, careless ones are out of service, and the box goes on."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.county import BoxProcess, County, wait_for
from fakes.vendor_packages import install, lay_out

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-vendor-drivers")]

_ID_NUMBER = "11010119900307899X"

#: What the box says of each, once it has noticed.
_REASONS = {
    "raising": "driver_failed",
    "exiting": "driver_failed",
    "unmakeable": "driver_failed",
    "babbling": "driver_no_symbol",
    "flooding": "driver_floods",
    "hanging": "driver_hangs",
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install a vendor's packages, once."""
    target = tmp_path_factory.mktemp("vendor") / "site"
    install(target, "acme_scanners")
    lay_out(target, "careless_drivers")
    return target


@pytest.fixture
def acme_line() -> Iterator[socket.socket]:
    """Listen where the vendor's scanner would."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


def add_scanner(box: BoxProcess, name: str, driver: str, options: str = "") -> None:
    """Configure one more scanner at the counter."""
    text = box.config.read_text().replace('scanners = ["', f'scanners = ["{name}", "', 1)
    box.config.write_text(f'{text}[[scanner]]\nname = "{name}"\ndriver = "{driver}"\n[scanner.options]\n{options}\n')


def scanners(box: BoxProcess) -> dict[str, dict[str, Any]]:
    """Give what the box says of each scanner."""
    return {one["scanner"]: one for one in box.ask().get("scanners", [])}


def test_vendors_driver_when_it_is_installed_and_named_then_the_box_records_what_it_reads(
    county: County, packages: Path, acme_line: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that knows nothing of us but `yaoma_drivers` is found by its entry point and reads a pack."""
    monkeypatch.setenv("PYTHONPATH", str(packages))
    box = county.add_box()
    add_scanner(box, "acme", "acme", f'host = "127.0.0.1"\nport = {acme_line.getsockname()[1]}')
    box.start()
    line, _ = acme_line.accept()
    with line:
        before = box.log_size()
        line.sendall(b"81000000000000000001\r\n")
        wait_for(lambda: box.log_size() > before, "nothing was recorded")
    wait_for(lambda: scanners(box)["acme"]["reason"] == "unplugged", "its cable is not missed")
    assert 0 == box.program.stop()
    assert "acme" in [record.fields.get("scanner") for record in box.records()]


def test_box_when_careless_drivers_do_what_none_may_do_then_it_serves_and_stops_as_always(
    county: County, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is out of service under its name with what it did, a pack scanned meanwhile is recorded, nothing leaks."""
    monkeypatch.setenv("PYTHONPATH", str(packages))
    box = county.add_box()
    for name in (*_REASONS, "deaf", "greedy"):
        add_scanner(box, name, name)
    box.start()
    try:
        wait_for(lambda: _REASONS.items() <= {name: one["reason"] for name, one in scanners(box).items()}.items(), "")
    except AssertionError:
        pytest.fail(f"not all were noticed: {scanners(box)}")
    box.scan("81000000000000000002")
    wait_for(
        lambda: any(one.fields.get("code") == "cn20:81000000000000000002" for one in box.records()),
        "the good scanner is not served",
    )
    assert scanners(box)["gun"]["working"]
    # A driver that hangs and has promised nothing is a scanner that nobody uses.
    assert scanners(box)["deaf"]["working"]
    began_s = time.monotonic()
    assert 0 == box.program.stop()
    assert time.monotonic() - began_s < 25
    said = box.program.said()
    for name in _REASONS:
        assert f"driver out of service: scanner={name} " in said
    assert _ID_NUMBER not in said
