"""Catalogue: what the operator reads, by stable id, in one language."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from yaoma.core.control_code import ControlAction
from yaoma.core.reason import VerdictClass
from yaoma.core.wording import Facts, fill
from yaoma.shell.operations import load_operations
from yaoma.shell.resources import config_file
from yaoma_drivers.signal import Signal

__all__ = ["LANGUAGES", "Catalogue", "CatalogueError", "Text", "load_catalogue"]

#: Chinese first, English second (DESIGN.md 1).
LANGUAGES: Final = ("zh-CN", "en")

_NOTHING: Final[Facts] = MappingProxyType({})
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))

_operations: Final = lru_cache(maxsize=1)(load_operations)


class CatalogueError(ValueError):
    """The file is no catalogue; the sentence names the entry."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is shown.

    Args:
        headline: At most 8 Chinese characters; empty where the section has none.
        line: What it is about, filled with the facts.
        todo: What to do next; empty only where nothing has to be done.
    """

    headline: str
    line: str
    todo: str


@dataclass(frozen=True, slots=True)
class Template:
    """An entry of the catalogue before it is filled.

    Args:
        headline: As in `Text`.
        pieces: The pieces of the line.
        todo: As in `Text`.
        lamp: Where the lamp is and how it shines, for signals.
    """

    headline: str = ""
    pieces: tuple[str, ...] = ()
    todo: str = ""
    lamp: str = ""


class Catalogue:
    """The sentences of one language. It never changes, so every thread may use it.

    Args:
        language: `zh-CN` or `en`.
        templates: The entries by `section.id`; one that a policy may turn into a PASS also as `section.id.PASS`.
        units: How a number of seconds, minutes, hours and days is written.
    """

    def __init__(self, language: str, templates: Mapping[str, Template], units: Mapping[str, str]) -> None:
        self.language = language
        self.templates = MappingProxyType(dict(templates))
        self._units = MappingProxyType(dict(units))

    def text(self, section: str, name: str, facts: Facts = _NOTHING) -> Text:
        """Give the text of any section: `cause`, `link`, `ticket`, `refusal`, `device`, `list_refused`, `journal`, ...

        Args:
            section: The section.
            name: The id.
            facts: What the line is filled with; what is missing leaves its piece out.
        """
        return self.said(f"{section}.{name}", facts)

    def said(self, dotted: str, facts: Facts = _NOTHING) -> Text:
        """Give the text of a dotted id such as `uplink.taken_over`.

        An id that is not known gets a sentence that says so: nothing is raised at the counter.

        Args:
            dotted: Section and id.
            facts: As for `text`.
        """
        template = self.templates.get(dotted)
        if template is None:
            template, facts = self.templates["fallback.text"], {"id": dotted}
        return Text(template.headline, fill(template.pieces, facts), template.todo)

    def reason(
        self, name: str, facts: Facts = _NOTHING, verdict: VerdictClass | None = None, operation: str = ""
    ) -> Text:
        """Give the text of a verdict's reason.

        The headline of a STOP says what it forbids, whatever the reason: 禁止入库 at a delivery, 停止发药 at a sale.

        Args:
            name: The reason's id.
            facts: The verdict's facts.
            verdict: Its class; a reason that may also be a PASS has another text then.
            operation: What is being done, an id of the operations table; empty if unknown.
        """
        if verdict is not None and f"reason.{name}.{verdict.value}" in self.templates:
            return self.text("reason", f"{name}.{verdict.value}", facts)
        if refusal := facts.get("refusal"):
            # A control code was refused: what to do depends on why.
            why = self.refusal(str(refusal))
            return Text(self.templates[f"reason.{name}"].headline, why.line, why.todo)
        if problem := facts.get("problem"):
            why = self.text("identity_fault", str(problem))
            return Text(self.templates[f"reason.{name}"].headline, why.line, why.todo)
        if trouble := facts.get("trouble"):
            # A code did not reach the till: what to do depends on why.
            why = self.text("pass_on", str(trouble))
            return Text(self.templates[f"reason.{name}"].headline, why.line, why.todo)
        if (action := facts.get("action")) and f"sheet.{action}" in self.templates:
            facts = self._commanded(str(action), str(facts.get("argument", "")), facts)
        said = self.text("reason", name, facts)
        if verdict is not VerdictClass.STOP:
            return said
        stop = self.templates.get(f"stop.{operation}") or self.templates[f"signal.{verdict.value}"]
        return replace(said, headline=stop.headline)

    def _commanded(self, action: str, argument: str, facts: Facts) -> Facts:
        """Put in words what a control code commanded: the operation by its name, the operator by his number."""
        said = self.text("sheet", action, {"operator": argument})
        operation = _operations().get(argument) if action == ControlAction.OPEN else None
        if operation is not None:
            argument = operation.zh if self.language == "zh-CN" else operation.en
        shown = "" if argument and argument in said.line else argument
        return {**facts, "action": said.headline or said.line, "argument": shown}

    def signal(self, signal: Signal, cause: str = "", facts: Facts = _NOTHING) -> Text:
        """Give the text of a signal; for `OUT_OF_SERVICE` with what is known of the cause.

        Args:
            signal: The signal.
            cause: Why the box is out of service, an id of the section `cause`.
            facts: What the cause's line is filled with.
        """
        said = self.text("signal", signal.value)
        if not cause:
            return said
        why = self.text("cause", cause, facts)
        return Text(said.headline, why.line, why.todo or said.todo)

    def refusal(self, name: str, facts: Facts = _NOTHING) -> Text:
        """Give the text of a refused command; while the box is out of service its cause is the refusal.

        Args:
            name: An id of the section `refusal` or `cause`, or a dotted id of another.
            facts: What the line is filled with.
        """
        if "." in name:
            return self.said(name, facts)
        section = (
            "cause" if f"refusal.{name}" not in self.templates and f"cause.{name}" in self.templates else "refusal"
        )
        return self.text(section, name, facts)

    def lamp(self, signal: Signal) -> str:
        """Say where the lamp is and how it shines, so that colour is never alone (WCAG 1.4.1)."""
        return self.templates[f"signal.{signal.value}"].lamp

    def age(self, seconds: float) -> str:
        """Write how long ago something was, in its largest unit."""
        for unit, length in _UNITS:
            if seconds >= length:
                return self._units[unit].replace("{number}", str(int(seconds // length)))
        return self._units["second"].replace("{number}", "0")


def load_catalogue(language: str, path: Path | None = None) -> Catalogue:
    """Load the sentences of one language.

    Args:
        language: `zh-CN` or `en`.
        path: The file; the one that ships if None.

    Raises:
        CatalogueError: If the file is malformed.
        ResourceMissingError: If the file that ships is missing.
        OSError: If the file can't be read.
    """
    file = path or config_file(f"messages/{language}.toml")
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise CatalogueError(f"{file.name}: {error}") from None
    if tables.pop("language", None) != language:
        raise CatalogueError(f"{file.name} is not the catalogue of {language}")
    units = tables.pop("unit", None)
    if not isinstance(units, dict) or set(units) != {unit for unit, _ in _UNITS}:
        raise CatalogueError(f"{file.name}: unit names second, minute, hour and day")
    templates: dict[str, Template] = {}
    for section, entries in tables.items():
        if not isinstance(entries, dict):
            raise CatalogueError(f"{file.name}: {section} is a section")
        for name, entry in entries.items():
            _add(templates, f"{section}.{name}", entry)
    for required in ("fallback.text", *(f"signal.{signal.value}" for signal in Signal)):
        if required not in templates:
            raise CatalogueError(f"{file.name}: {required} is missing")
    return Catalogue(language, templates, units)


def _add(templates: dict[str, Template], name: str, entry: object) -> None:
    if not isinstance(entry, dict):
        raise CatalogueError(f"{name} is a table")
    texts = dict.fromkeys(("headline", "todo", "lamp"), "")
    pieces: tuple[str, ...] = ()
    for key, value in entry.items():
        if key == "line" and isinstance(value, list) and all(isinstance(piece, str) for piece in value):
            pieces = tuple(value)
        elif key in texts and isinstance(value, str):
            texts[key] = value
        elif key in {one.value for one in VerdictClass}:
            _add(templates, f"{name}.{key}", value)
        else:
            raise CatalogueError(f"{name}: {key} is not a key, or not of the right kind")
    templates[name] = Template(texts["headline"], pieces, texts["todo"], texts["lamp"])
