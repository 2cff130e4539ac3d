"""Wording: what was expected, by the kind of mistake, and what was found, in both languages; no secret is shown."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sized
from datetime import date, time
from types import MappingProxyType
from typing import Final

from yaoma.config.said import Said

__all__ = ["ABSENT", "EXPECTED", "expected", "found", "similar"]

_TEXT: Final = Said("文本（放在双引号里）", "text (in double quotes)")
_WHOLE: Final = Said("整数（不加引号）", "a whole number (without quotes)")
_NUMBER: Final = Said("数字（不加引号）", "a number (without quotes)")
_SWITCH: Final = Said("true 或 false（不加引号）", "true or false (without quotes)")
_LIST: Final = Said('列表，例如 ["a", "b"]', 'a list such as ["a", "b"]')
_TABLE: Final = Said("一节：另起一行写 [名称]", "a table: a line [name] of its own")
_DATE: Final = Said("日期 年-月-日（不加引号）", "a date YYYY-MM-DD (without quotes)")
_TIME: Final = Said("时间 时:分:秒（不加引号）", "a time hh:mm:ss (without quotes)")
_MOMENT: Final = Said("日期加时间（不加引号）", "a date and time (without quotes)")
_SPAN: Final = Said("时长", "a length of time")
_BYTES: Final = Said("文本形式的字节", "bytes written as text")
_UUID: Final = Said("UUID", "a UUID")
_URL: Final = Said("网址", "a URL")

#: What was expected, by pydantic's type of error and by our own kinds. The facts are those of the error.
EXPECTED: Final[Mapping[str, Said]] = MappingProxyType(
    {
        # our own
        "path_not_absolute": Said("以 / 开头的绝对路径", "an absolute path, beginning with /"),
        "no_host_name": Said(
            "只写服务器的域名或 IP 地址，不带 mqtt://、端口和空格",
            "the broker's host name or IP address alone, without mqtt://, port or spaces",
        ),
        "not_local": Said(
            "本机回环地址加端口，例如 127.0.0.1:9464，或 unix: 加绝对路径",
            "a loopback address with port such as 127.0.0.1:9464, or unix: and an absolute path",
        ),
        "no_web_address": Said(
            "以 https:// 开头的文件夹地址，不带账号和参数",
            "an address that begins with https:// and names a folder, without account and question mark",
        ),
        "scanner_twice": Said("每个扫码枪名称只用一次", "each scanner's name used once"),
        "station_twice": Said("每个工位名称只用一次", "each station's name used once"),
        "placed_twice": Said("每个扫码枪只属于一个工位", "each scanner at one station only"),
        "scanner_at_no_station": Said(
            "扫码枪 {name} 写在某个 [[station]] 的 scanners 里（现有工位：{stations}）",
            "the scanner {name} among the scanners of a [[station]] (there are: {stations})",
        ),
        "no_such_scanner": Said(
            "已有的 [[scanner]] 的名称（现有：{scanners}）", "the name of a [[scanner]] (there are: {scanners})"
        ),
        "indicator_twice": Said("每个指示器名称只用一次", "each indicator's name used once"),
        "port_twice": Said("每个工位只有一个透传端口", "one pass-through port for each station"),
        "no_such_station": Said(
            "已有的 [[station]] 的名称（现有：{stations}）", "the name of a [[station]] (there are: {stations})"
        ),
        "seal_without_salt": Said("seal 与 salt 同时设置；还缺 salt", "seal and salt together; salt is missing"),
        "salt_without_seal": Said("seal 与 salt 同时设置；还缺 seal", "seal and salt together; seal is missing"),
        "policy_without_institution": Said(
            "有地方规则时，写明机构类型，例如 pharmacy、hospital、village",
            "with a place's policy, the kind of institution, such as pharmacy, hospital or village",
        ),
        "driver_unknown": Said("已安装的驱动：{known}", "an installed driver: {known}"),
        "driver_unusable": Said("能加载的驱动（{why}）", "a driver that can be loaded ({why})"),
        "calibration_unusable": Said(
            "可用的录入方式文件；重新测：yaoma scanners calibrate",
            "a calibration file that can be used; make it anew: yaoma scanners calibrate",
        ),
        # pydantic
        "missing": Said("必须写这个键", "this key"),
        "extra_forbidden": Said("已知的键", "a known key"),
        "model_type": _TABLE,
        "dict_type": _TABLE,
        "mapping_type": _TABLE,
        "dataclass_type": _TABLE,
        "is_instance_of": Said("{class} 类型的值", "a value of the kind {class}"),
        "greater_than": Said("大于 {gt} 的数", "a number above {gt}"),
        "greater_than_equal": Said("不小于 {ge} 的数", "a number of at least {ge}"),
        "less_than": Said("小于 {lt} 的数", "a number below {lt}"),
        "less_than_equal": Said("不大于 {le} 的数", "a number of at most {le}"),
        "multiple_of": Said("{multiple_of} 的倍数", "a multiple of {multiple_of}"),
        "finite_number": Said("有限的数字", "a finite number"),
        "too_short": Said("至少 {min_length} 项", "at least {min_length} items"),
        "too_long": Said("至多 {max_length} 项", "at most {max_length} items"),
        "list_type": _LIST,
        "tuple_type": _LIST,
        "set_type": _LIST,
        "frozen_set_type": _LIST,
        "iterable_type": _LIST,
        "set_item_not_hashable": Said("简单的值，不是列表或节", "a plain value, no list and no table"),
        "string_type": _TEXT,
        "string_too_short": Said("至少 {min_length} 个字符的文本", "text of at least {min_length} characters"),
        "string_too_long": Said("至多 {max_length} 个字符的文本", "text of at most {max_length} characters"),
        "string_pattern_mismatch": Said("符合 {pattern} 的文本", "text that matches {pattern}"),
        "string_not_ascii": Said("只含英文字符的文本", "text of ASCII characters"),
        "string_unicode": _TEXT,
        "path_type": Said("路径（放在双引号里）", "a path (in double quotes)"),
        "bool_type": _SWITCH,
        "bool_parsing": _SWITCH,
        "int_type": _WHOLE,
        "int_parsing": _WHOLE,
        "int_parsing_size": Said("位数较少的整数", "a whole number with fewer digits"),
        "int_from_float": Said("没有小数的整数", "a whole number without a fraction"),
        "float_type": _NUMBER,
        "float_parsing": _NUMBER,
        "decimal_type": _NUMBER,
        "decimal_parsing": _NUMBER,
        "bytes_type": _BYTES,
        "bytes_too_short": Said("至少 {min_length} 个字节", "at least {min_length} bytes"),
        "bytes_too_long": Said("至多 {max_length} 个字节", "at most {max_length} bytes"),
        "bytes_invalid_encoding": _BYTES,
        "literal_error": Said("以下之一：{expected}", "one of: {expected}"),
        "enum": Said("以下之一：{expected}", "one of: {expected}"),
        "union_tag_invalid": Said(
            "{discriminator} 为以下之一：{expected_tags}", "{discriminator} one of: {expected_tags}"
        ),
        "union_tag_not_found": Said("有键 {discriminator}", "the key {discriminator} to be there"),
        "invalid_key": Said("文本形式的键", "a key that is text"),
        "date_type": _DATE,
        "date_parsing": _DATE,
        "date_from_datetime_parsing": _DATE,
        "date_from_datetime_inexact": _DATE,
        "time_type": _TIME,
        "time_parsing": _TIME,
        "datetime_type": _MOMENT,
        "datetime_parsing": _MOMENT,
        "datetime_object_invalid": _MOMENT,
        "datetime_from_date_parsing": _MOMENT,
        "timezone_aware": Said("带时区的时间", "a time with its time zone"),
        "timezone_naive": Said("不带时区的时间", "a time without time zone"),
        "time_delta_type": _SPAN,
        "time_delta_parsing": _SPAN,
        "url_type": _URL,
        "url_parsing": _URL,
        "url_syntax_violation": _URL,
        "url_too_long": Said("至多 {max_length} 个字符的网址", "a URL of at most {max_length} characters"),
        "url_scheme": Said("以 {expected_schemes} 开头的网址", "a URL that begins with {expected_schemes}"),
        "uuid_type": _UUID,
        "uuid_parsing": _UUID,
        "uuid_version": Said("第 {expected_version} 版 UUID", "a UUID of version {expected_version}"),
    }
)

#: Where a pattern can be said in words.
_PATTERNS: Final = {
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$": Said(
        "1 到 63 个英文字母、数字、- 或 _，以字母或数字开头",
        "1 to 63 letters, digits, - or _, beginning with a letter or digit",
    ),
    r"^[a-z0-9][a-z0-9-]{0,62}$": Said(
        "1 到 63 个小写英文字母、数字或 -，以字母或数字开头",
        "1 to 63 lower-case letters, digits or -, beginning with a letter or digit",
    ),
}

#: What drivers refuse with a ValueError of their own (drivers/yaoma_drivers), and what they expect.
_DRIVERS_RULES: Final = (
    (r"must be an absolute path, beginning with /", EXPECTED["path_not_absolute"]),
    (
        r"without a terminator only silence .*",
        Said(
            "没有结束符时只能靠停顿分隔：打开 idle_ends_symbol，或写明 terminators",
            "terminators, or idle_ends_symbol switched on, so that silence ends a symbol",
        ),
    ),
    (
        r"name the scanner by exactly one of .*",
        Said("serial、port、device 三者只写一个", "exactly one of serial, port and device"),
    ),
    (r"a terminator has at least one byte", Said("结束符至少一个字节", "terminators of at least one byte")),
    (
        r"one terminator stands inside another.*",
        Said("结束符互不包含：请写 CR 和 LF，不写 CRLF", "terminators that don't hold each other: CR and LF, not CRLF"),
    ),
    (r"non-hexadecimal number found .*", Said("十六进制字节，例如 1B 37", "bytes in hexadecimal such as 1B 37")),
)

ABSENT: Final = Said("没有", "nothing")

#: What is said of a value that is not shown; a switch is a whole number to Python, so it comes first.
_KINDS: Final = (
    (str, Said("文本（{size} 个字符）", "text (length {size})")),
    (bool, Said("开关值", "true or false")),
    (int, Said("整数", "a whole number")),
    (float, Said("小数", "a number with a fraction")),
    (list | tuple, Said("列表（{size} 项）", "a list (length {size})")),
    (dict, Said("一节（{size} 个键）", "a table (keys: {size})")),
    (date | time, Said("日期或时间", "a date or time")),
)
_ELSE: Final = Said("别的内容", "something else")

_MOST_SHOWN: Final = 64
_VALUE_ERROR: Final = re.compile(r"^(?:Value error|Assertion failed), ")


def expected(kind: str, facts: Mapping[str, object], message: str) -> Said:
    """Say what was expected.

    Args:
        kind: pydantic's type of error, or one of ours.
        facts: The error's context.
        message: pydantic's English sentence, for kinds that a third party's driver brings along.
    """
    pattern = _PATTERNS.get(str(facts.get("pattern")))
    if kind == "string_pattern_mismatch" and pattern is not None:
        return pattern
    if kind in EXPECTED:
        return EXPECTED[kind].fill({name: _fact(fact) for name, fact in facts.items()})
    words = _VALUE_ERROR.sub("", message)
    known = (said for english, said in _DRIVERS_RULES if re.fullmatch(english, words))
    return next(known, Said(f"驱动可用的值（{words}）", f"a value that the driver takes ({words})"))


def found(value: object, *, is_quotable: bool) -> Said:
    """Say what was found: the value of a key that may be shown, of any other its kind and size.

    Args:
        value: What stands in the file.
        is_quotable: Whether it may be shown.
    """
    if is_quotable and isinstance(value, bool | int | float) and len(shown := _number(value)) <= _MOST_SHOWN:
        return Said(shown, shown)
    if is_quotable and isinstance(value, str) and len(value) <= _MOST_SHOWN and value.isprintable():
        quoted = json.dumps(value, ensure_ascii=False)
        return Said(quoted, quoted)
    return next((said.fill({"size": _size(value)}) for kind, said in _KINDS if isinstance(value, kind)), _ELSE)


def similar(word: str, known: Iterable[str]) -> str | None:
    """Give the known word that was probably meant, or None."""
    close = difflib.get_close_matches(word.lower().replace("-", "_"), list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def _number(value: float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def _size(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 0


def _fact(fact: object) -> object:
    """Join choices in both languages: pydantic writes `'a', 'b' or 'c'`."""
    if isinstance(fact, str) and " or " in fact:
        return Said(fact.replace(" or ", "、").replace(", ", "、"), fact)
    return fact
