"""The reference, the questions and what is shown: all made from the model's own words."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.config.devices import Device, plugged_in, scanner_of
from yaoma.config.effective import effective, effective_lines
from yaoma.config.key_table import key_table
from yaoma.config.load import ConfigError, load, read
from yaoma.config.questions import QUESTIONS, answers_from, mistakes_in, values_of
from yaoma.config.reference import EXAMPLE, render
from yaoma.config.toml_text import key_text, value_text
from yaoma_drivers import registry

REFERENCE = Path(__file__).parents[2] / "config" / "yaoma.toml"

ANSWERS = {
    "site": "H1",
    "box": "b1",
    "host": "b.example",
    "scanner": "/dev/ttyACM0",
    "station": "till",
    "language": "en",
}


def test_file_that_ships_is_what_the_model_says() -> None:
    """Every comment and every default of config/yaoma.toml comes from the model: yaoma config reference writes it."""
    assert REFERENCE.read_text("utf-8") == render(EXAMPLE)


def test_reference_explains_every_key_in_both_languages() -> None:
    """Each key has a sentence in Chinese and one in English, right above it."""
    lines = REFERENCE.read_text("utf-8").splitlines()
    for key in key_table():
        assert not key.about.zh.isascii()
        assert key.about.en.isascii()
        assert f"# {key.about.zh}{key.about.en}" in lines


def test_reference_with_its_defaults_switched_on_is_a_good_file_and_changes_nothing(tmp_path: Path) -> None:
    """What stands behind # is the default, of every key that there is."""
    lines = [
        line[2:] if line.isascii() and (line.startswith("# [") or (line.startswith("# ") and " = " in line)) else line
        for line in REFERENCE.read_text("utf-8").split("\n")
    ]
    everything = tmp_path / "all.toml"
    calibration = tmp_path / "gun.toml"
    calibration.write_text("made = 2026-11-22T08:00:00Z")
    text = "\n".join(lines).replace("/etc/yaoma/scanners/gun.toml", str(calibration))
    everything.write_text(text)
    config = load(everything).config
    fields = tomllib.loads("\n".join(lines))

    found = load(REFERENCE).config
    # These have an example behind # instead of a default.
    policy = found.policy.model_copy(update={name: getattr(config.policy, name) for name in ("file", "institution")})

    allowlist = found.allowlist.model_copy(update={"url": config.allowlist.url})
    scanner = (found.scanner[0].model_copy(update={"calibration": calibration}),)
    changed = {
        "keys": config.keys,
        "scanner": scanner,
        "metrics": config.metrics,
        "policy": policy,
        "allowlist": allowlist,
        # These are absent unless somebody writes them.
        "indicator": config.indicator,
        "pass_through": config.pass_through,
    }

    assert found.model_copy(update=changed) == config
    for key in key_table():
        value: Any = fields
        for name in key.path:
            value = (value[0] if isinstance(value, list) else value)[name]


def test_answers_become_a_good_file_with_only_what_was_changed(tmp_path: Path) -> None:
    """What the technician did not say stays a comment."""
    path = tmp_path / "yaoma.toml"
    path.write_text(render(values_of(ANSWERS)))
    config = load(path).config

    assert ("H1", "b1", "b.example", {"gun": "till"}, "en") == (
        config.site, config.box, config.broker.host, config.station_of(), config.language,
    )  # fmt: skip
    sections = {"broker", "station", "scanner", "state", "keys", "allowlist", "policy", "metrics"}
    assert {"site", "box", "language"} | sections == set(tomllib.loads(path.read_text()))
    assert config.broker.model_fields_set == {"host"}
    assert "# port = 8883" in path.read_text()


@pytest.mark.parametrize(
    ("name", "bad"),
    [("site", "a b"), ("box", ""), ("host", "mqtt://x"), ("scanner", "gun"), ("station", "柜台"), ("language", "fr")],
)
def test_each_answer_is_checked_alone(name: str, bad: str) -> None:
    """A bad answer is refused at once, a good one is not blamed for those not given yet."""
    assert mistakes_in(name, bad)
    assert not mistakes_in(name, ANSWERS[name])


@given(st.sampled_from([question.name for question in QUESTIONS]), st.text(max_size=40))
def test_any_answer_is_taken_or_explained(name: str, answer: str) -> None:
    """An answer without a mistake gives a file that can be used."""
    if not mistakes_in(name, answer):
        tomllib.loads(render(values_of({**ANSWERS, name: answer})))


def test_file_of_answers_is_read_and_its_mistakes_are_named(tmp_path: Path) -> None:
    """Unknown questions come with the nearest one; values are text."""
    path = tmp_path / "answers.toml"
    path.write_text('site = "H1"\nbox = "b"\n')
    assert {"site": "H1", "box": "b"} == answers_from(path)

    path.write_text('sight = "H1"\nbox = 5\n')
    with pytest.raises(ConfigError) as refused:
        answers_from(path)
    assert ["sight", "box"] == [mistake.key for mistake in refused.value.mistakes]
    assert "did you mean site?" in str(refused.value.mistakes[0].hint)

    for content in (b"site = ", b"\xff\xfe\x00"):
        path.write_bytes(content)
        with pytest.raises(ConfigError):
            answers_from(path)
    with pytest.raises(ConfigError, match="error"):
        answers_from(tmp_path / "nowhere")


@pytest.mark.row("S0-17")
def test_plugged_in_scanners_are_listed_once_by_their_lasting_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name by id goes before the name by socket; a device has one entry; of input devices only keyboards count."""
    monkeypatch.setattr(registry, "known", lambda: ("hid", "hid_pos", "serial_line"))
    for folder in ("serial/by-id", "serial/by-path", "input/by-id", "yaoma/by-path"):
        (tmp_path / folder).mkdir(parents=True)
    for device in ("ttyACM0", "ttyACM1", "event0", "event1", "hidraw2"):
        (tmp_path / device).touch()
    (tmp_path / "serial/by-id/usb-A").symlink_to(tmp_path / "ttyACM0")
    (tmp_path / "serial/by-path/p0").symlink_to(tmp_path / "ttyACM0")
    (tmp_path / "serial/by-path/p1").symlink_to(tmp_path / "ttyACM1")
    (tmp_path / "input/by-id/mouse-event-mouse").symlink_to(tmp_path / "event0")
    (tmp_path / "input/by-id/gun-event-kbd").symlink_to(tmp_path / "event1")
    (tmp_path / "yaoma/by-path/usb-1.2:1.0-hidraw").symlink_to(tmp_path / "hidraw2")

    assert [
        Device(tmp_path / "serial/by-id/usb-A", "serial_line"),
        Device(tmp_path / "serial/by-path/p1", "serial_line"),
        Device(tmp_path / "input/by-id/gun-event-kbd", "hid"),
        Device(tmp_path / "yaoma/by-path/usb-1.2:1.0-hidraw", "hid_pos"),
    ] == plugged_in(tmp_path)
    assert [] == plugged_in(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("answer", "driver", "option"),
    [
        ("/dev/serial/by-id/x", "serial_line", "device"),
        ("/dev/serial/by-path/pci-0:1.0", "serial_line", "device"),
        ("/dev/yaoma/by-path/pci-0:1.0-hidraw", "hid_pos", "device"),
        ("/tmp", "camera", "folder"),
        ("replay:/x/y", "replay", "file"),
    ],
)
def test_path_of_a_scanner_names_its_driver(answer: str, driver: str, option: str) -> None:
    """A path is enough; another driver stands before a colon."""
    assert {"driver": driver, "options": {option: answer.removeprefix("replay:")}} == scanner_of(answer)


def test_effective_configuration_marks_defaults_and_reads_back(tmp_path: Path) -> None:
    """What is printed is TOML that means the same, with every key."""
    found = load(REFERENCE)
    lines = effective_lines(found)
    again = tmp_path / "again.toml"
    again.write_text("\n".join(lines))

    assert load(again).config.model_copy(update={"scanner": ()}) == found.config.model_copy(update={"scanner": ()})
    assert load(again).options == found.options
    assert "port = 8883  # 默认值 / default" in lines
    assert 'host = "broker.example"' in lines
    assert effective(found) == tomllib.loads("\n".join(lines))


def test_effective_configuration_hides_secrets_of_drivers(tmp_path: Path) -> None:
    """A password in a driver's option, or in a camera's address, is not printed."""
    from pydantic import BaseModel, SecretStr  # noqa: PLC0415 - a stranger's driver, in this test only

    class Options(BaseModel):
        address: str
        password: str
        code: SecretStr

    path = tmp_path / "y.toml"
    path.write_text(render(values_of(ANSWERS)))
    found = load(path)
    options = Options(address="rtsp://u:S3CRET@cam/1", password="S3CRET", code=SecretStr("S3CRET"))
    shown = "\n".join(effective_lines(type(found)(found.config, {"gun": options}, found.digest)))

    assert "S3CRET" not in shown
    assert 'address = "rtsp://***@cam/1"' in shown


_PLAIN = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False), st.text(), st.dates(), st.datetimes()
)


@given(
    st.dictionaries(
        st.text(),
        st.recursive(_PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)),
        max_size=4,
    )
)
def test_values_written_as_toml_read_back_as_they_were(values: dict[str, Any]) -> None:
    """Quotes, control characters, odd keys and nested values survive."""
    text = "".join(f"{key_text(key)} = {value_text(value)}\n" for key, value in values.items())

    assert values == tomllib.loads(text)


def test_reference_that_ships_is_right() -> None:
    """It has no mistake and no notice."""
    reading = read(REFERENCE)

    assert ((), ()) == (reading.mistakes, reading.notices)
