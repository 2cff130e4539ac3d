"""Report: findings as lines for a person, Chinese and English, and as JSON for a program; one line says what to do."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from yaoma.config.said import Said
from yaoma.doctor.finding import Finding, Mark
from yaoma.shell.catalogue import Catalogue, Text, load_catalogue

__all__ = ["Report"]

_SIGNS: Final = MappingProxyType({Mark.OK: "✓", Mark.WARNING: "!", Mark.TROUBLE: "✗"})


class Report:
    """Findings in words.

    Args:
        findings: In the order in which troubles are put right.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = tuple(findings)
        self._zh, self._en = load_catalogue("zh-CN"), load_catalogue("en")

    @property
    def is_ready(self) -> bool:
        """Whether nothing stands in the way; warnings don't."""
        return all(finding.mark is not Mark.TROUBLE for finding in self._findings)

    def lines(self) -> list[str]:
        """Write everything, the verdict last."""
        out = []
        for one in self._findings:
            zh, en = self._texts(one)
            detail = f" ({one.detail})" if one.detail else ""
            out.append(f"{_SIGNS[one.mark]} {_head(self._zh, one)}: {zh.line}{detail}")
            out.append(f"  {_head(self._en, one)}: {en.line}{detail}")
            out += [f"    → {text.todo}" for text in (zh, en) if text.todo and one.mark is not Mark.OK]
        return [*out, self.verdict()]

    def verdict(self) -> str:
        """Say in one line: ready, or the first thing to do."""
        first = next((one for one in self._findings if one.mark is Mark.TROUBLE), None)
        if first is not None:
            said = [
                f"{text.line}{words.line} → {words.todo}"
                for text, words in zip(self._both("doctor.first"), self._texts(first), strict=True)
            ]
            return " / ".join(said)
        warnings = sum(one.mark is Mark.WARNING for one in self._findings)
        name = "doctor.ready_but" if warnings else "doctor.ready"
        return " / ".join(text.line for text in self._both(name, number=warnings))

    def as_json(self) -> dict[str, Any]:
        """Give everything for a program."""
        first = next((one for one in self._findings if one.mark is Mark.TROUBLE), None)
        return {
            "ready": self.is_ready,
            "verdict": self.verdict(),
            "first": first.id if first else None,
            "findings": [self._one(finding) for finding in self._findings],
        }

    def _one(self, finding: Finding) -> dict[str, Any]:
        zh, en = self._texts(finding)
        return {
            "group": finding.group.value,
            "mark": finding.mark.value,
            "id": finding.id,
            "facts": {name: _plain(fact) for name, fact in finding.facts.items()},
            "detail": finding.detail,
            "zh": {"line": zh.line, "todo": zh.todo},
            "en": {"line": en.line, "todo": en.todo},
        }

    def _texts(self, finding: Finding) -> tuple[Text, Text]:
        return _text(self._zh, finding, "zh"), _text(self._en, finding, "en")

    def _both(self, name: str, **facts: int) -> tuple[Text, Text]:
        return self._zh.said(name, facts), self._en.said(name, facts)


def _head(catalogue: Catalogue, finding: Finding) -> str:
    group = catalogue.text("doctor_group", finding.group.value).line
    return f"{group} {catalogue.text('doctor_mark', finding.mark.value).line}"


def _text(catalogue: Catalogue, finding: Finding, language: str) -> Text:
    facts: Mapping[str, str | int] = {
        name: str(getattr(fact, language)) if isinstance(fact, Said) else fact for name, fact in finding.facts.items()
    }
    return catalogue.said(finding.id, facts)


def _plain(fact: object) -> object:
    return {"zh": fact.zh, "en": fact.en} if isinstance(fact, Said) else fact
