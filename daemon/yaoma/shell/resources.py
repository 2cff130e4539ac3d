"""Resources: finds the data that ships with Yaoma, in a checkout or where a wheel was installed."""

import sys
from pathlib import Path

import yaoma

__all__ = ["ResourceMissingError", "config_file"]


class ResourceMissingError(Exception):
    """A file that belongs to the installation is not there.

    Args:
        name: Its name below `config/`.
        looked: Where it was looked for.
    """

    def __init__(self, name: str, looked: tuple[Path, ...]) -> None:
        places = ", ".join(map(str, looked))
        super().__init__(f"{name} is missing in {places}. Install the package yaoma again")
        self.name = name
        self.looked = looked


def config_file(name: str, *, package: Path | None = None, prefix: Path | None = None) -> Path:
    """Find a file of `config/`.

    A checkout has it beside the source roots; a wheel puts it under `share/yaoma/config` of its prefix.

    Args:
        name: Such as `messages/en.toml`.
        package: Where the package lies; for tests.
        prefix: Where Python is installed; for tests.

    Raises:
        ResourceMissingError: If it is in neither place.
    """
    package = package or Path(yaoma.__file__).parent
    places = (
        package.parents[1] / "config",
        (prefix or Path(sys.prefix)) / "share" / "yaoma" / "config",
    )
    for place in places:
        if (place / name).is_file():
            return place / name
    raise ResourceMissingError(name, places)
