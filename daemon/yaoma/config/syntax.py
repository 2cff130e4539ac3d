"""Syntax: the first place where a text is no TOML, said in both languages, with what was probably meant."""

import re
import tomllib
from typing import Any, Final

from yaoma.config.said import Said

__all__ = ["SyntaxMistakeError", "parse", "salvage"]

_WHERE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_SALVAGE_ROUNDS: Final = 50

#: What tomllib says, as a pattern, and the same in Chinese; a test holds it against tomllib's source.
_CHINESE: Final = (
    (r"Invalid statement", "这里应是一个键（键 = 值）、[节] 或 # 说明"),
    (r"Expected newline or end of document after a statement", "这一行后面多了内容：每行只写一个键"),
    (r"Expected '=' after a key in a key/value pair", "键后面缺少等号 ="),
    (r"Expected .*", "这里缺少一个符号"),
    (r"Found invalid character .*", "这里有不允许的字符"),
    (r"Cannot declare .* twice", "同一节写了两次"),
    (r"Cannot overwrite a value", "同一个键写了两次"),
    (r"Cannot mutate immutable namespace .*", "这里的键已在别处写全，不能再添加"),
    (r"Cannot redefine namespace .*", "这一节与前面的键重复"),
    (r"Invalid initial character for a key part", "键的开头有不允许的字符"),
    (r"Unclosed array", "列表缺少右括号 ]"),
    (r"Unclosed inline table", "缺少右括号 }"),
    (r"Duplicate inline table key .*", "同一个键写了两次"),
    (r"Unescaped '\\' in a string", "双引号里的反斜杠 \\ 要写成 \\\\；路径请用 /"),
    (r"Invalid hex value", "反斜杠后的十六进制数不对"),
    (r"Escaped character is not a Unicode scalar value", "反斜杠后的字符编号不存在"),
    (r"Unterminated string", '缺少右引号 "'),
    (r"Illegal character .*", "这里有不允许的字符，可能缺少右引号"),
    (r"Invalid date or datetime", "日期或时间不对"),
    (r"Invalid value", "值写得不对：文本要放在英文双引号里"),
)
_ANY_CHINESE: Final = "这里的写法不对"

#: What a Chinese input method or a word processor puts where TOML wants plain characters.
_MEANT: Final = {
    "“": '"', "”": '"', "＂": '"', "„": '"', "‘": "'", "’": "'", "＇": "'", "＝": "=", "，": ",", "．": ".",
    "［": "[", "］": "]", "【": "[", "】": "]", "｛": "{", "｝": "}", "＃": "#", "：": "=",
    "\u3000": "space", "\xa0": "space", "\u200b": "nothing", "\ufeff": "nothing",
}  # fmt: skip


class SyntaxMistakeError(Exception):
    """The text is no TOML.

    Args:
        line: From 1.
        column: From 1.
        problem: What is wrong there.
        hint: What was probably meant, or None.
    """

    def __init__(self, line: int, column: int, problem: Said, hint: Said | None) -> None:
        super().__init__(f"line {line}, column {column}: {problem.en}")
        self.line = line
        self.column = column
        self.problem = problem
        self.hint = hint


def parse(text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        SyntaxMistakeError: At the first place that is none.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        problem = Said("括号套得太深", "brackets are nested too deeply")
    except tomllib.TOMLDecodeError as error:
        raise _mistake(text, str(error)) from None
    except ValueError:
        # Python limits the digits of a whole number and says so without a place.
        problem = Said("有一个数字太长", "a number has too many digits")
    raise SyntaxMistakeError(1, 1, problem, None)


def salvage(text: str) -> dict[str, Any]:
    """Read what can be read of a text with mistakes, by leaving out the lines that are no TOML; empty if that fails."""
    lines = text.split("\n")
    for _ in range(_SALVAGE_ROUNDS):
        try:
            return parse("\n".join(lines))
        except SyntaxMistakeError as error:
            if not lines[error.line - 1 :] or not lines[error.line - 1].strip():
                return {}
            lines[error.line - 1] = ""
    return {}


def _mistake(text: str, said: str) -> SyntaxMistakeError:
    lines = text.split("\n")
    where = _WHERE.search(said)
    if where and where[1]:
        line, column = int(where[1]), int(where[2])
    else:
        # At the end of the document: its last line that says anything.
        line = max((number for number, one in enumerate(lines, 1) if one.strip()), default=1)
        column = len(lines[line - 1]) + 1
    words = _WHERE.sub("", said)
    chinese = next((chinese for pattern, chinese in _CHINESE if re.fullmatch(pattern, words)), _ANY_CHINESE)
    return SyntaxMistakeError(line, column, Said(chinese, words), _hint(lines[line - 1] if lines[line - 1 :] else ""))


def _hint(line: str) -> Said | None:
    plain = line.split("#", maxsplit=1)[0]
    for character in plain:
        if meant := _MEANT.get(character):
            zh = {"space": "空格", "nothing": "删去它"}.get(meant, meant)
            shown = character if character.isprintable() else f"U+{ord(character):04X}"
            return Said(
                f"这一行有全角或排版字符 {shown}，请改为英文半角：{zh}",
                f"this line has the typographic character {shown}; use the plain one: {meant}",
            )
    if re.match(r"\s*[A-Za-z0-9_.-]+\s*:", plain):
        return Said("键和值之间用等号 =，不用冒号", "between key and value stands =, not a colon")
    if re.match(r'\s*[A-Za-z0-9_.-]+\s*=\s*[^"\'\[{0-9+\-tf\s]', plain):
        return Said("文本要放在英文双引号里", 'text stands in double quotes: "..."')
    return None
