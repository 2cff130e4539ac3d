"""VendorPackages: distributions of somebody else, installed into a folder that programs are told to look into."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

__all__ = ["install", "lay_out"]

_PACKAGES = Path(__file__).parents[1] / "packages"


def install(target: Path, name: str) -> None:
    """Install a package of `tests/packages` with pip, as a technician would, but into a folder.

    Args:
        target: The folder; to be named in PYTHONPATH.
        name: The package's folder.
    """
    # Building leaves things behind, and the checkout is nobody's workshop.
    source = target.with_name(f"source-{name}")
    shutil.copytree(_PACKAGES / name, source)
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--target", str(target), str(source)], check=True, capture_output=True)


def lay_out(target: Path, name: str) -> None:
    """Lay out a package as pip leaves it, without building it first.

    Args:
        target: The folder; to be named in PYTHONPATH.
        name: The package's folder, and its one module.
    """
    about = tomllib.loads((_PACKAGES / name / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = target / f"{name}-{about['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    lines = [f"{driver} = {place}" for driver, place in about["entry-points"]["yaoma.drivers"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[yaoma.drivers]", *lines, ""]))
    shutil.copy(_PACKAGES / name / f"{name}.py", target)
