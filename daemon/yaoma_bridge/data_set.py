"""Data set: a receiver whose message is protocol fields, groups of business fields and an SM3 value, all of it data.

The field tables of DB14/T 3290-2025 and NMPAB/T 1007 and 1008 are not public, so none is shipped. Whoever holds the
standard writes its names beside ours into a map; one that does not say where its names come from is refused.
"""

import base64
import json
import tomllib
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from yaoma.core.canonical import Json
from yaoma_bridge.bill import Bill, Institution
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.field_map import FieldRule, FieldTroubleError, distinct, fill, gaps
from yaoma_bridge.known import known

__all__ = ["DataSet", "Sm3Value", "event_id_of", "message_of", "missing_in", "read_data_set", "sm3_value"]

#: RFC 9562 version 5 wants a namespace; a name that nobody resolves.
_IDS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:yaoma:data-set")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Sm3Value(_Table):
    """How a message is signed: GM/T 0004 gives the hash, the standard's own text the rest.

    Args:
        over: `body`, its bytes; `pairs`, its plain fields as `name=value`, sorted and joined by `&`.
        keyed: How the secret goes in: `none`, `before`, `after`, or `hmac`.
        place: `header` or `field`.
        name: Name of that header or field; a field is left out of what is signed.
        form: How the 32 bytes are written.
    """

    over: Literal["body", "pairs"]
    keyed: Literal["none", "before", "after", "hmac"]
    place: Literal["header", "field"]
    name: Annotated[str, Field(min_length=1)]
    form: Literal["hex", "HEX", "base64"]

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        if self.over == "body" and self.place == "field":
            raise ValueError("a value over the bytes can't lie within them")
        return self


class AnswerForm(_Table):
    """How an answer reads.

    Args:
        code: The field that says how it went.
        good: Its values for success.
        busy: Its values for "later".
        duplicate: Its values for "it is there already".
        said: The field with a sentence.
        signature: The signature of answers; None if they have none.
    """

    code: str
    good: tuple[str, ...]
    busy: tuple[str, ...] = ()
    duplicate: tuple[str, ...] = ()
    said: str = ""
    signature: Sm3Value | None = None


class Group(_Table):
    """`[group.<name>]`: one of the standard's content groups.

    Args:
        operations: For which operations.
        kinds: For which kinds of institution; empty: all.
        event_type: What the message calls it.
        node: The field with the group's object; empty: its fields stand in the message itself.
        fields: Fields of the bill.
        lines_node: The field with the list of lines.
        line_fields: Fields of a line.
    """

    operations: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    event_type: str = ""
    node: str = ""
    fields: tuple[FieldRule, ...] = ()
    lines_node: str
    line_fields: tuple[FieldRule, ...]

    _distinct = field_validator("fields", "line_fields")(distinct)


class DataSet(_Table):
    """A map, whole.

    Args:
        standard: Which standard.
        names_from: Where its names were taken from: edition and page of the text that its holder has.
        path: Follows the receiver's address.
        protocol: The fields around the groups.
        signature: How a message is signed; None if it is not.
        answer: How an answer reads.
        group: The groups by name.
        lines_per_message: More lines are divided.
    """

    standard: Annotated[str, Field(min_length=1)]
    names_from: Annotated[str, Field(min_length=1)]
    path: str = ""
    protocol: tuple[FieldRule, ...]
    signature: Sm3Value | None = None
    answer: AnswerForm
    group: Mapping[str, Group]
    lines_per_message: Annotated[int, Field(ge=1)] = 500

    _distinct = field_validator("protocol")(distinct)

    def groups_for(self, operation: str, institution: Institution) -> list[str]:
        """Name the groups that an operation of such an institution goes into."""
        return [
            name
            for name, group in self.group.items()
            if operation in group.operations and (not group.kinds or institution.kind.value in group.kinds)
        ]


def read_data_set(path: Path) -> DataSet:
    """Read a map.

    Raises:
        ConfigError: If it can't be read, is none, or does not say where its names come from.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path.name}: {error.strerror}", "Name a map of fields") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ConfigError(f"{path.name}: is no TOML in UTF-8", "Correct the map") from None
    try:
        return DataSet.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        hint = "Write where the standard's names were taken from" if key == "names_from" else "Correct the map"
        raise ConfigError(f"{path.name}: {key}: {first['msg']}", hint) from None


def event_id_of(bill: Bill, group: str, part: int) -> str:
    """Give a message's GUID: the same bill always gives the same one, so nothing counts twice."""
    return str(uuid.uuid5(_IDS, f"{bill.key}#{group}#{part}"))


def missing_in(bill: Bill, number: int, data_set: DataSet, groups: Sequence[str]) -> FieldTroubleError | None:
    """Give the first thing that stands in the way of writing a line.

    Args:
        bill: The bill, with its institution.
        number: The line's number.
        data_set: The map.
        groups: The groups that it goes into.
    """
    values = _values(bill, number, "0" * 36, "")
    for name in groups:
        group = data_set.group[name]
        for rules in (data_set.protocol, group.fields, group.line_fields):
            if troubles := gaps(rules, values | {"event.type": group.event_type}):
                return troubles[0]
    return None


def message_of(
    bill: Bill, lines: Sequence[int], data_set: DataSet, group_name: str, *, event_id: str
) -> dict[str, Json]:
    """Write a message, not yet signed.

    Args:
        bill: The bill, with its institution.
        lines: Numbers of the lines.
        data_set: The map.
        group_name: The group.
        event_id: The message's GUID.

    Raises:
        FieldTroubleError: If a field can't be written.
    """
    group = data_set.group[group_name]
    first = _values(bill, lines[0], event_id, group.event_type)
    listed: list[Json] = [
        fill(group.line_fields, _values(bill, number, event_id, group.event_type)) for number in lines
    ]
    business: dict[str, Json] = {**fill(group.fields, first), group.lines_node: listed}
    protocol = fill(data_set.protocol, first)
    return {**protocol, group.node: business} if group.node else {**protocol, **business}


def sm3_value(shape: Sm3Value, secret: bytes, body: bytes, message: Mapping[str, Json]) -> str:
    """Compute the value.

    Args:
        shape: How.
        secret: The shared secret; empty if none is used.
        body: The bytes as they are sent.
        message: The same, read.
    """
    content = body if shape.over == "body" else _pairs(message, shape.name).encode()
    if shape.keyed == "hmac":
        mac = HMAC(secret, hashes.SM3())
        mac.update(content)
        return _written(mac.finalize(), shape.form)
    digest = hashes.Hash(hashes.SM3())
    before = secret if shape.keyed == "before" else b""
    after = secret if shape.keyed == "after" else b""
    digest.update(before + content + after)
    return _written(digest.finalize(), shape.form)


def _pairs(message: Mapping[str, Json], left_out: str) -> str:
    plain = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for name, value in message.items()
        if name != left_out and value is not None
    }
    return "&".join(f"{name}={plain[name]}" for name in sorted(plain))


def _written(value: bytes, form: str) -> str:
    if form == "base64":
        return base64.b64encode(value).decode()
    return value.hex().upper() if form == "HEX" else value.hex()


def _values(bill: Bill, number: int, event_id: str, event_type: str) -> dict[str, object]:
    line = bill.lines[number]
    institution = bill.institution
    assert institution is not None, "lines without an institution are held"
    own = institution.own.get("shanxi", {})
    values = known(bill, line)
    values |= {f"site.{name}": text for name, text in own.items() if isinstance(text, str)}
    values |= {
        "event.id": event_id,
        "event.type": event_type,
        "event.time": values["row.moment"],
        "actor.credit_code": institution.credit_code,
        "actor.name": institution.name,
        "actor.kind": institution.kind.value,
        "line.code": line.text,
        "line.level": line.level.value,
        "line.packs": len(line.packs) or 1,
        "line.split": "1" if line.is_split else "0",
        "line.units": abs(line.units),
        "line.verdict": line.verdict,
        "line.reason": line.reason,
    }
    return values
