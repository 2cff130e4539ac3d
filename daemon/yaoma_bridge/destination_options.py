"""Destination options: what the tables of all destinations in the configuration have in common."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

__all__ = ["AbsolutePath", "DestinationOptions"]


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("an absolute path was expected")
    return path


#: A destination does not know where the configuration lies, so a relative path has nowhere to begin.
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class DestinationOptions(BaseModel):
    """Base of a destination's options: an unknown key is refused, what stood there is never quoted."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
