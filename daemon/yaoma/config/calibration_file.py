"""Calibration file: how one scanner types or sends, as `yaoma scanners calibrate` found it; one TOML file each."""

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yaoma.config.encoding import NotTextError, decoded
from yaoma.config.said import Said
from yaoma.config.syntax import SyntaxMistakeError, parse
from yaoma.config.toml_text import key_text, value_text
from yaoma_drivers.calibration import Advice, Calibration, Parity, Profile, Speed
from yaoma_drivers.hex_bytes import HexBytes
from yaoma_drivers.keymap import LayoutName
from yaoma_drivers.wrapping import CaseChange, GsStandIn

__all__ = ["CalibrationFile", "CalibrationFileError", "calibration_text", "read_calibration"]

_MAX_BYTES: Final = 64 * 1024

#: What of it goes to the driver.
_OPTIONS: Final = (
    *("layout", "gap_ends_symbol", "prefix", "suffix", "case", "gs_as"),
    *("terminators", "idle_ends_symbol", "data_bits", "parity"),
)
#: Of these only what was found goes there: lines and keyboards have them in forms of their own.
_WHERE_FOUND: Final = frozenset({"terminators", "idle_ends_symbol", "data_bits", "parity"})

_HEAD: Final = (
    "# 扫码枪的录入方式，由 yaoma scanners calibrate 测得；换枪或改了枪的设置后请重新测。\n"
    "# How this scanner types or sends, found by yaoma scanners calibrate; repeat that after changing it.\n"
)

Fact = str | int


class CalibrationFileError(Exception):
    """The file can't be used.

    Args:
        found: What is there instead.
    """

    def __init__(self, found: Said) -> None:
        super().__init__(found.en)
        self.found = found


class CalibrationFile(BaseModel):
    """What was found, and when.

    Args:
        made: When.
        scanner: The scanner's name then.
        device: How it was named then.
        advice: What the technician was told, with the facts of each sentence.

    The others are those of `Profile`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    made: datetime
    scanner: str = ""
    device: str = ""
    layout: LayoutName = "us"
    gap_ends_symbol: bool = False
    prefix: Annotated[HexBytes, Field(max_length=16)] = b""
    suffix: Annotated[HexBytes, Field(max_length=16)] = b""
    case: CaseChange = "kept"
    gs_as: GsStandIn = ""
    terminators: tuple[Literal["CR", "LF", "CRLF", "TAB", "ETX"], ...] = ()
    idle_ends_symbol: bool = False
    data_bits: Literal[7, 8] = 8
    parity: Parity = "none"
    terminator: str = ""
    sends_aim: bool = False
    sends_gs: bool | None = None
    types_signs: bool | None = None
    took_ms: int = 0
    speed: Speed = Speed.FAST
    advice: dict[Advice, dict[str, Fact]] = Field(default_factory=dict)

    def options(self, known: Collection[str]) -> dict[str, Any]:
        """Give the options that it sets.

        Args:
            known: Those that the driver has.

        Raises:
            CalibrationFileError: If the driver can't do what this scanner needs.
        """
        chosen = {name: getattr(self, name) for name in _OPTIONS if name in self.model_fields_set}
        needed = {name for name, value in chosen.items() if value != type(self).model_fields[name].default}
        if missing := sorted(needed - set(known)):
            names = ", ".join(missing)
            raise CalibrationFileError(
                Said(f"该驱动没有的选项：{names}", f"options that this driver does not have: {names}")
            )
        return {
            name: value
            for name, value in chosen.items()
            if name in known and (name in needed or name not in _WHERE_FOUND)
        }


def read_calibration(path: Path) -> CalibrationFile:
    """Read a file.

    Raises:
        CalibrationFileError: If it can't be read or holds a mistake.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
        return CalibrationFile.model_validate(parse(decoded(raw).text))
    except FileNotFoundError:
        raise CalibrationFileError(Said(f"没有文件 {path}", f"no file {path}")) from None
    except OSError as error:
        raise CalibrationFileError(Said(f"{path} 读取出错（{error.strerror}）", f"{path}: {error.strerror}")) from None
    except (NotTextError, SyntaxMistakeError):
        raise CalibrationFileError(Said(f"{path} 不是 TOML 文件", f"{path} is no TOML file")) from None
    except ValidationError as error:
        names = ", ".join(sorted({str(one["loc"][0]) for one in error.errors(include_url=False) if one["loc"]}))
        raise CalibrationFileError(
            Said(f"{path} 中有误的键：{names}", f"{path} with mistakes in the keys {names}")
        ) from None


def calibration_text(calibration: Calibration, *, scanner: str, device: str, made: datetime) -> str:
    """Write a file.

    Args:
        calibration: What was found; it has a profile.
        scanner: The scanner's name.
        device: How the configuration names its device.
        made: When.
    """
    profile = calibration.profile or Profile()
    values: Mapping[str, object] = MappingProxyType(
        {
            "made": made,
            "scanner": scanner,
            "device": device,
            **{name: getattr(profile, name) for name in type(profile).__dataclass_fields__},
        }
    )
    lines = [_HEAD, *(f"{name} = {value_text(value)}\n" for name, value in values.items() if value is not None)]
    for advice, facts in calibration.advice.items():
        lines.append(f"\n[advice.{key_text(advice.value)}]\n")
        lines += [f"{key_text(name)} = {value_text(value)}\n" for name, value in facts.items()]
    return "".join(lines)
