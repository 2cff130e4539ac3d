"""Reads the configuration file; finds every mistake with its line and key, not only the first."""

import errno
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from yaoma.config.calibration_file import read_calibration
from yaoma.config.encoding import MAX_FILE_BYTES, NotTextError, decoded
from yaoma.config.judge import CalibrationOf, judge
from yaoma.config.mistake import Mistake, Notice
from yaoma.config.model import Config
from yaoma.config.positions import KeyPath, Position, positions
from yaoma.config.said import Said
from yaoma.config.syntax import SyntaxMistakeError, parse

__all__ = ["ConfigError", "Loaded", "Reading", "load", "read"]

_TROUBLE: Final = MappingProxyType(
    {
        errno.ENOENT: Said("没有这个文件", "no such file"),
        errno.EACCES: Said("没有读取权限", "a file that this user may not read"),
        errno.EISDIR: Said("一个文件夹", "a folder"),
    }
)


class ConfigError(Exception):
    """The file can't be used.

    Args:
        path: The file.
        mistakes: All of them, in the order of lines.
    """

    def __init__(self, path: Path, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__(f"{path}: " + "; ".join(map(str, mistakes)))
        self.path = path
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that can be used.

    Args:
        config: What the file says.
        options: The checked options of each scanner's driver, by scanner.
        digest: SHA-256 of the file, in hexadecimal.
        stands_in: Why it is used in place of the technician's file; None if it is that file.
        indicator_options: The checked options of each indicator's driver, by indicator.
        port_options: The checked options of each pass-through port's driver, by station.
    """

    config: Config
    options: Mapping[str, BaseModel]
    digest: str
    stands_in: Said | None = None
    indicator_options: Mapping[str, BaseModel] = field(default_factory=dict)
    port_options: Mapping[str, BaseModel] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that is known of a file after reading it once.

    Args:
        path: The file.
        raw: Its bytes; empty if it can't be read.
        text: Its text, or None if it has none.
        fields: Its keys and values, right or wrong; None if it is no TOML.
        loaded: What can be used; None if there is a mistake.
        mistakes: In the order of lines, those without a line last.
        notices: What is unusual and does not stop the box.
        places: Where its keys stand.
    """

    path: Path
    raw: bytes = field(repr=False)
    text: str | None = field(repr=False)
    fields: Mapping[str, Any] | None = field(repr=False)
    loaded: Loaded | None
    mistakes: tuple[Mistake, ...]
    notices: tuple[Notice, ...] = ()
    places: Mapping[KeyPath, Position] = field(default_factory=dict)


def read(path: Path, calibration_of: CalibrationOf = lambda _, file: read_calibration(file)) -> Reading:
    """Read and check a file; nothing is raised, whatever it holds.

    Args:
        path: The file.
        calibration_of: Reads the calibration files that it names.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        trouble = _TROUBLE.get(error.errno or 0, Said(f"读取出错（{error.strerror}）", f"an error ({error.strerror})"))
        return _unread(path, b"", None, Mistake("", "unreadable", _FILE, trouble))
    try:
        written = decoded(raw)
    except NotTextError as error:
        return _unread(path, raw, None, Mistake("", "not_text", error.expected, error.found, error.line))
    notices = (Notice("", written.notice),) if written.notice else ()
    try:
        fields = parse(written.text)
    except SyntaxMistakeError as error:
        mistake = Mistake("", "syntax", _TOML, error.problem, error.line, error.column, error.hint)
        return _unread(path, raw, written.text, mistake, notices)
    places = positions(written.text)
    judged = judge(fields, places, calibration_of)
    loaded = None
    if judged.config is not None and not judged.mistakes:
        loaded = Loaded(
            judged.config,
            judged.options,
            hashlib.sha256(raw).hexdigest(),
            indicator_options=judged.indicator_options,
            port_options=judged.port_options,
        )
    return Reading(path, raw, written.text, fields, loaded, judged.mistakes, notices, places)


def load(path: Path) -> Loaded:
    """Read and check a file.

    Raises:
        ConfigError: If it can't be read, is no TOML, or holds a mistake; all mistakes are named.
    """
    reading = read(path)
    if reading.loaded is None:
        raise ConfigError(path, reading.mistakes)
    return reading.loaded


_FILE: Final = Said("可读的配置文件", "a configuration file that can be read")
_TOML: Final = Said("正确的 TOML 写法", "right TOML")


def _unread(path: Path, raw: bytes, text: str | None, mistake: Mistake, notices: tuple[Notice, ...] = ()) -> Reading:
    return Reading(path, raw, text, None, None, (mistake,), notices)
