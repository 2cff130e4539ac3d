"""Finds destinations by entry point and makes them from their table in the configuration."""

from collections.abc import Mapping
from importlib.metadata import entry_points

from pydantic import BaseModel, ValidationError

from yaoma_bridge.destinations.destination import Destination
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.platform import Platform

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
    points = entry_points(group=ENTRY_POINTS)
    if kind not in points.names:
        known = ", ".join(sorted(points.names))
        raise ConfigError(f"destination {name}: there is no kind {kind!r}", f"Installed are: {known}")
    loaded = points[kind].load()
    options_model: type[BaseModel] = loaded.Options
    try:
        checked = options_model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"destination {name}: {key}: {first['msg']}", "Correct the key") from None
    made = loaded(name, checked)
    assert isinstance(made, Destination | Platform)
    return made
