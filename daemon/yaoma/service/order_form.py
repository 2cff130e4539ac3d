"""Order form: reads what a program asks through the control socket into a command."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from yaoma.core.command import Append, Command, Excuse, Identify, Override, Settle, SignOn, State, StockMove, Undo
from yaoma.core.deed import StockAction
from yaoma.core.identity import IdentityFault, IdentityKind, typed_identity
from yaoma.core.lookalike import LookalikeKind, of_text
from yaoma.core.person_statement import PersonStatement, StatementProblem, StatementRefusedError, number_in
from yaoma.core.problem import ProblemRefusedError, problem_entry
from yaoma.core.ticket import FACTS, MAX_LINES, VERIFY, Action, CommandRefusedError, Line, TicketCommand

__all__ = ["COMMANDS", "read_command"]

_MAX_TEXT_CHARS: Final = 200
_MAX_OPERATOR_CHARS: Final = 64
_MOST_PACKS: Final = 1_000_000
_MAX_FACT_CHARS: Final = 64
_RESIDENT: Final = re.compile(r"(?=([1-9][0-9]{16}[0-9Xx]))")
_NEWBORN: Final = timedelta(days=365)

Asked = Mapping[str, Any]


def read_command(asked: Asked) -> Command:
    """Read a request.

    Args:
        asked: The request; `do` names what is wanted.

    Raises:
        ValueError: If it can't be understood.
        CommandRefusedError: If what it says must not be recorded.
    """
    read = COMMANDS.get(str(asked.get("do")))
    if read is None:
        raise ValueError("unknown request")
    return read(asked)


def _text(asked: Asked, name: str, most: int = _MAX_TEXT_CHARS) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"{name} is printable text")
    value.encode()  # half a surrogate pair has no place in a record; the error is a ValueError
    return value[:most]


def _operator(asked: Asked) -> str:
    """Read who asks: an id without meaning outside the site, and no number of a person (DESIGN.md 3, promise 5)."""
    operator = _text(asked, "operator", _MAX_OPERATOR_CHARS).strip()
    if number_in(operator) in {StatementProblem.NOTE_HAS_IDENTITY, StatementProblem.NOTE_HAS_PHONE}:
        raise CommandRefusedError("statement_operator_is_number")
    return operator


def _quantity(asked: Asked, name: str) -> int:
    value = asked.get(name, 0)
    if type(value) is not int or not 0 <= value <= _MOST_PACKS:
        raise ValueError(f"{name} is a whole number")
    return value


def _line(asked: object) -> Line:
    """Read what a till wants; which drugs that stands for, the list says and not the till."""
    if not isinstance(asked, dict):
        raise ValueError("a line is an object")  # noqa: TRY004 - one error for a bad request
    line = {"drug": _text(asked, "drug"), "name": _text(asked, "name")}
    return Line.read({**line, "packs": _quantity(asked, "packs"), "units": _quantity(asked, "units")})


def _ticket(asked: Asked) -> TicketCommand:
    lines = asked.get("lines", [])
    if not isinstance(lines, list):
        raise ValueError("lines is a list")  # noqa: TRY004 - as above
    if len(lines) > MAX_LINES:
        raise CommandRefusedError("too_many_lines")
    return TicketCommand(
        Action(asked.get("action", "")),
        _text(asked, "station"),
        _text(asked, "operation") or VERIFY,
        _operator(asked),
        wants_person=asked.get("person") is True,
        lines=tuple(_line(line) for line in lines),
        shipment=_text(asked, "shipment"),
        payer=_text(asked, "payer"),
        bill=_text(asked, "bill"),
        owner=_text(asked, "owner"),
        is_training=asked.get("training") is True,
        is_opening=asked.get("opening") is True,
        facts=_facts(asked),
    )


def _facts(asked: Asked) -> tuple[tuple[str, str], ...]:
    """Read what else a till says: known names, short texts, no number of a person (DESIGN.md 3, promise 5)."""
    given = asked.get("facts", {})
    if not isinstance(given, dict) or not given.keys() <= FACTS:
        raise ValueError(f"facts are named {', '.join(sorted(FACTS))}")
    facts = {name: _text(given, name, _MAX_FACT_CHARS).strip() for name in sorted(given)}
    if any(_names_a_resident(text) for text in facts.values()):
        raise CommandRefusedError("statement_note_has_identity")
    return tuple((name, text) for name, text in facts.items() if text)


def _names_a_resident(text: str) -> bool:
    """Tell whether a text holds a resident's number.

    What a till sends are numbers of visits and prescriptions, letters and many digits, often with today's date: only
    a whole number with a birthday behind us and the right check digit counts as somebody's.
    """
    born_before = (datetime.now(UTC) - _NEWBORN).strftime("%Y%m%d")
    return any(
        found[6:14] < born_before and of_text(found.upper(), aim="", length=len(found)).kind is LookalikeKind.ID_NUMBER
        for found in _RESIDENT.findall(text)
    )


def _undo(asked: Asked) -> Undo:
    return Undo(_text(asked, "station"), _operator(asked))


def _override(asked: Asked) -> Override:
    return Override(
        _text(asked, "station"),
        _operator(asked),
        _text(asked, "reason"),
        is_emergency=asked.get("emergency") is True,
        code=_text(asked, "code"),
    )


def _state(asked: Asked) -> State:
    try:
        said = PersonStatement.of(_operator(asked), _text(asked, "reason"), _text(asked, "note"))
    except StatementRefusedError as error:
        raise CommandRefusedError(f"statement_{error.problem.value}") from None
    return State(_text(asked, "station"), said.fields)


def _identify(asked: Asked) -> Identify:
    number = asked.get("number")
    if not isinstance(number, str) or len(number) > _MAX_TEXT_CHARS:
        raise ValueError("number is text")
    # Which day it is here matters only for a birthday to come, and a day too many refuses nobody.
    found = typed_identity(IdentityKind(asked.get("kind", "")), number, datetime.now(UTC).date() + timedelta(days=1))
    if isinstance(found, IdentityFault):
        raise CommandRefusedError(f"identity_fault.{found.reason.value}")
    return Identify(_text(asked, "station"), found, _operator(asked))


def _excuse(asked: Asked) -> Excuse:
    return Excuse(_text(asked, "station"), _quantity(asked, "line"), _text(asked, "reason"), _operator(asked))


def _problem(asked: Asked) -> Append:
    words = {name: _text(asked, name) for name in ("text", "code", "photo", "station")}
    try:
        return Append(
            problem_entry(
                _text(asked, "problem"),
                severity=_text(asked, "severity") or "normal",
                operator=_operator(asked),
                **words,
            )
        )
    except ProblemRefusedError as error:
        raise CommandRefusedError(error.reason.value) from None


def _stock(asked: Asked) -> StockMove:
    return StockMove(
        StockAction(asked.get("action", "")),
        _text(asked, "drug"),
        _quantity(asked, "quantity"),
        reason=_text(asked, "reason"),
        lot=_text(asked, "lot"),
        name=_text(asked, "name"),
        supplier=_text(asked, "supplier"),
        station=_text(asked, "station"),
        operator=_operator(asked),
    )


def _settle(asked: Asked) -> Settle:
    duties, into = asked.get("duties", []), _text(asked, "into")
    if not isinstance(duties, list) or not all(isinstance(duty, str) and duty.isprintable() for duty in duties):
        raise ValueError("duties is a list of ids")
    if into not in {"", "in_stock"}:
        raise ValueError("into is in_stock or nothing")
    return Settle(tuple(duties), _text(asked, "how"), _operator(asked), into)


def _sign_on(asked: Asked) -> SignOn:
    return SignOn(_text(asked, "station"), _operator(asked))


#: What can be asked for, by the word in `do`.
COMMANDS: Final[Mapping[str, Callable[[Asked], Command]]] = {
    "ticket": _ticket,
    "undo": _undo,
    "override": _override,
    "state": _state,
    "excuse": _excuse,
    "identity": _identify,
    "problem": _problem,
    "stock": _stock,
    "settle": _settle,
    "sign_on": _sign_on,
}
