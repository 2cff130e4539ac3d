"""Questions: the five things that only the technician at the counter knows; each answer is checked at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from yaoma.config.devices import scanner_of
from yaoma.config.encoding import NotTextError, decoded
from yaoma.config.judge import judge
from yaoma.config.load import ConfigError
from yaoma.config.mistake import Mistake
from yaoma.config.positions import KeyPath
from yaoma.config.reference import EXAMPLE
from yaoma.config.said import Said
from yaoma.config.syntax import SyntaxMistakeError, parse
from yaoma.config.wording import expected, found, similar

__all__ = ["QUESTIONS", "Question", "answers_from", "mistakes_in", "values_of"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Args:
        name: Of the option and of the key in a file of answers.
        path: The key that the answer goes into, or the table around it.
        ask: What is asked.
        default: What an empty answer means; None if it must be answered.
    """

    name: str
    path: KeyPath
    ask: Said
    default: str | None = None


_SCANNER: Final = "gun"

QUESTIONS: Final = (
    Question("site", ("site",), Said("机构代码（定点医药机构编号）", "The institution's code")),
    Question("box", ("box",), Said("设备名，在机构内唯一", "The device id, unique within the site")),
    Question("host", ("broker", "host"), Said("消息服务器的名称", "The broker's name")),
    Question("scanner", ("scanner", 0), Said("哪把扫码枪（编号或路径）", "Which scanner (number or path)")),
    Question("station", ("station", 0), Said("工位名称", "The station's name"), "counter"),
    Question("language", ("language",), Said("操作员语言（zh-CN 或 en）", "The operator's language"), "zh-CN"),
)


def values_of(answers: Mapping[str, str]) -> dict[str, Any]:
    """Turn answers into the keys of a configuration; what is not answered yet is as in the reference.

    Args:
        answers: By the questions' names.
    """
    values: dict[str, Any] = {name: answers.get(name, EXAMPLE[name]) for name in ("site", "box")}
    if answers.get("language", _DEFAULTS["language"]) != _DEFAULTS["language"]:
        values["language"] = answers["language"]
    scanner = scanner_of(answers["scanner"]) if "scanner" in answers else EXAMPLE["scanner"][0]
    return {
        **values,
        "broker": {"host": answers.get("host", EXAMPLE["broker"]["host"])},
        "station": [{"name": answers.get("station", _DEFAULTS["station"]), "scanners": [_SCANNER]}],
        "scanner": [{**scanner, "name": _SCANNER}],
    }


def mistakes_in(name: str, answer: str) -> list[Mistake]:
    """Check one answer by the rules of the whole file.

    Args:
        name: The question's name.
        answer: What was answered.
    """
    path = next(question.path for question in QUESTIONS if question.name == name)
    dotted = ".".join(str(part) for part in path)
    judged = judge(values_of({name: answer}), {})
    return [mistake for mistake in judged.mistakes if f"{mistake.key}.".startswith(f"{dotted}.")]


def answers_from(path: Path) -> dict[str, str]:
    """Read a file of answers: TOML with the questions' names as keys.

    Raises:
        ConfigError: If it can't be read, or holds anything else.
    """
    names = [question.name for question in QUESTIONS]
    try:
        fields = parse(decoded(path.read_bytes()).text)
    except OSError as error:
        problem = Said(f"读取出错（{error.strerror}）", f"an error ({error.strerror})")
        raise ConfigError(path, (Mistake("", "unreadable", _ANSWERS, problem),)) from None
    except NotTextError as error:
        raise ConfigError(path, (Mistake("", "not_text", error.expected, error.found, error.line),)) from None
    except SyntaxMistakeError as error:
        mistake = Mistake("", "syntax", _ANSWERS, error.problem, error.line, error.column, error.hint)
        raise ConfigError(path, (mistake,)) from None
    mistakes = []
    for name, value in fields.items():
        if name not in names:
            close = similar(name, names)
            hint = Said(f"可用：{', '.join(names)}", f"known here: {', '.join(names)}")
            meant = Said(f"是否想写 {close}？", f"did you mean {close}?") if close else hint
            mistakes.append(
                Mistake(name, "extra_forbidden", expected("extra_forbidden", {}, ""), _SOMETHING, hint=meant)
            )
        elif not isinstance(value, str):
            mistakes.append(
                Mistake(name, "string_type", expected("string_type", {}, ""), found(value, is_quotable=True))
            )
    if mistakes:
        raise ConfigError(path, tuple(mistakes))
    return fields


_DEFAULTS: Final = {question.name: question.default for question in QUESTIONS if question.default is not None}
_ANSWERS: Final = Said("一份回答文件（TOML）", "a file of answers (TOML)")
_SOMETHING: Final = Said("别的键", "another key")
