"""The command `yaoma-bridge run`: one worker, in the foreground."""

from typing import Annotated

import typer

from yaoma_bridge.command_options import DEFAULT_CONFIG, ConfigOption
from yaoma_bridge.config import read_config
from yaoma_bridge.worker import Worker
from yaoma_link.log_lines import log_to_journal_or_stderr

__all__ = ["run"]


def run(
    config: ConfigOption = DEFAULT_CONFIG, *, verbose: Annotated[bool, typer.Option(help="Log more.")] = False
) -> None:
    """Run one worker until SIGTERM; start as many as the load needs, all with one configuration."""
    log_to_journal_or_stderr("yaoma-bridge", verbose=verbose)
    worker = Worker(read_config(config))
    worker.stop_on_signals()
    worker.run()
