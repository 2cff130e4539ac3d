"""The system installation: staged into a root of its own, its units held against systemd 252's own offline checks."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from fakes.pos_scanner import ACCESS_IS, BOOT_KEYBOARD, LINUX_UHID
from yaoma.cli.command_options import DEFAULT_CONFIG
from yaoma.cli.report import EX_CONFIG
from yaoma.config.model import Config, StateConfig
from yaoma.shell.start_log import pause_s
from yaoma_drivers.hidraw_identity import HidrawPlaces

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
SERVICES = ("yaoma.service", "yaoma-bridge.service")
ONE_SHOT = "yaoma-update.service"
UNITS = (*SERVICES, ONE_SHOT)
LIBRARIES = Path(pytest.__file__).parents[1]

#: What systemd itself brings to the machine, and `verify` wants to see.
TARGETS = ("sysinit", "basic", "shutdown", "multi-user", "network", "network-online", "local-fs", "timers")

pytestmark = [
    pytest.mark.skipif(
        shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt-get install systemd"
    ),
    pytest.mark.xdist_group("units"),
]


def install(root: Path, verb: str = "install") -> str:
    """Run the target of the Makefile on a staging root; libraries are left out, they are in this environment."""
    done = subprocess.run(
        ["make", "--no-print-directory", verb, f"DESTDIR={root}", f"PYTHON={sys.executable}", "PIP_ARGS=--no-deps"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root into which Yaoma was installed, with the targets that systemd brings."""
    root = tmp_path_factory.mktemp("root")
    install(root)
    units = root / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    for target in TARGETS:
        shutil.copy(f"/lib/systemd/system/{target}.target", units)
    return root


@pytest.fixture
def root(staged: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(staged, tmp_path / "root", symlinks=True)
    return tmp_path / "root"


def tool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of systemd's."""
    return subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False)


def verified(root: Path, unit: str) -> tuple[int, str]:
    """What `systemd-analyze verify` says of a unit in a root."""
    done = tool("systemd-analyze", "verify", "--no-pager", "--man=no", f"--root={root}", unit)
    return done.returncode, done.stdout + done.stderr


def exposure(root: Path, unit: str) -> tuple[int, float]:
    """What `systemd-analyze security` says: 0 if it is at most 1.5, and the figure."""
    done = tool("systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=15", f"--root={root}", unit)
    found = re.search(r"exposure level for .*: ([0-9.]+)", done.stdout)
    assert found is not None, done.stderr
    return done.returncode, float(found[1])


def values(unit: str, name: str) -> list[str]:
    """The values of a setting, in order."""
    return re.findall(rf"^{name}=(.*)$", (SYSTEMD / unit).read_text("utf-8"), re.MULTILINE)


def drop_ins() -> list[Path]:
    """The examples that change the box's unit."""
    return [path for path in sorted((SYSTEMD / "examples").iterdir()) if "[Service]" in path.read_text()]


@pytest.mark.parametrize("unit", [*UNITS, "yaoma-update.timer", "yaoma-update.path", "yaoma-gadget.service"])
def test_unit_is_understood_by_systemd_252_without_a_word(staged: Path, unit: str) -> None:
    """Every setting is known to Debian 12's systemd, and the program it starts is there."""
    assert (0, "") == verified(staged, unit)


def test_unit_whose_program_is_missing_is_refused(root: Path) -> None:
    """The check above can fail: it looks for the program in the staged root."""
    (root / "usr/local/bin/yaoma").unlink()

    code, said = verified(root, "yaoma.service")

    assert 0 != code
    assert "/usr/local/bin/yaoma is not executable" in said


@pytest.mark.parametrize("unit", UNITS)
def test_unit_is_exposed_at_most_1_5(staged: Path, unit: str) -> None:
    """The figure of systemd for what a service could reach, from 0 to 10 (DESIGN.md 10)."""
    code, figure = exposure(staged, unit)

    assert 0 == code
    assert figure <= 1.5


@pytest.mark.parametrize("example", drop_ins(), ids=lambda path: path.stem)
def test_example_is_understood_and_its_cost_is_as_it_says(root: Path, example: Path) -> None:
    """Each drop-in works with the unit; only the one for chrony gives up some of the exposure."""
    place = root / "etc/systemd/system/yaoma.service.d"
    place.mkdir(parents=True)
    _, before = exposure(root, "yaoma.service")
    shutil.copy(example, place)
    _, after = exposure(root, "yaoma.service")

    assert (0, "") == verified(root, "yaoma.service")
    if example.stem == "chrony":
        assert before < after <= 2.0
    else:
        assert after <= before


def test_installed_program_runs_without_the_checkout(staged: Path, tmp_path: Path) -> None:
    """Code and catalogues come from the wheel in /opt/yaoma, and no program names the staging root."""
    program = (
        "import yaoma; from yaoma.shell.catalogue import load_catalogue; load_catalogue('en'); print(yaoma.__file__)"
    )
    done = subprocess.run(
        [staged / "opt/yaoma/bin/python", "-c", program],
        env={"PYTHONPATH": str(LIBRARIES)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert Path(done.stdout.strip()).is_relative_to(staged / "opt/yaoma/lib")
    for program in ("yaoma", "yaoma-bridge", "yaoma-tools"):
        assert (staged / "usr/local/bin" / program).readlink() == Path("/opt/yaoma/bin") / program
        assert (staged / "opt/yaoma/bin" / program).read_text().startswith("#!/opt/yaoma/bin/python\n")


def listing(root: Path) -> dict[str, bytes]:
    """All files of a root with their content; what Python and pip note for themselves left out."""
    return {
        str(path.relative_to(root)): b"->" + bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(root.rglob("*"))
        if not path.is_dir() and "__pycache__" not in path.parts and not path.parent.name.endswith(".dist-info")
    }


@pytest.mark.slow
def test_second_installation_changes_nothing_and_uninstallation_leaves_what_is_the_users(root: Path) -> None:
    """An update is the same command; configuration and records are there after `make uninstall`."""
    for path in ("etc/yaoma/yaoma.toml", "var/lib/yaoma/journal.db"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("mine")
    before = listing(root)
    install(root)
    assert before == listing(root)

    install(root, "uninstall")

    left = {name for name in listing(root) if not name.startswith("usr/lib/systemd/")}
    assert {"etc/yaoma/yaoma.toml", "var/lib/yaoma/journal.db"} == left


def test_users_groups_and_folders_are_made_as_the_units_want_them(root: Path) -> None:
    """Every user, group and folder that a unit names is made; a second run is quiet."""
    for _ in range(2):
        assert 0 == tool("systemd-sysusers", f"--root={root}").returncode
        assert 0 == tool("systemd-tmpfiles", f"--root={root}", "--create", "yaoma.conf").returncode
    users = {line.split(":")[0] for line in (root / "etc/passwd").read_text().split("\n")}
    groups = {line.split(":")[0] for line in (root / "etc/group").read_text().split("\n")}
    rules = (SYSTEMD / "udev/70-yaoma-scanners.rules").read_text()

    for unit in UNITS:
        assert set(values(unit, "User")) <= users
        assert {*values(unit, "Group"), *" ".join(values(unit, "SupplementaryGroups")).split()} <= groups
    assert set(re.findall(r'GROUP="(\w+)"', rules)) <= groups
    assert 0o1775 == (root / "etc/yaoma").stat().st_mode & 0o7777


def test_unit_fits_the_program() -> None:
    """Paths, exit code and times of the unit are those of the program."""
    state, runtime = values("yaoma.service", "StateDirectory"), values("yaoma.service", "RuntimeDirectory")

    assert StateConfig().folder == Path("/var/lib") / state[0]
    assert Config.model_fields["control_socket"].default.parent == Path("/run") / runtime[0]
    for unit in SERVICES:
        assert [str(EX_CONFIG)] == values(unit, "RestartPreventExitStatus")
    assert Path("/etc/yaoma/yaoma.toml") == DEFAULT_CONFIG
    assert int(values("yaoma.service", "TimeoutStartSec")[0]) >= 2 * pause_s(99)
    assert ["0"] == values("yaoma.service", "StartLimitIntervalSec")
    assert ["yes"] == values("yaoma.service", "MemoryDenyWriteExecute")
    # The boot id and the state of a clock are read below /proc/sys.
    assert [] == values("yaoma.service", "ProcSubset")


def test_update_unit_fits_the_daemons() -> None:
    """The one-shot process writes where the daemon reads, as the same user, and behind the counter's work."""
    for name in ("User", "Group", "StateDirectory", "StateDirectoryMode", "UMask"):
        assert values("yaoma.service", name) == values(ONE_SHOT, name)
    assert [str(Config.model_fields["allowlist"].default.root)] == values(ONE_SHOT, "ConditionPathExists")
    assert ["oneshot"] == values(ONE_SHOT, "Type")
    assert ["idle"] == values(ONE_SHOT, "IOSchedulingClass")


def test_every_class_of_device_that_comes_later_has_its_driver_loaded_at_boot() -> None:
    """`char-ttyUSB` is looked up in /proc/devices when the service starts; a missing name is never allowed again."""
    loaded = {
        line for line in (SYSTEMD / "modules-load.d/yaoma.conf").read_text().split("\n") if line and line[0] != "#"
    }
    # Debian's kernel has hid as a module, Raspberry Pi OS has it built in.
    owner = {"ttyUSB": "usbserial", "ttyACM": "cdc_acm", "video4linux": "videodev", "hidraw": "hid", "alsa": "snd"}
    built_in = {"input", "ttyAMA", "ttyS", "gpiochip"}
    # The class comes with the first gadget, which a board makes at its start.
    made_before = {"hidg"}
    allowed = {value.split()[0].removeprefix("char-") for value in values("yaoma.service", "DeviceAllow")}

    assert allowed == owner.keys() | built_in | made_before
    assert loaded == set(owner.values())


def rules() -> Iterator[str]:
    """The lines of the udev rules that are no comments."""
    for line in (SYSTEMD / "udev/70-yaoma-scanners.rules").read_text().split("\n"):
        if line and not line.startswith("#"):
            yield line


def test_udev_rules_are_well_formed() -> None:
    """Every word is `KEY operator "value"`, every GOTO has its LABEL; there is no udev here to ask."""
    word = re.compile(r'^[A-Z_]+(\{[A-Za-z_]+\})?(==|!=|=|\+=|:=)"[^"]*"$')
    jumps, labels = set(), set()
    for line in rules():
        for part in line.split(", "):
            assert word.match(part), line
        jumps |= set(re.findall(r'GOTO="(\w+)"', line))
        labels |= set(re.findall(r'LABEL="(\w+)"', line))

    assert jumps == labels


def test_udev_rules_keep_desktops_and_modemmanager_off_scanners() -> None:
    """Input nodes go to libinput's ignore list, serial ones to ModemManager's, before its own rules (77) look."""
    text = "\n".join(rules())

    assert re.search(r'^SUBSYSTEM=="input".*LIBINPUT_IGNORE_DEVICE}="1"', text, re.MULTILINE)
    assert re.search(r'^SUBSYSTEM=="tty".*ID_MM_DEVICE_IGNORE}="1", ENV{ID_MM_PORT_IGNORE}="1"', text, re.MULTILINE)
    assert re.search(r'^SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ENV{ID_MM_DEVICE_IGNORE}="1"', text, re.MULTILINE)
    assert text.startswith('ACTION=="remove"')


def test_udev_rules_know_hid_pos_scanners_by_their_descriptor(tmp_path: Path) -> None:
    """The program that the rule runs tells any maker's scanner from a keyboard; the link is where the driver looks."""
    (rule,) = [line for line in rules() if "PROGRAM==" in line]
    command, wanted = re.findall(r'(?:PROGRAM|RESULT)=="([^"]*)"', rule)
    for descriptor, is_scanner in ((ACCESS_IS, True), (LINUX_UHID, True), (BOOT_KEYBOARD, False), (b"", False)):
        file = tmp_path / "report_descriptor"
        file.write_bytes(descriptor)
        words = command.replace("/sys%p/device/report_descriptor", str(file)).split()
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.removesuffix("\n")
        assert fnmatch(told, wanted) is is_scanner

    assert f'SYMLINK+="{HidrawPlaces().links.relative_to("/dev")}/$env{{ID_PATH}}-hidraw"' in "\n".join(rules())


def test_readme_names_every_file_beside_it() -> None:
    """Nothing in the folder goes without a word."""
    readme = (SYSTEMD / "README.md").read_text("utf-8")

    for path in SYSTEMD.rglob("*"):
        if path.is_file() and path.name != "README.md":
            assert str(path.relative_to(SYSTEMD)) in readme, path.name
