"""`yaoma doctor` as a technician runs it, beside the running daemon; and the bundle, searched for secrets."""

import json
import os
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.county import BoxProcess
from fakes.program import wait_for
from yaoma.config.load import load
from yaoma.doctor.bundle import bundle_files, scrubbed, write_bundle
from yaoma.doctor.counts import counts
from yaoma.doctor.host import Host

pytestmark = pytest.mark.broker

LISTED = "81000000000000000001"
UNLISTED = "83003850000000131888"
ID_CARD = "360426199101010071"
EAN_13 = "6901234567892"
PAYMENT = "134567890123456789"
GS1 = "010690123456789221ABCSERIAL9\x1d10LOTMARK7"


def until(box: BoxProcess, what: Callable[[dict[str, Any]], object]) -> None:
    """Wait until the daemon says something."""
    deadline_s = time.monotonic() + 60
    while not ((status := box.ask()) and what(status)):
        assert time.monotonic() < deadline_s, box.ask()
        time.sleep(0.05)


def asked(box: BoxProcess) -> tuple[int, dict[str, Any]]:
    """Run the command and give exit code and report."""
    done = box.command("doctor", "--json")
    return done.returncode, json.loads(done.stdout)


def troubles(report: dict[str, Any]) -> list[str]:
    """Give what is the matter."""
    return [one["id"] for one in report["findings"] if one["mark"] == "trouble"]


@pytest.mark.row("S0-23")
def test_doctor_when_all_is_well_then_the_last_line_says_ready_and_the_code_is_0(box: BoxProcess) -> None:
    """One line at the end, in both languages, whatever stands above it."""
    box.start()
    until(box, lambda status: status["uplink"]["is_connected"])

    done = box.command("doctor")

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("可以使用")
    assert "ready" in done.stdout.splitlines()[-1]
    assert box.ask()["uplink"]["is_connected"]
    assert not box.ask()["uplink"]["is_taken_over"]


def test_doctor_when_the_daemon_does_not_run_then_starting_it_is_the_one_thing_left(box: BoxProcess) -> None:
    """Everything else is examined without it; a box that does not run is not ready."""
    code, report = asked(box)

    assert code == 1
    assert troubles(report) == ["doctor.service_absent"]
    assert "systemctl enable --now yaoma" in report["verdict"]


def test_doctor_when_the_daemon_hangs_then_it_leaves_devices_and_session_alone(box: BoxProcess) -> None:
    """A frozen daemon still holds its scanner and its session; the doctor must take neither."""
    box.start()
    until(box, lambda status: status["uplink"]["is_connected"])
    box.program.freeze()
    try:
        code, report = asked(box)
    finally:
        box.program.thaw()

    assert code == 1
    assert troubles(report) == ["doctor.service_silent"]
    until(box, lambda status: status["uplink"]["is_connected"])
    assert not box.ask()["uplink"]["is_taken_over"]


def test_doctor_when_cable_and_broker_are_gone_then_both_are_named_from_the_daemons_own_word(box: BoxProcess) -> None:
    """While the daemon runs nobody else can open its scanner; what it says counts."""
    box.start()
    until(box, lambda status: status["uplink"]["is_connected"])
    box.scanner.unplug()
    # Somebody else's terminal may get the number at once.
    (box.folder / "gun").unlink()
    box.county.broker.kill()
    until(box, lambda status: not status["scanners"][0]["working"] and not status["uplink"]["is_connected"])

    # At first it only knows that the line was cut; why, it learns when it tries again.
    wait_for(lambda: "uplink.lost" not in troubles(asked(box)[1]), "the daemon never says why the broker is gone")

    code, report = asked(box)

    assert code == 1
    assert troubles(report)[0].startswith("device.")
    assert "link.unreachable" in troubles(report)
    assert report["first"] == troubles(report)[0]


def test_doctor_when_the_disk_got_too_full_then_out_of_service_has_its_cause(box: BoxProcess) -> None:
    """The daemon's trouble and its cause are both there; the cause comes first."""
    room = os.statvfs(box.folder)
    free_mb = room.f_bavail * room.f_frsize // 1_000_000
    box.config.write_text(re.sub("min_free_mb = 1", f"min_free_mb = {free_mb * 2}", box.config.read_text()))
    box.config.write_text(re.sub("warn_free_mb = 2", f"warn_free_mb = {free_mb * 3}", box.config.read_text()))
    box.start(wait=False)
    until(box, lambda status: (status["trouble"] or {}).get("cause") == "disk_full")

    _, report = asked(box)

    assert report["first"] == "doctor.disk_full"
    assert "cause.disk_full" in troubles(report)


def test_doctor_when_the_new_configuration_is_wrong_then_it_says_that_the_old_one_counts(box: BoxProcess) -> None:
    """The box goes on; the technician hears of the mistake and of that."""
    box.start()
    until(box, lambda status: (box.state / "config.last-good.toml").exists())
    box.config.write_text(box.config.read_text().replace("hold_off_ms", "hold_of_ms"))

    code, report = asked(box)

    assert code == 1
    assert report["first"] == "doctor.config_mistake"
    mistake = next(one for one in report["findings"] if one["id"] == "doctor.config_mistake")
    assert mistake["facts"]["key"] == "policy.hold_of_ms"
    assert mistake["facts"]["line"] > 0
    assert "doctor.config_last_good" in [one["id"] for one in report["findings"]]
    assert "doctor.broker_in_use" in [one["id"] for one in report["findings"]]


@pytest.mark.row("S0-27")
def test_bundle_when_made_after_a_day_then_no_code_no_person_and_no_key_is_in_it(
    box: BoxProcess, tmp_path: Path
) -> None:
    """What was scanned, what keys say, and what a scanner's options hide stands nowhere in the zip, packed or not."""
    box.start()
    scans = [LISTED, UNLISTED, ID_CARD, EAN_13, PAYMENT, GS1, LISTED]
    for code in scans:
        box.scan(code)
        time.sleep(0.05)
    until(box, lambda status: sum(status["today"].values()) >= len(scans))
    (tmp_path / "bin").mkdir()
    journalctl = tmp_path / "bin/journalctl"
    journalctl.write_text(f"#!/bin/sh\necho '2026-11-22T10:00:00+0800 yaoma: hint=read cn20:{UNLISTED} of {ID_CARD}'\n")
    journalctl.chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{tmp_path / 'bin'}:{before}"
    try:
        done = box.command("doctor", "--bundle", str(tmp_path / "out.zip"))
    finally:
        os.environ["PATH"] = before

    assert done.returncode == 0, done.stdout
    content = b"".join(unpacked(tmp_path / "out.zip").values())
    for marker in (LISTED, UNLISTED, ID_CARD, EAN_13, PAYMENT, "ABCSERIAL9", "LOTMARK7"):
        assert marker.encode() not in content, marker
    for key in ("signing.key", "box.key", "../keys/salt", "../keys/bridge.pem"):
        for line in (box.folder / key).read_bytes().splitlines():
            assert len(line) < 16 or line.startswith(b"-----") or line not in content, key
    assert b"PRIVATE" not in content
    assert (tmp_path / "out.zip").stat().st_mode & 0o077 == 0


def unpacked(file: Path) -> dict[str, bytes]:
    """Give the files in a zip."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_bundle_when_opened_then_report_configuration_counts_and_versions_are_there(
    box: BoxProcess, tmp_path: Path
) -> None:
    """It is worth sending: what was scanned stands in it by kind, verdict and reason."""
    box.start()
    box.scan(LISTED, UNLISTED)
    until(box, lambda status: sum(status["today"].values()) >= 2)
    done = box.command("doctor", "--json", "--bundle", str(tmp_path / "out.zip"))

    files = {name.removeprefix("yaoma-doctor/"): text for name, text in unpacked(tmp_path / "out.zip").items()}

    assert files.keys() >= {"doctor.json", "config.json", "journal.json", "versions.json", "log.txt"}
    assert json.loads(files["doctor.json"]) == json.loads(done.stdout)
    assert json.loads(files["config.json"])["broker"]["host"] == "localhost"
    told = json.loads(files["journal.json"])
    assert told["kinds"]["scan"] == 2
    assert told["verdicts"] == {"PASS in_list": 1, "REVIEW product_unknown": 1}


def test_bundle_when_the_file_exists_then_it_is_not_overwritten(box: BoxProcess, tmp_path: Path) -> None:
    """An older bundle may be the only trace of an older fault."""
    file = tmp_path / "out.zip"
    file.write_text("older")

    done = box.command("doctor", "--bundle", str(file))

    assert done.returncode == 1
    assert "out.zip" in done.stderr
    assert file.read_text() == "older"


def test_bundle_when_a_drivers_option_is_a_secret_then_it_is_hidden(box: BoxProcess, tmp_path: Path) -> None:
    """A password in a camera's address is no help to anybody who reads the bundle."""
    loaded = load(box.config)
    options = loaded.options["camera"].model_copy(update={"folder": "rtsp://user:marker-secret@10.0.0.9/1"})
    files = bundle_files({}, type(loaded)(loaded.config, {**loaded.options, "camera": options}, ""), Host(), lambda: ())
    write_bundle(tmp_path / "out.zip", files)

    assert b"10.0.0.9" in unpacked(tmp_path / "out.zip")["yaoma-doctor/config.json"]
    assert b"marker-secret" not in b"".join(unpacked(tmp_path / "out.zip").values())


@pytest.mark.parametrize(
    "secret",
    [
        LISTED,
        "81000 00000 00000 00001",
        ID_CARD,
        "36042619910101007X",
        "gs1:010690123456789221ABC",
        "other:XYZ-1",
        "MC4CAQAwBQYDK2VwBCIEIKbVZs0Pf8mZ6xu1",
        "3f0a" * 16,
    ],
)
def test_log_line_when_something_code_like_got_into_it_then_it_is_taken_out(secret: str) -> None:
    """By rule no log line holds any of it; the bundle does not rely on the rule."""
    text = scrubbed(f"2026-11-22T10:00:00+0800 box yaoma[123]: broker away: host=broker port=8883 hint={secret} end")

    assert secret not in text
    assert text.startswith("2026-11-22T10:00:00+0800 box yaoma[123]: broker away: host=broker port=8883 hint=")


def test_counts_when_there_is_no_journal_then_the_problem_is_told(tmp_path: Path) -> None:
    """A bundle is wanted most where something is broken."""
    told = counts(tmp_path)

    assert told["kinds"] == {}
    assert told["problem"]
