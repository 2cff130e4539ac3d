"""Profile: what is known of one vendor's scanners, from the data files in `profiles`, each fact with its source."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticKnownError

from yaoma_drivers.hex_bytes import HexParts
from yaoma_drivers.signal import Signal

__all__ = [
    "Fact",
    "HostAck",
    "Profile",
    "Setting",
    "Trigger",
    "known_profiles",
    "load_profile",
    "profile_for",
    "profiles_of_vendor",
    "with_profile",
]

_FOLDER = files("yaoma_drivers") / "profiles"
_ENDING = ".toml"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(_Data):
    """Bytes that do something.

    Args:
        bytes: The bytes as hex, in one or several parts; what a part is, is the driver's business.
        means: What the scanner does with them.
        source: Where that stands.
    """

    bytes: HexParts
    means: str = Field(min_length=1)
    source: str = Field(min_length=1)


class Trigger(_Data):
    """How the host pulls the trigger and lets it go."""

    on: Fact
    off: Fact


class HostAck(_Data):
    """A mode in which the scanner does nothing after a scan until it is answered.

    Args:
        limit_ms: After how long the scanner gives up by itself, as delivered, in milliseconds.
        answer_within_ms: After how long we answer for a box that is silent, in milliseconds.
        source: Where the limit stands.
    """

    limit_ms: int = Field(gt=0)
    answer_within_ms: int = Field(gt=0)
    source: str = Field(min_length=1)


class Setting(_Data):
    """Something to be set on the scanner, by its maker's sheet.

    Args:
        set: What to set.
        why: What it is good for.
        source: Where that stands.
    """

    set: str = Field(min_length=1)
    why: str = Field(min_length=1)
    source: str = Field(min_length=1)


class Profile(_Data):
    """One data file.

    Args:
        title: Maker and models.
        driver: The driver that it is for.
        usb_vendors: Its maker's USB vendor ids, as systemd/udev/70-yaoma-scanners.rules has them.
        ran_on_hardware: Whether anybody has tried it on a real scanner.
        line: Options of the driver that fit the scanner as delivered.
        replies: What the scanner is sent for each signal.
        trigger: How the host pulls its trigger.
        host_ack: Its limit, if it waits for an answer.
        commands: Other bytes worth knowing, by a name of ours.
        settings: What to set on the scanner.
    """

    title: str = Field(min_length=1)
    driver: Literal["serial_line", "zebra_ssi"] = "serial_line"
    usb_vendors: tuple[Annotated[str, Field(pattern="^[0-9a-f]{4}$")], ...] = ()
    ran_on_hardware: bool
    line: dict[str, Any] = Field(default_factory=dict)
    replies: dict[Signal, Fact] = Field(default_factory=dict)
    trigger: Trigger | None = None
    host_ack: HostAck | None = None
    commands: dict[str, Fact] = Field(default_factory=dict)
    settings: tuple[Setting, ...] = ()


def known_profiles(driver: str = "") -> tuple[str, ...]:
    """Return the names of the profiles that come with this package, in order.

    Args:
        driver: Only those for this driver.
    """
    names = sorted(file.name.removesuffix(_ENDING) for file in _FOLDER.iterdir() if file.name.endswith(_ENDING))
    return tuple(name for name in names if not driver or load_profile(name).driver == driver)


def load_profile(name: str) -> Profile:
    """Read one profile.

    Args:
        name: Its file's name without ending.

    Raises:
        ValueError: There is none of this name.
    """
    # Compared, never joined: a name from a configuration must not become a path.
    found = [file for file in _FOLDER.iterdir() if file.name == name + _ENDING]
    if not found:
        raise ValueError(f"is no profile; there are: {', '.join(known_profiles())}")
    return Profile.model_validate(tomllib.loads(found[0].read_text(encoding="utf-8")))


def profiles_of_vendor(usb_vendor: str, driver: str) -> tuple[str, ...]:
    """Return the names of the profiles of a maker, in order.

    Args:
        usb_vendor: The USB vendor id as four hex digits; of a cable's converter there is none.
        driver: Only those for this driver.
    """
    return tuple(name for name in known_profiles(driver) if usb_vendor in load_profile(name).usb_vendors)


def profile_for(driver: str) -> AfterValidator:
    """Return what checks that an option names a profile for one driver, to be put into its annotation.

    Args:
        driver: The driver.
    """

    def checked(name: str) -> str:
        known = known_profiles(driver)
        if name not in known:
            # As pydantic itself says it of a fixed choice, so that whoever words mistakes knows this one too.
            raise PydanticKnownError("literal_error", {"expected": ", ".join(repr(each) for each in known)})
        return name

    return AfterValidator(checked)


def with_profile(given: object, driver: str, default: str = "") -> object:
    """Put a profile's values under the options that a configuration gives itself; those always win.

    A name that is no profile's is left to the option's own check.

    Args:
        given: The options as the configuration has them; anything but a table is left to the model to refuse.
        driver: The driver whose options they are.
        default: The profile that counts if none is named.
    """
    if not isinstance(given, Mapping):
        return given
    name = given.get("profile", default)
    if not isinstance(name, str) or name not in known_profiles(driver):
        return given
    profile = load_profile(name)
    replies: dict[Any, Any] = {signal.value: fact.bytes for signal, fact in profile.replies.items()}
    # A key may be a Signal, which is equal to its name.
    further = given.get("replies", {})
    if isinstance(further, Mapping):
        replies.update(further)
    within = {"answer_within_ms": profile.host_ack.answer_within_ms} if profile.host_ack else {}
    merged = {**profile.line, **within, **given}
    return merged | ({"replies": replies} if isinstance(further, Mapping) else {})
