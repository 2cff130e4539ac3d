"""Lamps, loudspeakers and tills under the doctor's eye: each cause has its own line and its own next step."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.pty_till import PtyTill
from yaoma.config.load import Loaded, load
from yaoma.config.questions import values_of
from yaoma.config.reference import render
from yaoma.doctor.finding import Finding, Mark
from yaoma.doctor.host import Account, Host
from yaoma.doctor.outputs import check_gpio_after_a_crash, check_outputs, check_running_outputs
from yaoma.shell.catalogue import LANGUAGES, load_catalogue
from yaoma_drivers.errors import DeviceReason
from yaoma_drivers.port import PortReason

ANSWERS = {"site": "H1", "box": "b1", "host": "b.example", "scanner": "/dev/ttyACM0", "station": "till"}
LAMPS = '[[indicator]]\nname = "lamps"\ndriver = "gpio_lamp"\n[indicator.options]\ntop = "GPIO17"\n'
SPEAKER = '[[indicator]]\nname = "speaker"\ndriver = "alsa_tone"\n'
Written = Callable[[str], Loaded]


def port(driver: str, device: str | Path) -> str:
    """The table of a port."""
    return f'[[pass_through]]\nstation = "till"\ndriver = "{driver}"\n[pass_through.options]\ndevice = "{device}"\n'


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Give what makes a configuration with outputs."""

    def write(further: str) -> Loaded:
        path = tmp_path / "yaoma.toml"
        path.write_text(f"{render(values_of(ANSWERS))}\n{further}")
        return load(path)

    return write


@pytest.fixture
def till() -> Iterator[PtyTill]:
    """A till."""
    till = PtyTill()
    yield till
    till.unplug()


@pytest.fixture
def nobody() -> Account:
    """A user who is in no group."""
    return Account("nobody", 65_534, frozenset())


def only(findings: list[Finding]) -> Finding:
    """The one finding; its words hold together in both languages."""
    (found,) = findings
    for language in LANGUAGES:
        text = load_catalogue(language).said(found.id, {name: str(fact) for name, fact in found.facts.items()})
        assert text.line
        assert bool(text.todo) == (found.mark is not Mark.OK)
    return found


def test_board_without_gpio_when_lamps_are_configured_then_the_chip_is_missed(
    written: Written, me: Account, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver was asked, not guessed at."""
    monkeypatch.setattr("yaoma_drivers.gpio_lamp.chips", lambda: iter(()))

    assert "doctor.indicator_no_chip" == only(check_outputs(written(LAMPS), me, host)).id


def test_board_without_sound_when_a_speaker_is_configured_then_the_package_is_named(
    written: Written, me: Account, host: Host, tmp_path: Path
) -> None:
    """No aplay, no sound."""
    loaded = written(f'{SPEAKER}[indicator.options]\nplayer = "{tmp_path}/nowhere"\n')
    found = only(check_outputs(loaded, me, host))

    assert ("doctor.indicator_no_sound", True) == (found.id, "alsa-utils" in found.detail)


@pytest.mark.parametrize(
    ("driver", "text"),
    [
        ("hid_gadget", "doctor.till_no_gadget"),
        ("uinput_keyboard", "doctor.till_no_uinput"),
        ("serial_out", "doctor.till_no_line"),
    ],
)
def test_till_when_its_device_is_missing_then_what_to_set_up_is_named(
    written: Written, me: Account, host: Host, tmp_path: Path, *, driver: str, text: str
) -> None:
    """Each kind of port is set up in another way."""
    assert text == only(check_outputs(written(port(driver, tmp_path / "nowhere")), me, host)).id


def test_till_when_its_line_is_there_then_it_works_and_is_free_again(
    written: Written, me: Account, host: Host, till: PtyTill
) -> None:
    """The doctor opens it for a moment and sends nothing."""
    loaded = written(port("serial_out", till.path))
    for _ in range(2):
        assert ("doctor.till_works", Mark.OK) == ((found := only(check_outputs(loaded, me, host))).id, found.mark)
    assert b"" == till.take_all(0.1)


def test_till_when_only_root_may_open_it_then_the_group_is_named(
    written: Written, nobody: Account, host: Host, till: PtyTill
) -> None:
    """The doctor as root could; the service can't."""
    if os.geteuid() != 0:
        pytest.skip("needs root: only root may open what the service may not")
    Path(till.path).chmod(0o600)
    found = only(check_outputs(written(port("serial_out", till.path)), nobody, host))

    assert ("doctor.till_not_permitted", "nobody") == (found.id, found.facts["user"])


def test_running_box_when_its_till_has_a_trouble_then_it_has_words(
    written: Written, me: Account, host: Host, tmp_path: Path
) -> None:
    """Whatever the daemon can say of a port; a till that is switched off is no trouble of the box."""
    loaded = written(port("serial_out", tmp_path / "x"))
    for reason in (*PortReason, "stuck", ""):
        status = {"indicators": [], "ports": [{"station": "till", "problem": str(reason)}]}
        found = only(check_running_outputs(loaded, status, me, host))

        silent = reason in {PortReason.ASLEEP, PortReason.UNPLUGGED}
        assert (Mark.WARNING if silent else Mark.TROUBLE if reason else Mark.OK) == found.mark, reason


def test_running_box_when_its_lamps_have_a_trouble_then_it_has_words(written: Written, me: Account, host: Host) -> None:
    """Whatever the daemon can say of an indicator."""
    loaded = written(LAMPS)
    for reason in (*DeviceReason, "stuck", ""):
        status = {"indicators": [{"indicator": "lamps", "problem": str(reason)}], "ports": []}
        found = only(check_running_outputs(loaded, status, me, host))

        assert (Mark.TROUBLE if reason else Mark.OK) == found.mark, reason


def test_running_box_when_safe_mode_leaves_a_device_out_then_that_is_said(
    written: Written, me: Account, host: Host
) -> None:
    """A stranger's driver is not loaded."""
    found = only(check_running_outputs(written(LAMPS), {"indicators": [], "ports": []}, me, host))

    assert "doctor.indicator_left_out" == found.id


@pytest.mark.parametrize("module", ["pinctrl_bcm2835", "pinctrl_rp1"])
def test_kernel_when_it_leaves_lines_as_they_were_then_the_switch_is_named(
    written: Written, host: Host, module: str
) -> None:
    """On a Raspberry Pi a killed daemon would leave the buzzer on."""
    assert [] == check_gpio_after_a_crash(written(LAMPS), host)
    parameter = host.sys / "module" / module / "parameters/persist_gpio_outputs"
    parameter.parent.mkdir(parents=True)
    parameter.write_text("N\n")
    assert [] == check_gpio_after_a_crash(written(LAMPS), host)
    parameter.write_text("Y\n")

    assert "doctor.gpio_persists" == only(check_gpio_after_a_crash(written(LAMPS), host)).id
    assert [] == check_gpio_after_a_crash(written(SPEAKER), host)
