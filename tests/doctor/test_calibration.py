"""The doctor on how scanners type: the sheet's advice, who was never calibrated, and whose file it is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fakes.desk import PORT, Desk
from fakes.sent_scanner import SentScanner
from fakes.set_scanner import SetScanner
from yaoma.config.calibration_file import calibration_text
from yaoma.config.load import Loaded, read
from yaoma.doctor.calibration import check_calibrations
from yaoma.doctor.finding import Finding, Mark
from yaoma.doctor.host import Account, Host
from yaoma.doctor.report import Report
from yaoma.doctor.scanners import Tried, check_running_scanners, check_scanners
from yaoma.shell.catalogue import LANGUAGES, load_catalogue
from yaoma_drivers.calibration import Advice, evaluate
from yaoma_drivers.calibration_sent import evaluate_sent
from yaoma_drivers.symbol import Symbol


def loaded(desk: Desk, extra: str = "") -> Loaded:
    """Read the desk's configuration, with a line in its scanner's table."""
    text = desk.config.read_text("utf-8").replace("[scanner.options]", f"{extra}\n[scanner.options]")
    file = desk.config.with_name("asked.toml")
    file.write_text(text, encoding="utf-8")
    reading = read(file)
    assert reading.loaded is not None, reading.mistakes
    return reading.loaded


def calibrated(desk: Desk, scanner: SetScanner, device: str = f"port {PORT}") -> Loaded:
    """Give the configuration after a calibration."""
    file = desk.config.with_name("gun.toml")
    made = datetime(2026, 11, 22, tzinfo=UTC)
    file.write_text(calibration_text(evaluate(scanner.sheet()), scanner="gun", device=device, made=made), "utf-8")
    return loaded(desk, f'calibration = "{file}"')


def told(findings: list[Finding]) -> dict[str, Mark]:
    """Give ids and marks."""
    return {finding.id: finding.mark for finding in findings}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give a desk whose commands are not used."""
    return Desk(tmp_path)


def test_doctor_when_a_scanner_was_never_calibrated_then_it_says_so(desk: Desk) -> None:
    """A warning, with the command to run; one that ends codes by silence is warned of besides."""
    assert told(check_calibrations(loaded(desk))) == {"doctor.scanner_uncalibrated": Mark.WARNING}
    desk.config.write_text(desk.config.read_text("utf-8") + "gap_ends_symbol = true\n", "utf-8")
    found = told(check_calibrations(loaded(desk)))
    assert found == {"doctor.scanner_uncalibrated": Mark.WARNING, "scanner_advice.no_terminator": Mark.WARNING}


def test_doctor_when_the_sheet_had_advice_then_it_is_repeated_in_both_languages(desk: Desk) -> None:
    """What is put back is a fact, what should be changed a warning; the scanner is named."""
    findings = check_calibrations(calibrated(desk, SetScanner(gs="~", end="", sends_aim=False)))
    assert told(findings) == {
        "scanner_advice.gs_as": Mark.OK,
        "scanner_advice.no_terminator": Mark.WARNING,
        "scanner_advice.aim_not_sent": Mark.WARNING,
    }
    lines = "\n".join(Report(findings).lines())
    for words in ("没有结束符", "Set the suffix CR", "以 ~ 代替", "(gun)"):
        assert words in lines
    assert told(check_calibrations(calibrated(desk, SetScanner()))) == {"doctor.scanner_calibrated": Mark.OK}


def test_doctor_when_a_scanner_on_a_line_was_calibrated_then_its_advice_is_repeated_too(desk: Desk) -> None:
    """Nobody is told to calibrate a scanner that types nothing; what its calibration has found is said again."""
    line = 'driver = "serial_line"\n[scanner.options]\ndevice = "/dev/gun"\n'
    text = desk.config.read_text("utf-8")
    desk.config.write_text(text[: text.index('driver = "hid"')] + line, "utf-8")
    assert check_calibrations(loaded(desk)) == []
    sheet = [Symbol(data, "gun", 0) for data in SentScanner(end="", parity="even").sheet()]
    file = desk.config.with_name("gun.toml")
    made = datetime(2026, 11, 22, tzinfo=UTC)
    found = evaluate_sent(sheet, needs_terminator=True)
    file.write_text(calibration_text(found, scanner="gun", device="/dev/gun", made=made), "utf-8")
    asked = loaded(desk, f'calibration = "{file}"')
    assert told(check_calibrations(asked)) == {
        "scanner_advice.line_settings": Mark.WARNING,
        "scanner_advice.no_terminator": Mark.WARNING,
    }
    file.write_text(file.read_text("utf-8").replace("/dev/gun", "/dev/other"), "utf-8")
    assert "doctor.calibration_of_other" in told(check_calibrations(asked))


def test_doctor_when_the_file_is_another_scanners_or_went_then_it_says_so(desk: Desk) -> None:
    """Moved to another socket, and taken away after the start."""
    found = calibrated(desk, SetScanner(), "port usb-9")
    assert told(check_calibrations(found))["doctor.calibration_of_other"] is Mark.WARNING
    desk.config.with_name("gun.toml").unlink()
    assert told(check_calibrations(found)) == {"doctor.calibration_unusable": Mark.TROUBLE}


@pytest.mark.parametrize(("reason", "found"), [("asleep", Mark.OK), ("lent", Mark.WARNING), ("absent", Mark.TROUBLE)])
def test_doctor_when_a_wireless_scanner_sleeps_then_that_is_no_trouble(
    desk: Desk, host: Host, me: Account, reason: str, found: Mark
) -> None:
    """By the running daemon's word and by trying: asleep is as it should be, lent is a matter of minutes."""
    states: list[Mapping[str, Any]] = [{"scanner": "gun", "working": False, "reason": reason}]
    (running,) = check_running_scanners(loaded(desk), states, me, host)
    (tried,) = check_scanners(loaded(desk), me, host, lambda _: Tried(reason))
    assert (running.mark, tried.mark) == (found, found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_advice_when_compared_with_the_catalogue_then_each_has_words_and_a_next_step(language: str) -> None:
    """Every advice can be said, and nothing else is in that section."""
    there = {
        name: text for name, text in load_catalogue(language).templates.items() if name.startswith("scanner_advice.")
    }
    assert there.keys() == {f"scanner_advice.{advice}" for advice in Advice}
    assert all(text.todo and text.pieces for text in there.values())
