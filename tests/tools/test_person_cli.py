"""Offline recovery: the recovery key opens what a box has sealed, on a terminal and nowhere else."""

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import forked
from fakes.journals import BOX, SITE, HandClock, Known, folder
from fakes.program import BIN
from yaoma.core.entry import CloseReason
from yaoma.core.record import Entry, Kind
from yaoma.core.sealed import person_context
from yaoma.shell.journal_folder import JournalFolder, KnownElsewhere
from yaoma.shell.sealing import Sealer
from yaoma_link.identity import SealingKey, make_sealing_key
from yaoma_link.key_ring import KeyRing
from yaoma_tools.person_cli import RecoveryError, find_sealed

NUMBER = b"11010519491231002X"


class Card:
    """The card of a box on which one identity was sealed."""

    def __init__(self, path: Path) -> None:
        self.state = path / "state"
        self.key_file = path / "recovery.key"
        self.key: SealingKey = make_sealing_key(self.key_file, "recovery")
        self.known = Known()
        self.folder: JournalFolder = folder(self.state, self.known)
        self.journal = self.folder.open()
        self.log = self.journal.log
        self.sell(NUMBER)

    def sell(self, number: bytes) -> None:
        """Record a sale with an identity."""
        sealed = Sealer([self.key.public], bytes(range(32))).seal(number, person_context(SITE, BOX, self.journal.log))
        self.journal.append([Entry(Kind.SCAN, {"person": sealed.fields}, sealed.blob)], [HandClock()()])


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    """A card with its journal open, as a copy of a running box has it."""
    made = Card(tmp_path)
    yield made
    made.journal.close()


def _on_a_terminal(*arguments: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [str(BIN / "yaoma-tools"), *arguments], stdout=theirs, stderr=theirs, check=False, timeout=60
        )
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            said += part
    finally:
        os.close(ours)
    return done.returncode, said.decode()


def test_open_when_on_a_terminal_then_the_number_is_shown(card: Card) -> None:
    """Whoever has the recovery key and the card can read whose sale it was."""
    code, said = _on_a_terminal("person", "open", str(card.state), f"{card.log}/1", "--key", str(card.key_file))

    assert (code, said.strip()) == (0, NUMBER.decode())


def test_open_when_not_on_a_terminal_then_nothing_is_shown(card: Card) -> None:
    """Into a pipe or a file the number never goes."""
    done = forked.run("yaoma-tools", "person", "open", card.state, f"{card.log}/1", "--key", card.key_file)

    assert done.returncode == 1
    assert "terminal" in done.stderr
    assert NUMBER.decode() not in done.stdout + done.stderr


def test_open_when_the_key_is_another_then_the_right_one_is_named(card: Card, tmp_path: Path) -> None:
    """The id of the key that would open it is said, and nothing of the number."""
    make_sealing_key(tmp_path / "other.key", "other")

    code, said = _on_a_terminal(
        "person", "open", str(card.state), f"{card.log}/1", "--key", str(tmp_path / "other.key")
    )

    assert code == 1
    assert card.key.public.id in said


def test_find_when_the_record_was_copied_then_it_opens_by_its_first_place(card: Card) -> None:
    """After a fork the sale is found under the name that it had, in the new log alone too."""
    card.journal = card.folder.close_log(card.journal, CloseReason.FORKED)
    ring = KeyRing([card.key])

    assert ring.open(*find_sealed(card.state, card.log, 1)) == NUMBER
    (ended,) = card.folder.closed_files()
    ended.unlink()
    assert ring.open(*find_sealed(card.state, card.log, 1)) == NUMBER


def test_find_when_it_was_erased_or_never_there_then_it_says_so(card: Card) -> None:
    """What is erased can't be opened by anybody."""
    card.journal._file.erase_sealed(1)

    for seq in (1, 99):
        with pytest.raises(RecoveryError, match="erased"):
            find_sealed(card.state, card.log, seq)


def test_find_when_part_of_it_is_confirmed_then_the_ended_log_still_has_it(card: Card) -> None:
    """What the bridge had is not copied; the ended log on the card is read for it."""
    card.known.logs[card.log] = KnownElsewhere(confirmed_upto=card.journal.size)
    card.journal = card.folder.close_log(card.journal, CloseReason.FORKED)

    assert KeyRing([card.key]).open(*find_sealed(card.state, card.log, 1)) == NUMBER
