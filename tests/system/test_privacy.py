"""Promise 5: what a person holds under a scanner by mistake, or on purpose, lies open nowhere."""

import base64
import json
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.county import SITE, BoxProcess, County, wait_for
from fakes.drawn_codes import code128, on_paper, png, qr
from fakes.process_memory import places_of
from fakes.pty_till import PtyTill, typed
from fakes.tally import assert_delivered_once, shown_verdicts
from yaoma.core.record import Record
from yaoma.core.sealed import open_sealed, person_context
from yaoma_link.identity import load_sealing_key

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-privacy")]

_SEALED = "360426199101010071"
_MARKERS = {
    "identity card that is sealed": _SEALED,
    "identity card without --person": "11010519491231002X",
    "identity card without ticket": "440524198001010013",
    "payment code": "134567890123456789",
    "insurance code": "3601X9hq7TzWm4KpR2",
    "typed text": "my-secret password",
    "opaque QR": "opaque-marker-Zk8rT3wQ/91==",
    "second identity on a picture": "320311770706001",
}


def _show(box: BoxProcess, text: str, *, typed: bool = True) -> None:
    """Scan it, or lay it under the camera, and wait for its verdict."""
    before = len(shown_verdicts(box))
    if typed:
        box.scanner.send(text.encode() + b"\r\n")
    else:
        code = code128(text) if text.isalnum() else qr(text)
        (box.pictures / f"{before:03}.png").write_bytes(png(on_paper((code, 100, 100))))
    wait_for(lambda: len(shown_verdicts(box)) > before, "nothing is shown")


def _forms(marker: str) -> set[bytes]:
    """Give the forms in which a text might be found again."""
    raw = marker.encode()
    encoded = {raw.hex().encode(), json.dumps(marker)[1:-1].encode(), marker.encode("utf-16-le")}
    # Whatever stands before it shifts base64 by 0, 1 or 2 bytes; the edges then differ.
    shifted = {base64.b64encode(bytes(shift) + raw)[4 if shift else 0 : -4] for shift in range(3)}
    return {raw, raw.lower(), raw.upper(), *encoded, *shifted}


def _files(*folders: Path) -> dict[str, bytes]:
    found = [path for folder in folders for path in (folder.rglob("*") if folder.is_dir() else [folder])]
    return {str(path): path.read_bytes() for path in found if path.is_file()}


@pytest.fixture(scope="module")
def evening(county_of_module: County) -> County:
    """Give a county at the end of a day on which all of it was scanned, and everything is delivered."""
    county = county_of_module
    box = county.add_box(verbose=True)
    box.start()
    _show(box, _MARKERS["identity card without ticket"])
    assert box.command("ticket", "open", "counter", "dispense").returncode == 0
    _show(box, _MARKERS["identity card without --person"])
    assert box.command("ticket", "close", "counter").returncode == 0
    assert box.command("ticket", "open", "counter", "dispense", "--person").returncode == 0
    _show(box, _SEALED)
    for name in ("payment code", "insurance code", "typed text"):
        _show(box, _MARKERS[name])
    for name in ("opaque QR", "second identity on a picture"):
        _show(box, _MARKERS[name], typed=False)
    _show(box, "81000000000000000001")
    assert_delivered_once(county, [box])
    return county


def _assert_nowhere(places: dict[str, bytes]) -> None:
    found = [
        f"{name} in {place}"
        for place, raw in places.items()
        for name, marker in _MARKERS.items()
        if any(form in raw for form in _forms(marker))
    ]
    assert not found, f"lies open: {found}"


@pytest.mark.row("S1-23")
@pytest.mark.row("S3-21")
def test_nothing_of_a_person_lies_open_on_the_box_or_at_the_bridge(evening: County) -> None:
    """No file, log line, process table entry or answer of a command holds what was scanned, in any usual form."""
    (box,) = evening.boxes
    # The pictures are the camera's own, and the list was there before.
    places = _files(box.state, box.program.log, evening.folder / "bridge", evening.folder / "broker")
    for program in (box.program, evening.bridges[0].program):
        assert program.process is not None
        for name in ("cmdline", "environ"):
            path = Path(f"/proc/{program.process.pid}/{name}")
            places[str(path)] = path.read_bytes()
    for command in (
        ["status", "--json"],
        ["status"],
        ["journal", "export"],
        ["journal", "show", "--last", "100", "--json"],
        ["journal", "verify", "--json"],
    ):
        done = box.command(*command)
        assert done.returncode == 0, done.stderr
        places[" ".join(command)] = f"{done.stdout}{done.stderr}".encode()
    assert b"81000000000000000001" in places["journal export"], "the search would find nothing that is there"
    assert any(b"81000000000000000001" in raw for place, raw in places.items() if "journal.db" in place)
    _assert_nowhere(places)


def test_a_sealed_identity_opens_with_either_private_key_and_gives_the_number(evening: County) -> None:
    """Bridge and recovery key each open what the bridge holds; the record names only a salted hash."""
    (box,) = evening.boxes
    store = sqlite3.connect(f"{(evening.folder / 'bridge' / 'bridge.db').as_uri()}?mode=ro", uri=True)
    try:
        rows = store.execute("SELECT sealed.blob, record.body FROM sealed JOIN record USING (log_id, seq)").fetchall()
    finally:
        store.close()
    for name in ("bridge", "recovery"):
        key = load_sealing_key(evening.folder / "keys" / f"{name}.seal", name)
        opened = {
            open_sealed(blob, key.key, person_context(SITE, box.name, Record.read(body).identity[0]))
            for blob, body in rows
        }
        # Under one ticket with --person every identity card is sealed.
        assert opened == {_SEALED.encode(), _MARKERS["second identity on a picture"].encode()}
    for _, body in rows:
        person = Record.read(body).fields["person"]
        assert isinstance(person, dict)
        assert set(person) == {"kind", "hash", "sealed", "keys"}


def test_what_is_left_of_the_box_after_a_crash_holds_nothing_either(evening: County) -> None:
    """A card that is pulled out of a running box, write-ahead log included, tells nothing of a person.

    The last of those that share the evening: nothing runs after it.
    """
    (box,) = evening.boxes
    box.program.kill()
    evening.bridges[0].program.kill()
    _assert_nowhere(_files(box.state, box.program.log, evening.folder / "bridge"))
    for codes in ("typed text", "payment code"):
        done = box.command("scan", _MARKERS[codes])
        assert _MARKERS[codes] not in done.stdout + done.stderr


_AT_TILL = {
    "payment at the till": "287104458730116952",
    "insurance QR at the till": "Zq7wXk3mPv9RtB5LdH",
    "payment that did not arrive": "136250917483062951",
}


def test_what_goes_on_to_a_till_lies_open_nowhere(
    new_county: Callable[..., County], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is typed at the till, or should have been, is in no file, log line, answer, and soon in no memory."""
    unit = Path(__file__).parents[2] / "systemd" / "yaoma.service"
    for line in re.findall(r"^Environment=(.*)$", unit.read_text("utf-8"), re.MULTILINE):
        monkeypatch.setenv(*line.split("=", 1))
    till = PtyTill()
    tables = f"""
[[pass_through]]
station = "counter"
driver = "hid_gadget"
timeout_s = 0.5
[pass_through.options]
device = "{till.path}"
"""
    box = new_county(codes=["81000000000000000001"]).add_box(verbose=True, settings={"tables": tables})
    box.start()
    assert box.command("ticket", "open", "counter", "dispense").returncode == 0
    for name in ("payment at the till", "insurance QR at the till"):
        box.scan(_AT_TILL[name])
        assert f"{_AT_TILL[name]}\n" == typed(till.take_all(1.0))
    till.fall_asleep()
    box.scan(_AT_TILL["payment that did not arrive"])
    wait_for(lambda: "reason=not_passed_on" in box.program.said(), "the operator is not told")
    places = _files(box.state, box.program.log)
    for command in (["status", "--json"], ["journal", "export"], ["journal", "show", "--last", "100", "--json"]):
        done = box.command(*command)
        assert done.returncode == 0, done.stderr
        places[" ".join(command)] = f"{done.stdout}{done.stderr}".encode()

    assert b"pass_on" in places["journal export"], "the failure is not recorded"
    found = [
        f"{name} in {place}"
        for place, raw in places.items()
        for name, marker in _AT_TILL.items()
        if any(form in raw for form in _forms(marker))
    ]
    assert not found, f"lies open: {found}"
    assert box.program.process is not None
    # Also a copy that lost its ends would show it.
    parts = [marker[2:-2].encode() for marker in _AT_TILL.values()]
    end_s, left = time.monotonic() + 10, ["?"]
    while left and time.monotonic() < end_s:
        try:
            left = [one for part in parts for one in places_of(box.program.process.pid, part)]
        except PermissionError:
            break
        time.sleep(0.25)
    till.unplug()
    assert left in ([], ["?"]), "\n".join(left)
