"""List source, mistakes: collects what is wrong with tables, so that one run names it all."""

from dataclasses import dataclass, field
from typing import Final

__all__ = ["MOST_NAMED", "Mistakes", "SourceError"]

#: How many mistakes are named; the rest is counted.
MOST_NAMED: Final = 20


class SourceError(ValueError):
    """A table can't be read; the sentences name file and line, never the text of a code."""


@dataclass(slots=True)
class Mistakes:
    """Collects what is wrong, so that one run names it all.

    Args:
        named: The first of them, each with file and line.
        count: How many there are.
    """

    named: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, file: str, line: int, sentence: str) -> None:
        """Note a mistake.

        Args:
            file: Name of the file.
            line: Number of the line, from 1; 0 if it is the whole file.
            sentence: What is wrong; never the text of a code.
        """
        self.count += 1
        if len(self.named) < MOST_NAMED:
            self.named.append(f"{file}, line {line}: {sentence}" if line else f"{file}: {sentence}")

    def count_more(self, times: int) -> None:
        """Count mistakes that are not named."""
        self.count += times

    def refuse(self) -> None:
        """Go on only if nothing is wrong.

        Raises:
            SourceError: Something is; it names up to 20 of them.
        """
        if self.count:
            more = self.count - len(self.named)
            raise SourceError("\n".join(self.named + [f"and {more} more"] * bool(more)))
