"""`yaoma run` on a bad configuration: the real process, with a real journal and a real scanner's line."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.county import BoxProcess, County
from fakes.program import wait_for
from yaoma.cli.report import CommandError, control_socket
from yaoma.config.last_good import LAST_GOOD

PACK = "81000000000000000001"


@pytest.fixture
def box(mosquitto: str) -> Iterator[BoxProcess]:
    """Give a box that is not started; the broker is not needed and stays away."""
    # A short path: a Unix socket's name may have 107 bytes.
    county = County(Path(tempfile.mkdtemp(prefix="yaoma-")), codes=[PACK])
    yield county.add_box()
    county.remove()
    shutil.rmtree(county.folder, ignore_errors=True)


def told(box: BoxProcess) -> str:
    """What the result file says; nothing before there is one."""
    path = box.folder / "yaoma.result.txt"
    return path.read_text("utf-8-sig") if path.exists() else ""


def ended(box: BoxProcess) -> int:
    """Wait until the box has ended by itself."""
    assert box.program.process is not None
    return box.program.process.wait(60)


def started_with(box: BoxProcess) -> list[str]:
    """The digests of the configurations that the journal says the box was started with."""
    return [str(record.fields["config"]) for record in box.entries() if record.kind == "start"]


@pytest.mark.broker
def test_box_goes_on_with_its_last_good_configuration_until_the_file_is_mended(box: BoxProcess) -> None:
    """A typing error leaves the counter at work; the file beside names line and key; the mended file is used again."""
    good = box.config.read_text()
    box.start()
    wait_for(lambda: "OK" in told(box), "no result file was written")
    assert good == (box.state / LAST_GOOD).read_text()
    assert 0 == box.program.stop()

    box.config.write_text(good.replace("warn_free_mb = 2", "warn_free_mb = “2”"))
    box.start()
    box.scan(PACK)
    wait_for(lambda: box.ask()["today"], "the scan was not answered")
    line = 1 + good.split("\n").index("warn_free_mb = 2")
    assert f"line {line}" in told(box)
    assert "goes on with the last good one" in told(box)
    assert f"第 {line} 行" in box.program.said()
    for language, place in (("zh-CN", f"第 {line} 行"), ("en", f"line {line}")):
        assert place in box.ask()["config_refused"][language]
    shown = box.command("status").stdout
    for wanted in ("仍按上一份可用的配置运行", "the last good one is", "yaoma config check", f"line {line}"):
        assert wanted in shown
    assert 0 == box.program.stop()

    box.config.write_text(good.replace("warn_free_mb = 2", "warn_free_mb = 3"))
    box.start()
    wait_for(lambda: "OK" in told(box), "the mended file is not told of")
    assert box.ask()["config_refused"] is None
    assert "last good" not in box.command("status").stdout
    assert 0 == box.program.stop()
    first, second, third = started_with(box)
    assert first == second != third
    assert "warn_free_mb = 3" in (box.state / LAST_GOOD).read_text()


@pytest.mark.broker
def test_box_is_out_of_service_with_78_if_it_may_be_another_box(box: BoxProcess) -> None:
    """Without a last good configuration, or with another name in the bad file, nothing is recorded under it."""
    good = box.config.read_text()
    box.config.write_text(good.replace("warn_free_mb = 2", "warn_free_mb = -2"))
    box.start(wait=False)
    assert 78 == ended(box)
    assert "state.warn_free_mb" in box.program.said()
    assert not (box.state / "journal.db").exists()

    box.config.write_text(good)
    box.start()
    wait_for(lambda: "OK" in told(box), "no result file was written")
    assert 0 == box.program.stop()
    size = box.log_size()

    box.config.write_text(good.replace('box = "b1"', 'box = "b2"').replace("warn_free_mb = 2", "warn_free_mb = -2"))
    box.start(wait=False)
    assert 78 == ended(box)
    assert "the box is out of service" in told(box)
    assert size == box.log_size()


@pytest.mark.broker
@pytest.mark.slow
def test_configuration_with_a_key_that_is_not_there_does_not_stop_the_box(box: BoxProcess) -> None:
    """A file without mistakes that can't be started on is stood in for as well; on its own it ends with 78."""
    good = box.config.read_text()
    box.config.write_text(good.replace("/signing.key", "/nowhere.key"))
    box.start(wait=False)
    assert 78 == ended(box)
    assert "nowhere.key" in told(box)

    box.config.write_text(good)
    box.start()
    wait_for(lambda: "OK" in told(box), "no result file was written")
    assert 0 == box.program.stop()

    box.config.write_text(good.replace("/signing.key", "/nowhere.key"))
    box.start()
    assert "nowhere.key" in told(box)
    assert "goes on with the last good one" in told(box)
    assert 0 == box.program.stop()


def test_daemon_is_asked_although_the_file_is_bad_and_its_state_can_not_be_looked_at() -> None:
    """Who may ask the daemon may do so where the last good configuration lies in a folder of others."""
    with tempfile.TemporaryDirectory(prefix="yaoma-") as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/control")
        file = Path(folder) / "yaoma.toml"
        text = f'control_socket = "{folder}/control"\nsite = 7\n[state]\nfolder = "{folder}/none"\n'
        file.write_text(text)
        assert Path(folder) / "control" == control_socket(file)

        file.write_text(text.replace("/control", "/nobody"))
        with pytest.raises(CommandError, match="site"):
            control_socket(file)
