"""The registry on real entry points: ours as installed, a stranger's from a folder on sys.path."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from pydantic import ValidationError

from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DriverUnusable, UnknownDriver
from yaoma_drivers.registry import check, distribution, known, load
from yaoma_drivers.replay import ReplayDriver, ReplayOptions
from yaoma_drivers.stop import Stop

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a vendor's distribution with one driver and one module."""

    def install_one(entry_point: str, source: str) -> None:
        about = tmp_path / "acme_scanners-2.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-scanners\nVersion: 2.0\n")
        (about / "entry_points.txt").write_text(f"[yaoma.drivers]\n{entry_point}\n")
        (tmp_path / "acme_scanners.py").write_text(dedent(source))
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "acme_scanners", raising=False)

    return install_one


def test_known_when_installed_then_our_drivers_are_listed() -> None:
    """The drivers of this distribution are found by their entry points."""
    assert {"camera", "hid", "hid_pos", "replay", "serial_line", "zebra_ssi"} <= set(known())
    assert list(known()) == sorted(known())
    assert distribution("replay") == "yaoma"


@pytest.mark.parametrize("name", ["camera", "hid", "hid_pos", "replay", "serial_line", "zebra_ssi"])
def test_load_when_one_of_ours_is_asked_for_then_it_is_a_driver(name: str) -> None:
    """Each of ours has frozen options that forbid unknown keys and quote no input."""
    options = load(name).Options
    assert options.model_config["frozen"] is True
    assert options.model_config["extra"] == "forbid"
    assert options.model_config["hide_input_in_errors"] is True


def test_known_when_called_then_no_driver_is_imported() -> None:
    """Listing imports no driver, and loading one imports the library of no other."""
    program = """
import sys
from yaoma_drivers.registry import known, load
def libraries():
    return sorted({"cv2", "evdev", "numpy", "pyzbar", "serial", "zxingcpp"} & sys.modules.keys())
known(); print(libraries())
load("replay"); print(libraries())
load("serial_line"); print(libraries())
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[]", "[]", "['serial']"]


def test_load_when_the_name_is_unknown_then_the_known_ones_are_told() -> None:
    """A misspelt driver gives the names that could have been meant."""
    with pytest.raises(UnknownDriver, match="serial_line") as raised:
        load("serialline")
    assert raised.value.name == "serialline"
    assert "replay" in raised.value.known


def test_check_when_options_fit_then_they_are_an_object(tmp_path: Path) -> None:
    """Options from a file become the driver's own, and make a driver."""
    options = check("replay", {"file": str(tmp_path / "codes.txt")})
    assert options == ReplayOptions(file=tmp_path / "codes.txt")
    driver: Driver = load("replay")("demo", options)
    assert isinstance(driver, ReplayDriver)


def test_check_when_options_do_not_fit_then_no_input_is_quoted() -> None:
    """The error names the keys, and does not repeat what was written there."""
    with pytest.raises(ValidationError) as raised:
        check("replay", {"file": "secret-place", "speed": "secret-value"})
    assert "file" in str(raised.value)
    assert "speed" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_load_when_a_vendors_driver_fits_then_it_is_loaded(install: Install) -> None:
    """A driver from another distribution is found, checked and iterated like ours."""
    install(
        "acme = acme_scanners:Acme",
        """
        from yaoma_drivers.driver import DriverOptions
        from yaoma_drivers.symbol import Symbol

        class Options(DriverOptions):
            text: str

        class Acme:
            Options = Options

            def __init__(self, scanner, options):
                self.scanner, self.options = scanner, options

            def symbols(self, stop):
                yield Symbol(self.options.text.encode(), self.scanner, 0)
        """,
    )
    assert "acme" in known()
    assert distribution("acme") == "acme-scanners"
    driver = load("acme")("counter-1", check("acme", {"text": "8"}))
    with Stop() as stop:
        assert [symbol.data for symbol in driver.symbols(stop)] == [b"8"]


@pytest.mark.parametrize(
    ("entry_point", "source", "why"),
    [
        ("acme = acme_scanners:Acme", "import no_such_library_at_all", "no_such_library_at_all"),
        ("acme = acme_scanners:Acme", "raise RuntimeError('needs a licence')", "needs a licence"),
        ("acme = acme_scanners:Acme", "def (", "SyntaxError"),
        ("acme = acme_scanners:Acme", "Other = 1", "Acme"),
        ("acme = acme_scanners:Acme", "def Acme(): ...", "symbols"),
        ("acme = acme_scanners:Acme", "class Acme:\n    def symbols(self, stop): ...", "Options"),
        ("acme = acme_scanners:Acme", "class Acme:\n    Options = int\n    def symbols(self, stop): ...", "Options"),
    ],
)
def test_load_when_a_vendors_driver_is_broken_then_it_and_its_distribution_are_named(
    install: Install, entry_point: str, source: str, why: str
) -> None:
    """Whatever a stranger's module does on import, the error says whose it is and what is wrong."""
    install(entry_point, source)
    with pytest.raises(DriverUnusable, match=why) as raised:
        load("acme")
    assert (raised.value.name, raised.value.distribution) == ("acme", "acme-scanners")
    assert "acme-scanners" in str(raised.value)


def test_load_when_a_vendor_takes_our_name_then_neither_is_loaded(install: Install) -> None:
    """Two drivers of one name are refused, with both distributions, instead of one of them by chance."""
    install("replay = acme_scanners:Acme", "Acme = 1")
    with pytest.raises(DriverUnusable, match="several") as raised:
        load("replay")
    assert raised.value.distribution == "acme-scanners, yaoma"
