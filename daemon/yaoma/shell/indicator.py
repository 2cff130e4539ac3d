"""Indicator: what is shown of one scan, and two indicators that every machine has: the terminal and the log."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from yaoma.core.reason import Degraded, VerdictClass
from yaoma.core.wording import Facts
from yaoma.shell.catalogue import Catalogue, Text
from yaoma_drivers.signal import Signal
from yaoma_drivers.signal_pattern import PATTERNS

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Indicator", "LogIndicator", "Shown", "TerminalIndicator", "block"]

log = logging.getLogger("yaoma.verdict")


@dataclass(frozen=True, slots=True)
class Shown:
    """What an indicator is told of one scan.

    Args:
        signal: The verdict's class, or `OUT_OF_SERVICE`.
        reason: The verdict's reason id; for `OUT_OF_SERVICE` the cause.
        station: Where it was scanned.
        scanner: By which scanner.
        operation: What is being done, an id of the operations table; empty if unknown.
        seq: Place of the record; None if there is none, as for `OUT_OF_SERVICE`.
        facts: What the sentences are filled with.
        degraded: Flags beside the verdict.
        code: The code in groups (`yaoma.core.wording.grouped`); empty unless it is a trace or product code.
    """

    signal: Signal
    reason: str
    station: str
    scanner: str
    operation: str = ""
    seq: int | None = None
    facts: Facts = field(default_factory=dict)
    degraded: tuple[Degraded, ...] = ()
    code: str = ""


class Indicator(Protocol):
    """Shows verdicts; may be slow or fail, its worker bears with that."""

    @property
    def name(self) -> str:
        """What threads and log lines call it."""
        ...

    def show(self, shown: Shown) -> None:
        """Show one scan.

        Raises:
            OSError: If it can't be shown now; the next one may.
        """
        ...


_INDENT: Final = "    "


def block(shown: Shown, catalogues: Sequence[Catalogue]) -> list[str]:
    """Write one scan as lines: sign and headlines, place, code, then line and what to do in each language.

    Args:
        shown: The scan.
        catalogues: The languages, the first one first.
    """
    texts = [(catalogue, _text(shown, catalogue)) for catalogue in catalogues]
    sign = PATTERNS[shown.signal].sign
    place = "" if shown.seq is None else f" #{shown.seq}"
    lines = [f"{sign} {' / '.join(text.headline for _, text in texts)}  [{shown.signal.value}]{place}"]
    where = " · ".join(part for part in (shown.station, shown.scanner, shown.operation) if part)
    lamps = " / ".join(catalogue.lamp(shown.signal) for catalogue, _ in texts)
    lines.append(f"{_INDENT}{where}  ({lamps})")
    if shown.code:
        lines.append(f"{_INDENT}{shown.code}")
    for catalogue, text in texts:
        if text.line:
            lines.append(f"{_INDENT}{text.line}")
        if text.todo:
            lines.append(f"{_INDENT}→ {text.todo}")
        for flag in shown.degraded:
            banner = catalogue.text("degraded", flag.value)
            lines.append(f"{_INDENT}⚠ {banner.line}")
    return lines


class TerminalIndicator:
    """Prints one block for each scan, in Chinese and English; with colours if the stream is a terminal.

    Args:
        stream: Where to.
        catalogues: The languages, the first one first.
    """

    def __init__(self, stream: TextIO, catalogues: Sequence[Catalogue]) -> None:
        self._catalogues = tuple(catalogues)
        self._stream = stream
        self._console = _console(stream) if stream.isatty() else None

    @property
    def name(self) -> str:
        """What threads and log lines call it."""
        return "terminal"

    def show(self, shown: Shown) -> None:
        """Print one block.

        Raises:
            OSError: If the stream is broken.
        """
        headline, *rest = block(shown, self._catalogues)
        if self._console is None:
            self._stream.write("\n".join([headline, *rest, "", ""]))
            self._stream.flush()
            return
        from rich.text import Text as Styled  # noqa: PLC0415 - as for the console

        # A styled text is no markup: brackets in a code or name stay what they are.
        self._console.print(
            Styled(headline, style=PATTERNS[shown.signal].style), Styled("\n".join([*rest, ""])), sep="\n"
        )


def _console(stream: TextIO) -> "Console":
    from rich.console import Console  # noqa: PLC0415 - a box without a terminal starts sooner without it

    return Console(file=stream, highlight=False, soft_wrap=True)


class LogIndicator:
    """Writes one line for each scan: class, reason, station, place; never a code."""

    @property
    def name(self) -> str:
        """What threads and log lines call it."""
        return "log"

    def show(self, shown: Shown) -> None:
        """Write one line."""
        place = "none" if shown.seq is None else str(shown.seq)
        log.info(
            "verdict: class=%s reason=%s station=%s seq=%s", shown.signal.value, shown.reason, shown.station, place
        )


def _text(shown: Shown, catalogue: Catalogue) -> Text:
    if shown.signal is Signal.OUT_OF_SERVICE:
        return catalogue.signal(shown.signal, shown.reason, shown.facts)
    return catalogue.reason(shown.reason, shown.facts, VerdictClass(shown.signal.value), shown.operation)
