"""The last good configuration: when it may stand in, where it is kept, and what is told beside the file."""

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.config.last_good import LAST_GOOD, Identity, identity_of, last_good
from yaoma.config.load import ConfigError, read
from yaoma.config.result_file import result_path
from yaoma.config.said import Said
from yaoma.config.start import Start, begin
from yaoma.config.syntax import salvage


@pytest.fixture
def good(tmp_path: Path) -> str:
    """A good file's text, whose state folder exists."""
    (tmp_path / "state").mkdir()
    return f"""\
site = "S1"
box = "b1"
[state]
folder = "{tmp_path}/state"
[broker]
host = "broker.example"
[policy]
hold_off_ms = 5000
[[station]]
name = "counter"
scanners = ["gun"]
[[scanner]]
name = "gun"
driver = "replay"
options.file = "/x"
"""


@pytest.fixture
def file(tmp_path: Path, good: str) -> Path:
    """The technician's file; the box got ready with it once."""
    path = tmp_path / "yaoma.toml"
    path.write_text(good)
    begin(path).ready()
    return path


def told(file: Path) -> str:
    """What the result file says."""
    return result_path(file).read_text("utf-8-sig")


def test_file_that_got_ready_is_kept_and_told_of(file: Path, tmp_path: Path) -> None:
    """Its very bytes lie in the state folder; beside it stands that it is in use, since when and by which version."""
    assert file.read_bytes() == (tmp_path / "state" / LAST_GOOD).read_bytes()
    assert "OK: this configuration is in use" in told(file)
    assert "正常" in told(file)
    assert "keys.signing" in told(file)
    assert result_path(file).read_bytes().startswith(b"\xef\xbb\xbf")
    assert b"yaoma 0." in result_path(file).read_bytes()


def test_file_is_not_kept_before_the_box_got_ready(file: Path, tmp_path: Path, good: str) -> None:
    """A configuration that was only read does not replace the one that worked."""
    file.write_text(good.replace("5000", "6000"))
    begin(file)

    assert "5000" in (tmp_path / "state" / LAST_GOOD).read_text()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("5000", "true"), "policy.hold_off_ms"),
        (("5000", "“5000”"), "line 8"),
        (("[policy]", "[policy"), "line 7"),
        (("[policy]", "[polcy]"), "polcy"),
        (('driver = "replay"', 'driver = "telepathy"'), "scanner.0.driver"),
        (('options.file = "/x"', 'options.file = "/x'), "line 15"),
    ],
)
def test_last_good_one_stands_in_for_a_file_with_mistakes(
    file: Path, good: str, change: tuple[str, str], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Site, box and broker can be read and are the same: the box goes on, and names the key in log and result file."""
    file.write_text(good.replace(*change))
    start = begin(file)
    start.ready()

    assert 5000 == start.loaded.config.policy.hold_off_ms
    assert key in told(file)
    assert "The box goes on with the last good one" in told(file)
    assert "盒子仍按上一份可用的配置运行" in told(file)
    assert key in caplog.text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('site = "S1"', 'site = "S2"'),
        ('site = "S1"', "site = “S1”"),
        ('box = "b1"', 'box = "b2"'),
        ('box = "b1"', ""),
        ("broker.example", "other.example"),
        ("[broker]", "[broker]\nport = 8884"),
        ("[broker]", "[broker]\nport = 0"),
        ("[broker]", "[broker]\nplain = true"),
        ("[broker]", "[broker"),
    ],
)
def test_box_is_out_of_service_if_it_may_be_another_box_now(file: Path, good: str, old: str, new: str) -> None:
    """Site, box or broker changed or can't be read: nothing stands in."""
    file.write_text(good.replace("5000", "true").replace(old, new))
    with pytest.raises(ConfigError):
        begin(file)

    assert "the box is out of service" in told(file)
    assert "盒子暂停服务" in told(file)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\x00" * 50, None])
def test_unreadable_file_is_never_stood_in_for(file: Path, content: bytes | None) -> None:
    """Nobody can say whose box it is."""
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError):
        begin(file)


def test_last_good_one_that_is_damaged_does_not_count(file: Path, good: str, tmp_path: Path) -> None:
    """A copy with a mistake of its own, as after an update of the program, is not run on."""
    (tmp_path / "state" / LAST_GOOD).write_text(good.replace("5000", "true"))
    file.write_text(good.replace("5000", "false"))

    with pytest.raises(ConfigError):
        begin(file)


def test_state_folder_that_is_wrong_itself_leads_to_the_default_one(
    file: Path, good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the folder can't be known, the default path is looked at."""
    from yaoma.config import last_good as module  # noqa: PLC0415 - its default is replaced in this test only
    from yaoma.config.model import StateConfig  # noqa: PLC0415 - as above

    class Here(StateConfig):
        folder: Path = tmp_path / "state"

    file.write_text(good.replace(f'"{tmp_path}/state"', "5"))
    assert last_good(read(file)) is None
    monkeypatch.setattr(module, "StateConfig", Here)

    assert last_good(read(file)) is not None


def test_file_without_mistakes_that_cannot_start_is_stood_in_for_once(file: Path, good: str) -> None:
    """A key that is missing on the disk stops the start, not the box; if the last good one fails too, it is over."""
    file.write_text(good.replace("5000", "6000"))
    start = begin(file)
    other = start.instead(Said("缺少密钥", "a key is missing"))

    assert other is not None
    assert 5000 == other.loaded.config.policy.hold_off_ms
    assert "a key is missing" in told(file)
    assert "The box goes on with the last good one" in told(file)
    assert other.instead(Said("还缺", "another is missing")) is None
    assert "another is missing" in told(file)
    assert "the box is out of service" in told(file)


def test_file_that_is_the_last_good_one_has_nothing_to_stand_in(file: Path) -> None:
    """The same bytes would fail again."""
    assert begin(file).instead(Said("缺", "missing")) is None


def test_trouble_after_the_box_got_ready_is_no_trouble_of_the_file(file: Path, good: str) -> None:
    """A disk that fails later does not send the box back to an older configuration."""
    file.write_text(good.replace("5000", "6000"))
    start = begin(file)
    start.ready()

    assert start.instead(Said("坏", "broken")) is None
    assert "OK" in told(file)


def test_folder_that_takes_no_result_file_stops_nothing(file: Path, good: str) -> None:
    """Read-only partition, full disk: the start goes on without a word beside the file."""
    result_path(file).unlink()
    result_path(file).mkdir()  # not even root can put a file in its place
    file.write_text(good.replace("5000", "true"))

    begin(file).ready()
    file.write_text(good)
    begin(file).ready()
    assert [] == list(file.parent.glob(".*"))


def test_result_is_told_on_a_boot_partition_without_modes(
    file: Path, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT refuses to set a mode; the technician reads the result there all the same."""

    def refuse(_descriptor: int, _mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    result_path(file).unlink()
    monkeypatch.setattr("os.fchmod", refuse)
    file.write_text(good.replace("5000", "true"))
    begin(file).ready()

    assert "goes on with the last good one" in told(file)
    assert "policy.hold_off_ms" in told(file)


def test_state_folder_that_takes_no_copy_stops_nothing(
    file: Path, good: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that refuses the copy is logged, and the box runs."""
    (tmp_path / "state" / LAST_GOOD).unlink()
    (tmp_path / "state" / LAST_GOOD).mkdir()
    begin(file).ready()

    assert "could not be kept as last good one" in caplog.text


def test_copy_that_is_the_same_is_not_written_again(file: Path, tmp_path: Path) -> None:
    """Starting often does not wear the card."""
    before = (tmp_path / "state" / LAST_GOOD).stat().st_ino
    begin(file).ready()

    assert before == (tmp_path / "state" / LAST_GOOD).stat().st_ino


def test_notice_of_the_encoding_stands_in_the_result(file: Path, good: str) -> None:
    """A file in UTF-16 is used, and its technician hears of it."""
    file.write_bytes(good.encode("utf-16"))
    begin(file).ready()

    assert "UTF-16" in told(file)


@given(st.text(max_size=200))
def test_salvage_never_fails_and_reads_right_toml_whole(text: str) -> None:
    """Whatever the text, what can be read of it is a table."""
    salvaged = salvage(text)

    assert isinstance(salvaged, dict)


def test_salvage_leaves_out_the_lines_that_are_wrong() -> None:
    """What stands before and after a wrong line is read."""
    text = 'site = "S"\nx = “1”\nbox = "b"\n[broker]\nhost = "h"\nport 5\n'

    assert Identity("S", "b", "h", 8883, plain=False) == identity_of(salvage(text))
    assert {} == salvage("]\n" * 200)


def test_start_is_ready_once(file: Path, good: str, tmp_path: Path) -> None:
    """The hook may be called at every look of the main loop."""
    start: Start = begin(file)
    start.ready()
    file.write_text(good.replace("5000", "7000"))
    start.ready()

    assert "5000" in (tmp_path / "state" / LAST_GOOD).read_text()
