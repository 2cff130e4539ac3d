"""The configuration file: read whole or refused with every mistake, and never quoted."""

from pathlib import Path

import pytest

from yaoma.config.load import ConfigError, load

GOOD = """
site = "H32132200561"
box = "counter-1"
[broker]
host = "broker.example"
[[station]]
name = "counter"
scanners = ["gun"]
[[scanner]]
name = "gun"
driver = "serial_line"
[scanner.options]
device = "/dev/ttyACM0"
"""


def written(tmp_path: Path, text: str | bytes) -> Path:
    """A file with this content."""
    path = tmp_path / "yaoma.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mistakes(tmp_path: Path, text: str | bytes) -> str:
    """What is said of a file that can't be used."""
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, text))
    return "\n".join(map(str, refused.value.mistakes))


def test_good_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    """What is left out has the default that the reference names."""
    loaded = load(written(tmp_path, GOOD))

    assert ("counter-1", 8883, {"gun": "counter"}) == (
        loaded.config.box,
        loaded.config.broker.port,
        loaded.config.station_of(),
    )
    assert 64 == len(loaded.digest)
    assert {"gun"} == set(loaded.options)


def test_mark_of_the_byte_order_and_windows_line_ends_are_understood(tmp_path: Path) -> None:
    """What Notepad writes is read."""
    assert "counter-1" == load(written(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())).config.box


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    """An unknown key, a wrong type, a missing key and a bad number are listed together, with their dotted keys."""
    said = mistakes(
        tmp_path,
        GOOD.replace('box = "counter-1"', "").replace("[broker]", "[broker]\nport = 99999\nhots = 1").replace(
            'host = "broker.example"', ""
        ),
    )  # fmt: skip

    for key in ("box", "broker.host", "broker.port", "broker.hots"):
        assert f"{key}: " in said


def test_driver_options_are_checked_by_the_drivers_own_model(tmp_path: Path) -> None:
    """A mistake in a driver's options names the scanner's place and the option."""
    said = mistakes(tmp_path, GOOD.replace('device = "/dev/ttyACM0"', 'devise = "/dev/ttyACM0"'))

    assert "scanner.0.options.device: " in said
    assert "scanner.0.options.devise: " in said
    assert "scanner.0.driver: " in mistakes(tmp_path, GOOD.replace('"serial_line"', '"telepathy"'))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (('scanners = ["gun"]', 'scanners = ["gun", "gun"]'), "one station only"),
        (('scanners = ["gun"]', 'scanners = ["other"]'), "station.0.scanners.0"),
        (('name = "counter"', 'name = "a/b"'), "station.0.name"),
        (('box = "counter-1"', 'box = "box/1"'), "box"),
        (("[broker]", '[state]\nfolder = "relative"\n[broker]'), "state.folder"),
        (("[broker]", '[keys]\nseal = ["/a"]\n[broker]'), "salt"),
    ],
)
def test_contradiction_is_named(tmp_path: Path, change: tuple[str, str], word: str) -> None:
    """Scanners named twice or at no station, names that no topic can bear, relative paths, half a pair."""
    assert word in mistakes(tmp_path, GOOD.replace(*change))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"site = ", "药码".encode("gbk"), b"\x00" * 100])
def test_file_that_is_no_toml_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    """Binary, cut off, GBK: one sentence that says what it is not."""
    assert mistakes(tmp_path, content)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """The path stands in the error."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")


def test_mistake_never_quotes_what_was_written(tmp_path: Path) -> None:
    """A secret in the wrong place does not get into the error."""
    assert "S3CRET" not in mistakes(tmp_path, GOOD.replace('host = "broker.example"', 'host = ["S3CRET"]'))
