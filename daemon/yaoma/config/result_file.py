"""Result file: what became of a configuration, beside it, so that a technician without a keyboard can read it."""

import logging
from datetime import datetime
from pathlib import Path
from typing import Final

from yaoma import __version__
from yaoma.config.mistake import Mistake, Notice, lines_of
from yaoma.config.said import Said
from yaoma_link.keyfile import write_public

__all__ = ["result_path", "write_result"]

log = logging.getLogger("yaoma.config")

_MARK: Final = "\ufeff"  # older Windows editors take a file without it for GBK


def result_path(config: Path) -> Path:
    """Give the result file of a configuration, such as `yaoma.result.txt` beside `yaoma.toml`."""
    return config.with_name(f"{config.stem}.result.txt")


def write_result(
    config: Path, outcome: Said, mistakes: tuple[Mistake, ...] = (), notices: tuple[Notice, ...] = ()
) -> None:
    """Write it, whole or not at all; where that is not possible the box goes on without (DESIGN.md 11).

    Args:
        config: The configuration.
        outcome: What the box does now.
        mistakes: What is wrong with the file.
        notices: What should be looked at.
    """
    now = datetime.now().astimezone().isoformat(" ", "seconds")
    lines = [
        outcome.zh,
        outcome.en,
        "",
        *lines_of(mistakes, notices),
        *([""] if mistakes or notices else []),
        f"文件 / file     {config.name}",
        f"时间 / time     {now}",
        f"版本 / version  yaoma {__version__}",
    ]
    text = _MARK + "".join(f"{line}\r\n" for line in lines)
    try:
        write_public(result_path(config), text.encode(), replace=True)
    except OSError as error:
        log.warning("no result file beside the configuration: error=%s", error.strerror)
