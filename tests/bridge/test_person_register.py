"""Register of persons: opened with the private key only, written down first, and never logged."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.box import BoxLog
from fakes.centre_folder import CentreFolder
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.record import Entry, Kind
from yaoma.core.sealed import person_context, seal_to
from yaoma_link.identity import make_sealing_key

NUMBER = "11010519491231002X"
A, B = code_of(1), code_of(2)


@pytest.fixture
def bridge(tmp_path: Path, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give a bridge that has a sale by name, one with a statement instead, and a plain one."""
    register(tmp_path / "boxes", log.name)
    key = make_sealing_key(tmp_path / "keys" / "bridge.seal", "bridge")
    running = UploadingBridge(tmp_path, ScriptedPlatform())
    counter = Counter(log)
    counter.open("dispense")
    ticket = counter.ticket
    assert ticket is not None
    blob = seal_to([key.public], NUMBER.encode(), person_context(log.name.site, log.name.box, log.log))
    said = {"verdict": "PASS", "reason": "identity_taken", "station": "counter1", "ticket": ticket.id}
    log.add(Entry(Kind.SCAN, {**said, "person": {"kind": "id_card", "keys": [key.public.id]}}, blob))
    counter.scan(A)
    counter.close()
    counter.open("dispense")
    ticket = counter.ticket
    assert ticket is not None
    log.add(
        Entry(Kind.OVERRIDE, {"ticket": ticket.id, "statement": True, "reason": "paper_register", "operator": "op"})
    )
    counter.scan(B)
    counter.close()
    counter.sell(code_of(3))
    running.take(log.payload(), name=log.name)
    running.bill()
    yield running
    running.close()


@pytest.fixture
def centre(tmp_path: Path) -> CentreFolder:
    """Give the centre's configuration beside the bridge's store."""
    return CentreFolder(tmp_path)


def _ask(centre: CentreFolder, out: Path, *more: str) -> str:
    command = (
        "report",
        "register",
        "H1",
        "--month",
        "2026-11",
        "--reader",
        "张三",
        "--purpose",
        "检查",
        "--out",
        str(out),
    )
    return centre.ask(*command, "--keys", str(centre.folder / "keys"), *more)


@pytest.mark.row("S1-18", part="bridge")
def test_the_register_names_who_was_handed_what(bridge: UploadingBridge, centre: CentreFolder, tmp_path: Path) -> None:
    """One line per drug with the document's number, or with why there is none; plain sales are not in it."""
    out = tmp_path / "register.csv"
    _ask(centre, out)
    lines = [line for line in out.read_text().splitlines() if "cn20:" in line]
    assert len(lines) == 2
    assert NUMBER in lines[0]
    assert A in lines[0]
    assert "paper_register" in lines[1]
    assert out.stat().st_mode & 0o777 == 0o600


def test_opening_is_written_down_and_nothing_of_the_person_is_logged_or_kept(
    bridge: UploadingBridge, centre: CentreFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who, when, why and how many stand in the store; the number stands in the one file only."""
    caplog.set_level(logging.DEBUG)
    printed = _ask(centre, tmp_path / "register.html")
    openings = centre.ask("report", "openings")
    assert "张三" in openings
    assert "检查" in openings
    assert "  1  " in openings
    assert NUMBER not in printed + openings + caplog.text
    bridge.close()
    holding = [one.name for one in tmp_path.rglob("*") if one.is_file() and NUMBER.encode() in one.read_bytes()]
    assert holding == ["register.html"]


def test_another_key_opens_nothing(bridge: UploadingBridge, centre: CentreFolder, tmp_path: Path) -> None:
    """With the wrong key the line says that the key is not here."""
    (tmp_path / "keys" / "bridge.seal").unlink()
    make_sealing_key(tmp_path / "keys" / "other.seal", "other")
    out = tmp_path / "register.csv"
    _ask(centre, out, "--language", "en")
    assert NUMBER not in out.read_text()
    assert "sealed to a key that is not here" in out.read_text()


def test_an_erased_identity_stays_erased(bridge: UploadingBridge, centre: CentreFolder, tmp_path: Path) -> None:
    """The line remains and says that the identity was erased."""
    bridge.change("DELETE FROM sealed")
    out = tmp_path / "register.csv"
    _ask(centre, out, "--language", "en")
    assert "erased as the rules ask" in out.read_text()


def test_no_register_goes_into_a_pipe_or_without_a_purpose(bridge: UploadingBridge, centre: CentreFolder) -> None:
    """Without a file and without a terminal nothing is shown; nobody opens it without saying why."""
    command = ("report", "register", "H1", "--month", "2026-11", "--reader", "x", "--keys", str(centre.folder / "keys"))
    assert centre.run(*command, "--purpose", "x").exit_code == 1
    assert centre.run(*command, "--purpose", " ", "--out", str(centre.folder / "r.csv")).exit_code == 1
    assert centre.ask("report", "openings") == ""
