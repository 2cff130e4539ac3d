"""Positions: where each key of a TOML text stands.

The standard library's parser and tomlkit both give values without places (tomlkit issue 55), so the text is walked
once more. Only text that the parser has accepted comes here, so the walk may be lenient; a test compares its keys
with the parser's.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["KeyPath", "Position", "nearest", "positions"]

#: A key's way from the top: names of keys, and places in arrays from 0.
KeyPath = tuple[str | int, ...]

_SPACE: Final = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR: Final = re.compile(r"[^,\]}#\n]*")
_STRING: Final = re.compile(
    r"""
    \"{3}(?:[^"\\]|\\.|"(?!""))*"{3,5}
    |'{3}(?:[^']|'(?!''))*'{3,5}
    |"(?:[^"\\\n]|\\.)*"
    |'[^'\n]*'
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a key stands.

    Args:
        line: From 1.
        column: From 1, in characters.
    """

    line: int
    column: int


def positions(text: str) -> dict[KeyPath, Position]:
    r"""Find every key, every table and every element of an array; nothing if the text is nested too deeply to walk.

    Args:
        text: TOML that `tomllib` accepts, with `\n` at the end of lines.
    """
    walk = _Walk(text)
    try:
        walk.document()
    except RecursionError:
        return {}
    return walk.found


def nearest(found: Mapping[KeyPath, Position], path: KeyPath) -> Position | None:
    """Give the position of a key, or of the innermost table around it that stands in the text."""
    for length in range(len(path), 0, -1):
        if path[:length] in found:
            return found[path[:length]]
    return None


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.line_start = 0
        self.found: dict[KeyPath, Position] = {}
        self.tables: dict[KeyPath, int] = {}  # arrays of tables and how many they have so far

    def document(self) -> None:
        base: KeyPath = ()
        while self.skip_space():
            if self.text.startswith("[[", self.at):
                base = self.header(2)
            elif self.text[self.at] == "[":
                base = self.header(1)
            else:
                self.pair(base)

    def header(self, brackets: int) -> KeyPath:
        here = self.position()
        self.step(brackets)
        names = self.key()
        self.step(brackets)
        path: KeyPath = ()
        for place, name in enumerate(names):
            path = (*path, name)
            self.found.setdefault(path, here)
            if brackets > 1 and place == len(names) - 1:
                self.tables[path] = self.tables.get(path, 0) + 1
            if path in self.tables:
                path = (*path, self.tables[path] - 1)
                self.found.setdefault(path, here)
        return path

    def pair(self, base: KeyPath) -> None:
        here = self.position()
        path = base
        for name in self.key():
            path = (*path, name)
            self.found.setdefault(path, here)
        self.step(1)
        self.value(path)

    def key(self) -> list[str]:
        """Take a dotted key; what follows it is the next character."""
        names = []
        while True:
            self.skip_space()
            start = self.at
            bare = _BARE_KEY.match(self.text, self.at)
            self.step((bare or self.string()).end() - self.at)
            word = self.text[start : self.at]
            names.append(word if bare else str(tomllib.loads(f"key = {word}")["key"]))
            self.skip_space()
            if self.text[self.at] != ".":
                return names
            self.step(1)

    def value(self, path: KeyPath) -> None:
        self.skip_space()
        opening = self.text[self.at]
        if opening in "\"'":
            self.step(self.string().end() - self.at)
        elif opening == "[":
            self.listed("]", lambda number: self.element((*path, number)))
        elif opening == "{":
            self.listed("}", lambda _: self.pair(path))
        else:
            self.step(len(_SCALAR.match(self.text, self.at)[0]))  # type: ignore[index]  # it matches nothing too

    def element(self, path: KeyPath) -> None:
        self.found[path] = self.position()
        self.value(path)

    def listed(self, closing: str, take: Callable[[int], None]) -> None:
        self.step(1)
        number = 0
        while self.skip_space() and self.text[self.at] != closing:
            if self.text[self.at] == ",":
                self.step(1)
                continue
            take(number)
            number += 1
        self.step(1)

    def string(self) -> re.Match[str]:
        found = _STRING.match(self.text, self.at)
        assert found is not None, "the parser has accepted this text"
        return found

    def skip_space(self) -> bool:
        """Pass over space, line ends and comments; tell whether anything follows."""
        self.step(len(_SPACE.match(self.text, self.at)[0]))  # type: ignore[index]  # it matches nothing too
        return self.at < len(self.text)

    def step(self, characters: int) -> None:
        end = self.at + characters
        breaks = self.text.count("\n", self.at, end)
        if breaks:
            self.line += breaks
            self.line_start = self.text.rfind("\n", self.at, end) + 1
        self.at = end

    def position(self) -> Position:
        return Position(self.line, self.at - self.line_start + 1)
