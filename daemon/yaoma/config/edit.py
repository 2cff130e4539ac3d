"""Edit: adds a scanner or a calibration to a configuration file without touching its other lines."""

import copy
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from yaoma.config.encoding import decoded
from yaoma.config.judge import judge
from yaoma.config.mistake import lines_of
from yaoma.config.positions import KeyPath, positions
from yaoma.config.said import Said
from yaoma.config.syntax import SyntaxMistakeError, parse
from yaoma.config.toml_text import key_text, value_text
from yaoma_link.keyfile import write_public

__all__ = ["EditError", "read_text", "scanner_block", "with_calibration", "with_scanner", "write_edited"]

_ONE_LINE: Final = re.compile(r"^(\s*[A-Za-z0-9_\"'-]+\s*=\s*)(.*?)(\s*(?:#[^\"'\]]*)?)$")


class EditError(Exception):
    """The file can't be edited safely; whoever asked prints what is to be written instead.

    Args:
        said: Why.
    """

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


def scanner_block(name: str, driver: str, options: Mapping[str, Any]) -> str:
    """Write the table of a scanner.

    Args:
        name: Its name.
        driver: Its driver.
        options: The driver's options.
    """
    lines = ["[[scanner]]", f"name = {value_text(name)}", f"driver = {value_text(driver)}", "[scanner.options]"]
    return "\n".join([*lines, *(f"{key_text(key)} = {value_text(value)}" for key, value in options.items())]) + "\n"


def with_scanner(text: str, name: str, driver: str, options: Mapping[str, Any], station: str) -> str:
    """Add a scanner to a station, which is made if there is none of its name.

    Args:
        text: The configuration.
        name: The scanner's name.
        driver: Its driver.
        options: The driver's options.
        station: The station's name.

    Raises:
        EditError: If the result would not be exactly that, or has mistakes.
    """
    fields = parse(text)
    wanted = copy.deepcopy(fields)
    wanted.setdefault("scanner", []).append({"name": name, "driver": driver, "options": dict(options)})
    stations = wanted.setdefault("station", [])
    number = next((at for at, one in enumerate(stations) if one.get("name") == station), None)
    end = "" if text.endswith("\n") or not text else "\n"
    if number is None:
        stations.append({"name": station, "scanners": [name]})
        added = f"\n[[station]]\nname = {value_text(station)}\nscanners = {value_text([name])}\n"
        edited = f"{text}{end}{added}\n{scanner_block(name, driver, options)}"
    else:
        stations[number]["scanners"] = [*stations[number].get("scanners", []), name]
        listed = _with_value(text, ("station", number, "scanners"), stations[number]["scanners"])
        edited = f"{listed}{end}\n{scanner_block(name, driver, options)}"
    return _checked(edited, wanted)


def with_calibration(text: str, scanner: str, file: Path) -> str:
    """Name a scanner's calibration file.

    Args:
        text: The configuration.
        scanner: The scanner's name.
        file: The file, which is there.

    Raises:
        EditError: If the result would not be exactly that, or has mistakes.
    """
    wanted = copy.deepcopy(parse(text))
    number = next((at for at, one in enumerate(wanted.get("scanner", [])) if one.get("name") == scanner), None)
    if number is None:
        raise EditError(Said(f"配置里没有扫码枪 {scanner}", f"there is no scanner {scanner} in the configuration"))
    if wanted["scanner"][number].get("calibration") == str(file):
        return text
    if "calibration" in wanted["scanner"][number]:
        edited = _with_value(text, ("scanner", number, "calibration"), str(file))
    else:
        lines = text.split("\n")
        lines.insert(_line(text, ("scanner", number, "name")), f"calibration = {value_text(str(file))}")
        edited = "\n".join(lines)
    wanted["scanner"][number]["calibration"] = str(file)
    return _checked(edited, wanted)


def write_edited(file: Path, text: str) -> None:
    """Write a configuration in place of the old one, with the same owner and mode.

    Raises:
        OSError: If it can't be written.
    """
    before = file.stat()
    write_public(file, text.encode("utf-8"), replace=True)
    file.chmod(before.st_mode & 0o7777)
    if os.geteuid() == 0:
        os.chown(file, before.st_uid, before.st_gid)


def read_text(file: Path) -> str:
    """Read a configuration's text.

    Raises:
        OSError: If it can't be read.
        NotTextError: If it is no text.
    """
    return decoded(file.read_bytes()).text


def _line(text: str, path: KeyPath) -> int:
    """Give the line, from 1, on which a key stands."""
    place = positions(text).get(path)
    if place is None:
        raise _by_hand()
    return place.line


def _with_value(text: str, path: KeyPath, value: object) -> str:
    """Replace a value that stands on one line."""
    lines = text.split("\n")
    at = _line(text, path) - 1
    found = _ONE_LINE.match(lines[at])
    if found is None:
        raise _by_hand()
    lines[at] = f"{found[1]}{value_text(value)}{found[3]}"
    return "\n".join(lines)


def _checked(edited: str, wanted: Mapping[str, Any]) -> str:
    """Refuse a text that says anything else than what is wanted, or that the box could not use."""
    try:
        fields = parse(edited)
    except SyntaxMistakeError:
        raise _by_hand() from None
    if fields != wanted:
        raise _by_hand()
    mistakes = judge(fields, positions(edited)).mistakes
    if mistakes:
        said = "; ".join(lines_of(mistakes, ()))
        raise EditError(Said(f"改后的配置有误：{said}", f"the edited configuration would have mistakes: {said}"))
    return edited


def _by_hand() -> EditError:
    return EditError(
        Said(
            "这份配置的写法不便自动修改，请手工加入",
            "this file is written in a way that can't be edited safely; add it by hand",
        )
    )
