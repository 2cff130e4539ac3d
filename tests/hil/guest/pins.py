"""Pins of the kernel's own simulator (gpio-sim): their levels are seen from the other side."""

import subprocess
import time
from pathlib import Path

__all__ = ["levels", "make", "seen_lit", "wait_levels"]

_CONFIG = Path("/sys/kernel/config/gpio-sim")


def make(chip: str, names: list[str]) -> None:
    """Make a chip with named lines."""
    subprocess.run(["/sbin/modprobe", "-a", "configfs", "gpio-sim"], check=True)
    bank = _CONFIG / chip / "bank"
    bank.mkdir(parents=True)
    (bank / "label").write_text(chip)
    (bank / "num_lines").write_text(str(len(names)))
    for number, name in enumerate(names):
        line = bank / f"line{number}"
        line.mkdir()
        (line / "name").write_text(name)
    (_CONFIG / chip / "live").write_text("1")


def levels(chip: str) -> list[int]:
    """Give the level of each line of a chip, in order."""
    device = (_CONFIG / chip / "dev_name").read_text().strip()
    name = (_CONFIG / chip / "bank/chip_name").read_text().strip()
    (folder,) = Path("/sys/devices/platform", device).glob(f"{name}")
    lines = sorted(folder.glob("sim_gpio*"), key=lambda line: int(line.name.removeprefix("sim_gpio")))
    return [int((line / "value").read_text()) for line in lines]


def wait_levels(chip: str, wanted: list[int], within_s: float) -> list[int]:
    """Wait until the lines have these levels; give what they have in the end."""
    until_s = time.monotonic() + within_s
    while (found := levels(chip)) != wanted and time.monotonic() < until_s:
        time.sleep(0.01)
    return found


def seen_lit(chip: str, line: int, within_s: float) -> list[int]:
    """Wait until one line is up, however briefly, and give the level of each then."""
    until_s = time.monotonic() + within_s
    while not (found := levels(chip))[line] and time.monotonic() < until_s:
        time.sleep(0.005)
    return found
