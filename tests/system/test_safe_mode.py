"""A driver of somebody else that ends the daemon again and again: the box goes on without it."""

import signal
from pathlib import Path

import pytest

from fakes.county import County
from fakes.notified import Notified
from fakes.program import wait_for
from fakes.vendor_packages import lay_out

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-safe-mode")]


@pytest.fixture
def careless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a vendor's distribution where the programs that are started find it."""
    lay_out(tmp_path / "site", "careless_drivers")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


def crashed(county: County, times: int) -> None:
    """Start the box so many times and wait for its end by a defect."""
    program = county.boxes[0].program
    for _ in range(times):
        county.boxes[0].scanner.forget_lock()
        program.start()
        wait_for(lambda: not program.is_running(), "the broken driver did not end the daemon")
        assert program.process is not None
        assert -signal.SIGABRT == program.process.returncode


@pytest.mark.usefixtures("careless")
def test_box_whose_foreign_driver_ends_every_start_records_without_it_in_safe_mode(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three failed starts the fourth leaves the driver out, says so everywhere, and still records."""
    box = county.add_box()
    text = box.config.read_text().replace('["gun", "camera"]', '["gun", "camera", "acme"]')
    box.config.write_text(f'{text}[[scanner]]\nname = "acme"\ndriver = "aborting"\n')

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

    box.program.arguments.append("--normal")
    crashed(county, 1)
