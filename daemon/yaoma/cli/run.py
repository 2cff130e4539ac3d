"""`yaoma run`: the daemon, in the foreground; systemd or a terminal starts it."""

import logging
import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from yaoma.cli.assemble import assemble
from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption
from yaoma.cli.report import EX_CONFIG, CommandError, refused
from yaoma.config.load import ConfigError
from yaoma.config.said import Said
from yaoma.config.start import Start, begin
from yaoma.service.box import Box, Ended
from yaoma.service.watch import Watch
from yaoma.shell.clock import SystemClock
from yaoma.shell.collector import spare_collector
from yaoma.shell.control import ControlError
from yaoma.shell.database import DatabaseError
from yaoma.shell.private_memory import keep_memory_private
from yaoma.shell.start_log import StartLog, pause_s
from yaoma.shell.state_lock import StateBusyError, StateLock
from yaoma.shell.turns import keep_turns_short
from yaoma_drivers.errors import DriverError
from yaoma_drivers.stop import Stop
from yaoma_link.identity import IdentityError
from yaoma_link.log_lines import log_to_journal_or_stderr
from yaoma_link.notify import Notify

__all__ = ["run"]

log = logging.getLogger("yaoma.run")

#: A thread that shows a verdict gets the interpreter within this time from one that sends or reports; by default it is
#: 5 ms, more than a verdict may take of its own (DESIGN.md 3, promise 6).
_SWITCH_S = 0.0005


def run(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no verdicts on standard output.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more on standard error.")] = False,
    normal: Annotated[bool, typer.Option("--normal", help="Leave safe mode: forget that starts have failed.")] = False,
) -> None:
    """Run the box: read scanners, judge, keep, show, deliver. Ends on SIGTERM or Ctrl-C.

    After three starts that failed within ten minutes it runs in safe mode, with built-in drivers only; the next
    start is a normal one once a run was healthy for a minute.

    Exit codes: 0 asked to stop; 1 a defect, start again; 75 the centre wants a new start; 78 the configuration or a
    key can't be used, and there is no last good configuration of the same box to run on.

    Examples: yaoma run · yaoma run --config ./yaoma.toml --quiet
    """
    log_to_journal_or_stderr("yaoma", verbose=verbose)
    if not keep_memory_private():
        log.warning("core dumps could not be forbidden")
    sys.setswitchinterval(_SWITCH_S)
    start = _begin(config)
    while True:
        try:
            ended = _serve(start, terminal=not quiet, normal=normal)
            break
        except (IdentityError, DriverError, ControlError, OSError, ValueError) as error:
            other = start.instead(Said(f"不能启动：{error}", f"can't start: {error}"))
            if other is None:
                code = 1 if isinstance(error, ControlError) else EX_CONFIG
                raise CommandError(f"不能启动 / can't start: {error}", code) from error
            start = other
        except (StateBusyError, DatabaseError) as error:
            raise CommandError(f"不能启动 / can't start: {error}") from error
    if ended is Ended.RESTART:
        raise CommandError("按中心指令重新启动 / the centre wants a new start", os.EX_TEMPFAIL)
    if ended is Ended.FAILED:
        raise CommandError("一个部件出错，已停止 / a worker failed and everything was stopped; see the log above")


def _begin(config: Path) -> Start:
    try:
        return begin(config)
    except ConfigError as error:
        raise refused(error) from None


def _serve(start: Start, *, terminal: bool, normal: bool) -> Ended:
    """Run on one configuration until asked to stop, or until it turns out that it can't be used."""
    notify = Notify()
    folder = start.loaded.config.state.folder
    with Stop() as stop, StateLock(folder):
        _stop_on_signals(stop)
        starts = StartLog(folder / "starts.json", SystemClock().boot_id)
        before = starts.begin(normal=normal)
        watch = Watch(notify, on_healthy=starts.healthy)
        try:
            _wait(before.failed, stop, notify)
            if before.safe_mode:
                log.error("safe mode, only built-in drivers are used: failed=%d", before.failed)
            ended = Ended.SITE_LOST
            while ended is Ended.SITE_LOST and not stop.is_set():
                box = assemble(start.loaded, terminal=terminal, watch=watch, safe_mode=before.safe_mode)
                spare_collector()
                keep_turns_short()
                ended = replace(box, tend=(*box.tend, partial(_ready_once_journal_is_open, box, start))).run(stop)
        except (IdentityError, DriverError, OSError, ValueError):
            # Mended by a person, not by fewer drivers.
            starts.did_not_fail()
            raise
        if stop.is_set() or ended is Ended.RESTART:
            starts.did_not_fail()
        notify.stopping()
    return ended


def _wait(failed: int, stop: Stop, notify: Notify) -> None:
    """Wait longer after each failed start, where systemd starts us again at once (RestartSteps= needs its 254)."""
    wait_s = pause_s(failed) if notify.is_listened_to else 0.0
    if wait_s:
        log.warning("starts have failed, waiting: failed=%d pause_s=%.0f", failed, wait_s)
        notify.status(f"连续启动失败 {failed} 次，稍候再试 / {failed} starts failed, trying again in {wait_s:.0f} s")
        stop.wait(wait_s)


def _ready_once_journal_is_open(box: Box, start: Start) -> None:
    if box.recorder.journal is not None:
        start.ready()


def _stop_on_signals(stop: Stop) -> None:
    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
