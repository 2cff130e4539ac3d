"""Sheet: which control codes stand on a printed sheet, with which words; Chinese first."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from yaoma.core.control_code import ControlAction, ControlCode, Sheet, folded
from yaoma.core.control_sheet import sign
from yaoma.core.note import Signer
from yaoma.core.wording import Facts
from yaoma.shell.catalogue import Catalogue, Text, load_catalogue
from yaoma.shell.operations import Operation

__all__ = [
    "Cell",
    "OperatorsError",
    "Person",
    "Place",
    "SheetPlan",
    "operations_sheet",
    "operators_sheet",
    "read_operators",
    "technician_sheet",
]

_COMMON: Final = (ControlAction.CLOSE, ControlAction.UNDO, ControlAction.CONFIRM)
_MAX_NAME_CHARS: Final = 20
_MAX_FILE_BYTES: Final = 1 << 20


class OperatorsError(ValueError):
    """The table of operators can't be used; the sentence names the line and no content."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who gets a badge.

    Args:
        id: What records hold; letters, digits, `-` and `_`, without meaning outside the site.
        name: What the badge says; empty for the id alone.
    """

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sheet hangs, as printed on it.

    Args:
        site: The institution's code; may be empty on sheets without signature.
        box: The box; empty for every box of the site.
        station: The station; empty for every one.
        made: The day of printing.
    """

    site: str
    box: str
    station: str
    made: date


@dataclass(frozen=True, slots=True)
class Cell:
    """One symbol with its words.

    Args:
        text: What the symbol holds.
        caption: Big, Chinese.
        english: Small below it.
        note: What it does, Chinese.
        strong: It wants attention: thick frame.
    """

    text: str
    caption: str
    english: str
    note: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """Everything that stands on a sheet.

    Args:
        title: Chinese.
        english: English.
        scope: Where it counts, and until when.
        advice: How to use it, Chinese.
        english_advice: The same in English.
        foot: The last line.
        cells: In reading order.
        badges: The cells are cut out and worn.
    """

    title: str
    english: str
    scope: str
    advice: str
    english_advice: str
    foot: str
    cells: tuple[Cell, ...]
    badges: bool = False


class _Words:
    """The texts of both languages."""

    def __init__(self) -> None:
        self._languages: tuple[Catalogue, Catalogue] = (load_catalogue("zh-CN"), load_catalogue("en"))

    def both(self, name: str, facts: Facts | None = None) -> tuple[Text, Text]:
        chinese, english = (catalogue.text("sheet", name, facts or {}) for catalogue in self._languages)
        return chinese, english

    def cell(self, name: str, code: ControlCode, facts: Facts | None = None) -> Cell:
        chinese, english = self.both(name, facts)
        return Cell(code.text, chinese.headline, english.headline, chinese.line, strong=True)

    def plan(self, name: str, place: Place, cells: Iterable[Cell], facts: Facts | None = None) -> SheetPlan:
        chinese, english = self.both(name)
        where = {"site": place.site, "box": place.box, "station": place.station, **(facts or {})}
        scope, _ = self.both("scope", where)
        foot, _ = self.both("foot", {"made": place.made.isoformat()})
        return SheetPlan(
            chinese.headline, english.headline, scope.line, chinese.line, english.line, foot.line, tuple(cells)
        )


def operations_sheet(operations: Mapping[str, Operation], place: Place) -> SheetPlan:
    """Plan the sheet that hangs at every counter: close, undo, confirm, and a cell for each operation.

    Args:
        operations: Those that this counter uses, in the order of the sheet.
        place: Where it hangs.

    Raises:
        ControlCodeError: An operation's id has a form that no control code can hold.
    """
    words = _Words()
    cells = [words.cell(action.value, ControlCode(action)) for action in _COMMON]
    note, _ = words.both("open")
    for operation in operations.values():
        code = ControlCode(ControlAction.OPEN, operation.id)
        cells.append(Cell(code.text, operation.zh, operation.en, note.line))
    return words.plan("operations", place, cells)


def operators_sheet(people: Sequence[Person], place: Place) -> SheetPlan:
    """Plan badges without rights: "I am operator X".

    Args:
        people: Who.
        place: Where they work.

    Raises:
        ControlCodeError: An id has a form that no control code can hold.
    """
    words = _Words()
    cells = []
    for person in people:
        code = ControlCode(ControlAction.OPERATOR, folded(person.id))
        cells.append(_badge(words, "operator", code, person))
    plan = words.plan("operators", place, cells)
    return SheetPlan(
        plan.title, plan.english, plan.scope, plan.advice, plan.english_advice, plan.foot, plan.cells, badges=True
    )


def technician_sheet(
    signer: Signer, sheet: Sheet, place: Place, *, supervisors: Sequence[Person] = (), stations: Sequence[str] = ()
) -> SheetPlan:
    """Plan the signed sheet of dangerous commands.

    Args:
        signer: The key of the sheets.
        sheet: Its site, box, id and last day.
        place: As printed on it.
        supervisors: Who gets a signed badge with the rights of a person in charge.
        stations: Which stations a new scanner may be paired with.

    Raises:
        ControlCodeError: A name has a form that no control code can hold.
    """
    words = _Words()

    def signed(name: str, action: ControlAction, argument: str = "", facts: Facts | None = None) -> Cell:
        return words.cell(name, sign(action, argument, sheet, signer), facts)

    cells = [
        signed("cancel", ControlAction.CANCEL),
        signed("override", ControlAction.OVERRIDE),
        signed("training_on", ControlAction.TRAINING, "on"),
        signed("training_off", ControlAction.TRAINING, "off"),
        *[signed("pair", ControlAction.PAIR, folded(one), {"station": one}) for one in stations],
    ]
    for person in supervisors:
        code = sign(ControlAction.SUPERVISOR, folded(person.id), sheet, signer)
        cells.append(_badge(words, "supervisor", code, person))
    every, _ = words.both("every_box")
    facts: Facts = {
        "sheet": sheet.id,
        "expires": sheet.expires.isoformat(),
        "box": place.box or every.line,
    }
    return words.plan("technician", place, cells, facts)


def read_operators(arguments: Sequence[str]) -> list[Person]:
    """Read who gets a badge: each argument is `ID`, `ID=NAME`, or a CSV file with the columns id and name.

    Args:
        arguments: As given on the command line. A file may be UTF-8 or GB 18030, as office programs write it.

    Raises:
        OperatorsError: A line has no id, an id stands twice, or a name is too long to be read on a badge.
        OSError: A file can't be read.
    """
    people: list[Person] = []
    for argument in arguments:
        path = Path(argument)
        if path.suffix.lower() == ".csv":
            people += _people(path)
        else:
            operator, _, name = argument.partition("=")
            people.append(Person(operator.strip(), name.strip()))
    seen: set[str] = set()
    for number, person in enumerate(people, start=1):
        if not person.id:
            raise OperatorsError(f"operator {number} has no id")
        if len(person.name) > _MAX_NAME_CHARS:
            raise OperatorsError(f"operator {number}: a name has at most {_MAX_NAME_CHARS} characters")
        if folded(person.id) in seen:
            raise OperatorsError(f"operator {number}: this id was given before")
        seen.add(folded(person.id))
    return people


def _people(path: Path) -> Iterable[Person]:
    data = path.read_bytes()
    if len(data) > _MAX_FILE_BYTES:
        raise OperatorsError(f"{path.name} is too large for a table of operators")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    reader = csv.DictReader(io.StringIO(text))
    if reader.fieldnames is None or "id" not in reader.fieldnames:
        raise OperatorsError(f"{path.name}: the first line names the columns id and name")
    for row in reader:
        yield Person((row.get("id") or "").strip(), (row.get("name") or "").strip())


def _badge(words: _Words, name: str, code: ControlCode, person: Person) -> Cell:
    chinese, english = words.both(name, {"operator": code.argument})
    return Cell(code.text, person.name or code.argument, english.line, chinese.line, strong=code.sheet is not None)
