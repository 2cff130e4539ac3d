"""Pairing at a running box: what a technician's command leaves is recorded, and its own scanner binds nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fakes.county import SITE, County, wait_for
from yaoma.core.control_code import ControlAction, Sheet, folded
from yaoma.core.control_sheet import sign
from yaoma.core.record import Kind
from yaoma.shell.pairing_note import PairingNote, leave_note
from yaoma_link.identity import make_signer


def test_daemon_when_a_scanner_was_paired_then_that_is_in_the_journal_and_a_scan_of_the_code_changes_nothing(
    new_county: Callable[..., County],
) -> None:
    """The record names scanner, station, driver, device and sheet; the note goes; the counter says who pairs."""
    county = new_county()
    signer = make_signer(county.folder / "keys" / "sheets.pem", "sheets")
    (county.folder / "keys" / "sheet.vkey").write_text(f"{signer.verifier()}\n")
    box = county.add_box(settings={"keys": f'sheet = "{county.folder}/keys/sheet.vkey"'})
    box.state.mkdir(parents=True, exist_ok=True)
    note = leave_note(box.state, PairingNote("gun-2", "store", "hid", "port usb-1", "T-7", 1_795_000_000_000))
    box.start()
    wait_for(lambda: not note.exists(), "the note was never taken away")
    (record,) = [one for one in box.records() if one.kind == Kind.PAIR]
    assert (record.fields["scanner"], record.fields["station"], record.fields["sheet"]) == ("gun-2", "store", "T-7")

    expires = (datetime.now(UTC) + timedelta(days=9)).date()
    code = sign(ControlAction.PAIR, "STORE", Sheet(folded(SITE), folded(box.name), "T-7", expires), signer)
    before = box.config.read_bytes()
    box.scan(code.text)
    wait_for(lambda: any(one.fields.get("control") == "pair" for one in box.records()), "the scan was not kept")
    (scan,) = [one for one in box.records() if one.fields.get("control") == "pair"]
    told = [scan.fields[name] for name in ("verdict", "reason", "argument", "sheet")]
    assert told == ["FAULT", "control_refused", "STORE", "T-7"]
    assert box.config.read_bytes() == before
