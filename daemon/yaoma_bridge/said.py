"""Said: a platform's own sentence, as it may be kept and shown to an operator."""

import re
from typing import Final

__all__ = ["shown_sentence"]

_MAX_LETTERS: Final = 200

#: A platform may repeat a code, a card or an identity number; dates and short counts stay readable.
_NUMBER: Final = re.compile(r"[0-9A-Za-z]*[0-9][0-9Xx*]{5,}[0-9A-Za-z]*")


def shown_sentence(value: object) -> str:
    """Give a platform's sentence without anything that could be a code or name a person by number.

    Args:
        value: What stood in the field for it; anything.
    """
    text = value if isinstance(value, str) else ""
    printable = "".join(one if one.isprintable() else " " for one in text[: 4 * _MAX_LETTERS])
    return _NUMBER.sub("***", printable).strip()[:_MAX_LETTERS]
