"""A driver of somebody else that ends the daemon again and again: the box goes on without it."""

from pathlib import Path

import pytest

from fakes.county import County
from fakes.notified import Notified
from fakes.program import wait_for

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-safe-mode")]

#: Raises a text that holds a code, as a careless driver would.
DRIVER = '''
"""A driver that breaks as soon as it is read."""
from yaoma_drivers.driver import DriverOptions

class Broken:
    Options = DriverOptions
    def __init__(self, scanner, options): pass
    def symbols(self, stop):
        raise RuntimeError("cannot handle 83009990000000000000")
        yield
'''


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a vendor's distribution where the programs that are started find it."""
    about = tmp_path / "acme_scanners-2.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-scanners\nVersion: 2.0\n")
    (about / "entry_points.txt").write_text("[yaoma.drivers]\nacme = acme_scanners:Broken\n")
    (tmp_path / "acme_scanners.py").write_text(DRIVER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def crashed(county: County, times: int) -> None:
    """Start the box so many times and wait for its end by a defect."""
    program = county.boxes[0].program
    for _ in range(times):
        county.boxes[0].scanner.forget_lock()
        program.start()
        wait_for(lambda: not program.is_running(), "the broken driver did not end the daemon")
        assert program.process is not None
        assert 1 == program.process.returncode


@pytest.mark.usefixtures("acme")
def test_box_whose_foreign_driver_ends_every_start_records_without_it_in_safe_mode(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three failed starts the fourth leaves the driver out, says so everywhere, and still records."""
    box = county.add_box()
    text = box.config.read_text().replace('["gun", "camera"]', '["gun", "camera", "acme"]')
    box.config.write_text(f'{text}[[scanner]]\nname = "acme"\ndriver = "acme"\n')

    crashed(county, 3)
    path = county.folder / "notify"
    with Notified(path) as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        box.start()
        systemd.wait(lambda line: line.startswith("STATUS=连续启动失败 3 次"))
        systemd.wait(lambda line: line.startswith("STATUS=") and "安全模式" in line and "safe mode" in line)
    monkeypatch.delenv("NOTIFY_SOCKET")
    before = box.log_size()
    box.scan("81000000000000000000")
    wait_for(lambda: box.log_size() > before, "nothing was recorded in safe mode")
    answer = box.ask()
    said = box.command("status").stdout
    assert 0 == box.program.stop()

    assert answer["safe_mode"] is True
    left_out = [one for one in answer["scanners"] if one["scanner"] == "acme"]
    assert [{"scanner": "acme", "working": False, "reason": "safe_mode", "read": 0}] == left_out
    assert "安全模式" in said
    assert "safe mode, only built-in drivers are used: failed=3" in box.program.said()
    assert "83009990000000000000" not in box.program.said()

    box.program.arguments.append("--normal")
    crashed(county, 1)
