"""Partner folder: a folder for each company that somebody, or a program, sends on; no name leads out of it."""

import re
import unicodedata
from pathlib import Path
from typing import Final

__all__ = ["partner_folder"]

_NOBODY: Final = "unknown"
_UNSAFE: Final = re.compile(r"[^\w.-]+")
_MOST_LETTERS: Final = 60


def partner_folder(folder: Path, partner: str) -> Path:
    """Give the folder of a company: letters, digits, dots, dashes.

    Args:
        folder: The folder of all of them.
        partner: The company's name, as a note or a till writes it; `unknown` stands for none.
    """
    plain = _UNSAFE.sub("-", unicodedata.normalize("NFC", partner)).strip("-.")
    return folder / (plain[:_MOST_LETTERS] or _NOBODY)
