"""The start log: three starts that failed within ten minutes end in safe mode, a healthy run ends it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.shell.start_log import FAILURES, WITHIN_MS, Start, StartLog, pause_s


class Life:
    """Starts of one machine, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "starts.json"
        self.boot = "boot-1"
        self.now_ms = 50_000

    def start(self, *, normal: bool = False) -> tuple[StartLog, Start]:
        """Start once more, a second later."""
        self.now_ms += 1000
        log = StartLog(self.file, self.boot, lambda: self.now_ms)
        return log, log.begin(normal=normal)


@pytest.fixture
def life(tmp_path: Path) -> Life:
    """A machine that was never started."""
    return Life(tmp_path)


def test_start_after_three_failed_ones_is_in_safe_mode(life: Life) -> None:
    """The first three starts are normal; the fourth is not, nor is any after it while none was healthy."""
    found = [life.start()[1] for _ in range(6)]

    assert [False] * FAILURES + [True] * 3 == [one.safe_mode for one in found]
    assert [0, 1, 2, 3, 4, 5] == [one.failed for one in found]


def test_healthy_run_ends_safe_mode_for_the_next_start(life: Life) -> None:
    """After a run in safe mode that was healthy the next start is normal, with nothing against it."""
    for _ in range(FAILURES):
        life.start()
    log, start = life.start()
    log.healthy()

    assert start.safe_mode
    assert Start() == life.start()[1]


def test_safe_mode_outlives_a_reboot_and_failed_starts_do_not(life: Life) -> None:
    """Switching the box off and on is no failed start; but it does not mend a driver either."""
    for _ in range(FAILURES - 1):
        life.start()
    life.boot = "boot-2"
    assert Start() == life.start()[1]
    for _ in range(FAILURES):
        life.start()
    life.boot = "boot-3"

    assert Start(0, safe_mode=True) == life.start()[1]


def test_failed_starts_are_forgotten_after_ten_minutes(life: Life) -> None:
    """A defect once an hour is no crash loop."""
    for _ in range(10):
        life.now_ms += WITHIN_MS
        assert Start() == life.start()[1]


def test_start_that_somebody_stopped_did_not_fail(life: Life) -> None:
    """A technician who starts and stops the daemon ten times does not put it into safe mode."""
    for _ in range(10):
        log, start = life.start()
        assert Start() == start
        log.did_not_fail()
    log, _ = life.start()
    log.healthy()
    log.did_not_fail()

    assert [] == json.loads(life.file.read_text())["starts_ms"]


def test_normal_start_leaves_safe_mode(life: Life) -> None:
    """`yaoma run --normal` forgets what was."""
    for _ in range(5):
        life.start()

    assert Start() == life.start(normal=True)[1]
    assert Start(1) == life.start()[1]


@given(
    content=st.binary(max_size=80) | st.sampled_from([b'{"v":1}', b'{"v":1,"boot":"b","starts_ms":7,"safe_mode":1}'])
)
def test_file_that_cannot_be_understood_is_no_crash_loop(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Whatever stands in the file, the start goes on."""
    life = Life(tmp_path_factory.mktemp("state"))
    life.file.write_bytes(content)

    assert Start() == life.start()[1]
    assert Start(1) == life.start()[1]


def test_folder_that_cannot_be_written_stops_no_start(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    """Without a place to remember every start is a first one, and the log says so."""
    life.file = life.file.parent / "missing" / "starts.json"

    assert Start() == life.start()[1]
    assert Start() == life.start()[1]
    assert "failed starts can't be remembered" in caplog.text


def test_file_is_tiny_and_whole_at_every_moment(life: Life) -> None:
    """It holds at most 17 starts, only the daemon's user may read it, and it is replaced by a rename."""
    for _ in range(100):
        life.start()

    assert len(json.loads(life.file.read_text())["starts_ms"]) == 17
    assert life.file.stat().st_size < 500
    assert 0o600 == life.file.stat().st_mode & 0o777
    assert [life.file.name] == [path.name for path in life.file.parent.iterdir()]


def test_pause_grows_to_a_minute() -> None:
    """The first restart is at once, then the pause doubles, and a minute is the longest."""
    assert [0, 1, 2, 4, 8, 16, 32, 60, 60] == [pause_s(failed) for failed in range(9)]
