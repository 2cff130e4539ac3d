"""Screens: what a box is looked at by: indicators, metrics, the status line."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from yaoma.config.model import Config
from yaoma.service.reader import Reader
from yaoma.service.recorder import Recorder
from yaoma.service.status_line import status_line
from yaoma.service.uploader import Uploader
from yaoma.service.watch import Watch
from yaoma.shell.catalogue import LANGUAGES, load_catalogue
from yaoma.shell.indicator import LogIndicator, TerminalIndicator
from yaoma.shell.indicator_worker import IndicatorWorker
from yaoma.shell.vitals import Vitals
from yaoma_link.local_address import LocalAddress

if TYPE_CHECKING:
    from yaoma.shell.metrics import MetricsServer

__all__ = ["indicators_of", "metrics_of", "status_of"]


def indicators_of(language: str, *, terminal: bool) -> tuple[IndicatorWorker, ...]:
    """Make the indicators that every box has.

    Args:
        language: Which comes first.
        terminal: Print verdicts on standard output.
    """
    order = ("zh-CN", "en") if language == "zh-CN" else ("en", "zh-CN")
    workers = []
    if terminal:
        catalogues = [load_catalogue(one) for one in order]
        workers.append(IndicatorWorker(TerminalIndicator(sys.stdout, catalogues)))
    # The log last: nobody at the counter waits for it.
    return (*workers, IndicatorWorker(LogIndicator()))


def metrics_of(config: Config, vitals: Callable[[], Vitals]) -> "tuple[MetricsServer, ...]":
    """Make the metrics server, if one is configured."""
    if config.metrics.listen is None:
        return ()
    from yaoma.shell.metrics import MetricsServer  # noqa: PLC0415 - 5 MB that most boxes have no use for

    return (MetricsServer(LocalAddress.parse(config.metrics.listen), vitals),)


def status_of(
    recorder: Recorder,
    uploader: Uploader,
    readers: Sequence[Reader],
    watch: Watch,
    *,
    safe_mode: bool,
    last_good: bool,
) -> Callable[[], str]:
    """Give what says in one line how the box does."""
    chinese, english = (load_catalogue(language) for language in LANGUAGES)
    return lambda: status_line(
        chinese,
        english,
        trouble=recorder.trouble,
        is_connected=uploader.state.is_connected,
        lost=[reader.state.scanner for reader in readers if reader.state.is_lost],
        late=watch.late,
        safe_mode=safe_mode,
        last_good=last_good,
    )
