"""Indicators and pass-through ports in the configuration: what is right, and every mistake by name."""

from pathlib import Path

import pytest

from yaoma.config.effective import effective, effective_lines
from yaoma.config.load import ConfigError, load
from yaoma.config.questions import values_of
from yaoma.config.reference import render
from yaoma_drivers.alsa_tone import AlsaToneOptions
from yaoma_drivers.hid_gadget import HidGadgetOptions

ANSWERS = {"site": "H1", "box": "b1", "host": "b.example", "scanner": "/dev/ttyACM0", "station": "till"}
SPEAKER = '[[indicator]]\nname = "speaker"\ndriver = "alsa_tone"\nstations = ["till"]\n'
PORT = '[[pass_through]]\nstation = "till"\ndriver = "hid_gadget"\n'


def written(folder: Path, further: str) -> Path:
    """A good configuration with something more in it."""
    path = folder / "yaoma.toml"
    path.write_text(f"{render(values_of(ANSWERS))}\n{further}")
    return path


def test_outputs_when_configured_then_their_drivers_options_are_checked(tmp_path: Path) -> None:
    """What the file leaves out has the driver's own default."""
    further = f'{SPEAKER}[indicator.options]\nvolume_percent = 30\n{PORT}[pass_through.options]\nterminator = "TAB"\n'
    loaded = load(written(tmp_path, further))

    assert AlsaToneOptions(volume_percent=30) == loaded.indicator_options["speaker"]
    assert HidGadgetOptions(terminator="TAB") == loaded.port_options["till"]
    assert (2.0, False) == (loaded.config.pass_through[0].timeout_s, loaded.config.pass_through[0].without_ticket)
    assert "volume_percent = 30" in "\n".join(effective_lines(loaded))
    assert "TAB" == effective(loaded)["pass_through"][0]["options"]["terminator"]


def test_outputs_when_none_is_configured_then_there_is_none(tmp_path: Path) -> None:
    """Most boxes have a screen and nothing else."""
    loaded = load(written(tmp_path, ""))

    assert ((), (), {}, {}) == (
        loaded.config.indicator,
        loaded.config.pass_through,
        loaded.indicator_options,
        loaded.port_options,
    )


@pytest.mark.parametrize(
    ("further", "key", "kind"),
    [
        (SPEAKER * 2, "indicator.1.name", "indicator_twice"),
        (PORT * 2, "pass_through.1.station", "port_twice"),
        (SPEAKER.replace("till", "door"), "indicator.0.stations.0", "no_such_station"),
        (PORT.replace("till", "door"), "pass_through.0.station", "no_such_station"),
        (PORT.replace("hid_gadget", "hid_gadgets"), "pass_through.0.driver", "driver_unknown"),
        # A scanner's driver is no indicator.
        (SPEAKER.replace("alsa_tone", "serial_line"), "indicator.0.driver", "driver_unknown"),
        (f"{SPEAKER}[indicator.options]\nvolume = 3\n", "indicator.0.options.volume", "extra_forbidden"),
        (f"{PORT}[pass_through.options]\nlayout = 'de'\n", "pass_through.0.options.layout", "literal_error"),
        (f"{PORT}timeout_s = 0\n", "pass_through.0.timeout_s", "greater_than_equal"),
        (f"{PORT}without_ticket = 'no'\n", "pass_through.0.without_ticket", "bool_type"),
        ('[[pass_through]]\ndriver = "hid_gadget"\n', "pass_through.0.station", "missing"),
        ("[pass_through]\nstation = 'till'\ndriver = 'hid_gadget'\n", "pass_through", "tuple_type"),
    ],
)
def test_outputs_when_there_is_a_mistake_then_it_is_named_with_its_key(
    tmp_path: Path, further: str, key: str, kind: str
) -> None:
    """No setting is ignored without a word."""
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, further))

    assert (key, kind) in [(one.key, one.kind) for one in refused.value.mistakes]
    assert all("?" not in str(one.expected.zh) for one in refused.value.mistakes)


def test_indicator_when_it_has_no_line_then_the_check_says_so(tmp_path: Path) -> None:
    """A lamp without a line would be dark for ever."""
    with pytest.raises(ConfigError, match="at least one of top"):
        load(written(tmp_path, '[[indicator]]\nname = "lamps"\ndriver = "gpio_lamp"\n'))
