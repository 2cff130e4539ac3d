"""Finds destinations by entry point and makes them from their table in the configuration."""

from collections.abc import Mapping

from yaoma_bridge.destinations.destination import Destination
from yaoma_bridge.platform import Platform
from yaoma_bridge.plug_ins import checked_options, plug_in

__all__ = ["ENTRY_POINTS", "make_destination"]

ENTRY_POINTS = "yaoma.destinations"


def make_destination(kind: str, name: str, options: Mapping[str, object]) -> Destination | Platform:
    """Make a destination: one that takes events, or a platform that takes bills.

    Args:
        kind: The entry point's name, such as `file`.
        name: The name for claims, receipts and status.
        options: The rest of its table.

    Raises:
        ConfigError: If no such destination is installed, or an option is wrong; the sentence names its key.
    """
    where = f"destination {name}"
    loaded = plug_in(ENTRY_POINTS, kind, where)
    made = loaded(name, checked_options(loaded.Options, options, where))
    assert isinstance(made, Destination | Platform)
    return made
