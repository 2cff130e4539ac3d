"""Command shelf: the counter of the last command, and what was answered, so that none is done twice."""

import json
from pathlib import Path
from typing import Final

from yaoma_link.command import CommandError, CommandReply
from yaoma_link.keyfile import write_public

__all__ = ["CommandShelf"]

_NAME: Final = "command.json"


class CommandShelf:
    """A small file in the state folder; it is on the disk before a command is done.

    Args:
        folder: The state folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _NAME

    def last(self) -> CommandReply | None:
        """Give the answer to the last command, or None if there was none.

        A file that can't be read counts as none: the commands themselves have an end (`until_ms`).
        """
        try:
            return CommandReply.read(self._file.read_bytes())
        except (OSError, CommandError, json.JSONDecodeError):
            return None

    def keep(self, reply: CommandReply) -> None:
        """Keep the answer to a command, with its number.

        Raises:
            OSError: If it can't be written.
        """
        write_public(self._file, reply.payload(), replace=True)
