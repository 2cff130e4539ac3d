"""The installed program under a socket where systemd would listen."""

import re
from pathlib import Path

import pytest

from fakes.county import County
from fakes.notified import Notified

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-notify")]


def test_box_says_ready_feeds_the_watchdog_tells_of_changes_and_says_when_it_stops(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`yaoma run` speaks sd_notify(3): READY with a line in two languages, WATCHDOG, STATUS on change, STOPPING."""
    path = Path(county.folder) / "notify"
    box = county.add_box()
    with Notified(path) as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        box.start()
        systemd.wait(lambda line: line == "READY=1")
        systemd.wait(lambda line: line.startswith("STATUS=正常，在线 / in service, online"))
        systemd.wait(lambda line: line == "WATCHDOG=1")
        systemd.wait(lambda line: line == "WATCHDOG=1")
        county.broker.kill()
        systemd.wait(lambda line: line.startswith("STATUS=正常，离线 / in service, offline"))
        assert 0 == box.program.stop()
        systemd.wait(lambda line: line == "STOPPING=1")

    assert not [line for line in systemd.heard if re.search(r"\d{12}", line)]
