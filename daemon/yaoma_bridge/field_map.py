"""Field map: how a platform names, writes and limits its fields, as data; the values come from our own names.

Field tables differ from province to province, and some can only be bought. So no table stands in code: a TOML file
says for each field where its value comes from, and a value that is needed and missing is said, never invented.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from yaoma.core.canonical import Json

__all__ = ["FieldRule", "FieldTroubleError", "distinct", "fill", "gaps"]

_Name = Annotated[str, Field(min_length=1, max_length=64)]


class FieldTroubleError(ValueError):
    """A field can't be written: the value is missing or does not fit. The value is never quoted.

    Args:
        field: The platform's name of it.
        source: Our name of the value.
        problem: `missing`, `too_long` or `unfit`.
    """

    def __init__(self, field: str, source: str, problem: str) -> None:
        super().__init__(f"{field} ({source}): {problem}")
        self.field = field
        self.source = source
        self.problem = problem


class FieldRule(BaseModel):
    """One field of a platform's table.

    Args:
        name: The platform's name; with dots it lies in objects of these names.
        source: Our names of the value; the first that has one counts. Written `from` in the file.
        value: A fixed value instead.
        need: `always`; `never`; or one of our names: needed if that one has a value.
        length: At most so many characters; 0 for no limit. A longer value is trouble, unless `cut`.
        cut: Cut a longer value off; only for remarks.
        form: How it is written: `text`; `date` and `time` by `pattern`; `number` with `decimals`; `whole` as a number
            of JSON.
        pattern: For dates and times, as `strftime` takes it.
        decimals: For `number`.
        words: Our value to the platform's; a value that is not among them is missing.
        default: Written if no source has a value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)

    name: _Name
    source: tuple[_Name, ...] = Field(default=(), alias="from")
    value: str | None = None
    need: str = "never"
    length: Annotated[int, Field(ge=0)] = 0
    cut: bool = False
    form: Literal["text", "date", "time", "number", "whole"] = "text"
    pattern: str = ""
    decimals: Annotated[int, Field(ge=0, le=9)] = 2
    words: Mapping[str, str] | None = None
    default: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_name_will_do(cls, table: object) -> object:
        if isinstance(table, dict) and isinstance(table.get("from"), str):
            return {**table, "from": (table["from"],)}
        return table

    @model_validator(mode="after")
    def _has_a_source(self) -> "FieldRule":
        if (self.value is None) == (not self.source):
            raise ValueError("a field has either `from` or `value`")
        return self

    def written(self, values: Mapping[str, object]) -> Json:
        """Give the field's value, or None if it has none and needs none.

        Raises:
            FieldTroubleError: If it is needed and missing, or does not fit.
        """
        for source in self.source:
            found = values.get(source)
            if found is None or found == "":
                continue
            text = str(found) if self.words is None else self.words.get(str(found), "")
            if text:
                return self._fitted(found if self.words is None else text, source)
        if self.value is not None:
            return self._fitted(self.value, "value")
        if self.default is not None:
            return self._fitted(self.default, "default")
        if self.need == "always" or (self.need != "never" and values.get(self.need) not in {None, ""}):
            raise FieldTroubleError(self.name, self.source[0], "missing")
        return None

    def _fitted(self, value: object, source: str) -> Json:
        try:
            written = self._formed(value)
        except (ValueError, InvalidOperation):
            raise FieldTroubleError(self.name, source, "unfit") from None
        if isinstance(written, str) and self.length and len(written) > self.length:
            if not self.cut:
                raise FieldTroubleError(self.name, source, "too_long")
            written = written[: self.length]
        return written

    def _formed(self, value: object) -> Json:
        match self.form:
            case "date":
                day = value if isinstance(value, date) else date.fromisoformat(str(value))
                return day.strftime(self.pattern or "%Y-%m-%d")
            case "time":
                moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
                return moment.strftime(self.pattern or "%Y-%m-%d %H:%M:%S")
            case "number":
                number = Decimal(str(value))
                if not number.is_finite():
                    raise ValueError("no number")
                return str(number.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP))
            case "whole":
                return int(str(value))
            case _:
                return str(value)


def distinct(rules: tuple[FieldRule, ...]) -> tuple[FieldRule, ...]:
    """Give the rules back if no name is there twice, or stands for a value and an object at once.

    Raises:
        ValueError: If one does.
    """
    names = [rule.name for rule in rules]
    inner = {name[:at] for name in names for at, letter in enumerate(name) if letter == "."}
    if len(set(names)) != len(names) or not inner.isdisjoint(names):
        raise ValueError("a field's name is there twice")
    return rules


def fill(rules: Sequence[FieldRule], values: Mapping[str, object]) -> dict[str, Json]:
    """Write a platform's object.

    Args:
        rules: Its fields.
        values: Values by our names.

    Raises:
        FieldTroubleError: At the first field that can't be written.
    """
    filled: dict[str, Json] = {}
    for rule in rules:
        written = rule.written(values)
        if written is None:
            continue
        at = filled
        *path, last = rule.name.split(".")
        for part in path:
            inner = at.setdefault(part, {})
            assert isinstance(inner, dict), "a field map is checked when it is read"
            at = inner
        at[last] = written
    return filled


def gaps(rules: Sequence[FieldRule], values: Mapping[str, object]) -> tuple[FieldTroubleError, ...]:
    """Give all that stands in the way of writing an object."""
    found = []
    for rule in rules:
        try:
            rule.written(values)
        except FieldTroubleError as trouble:
            found.append(trouble)
    return tuple(found)
