"""Acl: takes a right away from a running broker's boxes, and gives it back."""

from collections.abc import Iterator
from contextlib import contextmanager

from fakes.county import County

__all__ = ["without_records"]


@contextmanager
def without_records(county: County) -> Iterator[None]:
    """Let no box write records as long as the context lasts; sessions stay as they are."""
    path = county.folder / "broker" / "acl"
    text = path.read_text()
    lines = [
        line for line in text.splitlines() if not (line.startswith(("pattern", "topic write")) and "records" in line)
    ]
    assert len(lines) < len(text.splitlines()), "the access list has no line about records"
    county.broker.write_acl("\n".join([*lines, ""]))
    county.broker.reload()
    try:
        yield
    finally:
        county.broker.write_acl(text)
        county.broker.reload()
