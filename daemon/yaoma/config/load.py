"""Reads the configuration file; lists every mistake with its key, not only the first."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from yaoma.config.model import Config
from yaoma_drivers import registry
from yaoma_drivers.errors import DriverError

__all__ = ["ConfigError", "Loaded", "load"]


class ConfigError(Exception):
    """The file can't be used.

    Args:
        path: The file.
        mistakes: One sentence each, beginning with the dotted key.
    """

    def __init__(self, path: Path, mistakes: list[str]) -> None:
        super().__init__(f"{path}: " + "; ".join(mistakes))
        self.path = path
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that can be used.

    Args:
        config: What the file says.
        options: The checked options of each scanner's driver, by scanner.
        digest: SHA-256 of the file, in hexadecimal.
    """

    config: Config
    options: Mapping[str, BaseModel]
    digest: str


def load(path: Path) -> Loaded:
    """Read and check a file.

    Raises:
        ConfigError: If it can't be read, is no TOML, or holds a mistake; all mistakes are named.
    """
    try:
        raw = path.read_bytes()
        # Editors on Windows put a mark of the byte order in front.
        fields = tomllib.loads(raw.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(path, [f"can't be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, ["is not UTF-8; save it as UTF-8 and try again"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, [f"is no TOML: {error}"]) from error
    try:
        config = Config.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(path, _sentences(error, "")) from None
    options, mistakes = _driver_options(config)
    if mistakes:
        raise ConfigError(path, mistakes)
    return Loaded(config, options, hashlib.sha256(raw).hexdigest())


def _driver_options(config: Config) -> tuple[dict[str, BaseModel], list[str]]:
    options: dict[str, BaseModel] = {}
    mistakes: list[str] = []
    for place, scanner in enumerate(config.scanner):
        key = f"scanner.{place}"
        try:
            options[scanner.name] = registry.check(scanner.driver, scanner.options)
        except DriverError as error:
            mistakes.append(f"{key}.driver: {error}")
        except ValidationError as error:
            mistakes += _sentences(error, f"{key}.options.")
    return options, mistakes


def _sentences(error: ValidationError, prefix: str) -> list[str]:
    sentences = []
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        key = prefix + ".".join(str(part) for part in one["loc"])
        sentences.append(f"{key.rstrip('.')}: {one['msg']}" if key else one["msg"])
    return sentences
