"""Erasing identities while the box runs: the recorder does it, records it, and nothing else is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.counter import LISTED, CounterBench
from yaoma.core.erasure import EraseReason
from yaoma.core.identity import Identity
from yaoma.core.record import Kind, Record
from yaoma.core.scan import Person
from yaoma.core.sealed import person_context, seal_to
from yaoma.core.ticket import Action, CommandRefusedError
from yaoma.service.erasing import Erasing
from yaoma.service.mailbox import Mailbox
from yaoma.shell.identity_keeper import IdentityKeeper
from yaoma_link.identity import make_sealing_key

CARDS = ("360426199101010071", "120103198806018241")
_DAY_S = 24 * 3600


class Bench(CounterBench):
    """A recorder that has sealed two identities.

    Args:
        path: The state folder.
    """

    def __init__(self, path: Path) -> None:
        self.key = make_sealing_key(path.with_name("bridge.key"), "bridge").public
        self.keep_days = 0
        super().__init__(path, seal=self._seal)
        self.stored: dict[str, int] = {}
        self.erasing = Erasing(
            folder=path,
            keeper=IdentityKeeper(path, lambda: self.keep_days, lambda: self.stored),
            stored=lambda: self.stored,
            clock=self.clock,
            post=Mailbox(self.items).post,
        )
        for number, card in enumerate(CARDS, start=1):
            self.ticket(Action.OPEN, wants_person=True)
            self.scan(card)
            self.wait(number)
            self.ticket(Action.CLOSE)

    def _seal(self, identity: Identity, log: str) -> Person:
        blob = seal_to([self.key], identity.number, person_context("S", "B", log))
        return Person({"hash": "h", "keys": [self.key.id]}, blob)

    @property
    def log(self) -> str:
        """The open log."""
        assert self.recorder.journal is not None
        return self.recorder.journal.log

    def sealed(self) -> dict[int, bytes]:
        """What is still there, by place."""
        assert self.recorder.journal is not None
        return dict(self.recorder.journal.sealed(0, 999))

    def erased(self) -> list[Record]:
        """The records of erasures."""
        journal = self.recorder.journal
        assert journal is not None
        records = [Record.read(body) for body in journal.bodies(0, journal.size)]
        return [record for record in records if record.kind == Kind.ERASED]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A recorder with two sealed identities."""
    one = Bench(tmp_path / "state")
    yield one
    one.stop()


def test_erasing_when_one_record_is_named_then_it_alone_goes_and_that_is_recorded(bench: Bench) -> None:
    """The blob is in no file of the box any more; the other one and every record stay."""
    (first, blob), (second, other) = sorted(bench.sealed().items())
    assert bench.recorder.journal is not None
    size = bench.recorder.journal.size

    told = bench.erasing.asked({"record": [bench.log, first], "operator": "li", "even_unsent": True})

    assert told == {"erased": 1, "unsent": 0, "left": []}
    assert bench.sealed() == {second: other}
    (record,) = bench.erased()
    assert (record.seq, record.fields["operator"], record.fields["places"]) == (size, "li", [[first, first + 1]])
    assert blob not in b"".join(path.read_bytes() for path in bench.path.rglob("*") if path.is_file())


def test_erasing_when_the_bridge_has_not_stored_it_then_it_stays_unless_that_is_wanted(bench: Bench) -> None:
    """What nobody else has is lost for ever: that must be asked for."""
    told = bench.erasing.asked({"before_ms": 2**52, "operator": "li"})

    assert told == {"erased": 0, "unsent": 2, "left": []}
    assert len(bench.sealed()) == 2
    assert bench.erased() == []


def test_erasing_when_the_policy_is_over_then_what_the_bridge_has_goes_by_itself(bench: Bench) -> None:
    """After the policy's days, at the next look; scanning goes on meanwhile."""
    bench.stored[bench.log] = 999
    bench.keep_days = 1
    bench.clock.seconds += 3 * _DAY_S

    bench.erasing.look()
    bench.scan(LISTED)
    bench.wait(3)

    assert bench.sealed() == {}
    assert [record.fields["reason"] for record in bench.erased()] == [EraseReason.POLICY]


@pytest.mark.parametrize(
    "request_",
    [{"record": "x"}, {"record": [1, 2]}, {"record": ["x", 1.5]}, {"before_ms": "1"}, {"before_ms": 1, "operator": 7}],
)
def test_erasing_when_it_makes_no_sense_then_it_is_refused(bench: Bench, request_: dict[str, object]) -> None:
    """A bad request erases nothing."""
    with pytest.raises(ValueError):  # noqa: PT011 - the control socket answers any of them alike
        bench.erasing.asked({"operator": "li", **request_})
    assert len(bench.sealed()) == 2


def test_erasing_when_nobody_is_named_then_it_is_refused(bench: Bench) -> None:
    """Somebody answers for what is erased by hand."""
    with pytest.raises(CommandRefusedError, match="operator_needed"):
        bench.erasing.asked({"before_ms": 2**52})
