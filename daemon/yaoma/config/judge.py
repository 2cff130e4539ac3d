"""Judge: keys and values against the model, the drivers' own options and each other; all mistakes at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from yaoma.config.calibration_file import CalibrationFile, CalibrationFileError, read_calibration
from yaoma.config.contradictions import contradictions
from yaoma.config.key_table import about, below, named_elsewhere
from yaoma.config.mistake import Mistake
from yaoma.config.model import Config
from yaoma.config.positions import KeyPath, Position, nearest
from yaoma.config.said import Said
from yaoma.config.wording import ABSENT, expected, found, similar
from yaoma_drivers import registry
from yaoma_drivers.errors import DriverUnusable, UnknownDriver

__all__ = ["CalibrationOf", "Judged", "judge"]

CalibrationOf = Callable[[str, Path], CalibrationFile]
"""Reads the calibration of a scanner: its name, and the path that the configuration has."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of it.

    Args:
        config: The model, or None if a key has a mistake.
        options: The checked options of each scanner's driver, by scanner, as far as they are right.
        mistakes: In the order of lines, those without a line last.
        indicator_options: Those of each indicator's driver, by indicator.
        port_options: Those of each pass-through port's driver, by station.
    """

    config: Config | None
    options: Mapping[str, BaseModel]
    mistakes: tuple[Mistake, ...]
    indicator_options: Mapping[str, BaseModel] = field(default_factory=dict)
    port_options: Mapping[str, BaseModel] = field(default_factory=dict)


@dataclass(slots=True)
class _Findings:
    """Mistakes as they are found.

    Args:
        fields: The file's keys and values.
        places: Where the keys stand.
    """

    fields: Mapping[str, Any]
    places: Mapping[KeyPath, Position]
    mistakes: list[Mistake] = field(default_factory=list)

    def add(self, path: KeyPath, kind: str, what: Said, value: Said, hint: Said | None = None) -> None:
        place = nearest(self.places, path)
        column = place.column if place and path in self.places else None
        dotted = ".".join(str(part) for part in path)
        self.mistakes.append(Mistake(dotted, kind, what, value, place.line if place else None, column, hint))

    def add_error(self, error: Mapping[str, Any], base: KeyPath, known: tuple[str, ...] | None) -> None:
        """Add one of pydantic's errors.

        Args:
            error: As `ValidationError.errors` gives it.
            base: Where the checked table stands.
            known: The keys of a driver's options; None for our own model.
        """
        # pydantic marks a mistake in the key of a free table, not in its value, with a part of its own.
        path: KeyPath = (*base, *(part for part in error["loc"] if part != "[key]"))
        kind, text = str(error["type"]), about(path)
        if kind == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]:
            return  # pydantic counts the right items only; the wrong ones have mistakes of their own
        hint: Said | None
        what = expected(kind, error.get("ctx") or {}, str(error["msg"]))
        value = ABSENT if kind == "missing" else found(error["input"], is_quotable=bool(text and text.is_quotable))
        if kind == "extra_forbidden":
            hint = _unknown_key_hint(path, below(path[:-1]) if known is None else known)
        elif kind == "missing" and text and text.example is not None and known is None:
            hint = Said(f"{text.zh}例如 {text.example}", f"{text.en} For example {text.example}")
        else:
            hint = text.said if text and known is None else None
        self.add(path, kind, what, value, hint)


def judge(
    fields: Mapping[str, Any],
    places: Mapping[KeyPath, Position],
    calibration_of: CalibrationOf = lambda _, path: read_calibration(path),
) -> Judged:
    """Check everything, also what stands beside a mistake.

    Args:
        fields: The file's keys and values.
        places: Where they stand; may be empty.
        calibration_of: Reads the calibration files that it names.
    """
    findings = _Findings(fields, places)
    config = None
    try:
        config = Config.model_validate(fields)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            # The model's own rule stops at the first contradiction; all of them are listed below.
            if one["loc"]:
                findings.add_error(one, (), None)
    for contradiction in contradictions(fields):
        text = about(contradiction.at)
        there = _at(fields, contradiction.at)
        value = ABSENT if there is None else found(there, is_quotable=bool(text and text.is_quotable))
        findings.add(contradiction.at, contradiction.kind, expected(contradiction.kind, contradiction.facts, ""), value)
    options = _options(findings, "scanner", registry.Group.SCANNERS, calibration_of=calibration_of)
    indicators = _options(findings, "indicator", registry.Group.INDICATORS)
    ports = _options(findings, "pass_through", registry.Group.PORTS, key="station")
    findings.mistakes.sort(key=lambda mistake: (mistake.line is None, mistake.line or 0, mistake.column or 0))
    return Judged(config, options, tuple(findings.mistakes), indicators, ports)


def _options(
    findings: _Findings,
    section: str,
    group: registry.Group,
    *,
    key: str = "name",
    calibration_of: CalibrationOf | None = None,
) -> dict[str, BaseModel]:
    """Check the drivers and options of a section's tables; give the options by what the table is known by."""
    options: dict[str, BaseModel] = {}
    tables = findings.fields.get(section)
    for number, table in enumerate(tables if isinstance(tables, list) else []):
        if not isinstance(table, Mapping):
            continue
        driver, written = table.get("driver"), table.get("options", {})
        if not isinstance(driver, str) or not isinstance(written, Mapping):
            continue
        base: KeyPath = (section, number)
        try:
            known = tuple(registry.options_of(driver, group).model_fields)
            calibrated = _calibrated(findings, base, table, known, calibration_of) if calibration_of else {}
            options[str(table.get(key))] = registry.check(driver, {**calibrated, **written}, group=group)
        except UnknownDriver as error:
            close = similar(driver, error.known)
            facts = {"known": ", ".join(error.known)}
            findings.add(
                (*base, "driver"),
                "driver_unknown",
                expected("driver_unknown", facts, ""),
                found(driver, is_quotable=True),
                _meant(close) if close else None,
            )
        except DriverUnusable as error:
            facts = {"why": " ".join(f"{error.distribution}: {error.why}".split())}
            findings.add(
                (*base, "driver"),
                "driver_unusable",
                expected("driver_unusable", facts, ""),
                found(driver, is_quotable=True),
            )
        except ValidationError as error:
            for one in error.errors(include_url=False):
                findings.add_error(one, (*base, "options"), known)
    return options


def _calibrated(
    findings: _Findings,
    base: KeyPath,
    scanner: Mapping[str, Any],
    known: tuple[str, ...],
    calibration_of: CalibrationOf,
) -> dict[str, Any]:
    """Give the options that the scanner's calibration sets; a file that can't be used is a mistake, never ignored."""
    path = scanner.get("calibration")
    if not isinstance(path, str) or not Path(path).is_absolute():
        return {}
    try:
        return calibration_of(str(scanner.get("name")), Path(path)).options(known)
    except CalibrationFileError as error:
        findings.add(
            (*base, "calibration"), "calibration_unusable", expected("calibration_unusable", {}, ""), error.found
        )
        return {}


def _unknown_key_hint(path: KeyPath, known: tuple[str, ...]) -> Said:
    name = str(path[-1])
    if close := similar(name, known):
        return _meant(close)
    section = named_elsewhere(name)
    if section == ():
        return Said(
            f"{name} 属于文件开头：写在第一个 [节] 之前", f"{name} belongs to the top: before the first [section]"
        )
    if section is not None and section != tuple(part for part in path[:-1] if isinstance(part, str)):
        dotted = ".".join(section)
        return Said(f"{name} 属于 [{dotted}] 这一节", f"{name} belongs to the section [{dotted}]")
    listed = ", ".join(known)
    return Said(f"这里可用的键：{listed}", f"keys that are known here: {listed}")


def _meant(name: str) -> Said:
    return Said(f"是否想写 {name}？", f"did you mean {name}?")


def _at(fields: object, path: KeyPath) -> object:
    """Give the value of a key that the path was made from; None if it is the key that is missing."""
    for part in path:
        if isinstance(fields, Mapping) and part not in fields:
            return None
        fields = fields[part]  # type: ignore[index]  # the path was made from these fields
    return fields
