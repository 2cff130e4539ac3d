"""Building base files from the tables that people have, and comparing two of them."""

import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from itertools import islice
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, rule

from fakes.base_lists import write_base
from fakes.tier import times
from yaoma.core.base_layout import ListKind
from yaoma.core.code import Cn20, Gs1, from_key
from yaoma.core.code_key import code_key
from yaoma.core.list_delta import ListDelta
from yaoma.core.lot_table import UNKNOWN_LOT, BaseAnswer
from yaoma.core.other_pattern import OtherPattern
from yaoma.shell.base_file import BaseFile
from yaoma_link.keyfile import FileExistsAlreadyError
from yaoma_tools import list_build_sort
from yaoma_tools.list_build import BuiltCodes, build_codes
from yaoma_tools.list_build_diff import compare, make_delta
from yaoma_tools.list_source import SourceError
from yaoma_tools.list_source_codes import RECORD, Records

LOTS = [UNKNOWN_LOT, BaseAnswer("L1", date(2027, 6, 30)), BaseAnswer("L2")]


def table(file: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a table."""
    file.write_bytes(text.encode(encoding))
    return file


def answer(built: BuiltCodes, key: str) -> BaseAnswer | None:
    """What a build says of a code."""
    code = from_key(key)
    with ExitStack() as stack:
        bases = [stack.enter_context(BaseFile.open(one.path, one.digest)) for one in built.files]
        return next((base.look_up(code) for base in bases if base.covers(code)), None)


def rows(count: int, seed: int = 1) -> list[str]:
    """Rows of codes, clustered, with lots; and some of GS1."""
    chance = random.Random(seed)
    made = [
        f"8{n // 700:06}{n * 2:09}{chance.randrange(10_000):04},L{n // 90},{2027 + n // 1000}-06-30"
        for n in range(count)
    ]
    return made + [f"gs1:010690123456789221S{n},G{n // 50},2028-01-31" for n in range(count // 10)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_build_when_a_table_comes_from_an_office_program_then_it_is_read(
    tmp_path: Path, encoding: str, newline: str, separator: str
) -> None:
    """Marks at the start, GBK, UTF-16, CRLF, tabs, Chinese headers, dates as spreadsheets write them."""
    lines = [
        ["序号", "追溯码", "生产批号", "有效期至"],
        ["1", "81234560000000011111", "批一", "2027/6/30"],
        ["2", " 81234560000000022222 ", "A-2", "20270630"],
        ["3", "'81234560000000033333", "", "2027-06"],
        ["4", '"=""81234560000000044444"""', "A-2", "2027年6月30日"],
        ["5", "81234560000000055555", "", ""],
        [""],
    ]
    text = newline.join(separator.join(cells) for cells in lines)
    built = build_codes(tmp_path / "out", [table(tmp_path / "c.csv", text, encoding)])
    end = date(2027, 6, 30)
    expected = [
        BaseAnswer("批一", end),
        BaseAnswer("A-2", end),
        BaseAnswer(None, end),
        BaseAnswer("A-2", end),
        UNKNOWN_LOT,
    ]
    found = [answer(built, f"cn20:812345600000000{number}{str(number) * 4}") for number in range(1, 6)]
    assert found == expected


def test_build_when_codes_have_several_forms_then_each_has_its_file(tmp_path: Path) -> None:
    """20 digits go into one file, GS1 texts and other standards into another; a GS1 text tells its own lot."""
    text = """
        {"code": "81234560000000011111"}
        {"code": "(01)06901234567892(17)270630(10)B7(21)S1", "lot": null}
        {"code": "gs1:010690123456789221S2", "lot": "B8", "expiry": "2028-02"}
        {"code": "other:std:ZX0001"}
    """
    pattern = OtherPattern("std", r"ZX\d{4}", "std:7")
    built = build_codes(tmp_path / "out", [table(tmp_path / "c.jsonl", text)], patterns=[pattern])
    assert [one.path.name for one in built.files] == ["cn20.codes", "other.codes"]
    assert answer(built, "gs1:010690123456789221S1") == BaseAnswer("B7", date(2027, 6, 30))
    assert answer(built, "gs1:010690123456789221S2") == BaseAnswer("B8", date(2028, 2, 29))
    assert answer(built, "other:std:ZX0001") == UNKNOWN_LOT
    assert answer(built, "other:std:ZX0002") is None


def test_build_when_rows_come_in_another_order_then_the_bytes_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shuffled, in three files, sorted in many chunks: a box may compare digests, whoever built the list."""
    made = rows(6000)
    first = build_codes(tmp_path / "a", [table(tmp_path / "c.csv", "code,lot,expiry\n" + "\n".join(made))])
    random.Random(3).shuffle(made)
    parts = [
        table(
            tmp_path / f"{n}.csv", "expiry,lot,code\n" + "\n".join(",".join(row.split(",")[::-1]) for row in made[n::3])
        )
        for n in range(3)
    ]
    monkeypatch.setattr(list_build_sort, "CHUNK_RECORDS", 500)
    monkeypatch.setattr(list_build_sort, "BLOCK_RECORDS", 700)
    monkeypatch.setattr(list_build_sort, "_LEAST_RECORDS", 10)
    second = build_codes(tmp_path / "b", parts)
    assert [one.digest for one in first.files] == [one.digest for one in second.files]
    assert [one.path.read_bytes() for one in first.files] == [one.path.read_bytes() for one in second.files]
    assert len(list((tmp_path / "b").iterdir())) == len(second.files)


def test_build_when_codes_cluster_or_not_then_the_shorter_kind_is_taken(tmp_path: Path) -> None:
    """Runs where serials cluster, keys of nine bytes where they don't; both within sight of the bound."""
    clustered = "code\n" + "\n".join(f"8123456{n:09}{n * 7919 % 10_000:04}" for n in range(20_000))
    chance = random.Random(1)
    scattered = "code\n" + "\n".join(f"8123456{chance.randrange(10**9):09}{n % 10_000:04}" for n in range(20_000))
    (runs,) = build_codes(tmp_path / "a", [table(tmp_path / "a.csv", clustered)]).files
    (keys,) = build_codes(tmp_path / "b", [table(tmp_path / "b.csv", scattered)]).files
    assert (runs.kind, runs.runs, runs.holes) == (ListKind.RUNS, 1, 0)
    assert keys.kind is ListKind.KEYS
    assert 1 < runs.times_bound < 1.4
    assert 9 < keys.code_bytes < 9.5


CODE = "8123456000000001"
FAULTS = [
    ("code\n8.12346E+19\n", r"c\.csv, line 2: .*8\.12E\+19"),
    ("code\n81234560000000100000\n81234560000000200000\n", r"(?s)line 2: .*15 digits.*line 3: .*15 digits"),
    ("number,remark\n1,a\n", r"line 1: the column code is missing; found: number, remark"),
    ("81234567890123456789\n81234567890123456788\n", r"line 1: the first line must name the columns"),
    ("8123456789012,x\n1,2\n", r"line 1: .*found: \(13 characters\), x"),
    ("code,code\n1,2\n", r"line 1: the column code is there twice"),
    ("", r"c\.csv: the file is empty"),
    ("code\n", r"c\.csv: there is no code"),
    ("code,lot\n81234567890123456789\n", r"line 2: the line has fewer columns"),
    ('code\n"81234567890123456789\n', r"line \d: the line is no CSV"),
    (
        "code\n7123\n\n\n11010119900101123X\n",
        r"(?s)line 2: no trace code \(4 characters\).*line 5: no trace code \(18 ch",
    ),
    ("code\n71234567890123456789\n", r"line 2: no trace code \(20 characters\)"),
    ("code,expiry\n81234567890123456789,2027-13-01\n", r"line 2: an expiry is written"),
    ("code,expiry\n81234567890123456789,tomorrow\n", r"line 2: an expiry is written"),
    ("code,lot\n81234567890123456789," + "x" * 41 + "\n", r"line 2: a lot has"),
    ("code\n\n,\n", r"no code"),
    (
        f"code,lot\n{CODE}1111,A\n{CODE}1112,A\n{CODE}1111,B\n",
        r"line 4: the code of c\.csv, line 2 again, with another lot",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), FAULTS)
def test_build_when_a_table_has_a_mistake_then_file_line_and_cause_are_named(
    tmp_path: Path, text: str, sentence: str
) -> None:
    """Whoever exported it finds the place; no code and nobody's number is quoted, and no file is left."""
    with pytest.raises(SourceError, match=sentence) as caught:
        build_codes(tmp_path / "out", [table(tmp_path / "c.csv", text)])
    assert not any(part in str(caught.value) for part in ("8123456", "1990", "7123", "xxxx"))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04\x14\0\6\0", "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook"),
        (b"\x1f\x8b\x08\0", "compressed"),
        (b"code\n8123\x00456\n", "no text"),
        (b"code\n\xff\xff\xff\n", "no text"),
        (b"\xff\xfec\0o", "no text"),
        (bytes(range(256)), "no text"),
    ],
)
def test_build_when_a_file_is_no_table_then_it_is_said(tmp_path: Path, content: bytes, sentence: str) -> None:
    """A workbook, an archive or garbage is named as that."""
    (tmp_path / "c.csv").write_bytes(content)
    with pytest.raises(SourceError, match=sentence):
        build_codes(tmp_path / "out", [tmp_path / "c.csv"])


def test_build_when_json_lines_hold_numbers_then_a_text_is_asked_for(tmp_path: Path) -> None:
    """A number of 20 digits has been rounded by most programs that wrote it."""
    text = '{"code": 81234567890123456789}\n{"kode": "1"}\n[1]\nnothing\n'
    with pytest.raises(SourceError) as caught:
        build_codes(tmp_path / "out", [table(tmp_path / "c.jsonl", text)])
    assert str(caught.value).splitlines() == [
        "c.jsonl, line 1: code: a text in quotes was expected",
        "c.jsonl, line 2: the column code is missing; found: kode",
        "c.jsonl, line 3: a JSON object was expected",
        "c.jsonl, line 4: a JSON object was expected",
    ]


def test_build_when_there_are_many_mistakes_then_twenty_are_named(tmp_path: Path) -> None:
    """Over all files together; the rest is counted."""
    files = [table(tmp_path / f"{name}.csv", "code\n" + "1\n" * 15) for name in "ab"]
    with pytest.raises(SourceError) as caught:
        build_codes(tmp_path / "out", files)
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[15].startswith("b.csv, line 2:")
    assert lines[-1] == "and 10 more"


def test_build_when_a_few_codes_end_in_zeros_then_they_are_codes(tmp_path: Path) -> None:
    """One code in a hundred thousand ends in five zeros by itself: only many of them are a spreadsheet's work."""
    text = "code\n" + "\n".join(f"8123456{n:09}{n % 9999 + 1:04}" for n in range(1, 1000)) + "\n81234560000100000000\n"
    built = build_codes(tmp_path / "out", [table(tmp_path / "c.csv", text)])
    assert answer(built, "cn20:81234560000100000000") == UNKNOWN_LOT


def test_build_when_rows_repeat_then_they_count_once_and_are_named(tmp_path: Path) -> None:
    """Two exports that overlap are no contradiction, within a file or between files."""
    first = table(tmp_path / "a.csv", f"code,lot\n{CODE}1111,A\n{CODE}1111,A\n")
    second = table(tmp_path / "b.csv", f"code,lot\n{CODE}2222,A\n{CODE}1111,A\n")
    built = build_codes(tmp_path / "out", [first, second])
    assert (built.files[0].codes, built.repeated) == (2, 2)
    assert built.repeats == (
        "a.csv, line 3: the code of a.csv, line 2 again",
        "b.csv, line 3: the code of a.csv, line 3 again",
    )


def test_build_when_a_file_is_there_then_nothing_is_overwritten(tmp_path: Path) -> None:
    """A release that is out keeps its bytes."""
    source = table(tmp_path / "c.csv", "code\n81234567890123456789\n")
    build_codes(tmp_path / "out", [source])
    with pytest.raises(FileExistsAlreadyError):
        build_codes(tmp_path / "out", [source])


@pytest.mark.slow
def test_build_when_the_list_is_long_then_memory_stays_bounded(tmp_path: Path) -> None:
    """A million codes in less than 300 MB, most of which is the interpreter with numpy and one chunk."""
    child = """
import sys
from pathlib import Path
from yaoma_tools.list_build import build_codes
file = Path(sys.argv[1]) / "c.csv"
with file.open("w") as stream:
    stream.write("code,lot\\n")
    for n in range(1_000_000):
        stream.write(f"8{n // 5000:06}{n * 31337 % 10**9:09}{n % 9973 + 1:04},L{n % 3000}\\n")
(built,) = build_codes(Path(sys.argv[1]) / "out", [file]).files
status = Path('/proc/self/status').read_text()
print(built.codes, status.partition('VmHWM:')[2].split()[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", child, str(tmp_path)], capture_output=True, text=True, check=True, timeout=110
    )
    codes, kilobytes = map(int, done.stdout.split())
    assert codes == 1_000_000
    assert kilobytes < 300_000


def test_merge_when_a_key_is_there_many_times_then_its_records_stay_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks for repeats sees all records of a key in one block, in the order in which they were read."""
    monkeypatch.setattr(list_build_sort, "BLOCK_RECORDS", 1)
    monkeypatch.setattr(list_build_sort, "_LEAST_RECORDS", 3)
    chance = random.Random(2)
    sources = [sorted(chance.choices(range(5), k=20)) for _ in range(4)]
    blocks = list(list_build_sort.merged([reader(source, number) for number, source in enumerate(sources)]))
    keys = [set(block["lo"].tolist()) for block in blocks]
    assert sum(map(len, keys)) == len(set().union(*keys))
    found = [(int(record["lo"]), int(record["at"])) for block in blocks for record in block]
    assert found == sorted((key, number) for number, source in enumerate(sources) for key in source)


def reader(keys: list[int], number: int) -> Callable[[int], Records]:
    """A source of records."""
    records = np.zeros(len(keys), RECORD)
    records["lo"], records["at"] = keys, number
    parts = iter(records)
    return lambda count: np.array([*islice(parts, count)], RECORD)


class Releases(RuleBasedStateMachine):
    """Release after release, of both kinds, beside plain mappings; each delta turns one into the next."""

    def __init__(self) -> None:
        super().__init__()
        self.listed: dict[str, BaseAnswer] = {}
        self.before: dict[str, BaseAnswer] = {}
        self.file: Path | None = None
        self.number = 0
        self.folder = tempfile.TemporaryDirectory()
        self.add(8_123_456, 5, 3, 0, 1)

    @rule(
        product=st.sampled_from([8_123_456, 8_123_457]),
        start=st.integers(0, 30),
        length=st.sampled_from([1, 4, 2500]),
        lot=st.integers(0, 2),
        check=st.integers(0, 9999),
    )
    def add(self, product: int, start: int, length: int, lot: int, check: int) -> None:
        """List a row of serials."""
        for serial in range(start, start + length):
            self.listed[f"cn20:{product}{serial:09}{(check + serial) % 10_000:04}"] = LOTS[lot]

    @rule(seed=st.integers(0, 99), share=st.sampled_from([0.01, 0.5]))
    def remove(self, seed: int, share: float) -> None:
        """Take codes off, but not the last one."""
        chance = random.Random(seed)
        kept = {key: lot for key, lot in self.listed.items() if chance.random() > share}
        self.listed = kept or self.listed

    @rule(kind=st.sampled_from(ListKind))
    def release(self, kind: ListKind) -> None:
        """Write a file, ask it everything, and compare it with the one before."""
        self.number += 1
        file = Path(self.folder.name) / f"{self.number}"
        with BaseFile.open(file, write_base(file, self.listed, kind)) as base:
            for key in self.listed.keys() | self.before.keys():
                assert base.look_up(from_key(key)) == self.listed.get(key)
        if self.file is not None:
            delta = ListDelta.parse(make_delta(self.file, file, 1, 2).encoded())
            state = {code_key(from_key(key)): lot for key, lot in self.before.items()}
            for gone in delta.removes:
                del state[gone]
            assert all(state.get(added) != lot for added, lot in delta.adds.items())
            state |= delta.adds
            assert state == {code_key(from_key(key)): lot for key, lot in self.listed.items()}
        self.file, self.before = file, dict(self.listed)

    def teardown(self) -> None:
        """Remove the folder."""
        self.folder.cleanup()


TestReleases = Releases.TestCase
TestReleases.settings = settings(max_examples=times(5, 50), stateful_step_count=8, deadline=None)


def test_diff_when_two_releases_differ_then_each_sort_is_counted(tmp_path: Path) -> None:
    """Added, removed, another lot, the same; over the files of both forms, and where one has no such file."""
    first = "code,lot\n81234560000000011111,A\n81234560000000022222,A\n81234560000000033333,A\n"
    second = (
        "code,lot\n81234560000000011111,A\n81234560000000022222,B\n81234560000000044444,A\ngs1:010690123456789221S,\n"
    )
    for name, text in (("a", first), ("b", second)):
        build_codes(tmp_path / name, [table(tmp_path / f"{name}.csv", text)])
    found = compare(tmp_path / "a", tmp_path / "b")
    added = {code_key(Cn20("81234560000000044444")): BaseAnswer("A"), code_key(Gs1("06901234567892", "S")): UNKNOWN_LOT}
    assert found.added == added
    assert found.removed == (code_key(Cn20("81234560000000033333")),)
    assert found.changed == {code_key(Cn20("81234560000000022222")): BaseAnswer("B")}
    assert found.common == 1
