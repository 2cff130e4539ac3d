"""Log lines: fixed sentences with facts from one list; to journald with a field per fact, else to standard error."""

import faulthandler
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import Final

try:
    from systemd.journal import send as _send
except ImportError:  # an extra: absent on a developer's machine and in some containers
    _send = None

__all__ = ["FIELDS", "PREFIX", "JournalLines", "TextLines", "facts_of", "log_to_journal_or_stderr"]

log = logging.getLogger("yaoma.log")

#: Every fact that a log line may name, and what it means; journald has it as YAOMA_<NAME>. None of them is what a
#: scanner read: the text of a symbol never stands in a log line (DESIGN.md 3, promise 5).
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "away_s": "how long the broker was away, in seconds",
        "before": "version of the list before this one",
        "box": "a box: site and device id",
        "cause": "why the box is out of service",
        "class": "the class of a verdict, never what it was about",
        "codes": "number of codes in a list",
        "connection": "number of the MQTT connection in this process",
        "copied": "number of records carried over into a new log",
        "count": "how often it happened since the last such line",
        "destination": "the configured name of a destination",
        "driver": "the module that a driver is in",
        "error": "the class of a defect's error",
        "facts": "the facts of an alarm of the bridge",
        "failed": "number of starts that failed in a row",
        "fault": "what kind of trouble a connection has",
        "filter": "an MQTT topic filter",
        "hint": "what to do next",
        "file": "the name of a file in the state folder",
        "host": "the broker's name",
        "kind": "the kind of an alarm or of a file",
        "limit": "the largest size that is taken, in bytes",
        "log": "the id of a log",
        "logger": "the name of a library's logger",
        "missed": "number of scans that an indicator did not show",
        "met": "how often a worker met another one at the same work, by kind",
        "name": "a name from the configuration: an indicator, a destination",
        "packs": "number of packs, never which ones",
        "page": "number of a page of a list file",
        "pause_s": "how long the start waits, in seconds",
        "pending": "number of records that the bridge has not confirmed",
        "place": "where in a program something happened: file and line",
        "policy": "id of a policy",
        "port": "the broker's port",
        "problem": "what the system said, for the technician",
        "reason": "a stable reason id",
        "records": "number of records",
        "rows": "number of rows of a list",
        "rseq": "number of a receipt",
        "scanner": "the configured name of a scanner",
        "seq": "place of a record in its log",
        "setting": "the key of a configuration that is wrong, never its value",
        "site": "the institution's code",
        "size": "size of a log in records, or of a packet in bytes",
        "station": "the configured name of a station",
        "tries": "number of attempts that failed before",
        "version": "version of a list or of a policy",
        "way": "how a list came: whole, by deltas, or nothing was new",
        "worker": "the name of a thread",
    }
)

#: Before the name of a fact in the journal, so that none is taken for a field of journald's own.
PREFIX: Final = "YAOMA_"

_FACT: Final = re.compile(r"(?P<name>[a-z_]+)=(?P<form>%[-#0 +]*\d*(?:\.\d+)?[a-zA-Z])")
_OWN: Final = "yaoma"
_FOREIGN: Final = "a library had something to say, which is left out because nobody checked what it quotes: logger=%s"

#: syslog(3) priorities by level of the standard library.
_PRIORITIES: Final = ((logging.CRITICAL, "2"), (logging.ERROR, "3"), (logging.WARNING, "4"), (logging.INFO, "6"))


def facts_of(record: logging.LogRecord) -> dict[str, str]:
    """Give the facts that a log line names, written as in the line."""
    if not isinstance(record.args, tuple):
        return {}
    # strict=False: a line whose arguments don't fit is reported by the formatter, not here
    return {
        found["name"]: found["form"] % (value,)
        for found, value in zip(_FACT.finditer(str(record.msg)), record.args, strict=False)
    }


class TextLines(logging.Formatter):
    """One line of text; of an exception only its classes and where it went, never its text.

    An exception of a driver or a library may quote what a scanner read.
    """

    def formatException(self, ei: object) -> str:  # noqa: N802 - the standard library's name
        """Write the frames of an exception and of what led to it, and their classes."""
        error = ei[1] if isinstance(ei, tuple) else None
        return "\n".join(line for one in _chain(error) for line in _frames(one))


class JournalLines(logging.Handler):
    """Sends lines to journald: MESSAGE, PRIORITY, where in the code, and one field for each fact.

    Args:
        identifier: SYSLOG_IDENTIFIER, the name that `journalctl -t` knows.
        send: Sends an entry, as `systemd.journal.send`.
    """

    def __init__(self, identifier: str, send: Callable[..., object]) -> None:
        super().__init__()
        self._identifier = identifier
        self._send = send
        self.setFormatter(TextLines("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line; what journald does not take is written to standard error by `handleError`."""
        try:
            message = self.format(record)
            facts = {PREFIX + name.upper(): value for name, value in facts_of(record).items() if name in FIELDS}
            self._send(
                message,
                PRIORITY=next((code for level, code in _PRIORITIES if record.levelno >= level), "7"),
                SYSLOG_IDENTIFIER=self._identifier,
                LOGGER=record.name,
                THREAD_NAME=record.threadName or "",
                CODE_FILE=record.pathname,
                CODE_LINE=record.lineno,
                CODE_FUNC=record.funcName,
                **facts,
            )
        except OSError:
            self.handleError(record)


def log_to_journal_or_stderr(identifier: str, *, verbose: bool = False) -> None:
    """Set up the program's log: journald where systemd connected standard error to it, else text on standard error.

    What ends the program or a thread by a defect is logged by the same rules, and a SIGABRT of systemd's watchdog
    leaves where each thread was.

    Args:
        identifier: The program's name.
        verbose: Also lines that only inform.
    """
    handler: logging.Handler
    if _send is not None and _stderr_is_journal():
        handler = JournalLines(identifier, _send)
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(TextLines("%(levelname)s %(name)s %(message)s"))
    handler.addFilter(_without_foreign_text)
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
    sys.excepthook = _program_ended
    threading.excepthook = lambda died: _thread_ended(died.thread, died.exc_value)
    faulthandler.enable()


def _program_ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log.critical("ended by a defect: error=%s", kind.__name__, exc_info=error.with_traceback(trace))


def _thread_ended(thread: threading.Thread | None, error: BaseException | None) -> None:
    if error is not None:
        name = thread.name if thread else ""
        log.critical("thread ended by a defect: worker=%s error=%s", name, type(error).__name__, exc_info=error)


def _without_foreign_text(record: logging.LogRecord) -> bool:
    """Replace what a library or a driver of somebody else says: only our own lines are known to name no code."""
    if record.name != _OWN and not record.name.startswith(f"{_OWN}."):
        record.msg, record.args = _FOREIGN, (record.name,)
        record.exc_info = record.exc_text = record.stack_info = None
    return True


def _stderr_is_journal() -> bool:
    """Compare JOURNAL_STREAM with what standard error is now, as systemd.exec(5) asks for: it may be redirected."""
    wanted = os.environ.get("JOURNAL_STREAM", "")
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return wanted == f"{found.st_dev}:{found.st_ino}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _frames(error: BaseException) -> Iterator[str]:
    kind = type(error)
    yield f"{kind.__module__}.{kind.__qualname__}" + _errno_of(error)
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"


def _errno_of(error: BaseException) -> str:
    """Give what the system said, from its number and not from the error's text."""
    return f" ({os.strerror(error.errno)})" if isinstance(error, OSError) and error.errno else ""
