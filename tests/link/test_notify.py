"""Notify: what systemd is told, over a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from yaoma_link.notify import Notify

pytest.importorskip("systemd.daemon", reason="needs systemd-python: pip install 'yaoma[systemd]'")


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Stand where systemd would listen."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield listener


def test_notify_when_systemd_listens_then_it_hears_each_word(systemd: socket.socket) -> None:
    """READY, STATUS, WATCHDOG and STOPPING arrive as sd_notify(3) writes them."""
    notify = Notify()
    assert notify.is_listened_to

    notify.ready("离线 2 h")
    notify.status("line one\nREADY=0")
    notify.watchdog()
    notify.stopping()

    assert systemd.recv(200).decode() == "READY=1\nSTATUS=离线 2 h"
    assert systemd.recv(200) == b"STATUS=line one READY=0"
    assert systemd.recv(200) == b"WATCHDOG=1"
    assert systemd.recv(200) == b"STOPPING=1"


def test_notify_when_nobody_listens_then_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without NOTIFY_SOCKET every call is without effect."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify = Notify()

    notify.ready()
    notify.watchdog()

    assert not notify.is_listened_to


def test_notify_when_the_listener_is_gone_then_the_service_goes_on(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that can't be delivered is lost; it ends nothing."""
    notify = Notify()
    notify.watchdog()
    systemd.close()

    notify.watchdog()

    assert notify.is_listened_to


def test_notify_when_systemd_watches_us_then_its_time_is_known(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WATCHDOG_USEC counts if it was meant for this process (sd_watchdog_enabled(3))."""
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert Notify().watchdog_s == 30

    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert Notify().watchdog_s == 30

    monkeypatch.setenv("WATCHDOG_PID", str(os.getppid()))
    assert Notify().watchdog_s == 0
