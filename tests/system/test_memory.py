"""Promise 5 in memory: once the ticket is closed, nothing of an identity is left in the process that sealed it."""

import re
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stdnum.cn import ric

from fakes.county import BoxProcess, County, wait_for
from fakes.drawn_codes import code128, on_paper, png
from fakes.process_memory import places_of
from fakes.tally import shown_verdicts
from yaoma.shell.control import ask

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-memory")]

NewCounty = Callable[..., County]

UNIT = Path(__file__).parents[2] / "systemd" / "yaoma.service"
#: Not one of the public test numbers: those stand in the documentation strings of the library that checks them.
IDENTITY, ON_PICTURE, TO_SOCKET = (
    f"{front}{ric.calc_check_digit(f'{front}0')}"
    for front in ("37078619880312347", "51132419760809112", "62042219930517358")
)
PAYMENT = "287104458730116952"
PACK = "81000000000000000001"


def _part(text: str) -> bytes:
    """Give the middle of a text: also a copy that lost its ends would show it."""
    return text[2:-2].encode()


@pytest.fixture
def box(new_county: NewCounty, monkeypatch: pytest.MonkeyPatch) -> BoxProcess:
    """Run a box, far from any broker, with the environment that its unit gives it."""
    for line in re.findall(r"^Environment=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE):
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value)
    box = new_county(codes=[PACK], products={"8100000": "示例胶囊"}).add_box(verbose=True)
    box.start()
    return box


def _show(box: BoxProcess, text: str) -> None:
    before = len(shown_verdicts(box))
    box.scanner.send(text.encode() + b"\r\n")
    wait_for(lambda: len(shown_verdicts(box)) > before, "nothing is shown")


def _lay_under_camera(box: BoxProcess, text: str) -> None:
    before = len(shown_verdicts(box))
    (box.pictures / "card.png").write_bytes(png(on_paper((code128(text), 100, 100))))
    wait_for(lambda: len(shown_verdicts(box)) > before, "nothing is shown")


def _found(box: BoxProcess, *texts: str) -> list[str]:
    assert box.program.process is not None
    try:
        return [place for text in texts for place in places_of(box.program.process.pid, _part(text))]
    except PermissionError:
        pytest.skip("needs root: a box that runs lets nobody else look into its memory")


def test_memory_when_the_ticket_is_closed_then_nothing_of_the_identity_is_in_it(box: BoxProcess) -> None:
    """No identity, by scanner, camera or socket, and no payment code is in any buffer, string or freed block."""
    assert box.command("ticket", "open", "counter", "dispense", "--person").returncode == 0
    _show(box, PACK)
    _show(box, PAYMENT)
    _show(box, IDENTITY)
    _lay_under_camera(box, ON_PICTURE)
    assert "error" in ask(box.folder / "control", {"do": "no_such_thing", "person": TO_SOCKET})
    assert box.command("ticket", "close", "counter").returncode == 0
    assert _found(box, PACK), "the search would find nothing that is there"

    # What the threads hold while they wait goes with their next turn, at most a second later.
    end_s = time.monotonic() + 10
    while (found := _found(box, IDENTITY, ON_PICTURE, TO_SOCKET, PAYMENT)) and time.monotonic() < end_s:
        time.sleep(0.25)

    assert not found, "\n".join(found)


def test_memory_when_the_process_crashes_then_no_core_dump_is_written(box: BoxProcess) -> None:
    """Even where core dumps are unlimited, a box that is killed in the middle of a sale leaves none."""
    assert box.program.process is not None
    pid = box.program.process.pid
    resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert box.command("ticket", "open", "counter", "dispense", "--person").returncode == 0
    _show(box, IDENTITY)
    folder = Path(f"/proc/{pid}/cwd").resolve()
    before = {path.name for path in folder.iterdir()}

    box.program.process.send_signal(signal.SIGABRT)

    assert box.program.process.wait(20) == -signal.SIGABRT, "it did not end by the signal that dumps core"
    dumps = [path for path in folder.iterdir() if path.name not in before and path.name.startswith("core")]
    for path in dumps:
        path.unlink()
    assert not dumps
