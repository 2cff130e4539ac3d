"""Plug-ins: what is installed under an entry point, and the options that a file gives it."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from pydantic import BaseModel, ValidationError

from yaoma_bridge.errors import ConfigError

__all__ = ["checked_options", "plug_in"]


def plug_in(group: str, kind: str, where: str) -> Any:  # noqa: ANN401 - its maker knows what it must be
    """Load what is installed under a name.

    Args:
        group: The entry points' group.
        kind: The entry point's name, such as `file`.
        where: What of the file names it, for the error.

    Raises:
        ConfigError: If it is not installed.
    """
    points = entry_points(group=group)
    if kind not in points.names:
        known = ", ".join(sorted(points.names))
        raise ConfigError(f"{where}: there is no kind {kind!r}", f"Installed are: {known}")
    return points[kind].load()


def checked_options(model: type[BaseModel], options: Mapping[str, object], where: str) -> BaseModel:
    """Check options against the plug-in's own model.

    Args:
        model: Its model.
        options: What the file says.
        where: What of the file says so, for the error.

    Raises:
        ConfigError: If an option is missing, unknown or wrong; the sentence names its key, never its value.
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{where}: {key}: {first['msg']}", "Correct the key") from None
