"""Centre words: operations, policies and the words of reports, as they ship with the package."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from yaoma.core.operation import Direction
from yaoma.core.policy import InstitutionKind, Policy
from yaoma.core.policy_layer import PolicyError, PolicyLayer, compose
from yaoma.core.policy_text import is_policy_id, read_layer
from yaoma.core.report_page import NO_FACTS
from yaoma.core.wording import Facts, fill
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.wording import catalogue, config_file

__all__ = ["CentreWords", "OperationName", "operations", "policy_for"]

#: A province stands on the default, a county on its province, a chain's rules on its county.
_MAX_CHAIN: Final = 4


@dataclass(frozen=True, slots=True)
class OperationName:
    """An operation as far as reports need it.

    Args:
        zh: Its Chinese name.
        en: Its English name.
        direction: What it means for the stock.
    """

    zh: str
    en: str
    direction: Direction


@lru_cache(maxsize=1)
def operations() -> Mapping[str, OperationName]:
    """Read the operations that ship, by id.

    Raises:
        ConfigError: If they are not installed.
    """
    table = tomllib.loads(_shipped("operations.toml"))
    return {
        name: OperationName(str(entry["zh"]), str(entry["en"]), Direction(entry["direction"]))
        for name, entry in table.items()
    }


def policy_for(policy: str | Path, kind: InstitutionKind | None) -> Policy:
    """Read a policy with those it stands on, for one kind of institution.

    Args:
        policy: The id of one that ships, or a file of a policy's text that stands on those.
        kind: The kind; None leaves out what differs by it.

    Raises:
        ConfigError: If there is none, or it can't be used.
    """
    chain = [_layer(policy)]
    while (base := chain[0].base) is not None:
        if len(chain) == _MAX_CHAIN:
            raise ConfigError(f"report.policy: the policies below {chain[-1].id} form no chain", "Correct its `base`")
        chain.insert(0, _layer(base))
    try:
        return compose(chain, kind)
    except PolicyError as error:
        raise ConfigError(f"report.policy: {error}", "Check it with `yaoma policy check`") from None


class CentreWords:
    """The words of a report in one language; an id that nobody knows is written as it is.

    Args:
        language: `zh-CN` or `en`.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._sections = catalogue(language)

    def say(self, name: str, facts: Facts = NO_FACTS) -> str:
        """Give an entry of the section `report`."""
        return self._line("report", name, facts)

    def operation(self, name: str) -> str:
        """Name an operation."""
        found = operations().get(name)
        if found is None:
            return name
        return found.en if self.language == "en" else found.zh

    def reason(self, name: str) -> str:
        """Say why a destination refused or holds something."""
        return self._line("outcome", name, NO_FACTS)

    def cause(self, name: str) -> str:
        """Say what stood in the way, by a dotted id."""
        section, _, one = name.partition(".")
        return self._line(section, one, NO_FACTS)

    def _line(self, section: str, name: str, facts: Facts) -> str:
        pieces = self._sections.get(section, {}).get(name, {}).get("line")
        return fill(pieces, facts) if pieces else name


def _layer(policy: str | Path) -> PolicyLayer:
    try:
        if isinstance(policy, Path):
            text = policy.read_text("utf-8")
        elif is_policy_id(policy):
            text = _shipped(f"policies/{policy}.toml")
        else:
            raise ConfigError(f"report.policy: {policy!r} is no policy id", "Name one of config/policies, or a file")
        return read_layer(text, operations())
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"report.policy: {policy} can't be read", "Check the path") from None
    except PolicyError as error:
        raise ConfigError(f"report.policy: {error}", "Check it with `yaoma policy check`") from None


def _shipped(name: str) -> str:
    path = config_file(name)
    if path is None:
        raise ConfigError(f"{name} is not installed", "Install the package yaoma again, or correct the name")
    return path.read_text("utf-8")
