"""`yaoma run`: the daemon, in the foreground; systemd or a terminal starts it."""

import logging
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from yaoma.cli.assemble import assemble
from yaoma.cli.report import DEFAULT_CONFIG, EX_CONFIG, CommandError, ConfigOption, loaded
from yaoma.service.box import Ended
from yaoma.service.watch import Watch
from yaoma.shell.control import ControlError
from yaoma.shell.database import DatabaseError
from yaoma.shell.state_lock import StateBusyError, StateLock
from yaoma_drivers.errors import DriverError
from yaoma_drivers.stop import Stop
from yaoma_link.identity import IdentityError
from yaoma_link.notify import Notify

__all__ = ["run"]

log = logging.getLogger("yaoma.run")


def run(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no verdicts on standard output.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more on standard error.")] = False,
) -> None:
    """Run the box: read scanners, judge, keep, show, deliver. Ends on SIGTERM or Ctrl-C.

    Exit codes: 0 asked to stop; 1 a defect, start again; 78 the configuration or a key can't be used.

    Examples: yaoma run · yaoma run --config ./yaoma.toml --quiet
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s %(message)s",
    )
    read = loaded(config)
    notify = Notify()
    watch = Watch(notify)
    try:
        with Stop() as stop, StateLock(read.config.state.folder):
            _stop_on_signals(stop)
            ended = Ended.SITE_LOST
            while ended is Ended.SITE_LOST and not stop.is_set():
                box = assemble(read, terminal=not quiet, watch=watch)
                ended = box.run(stop)
            notify.stopping()
    except (IdentityError, DriverError, OSError, ValueError) as error:
        raise CommandError(f"不能启动 / can't start: {error}", EX_CONFIG) from error
    except (StateBusyError, DatabaseError, ControlError) as error:
        raise CommandError(f"不能启动 / can't start: {error}") from error
    if ended is Ended.FAILED:
        raise CommandError("一个部件出错，已停止 / a worker failed and everything was stopped; see the log above")


def _stop_on_signals(stop: Stop) -> None:
    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
