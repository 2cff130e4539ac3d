"""Log lines: one list of facts, a journal field for each, and nothing in them that a scanner read."""

import ast
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yaoma_link.log_lines import FIELDS, PREFIX, JournalLines, TextLines, facts_of

DAEMON = Path(__file__).parents[2] / "daemon"
CODE = "81000000000000000000"
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}

#: Names of what holds the text or the bytes of a symbol, a record or an identity.
SECRET = {"data", "text", "body", "bodies", "raw", "code", "key", "symbol", "identity", "blob", "payload", "args"}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call that writes a log line, with its place."""
    for path in sorted(DAEMON.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in {"log", "_log", "logger", "logging"}
            ):
                yield f"{path.relative_to(DAEMON)}:{node.lineno}", node


def sentence(call: ast.Call) -> str:
    """The fixed sentence of a call; empty if it has none."""
    at = 1 if isinstance(call.func, ast.Attribute) and call.func.attr == "log" else 0
    given = call.args[at] if len(call.args) > at else None
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""


CALLS = list(calls())


@pytest.mark.parametrize(("place", "call"), CALLS, ids=[place for place, _ in CALLS])
def test_log_line_is_a_fixed_sentence_with_facts_of_the_list(place: str, call: ast.Call) -> None:
    """Each placeholder stands behind `name=`, and the name is on the list."""
    said = sentence(call)
    assert said, f"{place}: the sentence is not fixed"
    bare = re.sub(r"[a-z_]+=%[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]", "", said.replace("%%", ""))

    assert "%" not in bare, f"{place}: a placeholder without name="
    assert set(re.findall(r"([a-zA-Z_]+)=%", said)) <= FIELDS.keys(), f"{place}: not on the list"


@pytest.mark.parametrize(("place", "call"), CALLS, ids=[place for place, _ in CALLS])
def test_log_line_is_given_nothing_that_holds_what_was_scanned(place: str, call: ast.Call) -> None:
    """No argument is, or is an attribute called, what symbols, records and identities keep their text in."""
    for given in call.args:
        for node in ast.walk(given):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            assert name not in SECRET, f"{place}: {name}"


def test_list_has_no_fact_that_no_line_names() -> None:
    """A name that nobody writes any more leaves the list; a search in the journal would find nothing."""
    named = {name for _, call in CALLS for name in re.findall(r"([a-z_]+)=%", sentence(call))}

    assert FIELDS.keys() - named <= {"logger"}
    assert all(FIELDS.values())


@pytest.fixture
def sent() -> list[tuple[str, dict[str, Any]]]:
    """What journald got."""
    return []


@pytest.fixture
def journal(sent: list[tuple[str, dict[str, Any]]]) -> JournalLines:
    """A handler whose entries go into a list."""
    return JournalLines("yaoma", lambda message, **fields: sent.append((message, fields)))


def record(name: str, level: int, said: str, *given: object, error: BaseException | None = None) -> logging.LogRecord:
    """Make a record as the standard library does."""
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, level, "file.py", 7, said, given, info, func="here")


def test_journal_gets_a_field_for_each_fact(journal: JournalLines, sent: list[tuple[str, dict[str, Any]]]) -> None:
    """MESSAGE is the line as written, YAOMA_ fields hold its facts as text, PRIORITY is syslog's."""
    journal.handle(record("yaoma.uploader", logging.WARNING, "uplink is up: pending=%d tries=%d", 12, 3))
    journal.handle(record("yaoma.link", logging.ERROR, "broker back: host=%s away_s=%.0f", "b.example", 12.6))

    (first, fields), (_, more) = sent
    assert "uplink is up: pending=12 tries=3" == first
    assert ("4", "12", "3") == (fields["PRIORITY"], fields[f"{PREFIX}PENDING"], fields[f"{PREFIX}TRIES"])
    assert ("yaoma", "yaoma.uploader", 7) == (
        fields["SYSLOG_IDENTIFIER"],
        fields["LOGGER"],
        fields["CODE_LINE"],
    )
    assert ("3", "b.example", "13") == (more["PRIORITY"], more[f"{PREFIX}HOST"], more[f"{PREFIX}AWAY_S"])


def test_facts_of_a_line_without_facts_are_none() -> None:
    """A sentence alone has no fields, and neither has a library's dictionary of arguments."""
    assert {} == facts_of(record("yaoma", logging.INFO, "control client went away"))
    assert {} == facts_of(record("yaoma", logging.INFO, "%(a)s", {"a": 1}))


def test_exception_leaves_its_classes_and_places_and_no_word_of_its_text() -> None:
    """What a driver of somebody else raised may quote a code; only the system's own words of an OSError stay."""

    def fail() -> None:
        try:
            raise ValueError(f"bad code {CODE}")
        except ValueError as error:
            raise OSError(28, CODE) from error

    with pytest.raises(OSError, match=CODE) as caught:
        fail()
    said = TextLines("%(message)s").format(
        record("yaoma.reader", logging.ERROR, "reader failed: scanner=%s", "gun", error=caught.value)
    )

    assert CODE not in said
    assert "builtins.OSError (No space left on device)" in said
    assert "builtins.ValueError" in said
    assert "in fail" in said


PROGRAM = f"""
import logging, sys, threading
from yaoma_link.log_lines import log_to_journal_or_stderr
log_to_journal_or_stderr("yaoma", verbose=True)
logging.getLogger("yaoma.x").info("list in use: version=%d", 7)
logging.getLogger("acme.scanners").warning("read %s", "{CODE}")
def die(): raise ValueError("{CODE}")
thread = threading.Thread(target=die, name="reader-gun")
thread.start()
thread.join()
raise KeyError("{CODE}")
"""


def test_program_without_journald_writes_text_and_quotes_nothing_foreign(tmp_path: Path) -> None:
    """In a terminal: our lines as text; a library's words and a defect's text are left out; the exit code is 1."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "JOURNAL_STREAM": "1:2"},
        cwd=tmp_path,
        timeout=60,
    )

    assert 1 == done.returncode
    assert "INFO yaoma.x list in use: version=7" in done.stderr
    assert "logger=acme.scanners" in done.stderr
    assert "thread ended by a defect: worker=reader-gun error=ValueError" in done.stderr
    assert "ended by a defect: error=KeyError" in done.stderr
    assert CODE not in done.stderr


def test_program_under_journald_writes_nothing_on_standard_error(tmp_path: Path) -> None:
    """Where standard error is the journal's own stream, lines go to the journal's socket, with their fields."""
    pytest.importorskip("systemd.journal", reason="needs systemd-python: pip install 'yaoma[systemd]'")
    log = tmp_path / "stream"
    program = (
        "import systemd.journal as j; j.send = lambda message, **f: print(message, f['YAOMA_VERSION'])\n" + PROGRAM
    )
    with log.open("wb") as stream:
        found = os.fstat(stream.fileno())
        done = subprocess.run(
            [sys.executable, "-c", program.split('logging.getLogger("acme')[0]],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            check=True,
            env={**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"},
            timeout=60,
        )

    assert "list in use: version=7 7\n" == done.stdout
    assert b"" == log.read_bytes()
