"""Profile: what differs from province to province in the insurance platform's interface, read from TOML files.

A province's file names the one that it `extends` and says only what is different: tables are laid over each other,
lists are replaced, and `change_fields` changes single ones of a list. `config/nhsa/national.toml` holds what public
sources agree on (DOMAIN.md 2).
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from yaoma_bridge.errors import ConfigError
from yaoma_bridge.field_map import FieldRule, distinct

__all__ = ["Codes", "Doing", "Gateway", "Profile", "Query", "Transaction", "Words", "read_profile"]

_MAX_DEPTH: Final = 8

#: `change_fields` lays single fields over the list `fields` of the file below.
_CHANGE: Final = "change_"
_SOURCES: Final = {"from", "value"}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Gateway(_Table):
    """`[gateway]`: how a request travels.

    Args:
        path: Follows the address of the institution's gateway; `{infno}` stands for the transaction's number.
        content_type: The HTTP content type.
        input_form: `object`, or `text` for a JSON text within the JSON.
        max_input_letters: A longer `input` is divided.
        envelope: The envelope's fields.
        codes_per_row: A row with more codes is divided.
        rows_per_call: More rows are divided.
        sign_in: 9001 comes first, and its number stands in each envelope.
    """

    path: str = ""
    content_type: str = "application/json; charset=UTF-8"
    input_form: Literal["object", "text"] = "object"
    max_input_letters: Annotated[int, Field(ge=2000)] = 40_000
    envelope: tuple[FieldRule, ...]
    codes_per_row: Annotated[int, Field(ge=1)] = 500
    rows_per_call: Annotated[int, Field(ge=1)] = 20
    sign_in: bool = True

    _distinct = field_validator("envelope")(distinct)


class Words(_Table):
    """`[answers]`: what stands in an answer's sentence, and what it means; nobody publishes the codes (DOMAIN.md 2.3).

    Args:
        session_lost: The sign-in no longer counts: sign in anew, the request was not processed.
        busy: Not processed, come again later.
        credentials: Not processed, since we are not let in.
        duplicate: It may be there already: ask.
        sold_elsewhere: Refused, since the code was sold before.
    """

    session_lost: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    duplicate: tuple[str, ...] = ()
    sold_elsewhere: tuple[str, ...] = ()


class Codes(_Table):
    """Where and how the codes of a row are written.

    Args:
        node: The field that holds them.
        name: The name of a code.
        shape: `rows`, a list of objects; `object`, one object, so each row has one code; `text`, the field itself is
            the one code (the old `drug_trac_codg` of 2022).
        length: The longest code that fits.
        gs1: How a GS1 code is written, with `{gtin}` and `{serial}`; empty: nobody knows, it is held.
        other: Write codes of other standards as they are; false: hold them.
    """

    node: str = "drugtracinfo"
    name: str = "drug_trac_codg"
    shape: Literal["rows", "object", "text"] = "rows"
    length: Annotated[int, Field(ge=20)] = 100
    gs1: str = ""
    other: bool = False


class Query(_Table):
    """How to find out whether a row arrived.

    Args:
        infno: 3512 for what came in, 3513 for sales.
        node: The object of its fields.
        fields: Its fields.
        settle_s: Before so many seconds have passed since the sending, "not there" is not believed.
    """

    infno: str
    node: str = "data"
    fields: tuple[FieldRule, ...]
    settle_s: Annotated[int, Field(ge=0)] = 300

    _distinct = field_validator("fields")(distinct)


class Transaction(_Table):
    """`[transaction.<name>]`: one of 3501-3506.

    Args:
        infno: Its number.
        node: The object of a single row.
        batch_infno: The number of its batch variant; empty if the province has none.
        batch_node: The list of its rows.
        error_nodes: Lists in the output that answer row by row.
        deleted_as: `inv_data_type` by which 3507 deletes its rows.
        letter: Tells its row numbers from those of the same bill's other transactions.
        fields: The fields of a row.
        codes: The codes of a row; None if it takes none.
        query: How to ask; None if nothing public says how.
    """

    infno: str
    node: str
    batch_infno: str = ""
    batch_node: str = ""
    error_nodes: tuple[str, ...] = ()
    deleted_as: str
    letter: Annotated[str, Field(pattern=r"^[A-Z]$")]
    fields: tuple[FieldRule, ...]
    codes: Codes | None = None
    query: Query | None = None

    _distinct = field_validator("fields")(distinct)


class Doing(_Table):
    """One transaction of an operation.

    Args:
        do: The transaction's name.
        change_type: `inv_chg_type` of a stock change (DOMAIN.md 2.6).
        gift: It is a gift (`prod_geay_flag`).
        when: A switch of the institution's file that turns it on; empty: always.
    """

    do: str
    change_type: str = ""
    gift: bool = False
    when: Literal["", "purchases"] = ""


class Profile(_Table):
    """A province's file, whole.

    Args:
        name: For logs and the operator.
        extends: The file below it, in the same folder; empty if none.
        gateway: How a request travels.
        signing: Signatures, in the order in which they are made: `kind` and the options of that kind.
        answers: What sentences mean.
        operation: What is sent for each operation; an operation without an entry is not needed.
        transaction: The transactions by name.
        split_count: How a portion of an opened pack is counted: `packs`, as a part of it; `units`.
    """

    name: str
    extends: str = ""
    gateway: Gateway
    signing: tuple[dict[str, str | int | bool | list[str]], ...]
    answers: Words = Words()
    operation: Mapping[str, tuple[Doing, ...]]
    transaction: Mapping[str, Transaction]
    split_count: Literal["packs", "units"] = "packs"

    @model_validator(mode="after")
    def _transactions_are_there(self) -> Self:
        named = {doing.do for doings in self.operation.values() for doing in doings}
        if missing := named - self.transaction.keys():
            raise ValueError(f"no transaction is called {', '.join(sorted(missing))}")
        if any(len({one.do for one in doings}) != len(doings) for doings in self.operation.values()):
            raise ValueError("an operation sends a transaction once")
        letters = [one.letter for one in self.transaction.values()]
        if len(set(letters)) != len(letters):
            raise ValueError("two transactions have the same letter")
        return self


def read_profile(path: Path) -> Profile:
    """Read a province's file and those that it stands on.

    Raises:
        ConfigError: If one can't be read, or what comes out is no profile; the sentence names the key.
    """
    tables = _laid_over(path, _MAX_DEPTH)
    try:
        return Profile.model_validate(tables)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path.name}: {key}: {first['msg']}", "Correct the province's file") from None


def _laid_over(path: Path, depth: int) -> dict[str, object]:
    try:
        table: dict[str, object] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path.name}: {error.strerror}", "Name a province's file") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ConfigError(f"{path.name}: is no TOML in UTF-8", "Correct the province's file") from None
    below = table.get("extends")
    if not isinstance(below, str) or not below:
        return table
    if not depth or "/" in below:
        raise ConfigError(f"{path.name}: extends: no file of the same folder", "Correct the province's file")
    return _merged(_laid_over(path.with_name(below), depth - 1), table)


def _merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(under, value)
        elif key.startswith(_CHANGE) and isinstance(value, list):
            changed = key.removeprefix(_CHANGE)
            merged[changed] = _changed(merged.get(changed), value)
        else:
            merged[key] = value
    return merged


def _changed(fields: object, changes: list[object]) -> list[object]:
    """Lay single fields over a list of them by name; one with `name` alone is taken out."""
    rows = {one["name"]: one for one in fields if isinstance(one, dict)} if isinstance(fields, list) else {}
    for change in changes:
        if not isinstance(change, dict) or not isinstance(change.get("name"), str):
            return [change]  # it is refused as a field, with the key
        name = change["name"]
        if change.keys() == {"name"}:
            rows.pop(name, None)
        else:
            old = rows.get(name, {})
            if change.keys() & _SOURCES:
                old = {key: value for key, value in old.items() if key not in _SOURCES}
            rows[name] = {**old, **change}
    return list(rows.values())
