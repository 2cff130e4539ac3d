"""What a driver that doubts its reading is told of a text: by the list that counts at that moment."""

from types import SimpleNamespace
from typing import cast

import pytest

from yaoma.cli.knowledge import is_listed_by
from yaoma.core.allowlist import Allowlist, MemoryAllowlist
from yaoma.core.product import Product
from yaoma.shell.box_list import damaged_list
from yaoma.shell.list_store import ListStore

LISTED, OTHER = "81000001234567890123", "81999991234567890123"
KNOWN = MemoryAllowlist(
    version=7,
    expires_ms=2_000_000_000_000,
    products={"cn20:8100000": Product("cn20:8100000", "示例胶囊")},
    codes=frozenset({f"cn20:{OTHER[:-1]}9"}),
    denials={},
)


def told(allowlist: Allowlist | None, text: str, aim: str = "]C0") -> bool | None:
    """What is said of a text."""
    lists = cast("ListStore", SimpleNamespace(current=allowlist))
    return is_listed_by(lists)(text.encode(), aim)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (LISTED, True),
        (OTHER[:-1] + "9", True),
        (OTHER, False),
        ("0106901234567892" + "21ABC", False),
        ("6901234567892", None),
        ("110101199003074477", None),
        ("9" * 20, None),
        ("8" * 300, None),
        ("", None),
    ],
)
def test_is_listed_when_a_list_counts_then_it_knows_products_and_packs_and_nothing_of_other_texts(
    text: str,
    answer: bool | None,  # noqa: FBT001 - parameter
) -> None:
    """The product or the pack itself must be listed; of what is no trace code nothing is said."""
    assert told(KNOWN, text, "]d2" if text.startswith("01") else "]C0") is answer


def test_is_listed_when_no_list_can_be_believed_then_nothing_is_said() -> None:
    """A new box and a damaged list do not make the camera slower."""
    assert told(None, LISTED) is None
    assert told(damaged_list(7, 0), LISTED) is None
