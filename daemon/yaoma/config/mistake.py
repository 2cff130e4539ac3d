"""Mistake: one thing that is wrong with a configuration, with its place; and how a list of them is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from yaoma.config.said import Said

__all__ = ["Mistake", "Notice", "lines_of", "sentence_of"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that must be changed before the file can be used.

    Args:
        key: The dotted key; empty if it is about the file as a whole.
        kind: A stable id.
        expected: What was expected there.
        found: What was found there; never a secret's value.
        line: From 1, or None where the file says nothing about the key.
        column: From 1, or None.
        hint: What was probably meant, or what the key is for.
    """

    key: str
    kind: str
    expected: Said
    found: Said
    line: int | None = None
    column: int | None = None
    hint: Said | None = None

    def __str__(self) -> str:
        line = Said(f"第 {self.line} 行，", f"line {self.line}, ") if self.line else Said("", "")
        subject = f"{self.key}: " if self.key else ""
        return (
            f"{subject}{line.zh}应为：{self.expected.zh}；现为：{self.found.zh} / "
            f"{line.en}expected: {self.expected.en}; found: {self.found.en}"
        )

    def as_json(self) -> dict[str, Any]:
        """Give it for a program to read."""
        return {
            "key": self.key,
            "kind": self.kind,
            "line": self.line,
            "column": self.column,
            **{
                name: {"zh": said.zh, "en": said.en} if said else None
                for name, said in (("expected", self.expected), ("found", self.found), ("hint", self.hint))
            },
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to look at that does not stop the box from using the file.

    Args:
        key: The dotted key; empty if it is about the file as a whole.
        said: What is the matter and what to do.
        line: From 1, or None.
    """

    key: str
    said: Said
    line: int | None = field(default=None)

    def __str__(self) -> str:
        return f"{self.key}: {self.said}" if self.key else str(self.said)

    def as_json(self) -> dict[str, Any]:
        """Give it for a program to read."""
        return {"key": self.key, "line": self.line, "said": {"zh": self.said.zh, "en": self.said.en}}


def lines_of(mistakes: Sequence[Mistake], notices: Sequence[Notice]) -> list[str]:
    """Write mistakes and notices for a person: place and key, then a line in each language."""
    out = []
    for mistake in mistakes:
        where = _where(mistake.line, mistake.column if not mistake.key else None)
        out.append("  ".join(part for part in (where, mistake.key) if part) or "文件 / the file")
        out.append(f"    应为：{mistake.expected.zh}；现为：{mistake.found.zh}")
        out.append(f"    expected: {mistake.expected.en}; found: {mistake.found.en}")
        out += [f"    → {text}" for text in (mistake.hint.zh, mistake.hint.en)] if mistake.hint else []
    for notice in notices:
        where = "  ".join(part for part in (_where(notice.line), notice.key) if part)
        out.append(f"提示 / note  {where}".rstrip())
        out += [f"    {text}" for text in (notice.said.zh, notice.said.en)]
    return out


def sentence_of(mistakes: Sequence[Mistake]) -> Said:
    """Say in one sentence how many mistakes there are and which keys have them."""
    subjects = list(dict.fromkeys(map(_subject, mistakes)))
    number = len(mistakes)
    return Said(
        f"{number} 处错误：{'、'.join(one.zh for one in subjects)}",
        f"{number} mistake{'s' if number > 1 else ''}: {', '.join(one.en for one in subjects)}",
    )


def _subject(mistake: Mistake) -> Said:
    if mistake.key:
        return Said(mistake.key, mistake.key)
    if mistake.line is not None:
        return Said(f"第 {mistake.line} 行：{mistake.found.zh}", f"line {mistake.line}: {mistake.found.en}")
    return mistake.found


def _where(line: int | None, column: int | None = None) -> str:
    if line is None:
        return ""
    if column is None:
        return f"第 {line} 行 / line {line}"
    return f"第 {line} 行第 {column} 列 / line {line}, column {column}"
