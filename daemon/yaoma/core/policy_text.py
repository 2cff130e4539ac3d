"""Policy text: reads a policy file and finds every mistake in it."""

import difflib
import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from yaoma.core.policy import Bilingual, InstitutionKind
from yaoma.core.policy_layer import NOTHING, Line, PolicyError, PolicyLayer, PolicyMistake
from yaoma.core.policy_rule import GOVERNED, RULES, Rule, UnfitError, read_text_pair, severity_rule
from yaoma.core.reason import CLASSES

__all__ = ["DEFAULT_ID", "ID_PATTERN", "TYPE", "is_policy_id", "read_layer"]

TYPE: Final = "yaoma/policy/v1"

#: The policy on which all others stand.
DEFAULT_ID: Final = "default"

#: What the id of a policy may be: it stands in file names and records.
ID_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"

#: How many rows the requirement matrix has for each notice (DOMAIN.md 7).
_ROWS: Final = {"S0": 28, "S1": 33, "S2": 26, "S3": 22, "S4": 27}
_ROW: Final = re.compile(r"(S[0-4])-([0-9]{2})")
_ID: Final = re.compile(ID_PATTERN)
_TOP: Final = ("type", "id", "version", "base", "title", "notice", "rule", "severity")
_LINE: Final = ("value", "by_institution", "rows", "quotes", "why")
_MAX_VERSION: Final = 2**53
_MOST_SHOWN: Final = 64
_PAIR: Final = Bilingual("含 zh 和 en 两段文字的表", "a table with the texts zh and en")
_TABLE: Final = Bilingual("一节", "a table")
_LONG: Final = Bilingual("过长或不可显示的内容", "something long or not printable")

_Path = tuple[str | int, ...]


def is_policy_id(text: str) -> bool:
    """Say whether a text can be the id of a policy: it stands in file names and records."""
    return _ID.fullmatch(text) is not None


def read_layer(text: str, operations: Collection[str] | None = None) -> PolicyLayer:
    """Read one policy file.

    Args:
        text: TOML; what the signature covers, if it is signed.
        operations: The ids of all operations; None lets any well-formed id stand.

    Raises:
        PolicyError: With every mistake in it.
    """
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise PolicyError([_no_toml("brackets are nested too deeply")]) from None
    except ValueError as error:
        raise PolicyError([_no_toml(str(error))]) from None
    return _Reader(operations).layer(table)


class _Reader:
    def __init__(self, operations: Collection[str] | None) -> None:
        self.operations = operations
        self.mistakes: list[PolicyMistake] = []

    def layer(self, table: Mapping[str, Any]) -> PolicyLayer:
        self.unknown((), table, _TOP)
        if table.get("type") != TYPE:
            self.add(("type",), "other_type", _same(f'"{TYPE}"'), table.get("type"))
        name, base = table.get("id"), table.get("base")
        if not isinstance(name, str) or not is_policy_id(name):
            self.add(("id",), "bad_id", Bilingual("小写字母、数字和 -", "lower-case letters, digits and -"), name)
        if base is None and name != DEFAULT_ID:
            self.add(("base",), "no_base", _same(f'"{DEFAULT_ID}"'), None)
        if base is not None and (not isinstance(base, str) or not is_policy_id(base) or base == name):
            self.add(("base",), "bad_base", Bilingual("另一份规则的 id", "the id of another policy"), base)
        version = table.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or not 0 < version < _MAX_VERSION:
            self.add(("version",), "bad_version", Bilingual("从 1 起的整数", "a whole number from 1"), version)
        notice = table.get("notice", "")
        if not isinstance(notice, str) or not notice.isprintable():
            self.add(("notice",), "bad_text", Bilingual("文件编号", "the number of a notice"), notice)
        title = self.pair(("title",), table.get("title"))
        lines = {**self.rules(table.get("rule", {})), **self.severities(table.get("severity", {}))}
        if self.mistakes:
            raise PolicyError(self.mistakes)
        return PolicyLayer(str(name), int(table["version"]), base, title, notice, MappingProxyType(lines))

    def rules(self, table: object) -> dict[str, Line]:
        lines = {}
        for name, entry in self.tables(("rule",), table):
            rule = RULES.get(name)
            if rule is None:
                self.stranger(("rule", name), RULES)
            else:
                lines[name] = self.line(("rule", name), rule, entry)
        return lines

    def severities(self, table: object) -> dict[str, Line]:
        lines = {}
        for name, entry in self.tables(("severity",), table):
            if name not in CLASSES:
                self.stranger(("severity", name), CLASSES)
            elif name in GOVERNED:
                self.add(("severity", name), "governed", _same(f"rule.{GOVERNED[name]}"), name)
            else:
                lines[f"severity.{name}"] = self.line(("severity", name), severity_rule(name), entry)
        return lines

    def line(self, path: _Path, rule: Rule, entry: Mapping[str, Any]) -> Line:
        self.unknown(path, entry, _LINE)
        values = (self.value((*path, "value"), rule, entry["value"]),) if "value" in entry else ()
        by_institution = self.kinds((*path, "by_institution"), rule, entry.get("by_institution", {}))
        if not values and not by_institution:
            self.add((*path, "value"), "missing", rule.expected, None)
        rows = self.words((*path, "rows"), entry.get("rows", []), "rows")
        if not rows and not rule.is_technical:
            self.add((*path, "rows"), "no_row", _ROWS_EXPECTED, None)
        for place, row in enumerate(rows):
            if not _is_row(row):
                self.add((*path, "rows", place), "no_such_row", _ROWS_EXPECTED, row)
        quotes = self.words((*path, "quotes"), entry.get("quotes", []), "quotes")
        return Line(values, MappingProxyType(by_institution), rows, quotes, self.pair((*path, "why"), entry.get("why")))

    def kinds(self, path: _Path, rule: Rule, table: object) -> dict[InstitutionKind, object]:
        if not isinstance(table, Mapping):
            self.add(path, "no_table", _TABLE, table)
            return {}
        if table and not rule.by_institution:
            self.add(path, "not_by_institution", Bilingual("只写 value", "value alone"), table)
            return {}
        known = [kind.value for kind in InstitutionKind]
        found: dict[InstitutionKind, object] = {}
        for name, value in table.items():
            if name not in known:
                self.stranger((*path, name), known)
            else:
                found[InstitutionKind(name)] = self.value((*path, name), rule, value)
        return found

    def value(self, path: _Path, rule: Rule, value: object) -> object:
        try:
            read = rule.read(value)
        except UnfitError:
            self.add(path, "bad_value", rule.expected, value)
            return None
        if rule.name.endswith("operations") and self.operations is not None and isinstance(read, frozenset):
            for name in sorted(read - set(self.operations)):
                self.stranger((*path, name), self.operations)
        return read

    def words(self, path: _Path, value: object, what: str) -> tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(one, str) and one for one in value):
            return tuple(value)
        expected = _ROWS_EXPECTED if what == "rows" else Bilingual("文件原文的列表", "a list of the notice's phrases")
        self.add(path, f"bad_{what}", expected, value)
        return ()

    def pair(self, path: _Path, value: object) -> Bilingual:
        try:
            return read_text_pair(value)
        except UnfitError:
            self.add(path, "no_pair", _PAIR, value)
            return NOTHING

    def tables(self, path: _Path, table: object) -> list[tuple[str, Mapping[str, Any]]]:
        if not isinstance(table, Mapping):
            self.add(path, "no_table", _TABLE, table)
            return []
        for name, entry in table.items():
            if not isinstance(entry, Mapping):
                self.add((*path, name), "no_table", _TABLE, entry)
        return [(name, entry) for name, entry in table.items() if isinstance(entry, Mapping)]

    def unknown(self, path: _Path, table: Mapping[str, Any], known: Collection[str]) -> None:
        for name in table:
            if name not in known:
                self.stranger((*path, name), known)

    def stranger(self, path: _Path, known: Iterable[str]) -> None:
        among = sorted(known)
        close = difflib.get_close_matches(str(path[-1]).lower().replace("-", "_"), among, n=1, cutoff=0.6)
        hint = Bilingual(f"是不是 {close[0]}？", f"did you mean {close[0]}?") if close else None
        expected = Bilingual("认识的名称", "a name that is known")
        self.mistakes.append(PolicyMistake(path, "unknown", expected, _found(path[-1]), hint))

    def add(self, path: _Path, kind: str, expected: Bilingual, value: object) -> None:
        self.mistakes.append(PolicyMistake(path, kind, expected, _found(value)))


_ROWS_EXPECTED: Final = Bilingual("需求矩阵的行，例如 S1-13", "rows of the requirement matrix such as S1-13")


def _is_row(row: str) -> bool:
    found = _ROW.fullmatch(row)
    return found is not None and 1 <= int(found[2]) <= _ROWS[found[1]]


def _no_toml(problem: str) -> PolicyMistake:
    return PolicyMistake((), "syntax", Bilingual("正确的 TOML 写法", "right TOML"), _same(problem))


def _found(value: object) -> Bilingual:
    if value is None:
        return NOTHING
    if isinstance(value, int) and value.bit_length() > _MOST_SHOWN:
        return _LONG  # Python refuses to write very long numbers
    if isinstance(value, bool | int | float | str | date):
        shown = str(value) if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
        return _same(shown) if len(shown) <= _MOST_SHOWN and shown.isprintable() else _LONG
    if isinstance(value, list):
        return Bilingual(f"{len(value)} 项的列表", f"a list of {len(value)}")
    return _TABLE if isinstance(value, Mapping) else Bilingual("别的内容", "something else")


def _same(text: str) -> Bilingual:
    return Bilingual(text, text)
