"""Wording: puts facts and codes into the form that people read."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from yaoma.core.code import Cn20, Gs1, Lookalike, Other, TraceCode

__all__ = ["Facts", "fill", "grouped", "placeholders"]

#: What a sentence is filled with.
Facts = Mapping[str, str | int]

#: Between the pieces of a line.
JOINT: Final = " · "

#: A longer fact is cut: a line has to fit on the screen.
MAX_FACT_CHARS: Final = 80

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)(\+?)\}")


def placeholders(pieces: Sequence[str]) -> frozenset[str]:
    """Give the names of the facts that a line wants."""
    return frozenset(name for piece in pieces for name, _ in _PLACEHOLDER.findall(piece))


def fill(pieces: Sequence[str], facts: Facts) -> str:
    """Make a line of its pieces; one whose fact is missing or empty is left out.

    Nothing is raised at the counter, whatever the facts are.

    Args:
        pieces: Texts with `{names}` of facts; `{name+}` wants a number above zero.
        facts: What is known.
    """
    filled = (_filled(piece, facts) for piece in pieces)
    return JOINT.join(piece for piece in filled if piece)


def _filled(piece: str, facts: Facts) -> str:
    """Fill one piece; empty if a fact is missing."""
    texts: dict[str, str] = {}
    for name, above_zero in _PLACEHOLDER.findall(piece):
        fact = facts.get(name, "")
        texts[name] = "" if above_zero and fact == 0 else _readable(fact)
        if not texts[name]:
            return ""
    return _PLACEHOLDER.sub(lambda found: texts[found[1]], piece)


def grouped(code: TraceCode | Lookalike) -> str:
    """Write a code so that people can compare it: digits in groups of five (SCANNERS.md 6.2).

    A look-alike has text only if it is a product code (DESIGN.md 3, promise 5); otherwise the text is empty.
    """
    match code:
        case Cn20(digits):
            return " ".join(digits[start : start + 5] for start in range(0, len(digits), 5))
        case Gs1():
            return f"(01) {code.gtin} (21) {code.serial}"
        case Other():
            return code.text
        case Lookalike():
            return code.text or ""


def _readable(fact: str | int) -> str:
    """Keep what can be printed: a product's name must not move the cursor of a terminal."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(fact)).strip()
    return text if len(text) <= MAX_FACT_CHARS else f"{text[: MAX_FACT_CHARS - 1]}…"
