"""Said: one sentence in both languages, Chinese first."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["About", "Said"]


@dataclass(frozen=True, slots=True)
class Said:
    """What is said to a technician.

    Args:
        zh: In Chinese.
        en: In English.
    """

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"

    def fill(self, facts: Mapping[str, object]) -> "Said":
        """Put facts into the places `{fact}`; a fact that is said in both languages goes in language by language.

        Args:
            facts: What the sentence names; of what is missing it says "?".
        """
        return Said(
            self.zh.format_map(_Facts((name, _in("zh", fact)) for name, fact in facts.items())),
            self.en.format_map(_Facts((name, _in("en", fact)) for name, fact in facts.items())),
        )


@dataclass(frozen=True, slots=True)
class About:
    """What a key of the configuration is for: the one place that the reference, the check and the questions read.

    Args:
        zh: In Chinese, one sentence.
        en: In English, one sentence.
        is_quotable: Whether a mistake may show what was written there; never where a key could have been pasted.
        example: What the reference shows where there is no default, or where the default is empty.
    """

    zh: str
    en: str
    is_quotable: bool = True
    example: object = None

    @property
    def said(self) -> Said:
        """The sentence."""
        return Said(self.zh, self.en)


class _Facts(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "?"


def _in(language: str, fact: object) -> str:
    return str(getattr(fact, language)) if isinstance(fact, Said) else str(fact)
