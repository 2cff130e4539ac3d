"""Url: the one trace code that a web address in a symbol holds, if it holds exactly one."""

import re
from typing import Final
from urllib.parse import parse_qsl, unquote

from yaoma.core import gs1
from yaoma.core.lookalike import Lookalike, LookalikeKind
from yaoma.core.trace_code import Cn20, Gs1, is_cn20

__all__ = ["read"]

_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
# Not [0-9]: a digit of another script beside the run makes the run longer, and thereby no code.
_DIGIT_RUN: Final = re.compile(r"\d+")
_GTIN_SEGMENT: Final = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_GTIN14_DIGITS: Final = 14
_QUERY_AIS: Final = ("10", "11", "17")


def read(text: str, *, length: int) -> Cn20 | Gs1 | Lookalike | None:
    """Find the trace code of a web address (DOMAIN.md 1.5).

    That is the only run of 20 digits that begins with 8 and is not part of a longer run, repeated or not; or GTIN
    and serial number of a GS1 Digital Link. Both at once, or two different runs, are ambiguous. Percent escapes are
    resolved first, since `%83` is not the beginning of a code. The address itself is not kept.

    Args:
        text: Printable ASCII.
        length: How many bytes the scanner read.

    Returns:
        The code or what it is instead; None if the text is no web address.
    """
    scheme = _SCHEME.match(text)
    if scheme is None:
        return None
    codes = {run for run in _DIGIT_RUN.findall(unquote(text)) if is_cn20(run)}
    link = _read_digital_link(text[scheme.end() :], length)
    if len(codes) + isinstance(link, Gs1) > 1:
        return Lookalike(LookalikeKind.URL_AMBIGUOUS, length)
    if codes:
        return Cn20(codes.pop())
    return link or Lookalike(LookalikeKind.URL_WITHOUT_CODE, length)


def _read_digital_link(address: str, length: int) -> Gs1 | Lookalike | None:
    """Read `.../01/<gtin>[/<ai>/<value>]...[?<ai>=<value>]` (GS1 Digital Link URI syntax); None if it is none."""
    path, _, query = address.partition("#")[0].partition("?")
    segments = [unquote(segment) for segment in path.rstrip("/").split("/")]
    for start in range(1, len(segments) - 1):
        if segments[start] == "01" and _GTIN_SEGMENT.fullmatch(segments[start + 1]):
            break
    else:
        return None
    # An odd segment at the end has no value: an empty one breaks the fields, as it should.
    pairs = list(zip(segments[start::2], [*segments[start + 1 :: 2], ""], strict=False))
    pairs[0] = ("01", pairs[0][1].zfill(_GTIN14_DIGITS))
    pairs += [(ai, value) for ai, value in parse_qsl(query) if ai in _QUERY_AIS]
    return gs1.read_fields(pairs, proven=False, length=length)
