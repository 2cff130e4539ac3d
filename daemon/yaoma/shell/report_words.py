"""Report words: the words of reports in one language, from the catalogue and the table of operations."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from yaoma.core.operation import Operation
from yaoma.core.report_page import NO_FACTS
from yaoma.core.wording import Facts
from yaoma.shell.catalogue import Catalogue

__all__ = ["ReportWords"]

_REASON: Final = "reason."


class ReportWords:
    """Gives the words of a report.

    An id that the catalogue does not know is written as it is: a report leaves nothing out.

    Args:
        catalogue: The language.
        operations: The table of operations.
    """

    def __init__(self, catalogue: Catalogue, operations: Mapping[str, Operation]) -> None:
        self._catalogue = catalogue
        self._operations = operations
        names = (name.removeprefix(_REASON) for name in catalogue.templates if name.startswith(_REASON))
        lines = Counter(catalogue.text("reason", name).line for name in names)
        self._shared = frozenset(line for line, number in lines.items() if number > 1)

    def say(self, name: str, facts: Facts = NO_FACTS) -> str:
        """Give an entry of the section `report`."""
        if f"report.{name}" not in self._catalogue.templates:
            return name
        return self._catalogue.text("report", name, facts).line

    def operation(self, name: str) -> str:
        """Name an operation."""
        found = self._operations.get(name)
        return found.name(self._catalogue.language) if found else name

    def reason(self, name: str) -> str:
        """Name a verdict's reason by what it says, or by its headline where another says the same, or it nothing."""
        if f"{_REASON}{name}" not in self._catalogue.templates:
            return name
        said = self._catalogue.text("reason", name)
        line = "" if said.line in self._shared else said.line
        return line or said.headline or name

    def cause(self, name: str) -> str:
        """Say what stood in the way, by a dotted id."""
        return self._catalogue.said(name).line if name in self._catalogue.templates else name
