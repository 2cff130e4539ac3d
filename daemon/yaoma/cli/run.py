"""`yaoma run`: the daemon, in the foreground; systemd or a terminal starts it."""

import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from yaoma.cli.assemble import assemble
from yaoma.cli.report import DEFAULT_CONFIG, EX_CONFIG, CommandError, ConfigOption, refused
from yaoma.config.load import ConfigError
from yaoma.config.said import Said
from yaoma.config.start import Start, begin
from yaoma.service.box import Box, Ended
from yaoma.service.watch import Watch
from yaoma.shell.control import ControlError
from yaoma.shell.database import DatabaseError
from yaoma.shell.state_lock import StateBusyError, StateLock
from yaoma_drivers.errors import DriverError
from yaoma_drivers.stop import Stop
from yaoma_link.identity import IdentityError
from yaoma_link.log_lines import log_to_journal_or_stderr
from yaoma_link.notify import Notify

__all__ = ["run"]


def run(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no verdicts on standard output.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more on standard error.")] = False,
) -> None:
    """Run the box: read scanners, judge, keep, show, deliver. Ends on SIGTERM or Ctrl-C.

    Exit codes: 0 asked to stop; 1 a defect, start again; 78 the configuration or a key can't be used,
    and there is no last good configuration of the same box to run on.

    Examples: yaoma run · yaoma run --config ./yaoma.toml --quiet
    """
    log_to_journal_or_stderr("yaoma", verbose=verbose)
    start: Start | None = _begin(config)
    ended = Ended.FAILED
    while start is not None:
        try:
            ended = _serve(start, terminal=not quiet)
            break
        except (IdentityError, DriverError, ControlError, OSError, ValueError) as error:
            if (start := start.instead(Said(f"不能启动：{error}", f"can't start: {error}"))) is None:
                code = 1 if isinstance(error, ControlError) else EX_CONFIG
                raise CommandError(f"不能启动 / can't start: {error}", code) from error
        except (StateBusyError, DatabaseError) as error:
            raise CommandError(f"不能启动 / can't start: {error}") from error
    if ended is Ended.FAILED:
        raise CommandError("一个部件出错，已停止 / a worker failed and everything was stopped; see the log above")


def _begin(config: Path) -> Start:
    try:
        return begin(config)
    except ConfigError as error:
        raise refused(error) from None


def _serve(start: Start, *, terminal: bool) -> Ended:
    """Run on one configuration until asked to stop, or until it turns out that it can't be used."""
    notify = Notify()
    watch = Watch(notify)
    with Stop() as stop, StateLock(start.loaded.config.state.folder):
        _stop_on_signals(stop)
        ended = Ended.SITE_LOST
        while ended is Ended.SITE_LOST and not stop.is_set():
            box = assemble(start.loaded, terminal=terminal, watch=watch)
            ended = replace(box, tend=(*box.tend, partial(_ready_once_journal_is_open, box, start))).run(stop)
        notify.stopping()
    return ended


def _ready_once_journal_is_open(box: Box, start: Start) -> None:
    if box.recorder.journal is not None:
        start.ready()


def _stop_on_signals(stop: Stop) -> None:
    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
