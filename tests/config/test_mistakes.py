"""Mistakes: each with its line, its key, what was expected and what was found; never with a secret."""

import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.config import syntax
from yaoma.config.judge import judge
from yaoma.config.load import Reading, read
from yaoma.config.mistake import Mistake, lines_of, sentence_of

GOOD = """\
site = "H32132200561"
box = "counter-1"
[broker]
host = "broker.example"
[[station]]
name = "counter"
scanners = ["gun"]
[[scanner]]
name = "gun"
driver = "serial_line"
[scanner.options]
device = "/dev/ttyACM0"
"""


def written(tmp_path: Path, content: str | bytes) -> Reading:
    """What reading a file with this content gives."""
    path = tmp_path / "yaoma.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path)


def changed(old: str, new: str) -> str:
    """The good file with one change."""
    assert old in GOOD
    return GOOD.replace(old, new)


_CASES: dict[str, tuple[str, int | None, str, str, str]] = {
    # what: text, line, key, words of what was expected, words of what was found
    "wrong type": (changed("[broker]", '[broker]\nport = "x"'), 4, "broker.port", "whole number", '"x"'),
    "switch for a number": (changed("[broker]", "[broker]\nport = true"), 4, "broker.port", "whole number", "true"),
    "number for a switch": (changed("[broker]", "[broker]\nplain = 1"), 4, "broker.plain", "true or false", "1"),
    "too large": (changed("[broker]", "[broker]\nport = 99999"), 4, "broker.port", "at most 65535", "99999"),
    "too small": (changed("[broker]", "[broker]\nport = 0"), 4, "broker.port", "at least 1", "0"),
    "no number": (
        changed("[broker]", "[state]\ncheckpoint_s = nan\n[broker]"),
        4,
        "state.checkpoint_s",
        "finite",
        "nan",
    ),
    "missing in a section": (changed('host = "broker.example"\n', ""), 3, "broker.host", "this key", "nothing"),
    "missing at the top": (changed('box = "counter-1"\n', ""), None, "box", "this key", "nothing"),
    "missing section": (changed('[broker]\nhost = "broker.example"\n', ""), None, "broker", "this key", "nothing"),
    "value for a section": ("state = 5\n" + GOOD, 1, "state", "table", "5"),
    "section for a value": (changed('box = "counter-1"', "box = { a = 1 }"), 2, "box", "text", "a table (keys: 1)"),
    "list for text": (changed('"counter-1"', '["a"]'), 2, "box", "text", "a list (length 1)"),
    "name of no topic": (changed('"counter-1"', '"a/b"'), 2, "box", "letters, digits", '"a/b"'),
    "choice": ('language = "fr"\n' + GOOD, 1, "language", "'zh-CN' or 'en'", '"fr"'),
    "relative path": (changed("[broker]", '[state]\nfolder = "x"\n[broker]'), 4, "state.folder", "absolute", '"x"'),
    "NUL in a path": (
        changed("[broker]", '[state]\nfolder = "/\\u0000"\n[broker]'),
        4,
        "state.folder",
        "absolute",
        "text",
    ),
    "URL for a host": (
        changed('"broker.example"', '"mqtt://b:1"'),
        4,
        "broker.host",
        "without mqtt://",
        '"mqtt://b:1"',
    ),
    "empty list": (changed('["gun"]', "[]"), 7, "station.0.scanners", "at least 1 items", "length 0"),
    "unknown key": (changed("[broker]", "[broker]\nhots = 1"), 4, "broker.hots", "known key", "a whole number"),
    "unknown section": (GOOD + "[polcy]\n", 13, "polcy", "known key", "table"),
    "scanner nowhere": (
        GOOD + '[[scanner]]\nname = "two"\ndriver = "replay"\noptions.file = "/x"\n',
        14,
        "scanner.1.name",
        "counter",
        '"two"',
    ),
    "no such scanner": (changed('["gun"]', '["gun", "rod"]'), 7, "station.0.scanners.1", "there are: gun", '"rod"'),
    "placed twice": (changed('["gun"]', '["gun", "gun"]'), 7, "station.0.scanners.1", "one station", '"gun"'),
    "station twice": (
        GOOD
        + '[[scanner]]\nname = "two"\ndriver = "replay"\noptions.file = "/x"\n'
        + '[[station]]\nname = "counter"\nscanners = ["two"]\n',
        18,
        "station.1.name",
        "used once",
        '"counter"',
    ),
    "seal alone": (
        changed("[broker]", '[keys]\nseal = ["/a"]\n[broker]'),
        4,
        "keys.seal",
        "salt is missing",
        "length 1",
    ),
    "salt alone": (
        changed("[broker]", '[keys]\nsalt = "/a"\n[broker]'),
        4,
        "keys.salt",
        "seal is missing",
        "text (length 2)",
    ),
    "unknown driver": (changed("serial_line", "telepathy"), 10, "scanner.0.driver", "serial_line", '"telepathy"'),
    "driver's option missing": (
        changed('device = "/dev/ttyACM0"\n', ""),
        11,
        "scanner.0.options.device",
        "this key",
        "nothing",
    ),
    "driver's option wrong": (
        GOOD + 'parity = "x"\n',
        13,
        "scanner.0.options.parity",
        "'none', 'even'",
        "text (length 1)",
    ),
    "driver's own rule": (GOOD + "terminators = []\n", 11, "scanner.0.options", "terminators", "table"),
    "driver's relative path": (
        changed('"/dev/ttyACM0"', '"x"'),
        12,
        "scanner.0.options.device",
        "absolute",
        "text (length 1)",
    ),
    "driver's free table": (GOOD + 'replies = { PAS = "06" }\n', 13, "scanner.0.options.replies.PAS", "'PASS'", "text"),
    "driver's hexadecimal": (
        GOOD + 'prefix = "zz"\n',
        13,
        "scanner.0.options.prefix",
        "hexadecimal",
        "text (length 2)",
    ),
}


@pytest.mark.parametrize("case", _CASES.values(), ids=_CASES.keys())
def test_mistake_names_line_key_expected_and_found(tmp_path: Path, case: tuple[str, int | None, str, str, str]) -> None:
    """One mistake gives one entry, in both languages."""
    text, line, key, expected, found = case
    reading = written(tmp_path, text)

    assert [(line, key)] == [(mistake.line, mistake.key) for mistake in reading.mistakes]
    mistake = reading.mistakes[0]
    assert expected in mistake.expected.en
    assert found in mistake.found.en
    assert mistake.expected.zh
    assert "{" not in (mistake.expected.zh + mistake.expected.en)
    assert reading.loaded is None


def test_all_mistakes_of_all_kinds_are_listed_together_in_the_order_of_lines(tmp_path: Path) -> None:
    """Wrong values, unknown keys, contradictions and drivers' options don't hide each other."""
    text = changed('"counter-1"', '"a/b"').replace("[broker]", "[broker]\nport = 0\nhots = 1")
    text = text.replace('["gun"]', '["gun", "rod"]').replace("device", "devise")
    keys = [mistake.key for mistake in written(tmp_path, text).mistakes]

    assert ["box", "broker.port", "broker.hots", "station.0.scanners.1", "scanner.0.options.device"] == keys[:5]
    assert ["scanner.0.options.devise"] == keys[5:]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (changed("host", "hots"), "did you mean host?"),
        ('langage = "en"\n' + GOOD, "did you mean language?"),
        (changed("[broker]", '[broker]\nlanguage = "en"'), "belongs to the top"),
        ("keep_alive_s = 30\n" + GOOD, "belongs to the section [broker]"),
        (GOOD + "[brokr]\nhost = 1\n", "did you mean broker?"),
        (GOOD + "xyzzy = 1\n", "keys that are known here: device, baud_rate"),
        (changed("device", "devise"), "did you mean device?"),
        (changed("serial_line", "serial-lin"), "did you mean serial_line?"),
    ],
)
def test_unknown_key_comes_with_what_was_probably_meant(tmp_path: Path, text: str, hint: str) -> None:
    """The nearest known key, or the section where the key belongs."""
    assert any(hint in mistake.hint.en for mistake in written(tmp_path, text).mistakes if mistake.hint)


def _values(mistakes: tuple[Mistake, ...]) -> str:
    return "\n".join([*map(str, mistakes), *lines_of(mistakes, ()), repr(mistakes), str(sentence_of(mistakes))])


@pytest.mark.parametrize(
    "text",
    [
        changed("[broker]", '[broker]\npassword = "S3CRET"'),
        changed("[broker]", '[keys]\nsigning = "S3CRET"\n[broker]'),
        changed("[broker]", '[keys]\nseal = ["S3CRET"]\n[broker]'),
        changed("[broker]", '[broker]\nkey = "S3CRET"'),
        changed('"broker.example"', '["S3CRET"]'),
        changed('"broker.example"', '"' + "S3CRET" * 20 + ' "'),
        GOOD + 'login = "S3CRET"\n',
        changed('"/dev/ttyACM0"', '"S3CRET"'),
        GOOD + 'parity = "S3CRET"\n',
        changed("[broker]", '[broker]\nkey = """S3CRET'),
    ],
)
def test_mistake_never_shows_what_may_be_secret(tmp_path: Path, text: str) -> None:
    """A value is shown only of keys that hold no secret; of all others kind and length."""
    reading = written(tmp_path, text)

    assert reading.mistakes
    assert "S3CRET" not in _values(reading.mistakes) + repr(reading)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("site = \n", 1, 8, "Invalid value"),
        ("a = 1\nb\nc = 2", 2, 2, "Expected '='"),
        ('a = "x\nb = 1', 1, 7, "Illegal character"),
        ("a = 1\na = 2", 2, 6, "Cannot overwrite"),
        ("[a]\n[b]\n[a]\n", 3, 3, "Cannot declare"),
        ("a = [1,\n\n", 1, 8, "Invalid value"),
        ("a = 1 b = 2", 1, 7, "Expected newline"),
        ("a = " + "[" * 5000, 1, 1, "nested too deeply"),
        ("a = " + "9" * 5000, 1, 1, "too many digits"),
        ("a = 2024-02-30", 1, 5, "Invalid date"),
    ],
)
def test_first_mistake_of_syntax_has_line_and_column(
    tmp_path: Path, text: str, line: int, column: int, words: str
) -> None:
    """A file that is no TOML gives one sentence with its place, in both languages."""
    (mistake,) = written(tmp_path, text).mistakes

    assert (line, column) == (mistake.line, mistake.column)
    assert words in mistake.found.en
    assert not mistake.found.zh.isascii()


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("site = “H1”", 'use the plain one: "'),
        ("site ＝ 'H1'", "use the plain one: ="),
        ("site\u3000= 'H1'", "U+3000"),
        ("［broker］", "use the plain one: ["),
        ("site: 'H1'", "not a colon"),
        ("site = H1", "double quotes"),
    ],
)
def test_what_an_input_method_puts_in_is_named(tmp_path: Path, line: str, hint: str) -> None:
    """Full-width quotes, signs and spaces, colons and missing quotes come with what was meant."""
    (mistake,) = written(tmp_path, f"{line}\n").mistakes

    assert mistake.hint is not None
    assert hint in mistake.hint.en


def test_every_sentence_of_the_parser_has_a_chinese_one() -> None:
    """What this Python's tomllib can say is in the table."""
    source = inspect.getsource(tomllib._parser)  # type: ignore[attr-defined]  # its sentences are nowhere else
    said = [one[1] for one in re.finditer(r'suffixed_err\(\s*src,\s*\w+,\s*f?"((?:[^"\\]|\\.)+)"', source)]
    sentences = [re.sub(r"\{[^}]*\}", "x", one.replace("\\\\", "\\")) for one in said]

    assert len(sentences) > 15
    for sentence in sentences:
        assert any(re.fullmatch(pattern, sentence) for pattern, _ in syntax._CHINESE), sentence


_CHINESE_COMMENT = "# 药码盒子的配置，请勿删除\n"


@pytest.mark.parametrize(
    ("content", "notice"),
    [
        ((_CHINESE_COMMENT + GOOD).encode("utf-8-sig"), None),
        ((_CHINESE_COMMENT + GOOD).replace("\n", "\r\n").encode(), None),
        (GOOD.replace("\n", "\r").encode(), None),
        ((_CHINESE_COMMENT + GOOD).encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + (_CHINESE_COMMENT + GOOD).replace("\n", "\r\n").encode("utf-16-be"), "UTF-16"),
        (GOOD.encode("utf-16-le"), "UTF-16"),
        (GOOD.encode("utf-16-be"), "UTF-16"),
        ((_CHINESE_COMMENT + GOOD).replace("\n", "\r\n").encode("gbk"), "GBK"),
    ],
)
def test_files_of_windows_editors_are_understood_and_unusual_ones_named(
    tmp_path: Path, content: bytes, notice: str | None
) -> None:
    """Marks, line ends, UTF-16 and GBK: the file is read; what should be saved as UTF-8 is said."""
    reading = written(tmp_path, content)

    assert reading.loaded is not None
    assert "counter-1" == reading.loaded.config.box
    assert ([notice] if notice else []) == [
        next(n for n in ("UTF-16", "GBK") if n in one.said.en) for one in reading.notices
    ]


def test_line_numbers_are_right_with_windows_line_ends(tmp_path: Path) -> None:
    """CR and LF together are one end of a line."""
    content = changed('"counter-1"', '"a/b"').replace("\n", "\r\n").encode()

    assert [2] == [mistake.line for mistake in written(tmp_path, content).mistakes]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ((_CHINESE_COMMENT + GOOD).encode().replace(b"counter-1", b"counter\xff1"), 3),
        (b"\xff\xfe\x00", None),
        (b"\xef\xbb\xbf\xff", None),
        (b"\x80\xff" * 10, 1),
        (b"a" * (2 << 20), None),
    ],
)
def test_file_that_is_no_text_is_refused_with_its_line(tmp_path: Path, content: bytes, line: int | None) -> None:
    """Damaged UTF-8 is not taken for GBK; a file of another kind is named as such."""
    (mistake,) = written(tmp_path, content).mistakes

    assert ("not_text", line) == (mistake.kind, mistake.line)


@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_any_bytes_give_sentences_and_never_a_crash(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever stands in the file, something is said in both languages."""
    reading = written(tmp_path_factory.getbasetemp(), content)

    assert reading.loaded is None
    assert reading.mistakes
    for mistake in reading.mistakes:
        assert mistake.expected.zh
        assert mistake.found.en
    assert lines_of(reading.mistakes, reading.notices)


_SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=80), st.dates(), st.datetimes(), st.just(10**40)
)
_ANYTHING = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@given(st.data())
def test_any_value_at_any_key_gives_sentences_and_never_a_crash(data: st.DataObject) -> None:
    """A good file with one key replaced by anything is either right or explained."""
    fields = tomllib.loads(GOOD)
    place: Any = data.draw(
        st.sampled_from(
            [fields, fields["broker"], fields["station"][0], fields["scanner"][0], fields["scanner"][0]["options"]]
        )
    )
    names = st.sampled_from(
        [
            "site",
            "broker",
            "host",
            "port",
            "name",
            "scanners",
            "driver",
            "options",
            "station",
            "scanner",
            "device",
            "replies",
            "keys",
            "state",
            "x",
        ]
    )
    place[data.draw(names)] = data.draw(_ANYTHING)
    judged = judge(fields, {})

    for mistake in judged.mistakes:
        assert mistake.key
        assert mistake.expected.zh
        assert mistake.found.zh
        assert str(mistake)
