"""What is shipped: the wheel holds all packages and data, the documents name what exists."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from typer.main import get_command

from yaoma.cli.main import app as yaoma_app
from yaoma_bridge.cli import app as bridge_app
from yaoma_tools.cli import app as tools_app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--disable-pip-version-check", "-w", folder, ROOT],
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return set(archive.namelist())


def test_wheel_holds_every_module_of_every_source_root(wheel: set[str]) -> None:
    """Nothing that can be imported in the checkout is missing from the wheel."""
    for root in ("daemon", "drivers", "firmware-tools"):
        for module in (ROOT / root).rglob("*.py"):
            assert str(module.relative_to(ROOT / root)) in wheel


def test_wheel_holds_configuration_and_messages(wheel: set[str]) -> None:
    """Data arrives under share/yaoma, where the installed program looks for it."""
    shared = {name.partition("/data/share/yaoma/")[2] for name in wheel if "/data/share/yaoma/" in name}

    for path in (ROOT / "config").rglob("*"):
        if path.is_file():
            assert f"config/{path.relative_to(ROOT / 'config')}" in shared
    assert "asyncapi.yaml" in shared


def test_wheel_holds_the_profiles_of_scanners(wheel: set[str]) -> None:
    """What is known of each vendor lies inside the package, beside the drivers that read it."""
    profiles = list((ROOT / "drivers").rglob("profiles/*.toml"))
    assert profiles
    for profile in profiles:
        assert str(profile.relative_to(ROOT / "drivers")) in wheel


def test_wheel_holds_no_test_and_no_simulator(wheel: set[str]) -> None:
    """Fakes and the demonstration stay in tests/."""
    assert not [name for name in wheel if re.search(r"fake|demo|tests?/|simulat", name)]


@pytest.mark.parametrize("folder", ["daemon", "drivers", "firmware-tools", "config", "systemd", "tests"])
def test_source_root_is_no_package(folder: str) -> None:
    """A folder of ours never shadows an installed package called daemon or systemd."""
    assert (ROOT / folder).is_dir()
    assert not (ROOT / folder / "__init__.py").exists()


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_readme_names_every_command_and_no_other(readme: str) -> None:
    """The table of commands in both READMEs is what the programs offer."""
    lines = (ROOT / readme).read_text("utf-8").split("\n")
    text = "\n".join(line for line in lines if line.startswith("| `yaoma"))
    named: dict[str, set[str]] = {"yaoma-bridge": set(), "yaoma-tools": set()}
    for match in re.finditer(r"`(yaoma-[a-z]+) ([a-z\\|]+)`", text):
        named[match[1]].update(match[2].split("\\|"))
    offered = {
        "yaoma-bridge": set(get_command(bridge_app).commands),  # type: ignore[attr-defined]
        "yaoma-tools": set(get_command(tools_app).commands),  # type: ignore[attr-defined]
    }
    top = get_command(yaoma_app).commands  # type: ignore[attr-defined]

    assert offered == named
    for verb in top:
        assert re.search(rf"`yaoma {verb}\b", text)
    for group in ("config", "policy", "journal", "ticket", "keys", "scanners", "indicators"):
        verbs = "\\|".join(top[group].commands)
        assert set(verbs.split("\\|")) == set(re.search(rf"`yaoma {group} ([a-z\\|-]+)`", text)[1].split("\\|"))  # type: ignore[index]


def test_readme_of_the_configuration_names_every_file() -> None:
    """Nothing that ships as data goes without a word on what it is; of policies the folder is named."""
    readme = (ROOT / "config/README.md").read_text("utf-8")

    for path in (ROOT / "config").rglob("*"):
        name = path.relative_to(ROOT / "config")
        if path.is_file() and path.name != "README.md":
            assert f"`{name}`" in readme or f"`{name.parts[0]}/`" in readme, name


def test_links_in_the_readmes_lead_somewhere() -> None:
    """Each relative link of a root document names a file of the checkout."""
    for document in ROOT.glob("*.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8")):
            assert (ROOT / target).exists(), f"{document.name} -> {target}"


def test_makefile_installs_what_the_readme_promises() -> None:
    """The two commands of the README are targets that install first."""
    makefile = (ROOT / "Makefile").read_text()

    for target in ("demo", "test"):
        assert re.search(rf"^{target}: venv ", makefile, re.MULTILINE)
    assert "make check" in (ROOT / ".ci" / "run").read_text()
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_every_installed_version_is_pinned() -> None:
    """Each direct dependency stands in constraints.txt, so that two installations are alike."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        line.partition("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()
    }
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]

    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9_-]+", requirement)
        assert name is not None
        assert name[0] == "yaoma" or name[0].lower() in pinned
