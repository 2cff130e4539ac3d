"""Notes of the pairing command: each becomes one record, also when the box is out of service at first."""

import json
from pathlib import Path

from yaoma.core.command import Append
from yaoma.core.record import Kind
from yaoma.service.pairings import Pairings
from yaoma.service.work import Answer, Request
from yaoma.shell.pairing_note import PairingNote, leave_note, notes_in

NOTE = PairingNote("gun-2", "back_room", "hid", "port usb-1", "T-7", 1_795_000_000_000)


def recorded(posted: list[Request]) -> list[dict[str, object]]:
    """The fields of what was posted."""
    entries = [one.command.entry for one in posted if isinstance(one.command, Append)]
    assert {entry.kind for entry in entries} == {Kind.PAIR}
    return [dict(entry.fields) for entry in entries]


def test_pairings_when_a_note_lies_there_then_it_is_recorded_once_and_taken_away(tmp_path: Path) -> None:
    """Not while its record is under way, and again only if that was refused."""
    posted: list[Request] = []
    now_s = [0.0]
    pairings = Pairings(tmp_path, posted.append, lambda: now_s[0])

    def look() -> None:
        now_s[0] += 10
        pairings.look()

    look()
    assert posted == []
    file = leave_note(tmp_path, NOTE)
    pairings.look()
    assert posted == []
    look()
    look()
    assert len(posted) == 1
    assert recorded(posted) == [
        {
            "scanner": "gun-2",
            "station": "back_room",
            "driver": "hid",
            "device": "port usb-1",
            "sheet": "T-7",
            "paired_ms": 1_795_000_000_000,
        }
    ]
    posted[0].answer(Answer(refusal="disk_full"))
    look()
    assert len(posted) == 2
    posted[1].answer(Answer())
    assert file.exists()
    look()
    assert not file.exists()
    look()
    assert len(posted) == 2


def test_notes_when_a_file_is_none_then_it_is_taken_away_and_the_others_count(tmp_path: Path) -> None:
    """A broken file can't stop the box, nor be read again for ever."""
    good = leave_note(tmp_path, NOTE)
    fields = json.loads(good.read_text("utf-8"))
    bad = [b"", b"{", b"[]", b'{"scanner": 1}', json.dumps({**fields, "sheet": 7}).encode(), b"x" * 9000]
    for number, content in enumerate(bad):
        (tmp_path / f"pairing-bad-{number}.json").write_bytes(content)
    assert notes_in(tmp_path) == {good: NOTE}
    assert list(tmp_path.iterdir()) == [good]
