"""`yaoma person`: counts and erases what a real box has sealed, and the journal still verifies."""

import json
from collections.abc import Callable

import pytest

from fakes.county import BoxProcess, County, wait_for
from fakes.tally import shown_verdicts
from yaoma.shell.closed_log import ClosedLog

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-person")]

NewCounty = Callable[..., County]
NUMBERS = ("11010519491231002X", "440524198001010013")


@pytest.fixture(scope="module")
def box(new_county_of_module: NewCounty) -> BoxProcess:
    """A box that has sealed two identities and was stopped; it never saw a broker."""
    county = new_county_of_module(codes=["81000000000000000001"], products={"8100000": "示例胶囊"}, denials={})
    box = county.add_box(verbose=True)
    box.start()
    for number in NUMBERS:
        _sell(box, number)
    assert box.program.stop() == 0
    return box


def _sell(box: BoxProcess, number: str) -> None:
    assert box.command("ticket", "open", "counter", "dispense", "--person").returncode == 0
    before = len(shown_verdicts(box))
    box.scan(number)
    wait_for(lambda: len(shown_verdicts(box)) > before, "nothing is shown")
    assert box.command("ticket", "close", "counter").returncode == 0


def _said(box: BoxProcess, *arguments: str) -> dict[str, object]:
    done = box.command("person", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def _sealed(box: BoxProcess) -> tuple[str, dict[int, bytes]]:
    log = ClosedLog(box.state / "journal.db")
    try:
        return log.log, log.sealed(0, log.size)
    finally:
        log.close()


def test_person_when_the_question_is_unclear_then_nothing_is_erased(box: BoxProcess) -> None:
    """Neither, both, or a record that is none: it says what it wants."""
    for arguments in ([], ["--before", "2026-01-01", "--record", "x/1"], ["--record", "x"], ["--record", "x/-1"]):
        done = box.command("person", "erase", *arguments)
        assert done.returncode == 1
        assert done.stderr
        assert "Traceback" not in done.stderr
    assert _said(box, "status")["held"] == 2


def test_person_when_erased_then_no_file_holds_it_and_the_journal_verifies(box: BoxProcess) -> None:
    """One is erased by its name, the other by its age; what was not delivered goes only when that is asked for."""
    log, sealed = _sealed(box)
    assert _said(box, "status")["held"] == 2
    first, second = sorted(sealed)

    kept = _said(box, "erase", "--record", f"{log}/{first}")
    assert (kept["erased"], kept["unsent"]) == (0, 1)
    assert _said(box, "erase", "--record", f"{log}/{first}", "--operator", "op-7", "--even-unsent")["erased"] == 1
    assert set(_sealed(box)[1]) == {second}
    assert _said(box, "erase", "--before", "2020-01-01", "--even-unsent")["erased"] == 0

    raw = b"".join(path.read_bytes() for path in box.state.rglob("*") if path.is_file())
    assert sealed[first][100:140] not in raw
    assert sealed[second][100:140] in raw
    erased = [record for record in box.entries() if record.kind == "erased"]
    assert [(record.fields["of"], record.fields["places"]) for record in erased] == [(log, [[first, first + 1]])]
    done = box.command("journal", "verify")
    assert done.returncode == 0, done.stderr
    box.start()
    assert box.log_size() > erased[0].seq + 1, "the box goes on behind it"
