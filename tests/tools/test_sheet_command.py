"""`yaoma-tools sheet` as a technician runs it: files, their modes, and one sentence where it fails."""

import stat
import subprocess
from datetime import date, timedelta
from pathlib import Path

import cv2
import pytest
import zxingcpp

from fakes import forked
from yaoma.core.code import ControlCode, parse
from yaoma.core.control_sheet import verify
from yaoma.core.note import Verifier
from yaoma.shell.print_font import FontMissingError, find_font
from yaoma_drivers.symbol import Symbol


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command as its users do."""
    return forked.run("yaoma-tools", *arguments, env=forked.PLAIN)


@pytest.fixture
def _font() -> None:
    try:
        find_font()
    except FontMissingError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("_font")
def test_sheet_when_signed_then_owner_only_and_it_verifies_with_the_printed_key(tmp_path: Path) -> None:
    """Key, sheet, print, scan, verify: what the box will do with the technician's paper."""
    key = tmp_path / "sheets.key"
    made = run("keys", "new-signing", "sheets.county", key)
    assert made.returncode == 0, made.stderr
    place = ("--site", "H32132200561", "--box", "counter_1", "--id", "t-7", "--days", "1")

    done = run("sheet", "technician", key, *place, "-o", tmp_path / "t.png", "-o", tmp_path / "t.pdf")

    assert done.returncode == 0, done.stderr
    page = tmp_path / "t-1.png"
    assert done.stdout.splitlines() == [str(page), str(tmp_path / "t.pdf")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in (page, tmp_path / "t.pdf")} == {0o600}
    picture = cv2.imread(str(page), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    found = [parse(Symbol(one.text.encode(), "s", 0)) for one in zxingcpp.read_barcodes(picture)]
    assert len(found) == 4
    verifier = Verifier.parse(made.stdout)
    for code in found:
        assert isinstance(code, ControlCode)
        assert code.sheet is not None
        day = code.sheet.expires
        assert verify(code, [verifier], site="H32132200561", box="counter-1", today=day) is None
        assert verify(code, [verifier], site="H32132200561", box="counter-1", today=day + timedelta(1)) is not None
        assert abs((day - date.today()).days) <= 1  # noqa: DTZ011 - midnight may pass between the two

    again = run("sheet", "technician", key, *place, "-o", tmp_path / "t.pdf")
    assert again.returncode == 1
    assert "Traceback" not in again.stderr


@pytest.mark.usefixtures("_font")
def test_sheet_when_operations_are_chosen_then_only_these_are_drawn(tmp_path: Path) -> None:
    """A shop prints the operations that it uses, and prints over the old sheet."""
    out = tmp_path / "new" / "ops.png"
    for _ in range(2):
        done = run("sheet", "operations", "--only", "dispense", "--only", "receive", "-o", out)
        assert done.returncode == 0, done.stderr
    assert [file.name for file in out.parent.iterdir()] == ["ops-1.png"]
    picture = cv2.imread(str(out.parent / "ops-1.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert sorted(one.text.split(".")[1] for one in zxingcpp.read_barcodes(picture)) == [
        "CLOSE", "CONFIRM", "OPEN", "OPEN", "UNDO",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("operations", "--only", "sell", "-o", "x.pdf"), 2, "no such operation: sell"),
        (("operations", "-o", "x.docx"), 2, "x.docx"),
        (("operations",), 2, "--out"),
        (("operators", "110101199001011237", "-o", "x.pdf"), 1, "number of a person"),
        (("operators", "P7", "p-7", "p_7", "-o", "x.pdf"), 1, "operator 3"),
        (("operators", "ABCDEFGHIJ" * 3, "--symbology", "code128", "-o", "x.pdf"), 1, "--symbology qr"),
        (("technician", "none.key", "--site", "S1", "--id", "T1", "-o", "x.pdf"), 1, "none.key"),
    ],
)
def test_sheet_when_called_wrongly_then_one_sentence_says_so(
    tmp_path: Path, arguments: tuple[str, ...], code: int, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be drawn is said before anything is written, and nobody's number is repeated."""
    monkeypatch.chdir(tmp_path)
    done = run("sheet", *arguments)
    assert (done.returncode, hint in done.stderr) == (code, True), done.stderr
    assert "110101199001011237" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
