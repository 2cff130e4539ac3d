"""Topics: the one place that builds and parses `yaoma/v1/...` (DESIGN.md 8)."""

import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "ROOT",
    "BoxName",
    "Channel",
    "CommandTopic",
    "ListTopic",
    "Topic",
    "bridge_filter",
    "command_reply_filter",
    "list_announce",
    "parse_topic",
    "shared_filter",
]

ROOT = "yaoma/v1"

#: 31 characters each, so that `<site>/<box>` fits the 64 characters of a certificate's common name (RFC 5280, A.1).
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}", re.ASCII)
_COMMAND = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_LIST = "list"


class Channel(StrEnum):
    """The levels below a box that carry one kind of payload each."""

    STATUS = "status"
    INFO = "info"
    HEALTH = "health"
    RECORDS = "records"
    RECEIPTS = "receipts"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class BoxName:
    """Who a box is to the broker: the institution's code and the device id.

    Args:
        site: The institution's code, such as `H32132200561`.
        box: The device id; `list` is taken by the site's own level.

    Raises:
        ValueError: If a name has characters or a length that a topic, an ACL pattern or a certificate cannot bear.
    """

    site: str
    box: str

    def __post_init__(self) -> None:
        """Refuse what could widen an ACL pattern or collide with the site's own level."""
        _check_name("site", self.site)
        _check_name("box", self.box)
        if self.box == _LIST:
            raise ValueError(f"box: {_LIST!r} is the site's own level of the topic tree, choose another name")

    @classmethod
    def parse(cls, text: str) -> "BoxName":
        """Read `<site>/<box>`, the form in certificates and user names.

        Raises:
            ValueError: If there are not exactly two valid names.
        """
        site, slash, box = text.partition("/")
        if not slash:
            raise ValueError("a box is named <site>/<box>, found no slash")
        return cls(site, box)

    def __str__(self) -> str:
        return f"{self.site}/{self.box}"

    def topic(self, channel: Channel) -> str:
        """Build the topic of one channel of this box."""
        return f"{ROOT}/{self}/{channel}"

    def command(self, name: str) -> str:
        """Build the topic on which the bridge sends one command.

        Raises:
            ValueError: If the name is not lower-case letters, digits and hyphens.
        """
        return f"{ROOT}/{self}/command/{_check_command(name)}"

    def command_reply(self, name: str) -> str:
        """Build the topic on which the box answers one command.

        Raises:
            ValueError: If the name is not lower-case letters, digits and hyphens.
        """
        return f"{self.command(name)}/reply"

    def inbound_filters(self) -> tuple[str, ...]:
        """Name what a box subscribes to: receipts, state, commands, and its site's list."""
        return (
            self.topic(Channel.RECEIPTS),
            self.topic(Channel.STATE),
            f"{ROOT}/{self}/command/+",
            f"{ROOT}/{self.site}/{_LIST}/#",
        )


@dataclass(frozen=True, slots=True)
class Topic:
    """A parsed topic of one box's channel."""

    box: BoxName
    channel: Channel


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """A parsed topic of a command or of its reply."""

    box: BoxName
    name: str
    is_reply: bool


@dataclass(frozen=True, slots=True)
class ListTopic:
    """A parsed topic of a site's list, such as `announce`."""

    site: str
    leaf: str


def list_announce(site: str) -> str:
    """Build the retained topic on which a site learns of a new list version.

    Raises:
        ValueError: If the site's name is not valid.
    """
    return f"{ROOT}/{_check_name('site', site)}/{_LIST}/announce"


def bridge_filter(channel: Channel) -> str:
    """Build the plain filter for one channel of every box."""
    return f"{ROOT}/+/+/{channel}"


def shared_filter(channel: Channel, group: str = "bridge") -> str:
    """Build the shared filter for one channel of every box, so that workers share the load (DESIGN.md 9)."""
    return f"$share/{group}/{bridge_filter(channel)}"


def command_reply_filter() -> str:
    """Build the filter for the answers of every box to every command."""
    return f"{ROOT}/+/+/command/+/reply"


def parse_topic(text: str) -> Topic | CommandTopic | ListTopic:
    """Take a received topic apart.

    Raises:
        ValueError: If it is none of ours; the text may come from anybody who may publish.
    """
    if not text.startswith(f"{ROOT}/"):
        raise ValueError(f"a topic of ours begins with {ROOT}/")
    match text.removeprefix(f"{ROOT}/").split("/"):
        case [site, "list", leaf]:
            return ListTopic(_check_name("site", site), _check_command(leaf))
        case [site, box, "command", name]:
            return CommandTopic(BoxName(site, box), _check_command(name), is_reply=False)
        case [site, box, "command", name, "reply"]:
            return CommandTopic(BoxName(site, box), _check_command(name), is_reply=True)
        case [site, box, channel] if channel in list(Channel):
            return Topic(BoxName(site, box), Channel(channel))
        case _:
            raise ValueError("the levels of the topic are none that we use")


def _check_name(what: str, text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{what}: expected 1 to 31 letters, digits, hyphens or underscores, beginning with a letter or digit"
        )
    return text


def _check_command(name: str) -> str:
    if not _COMMAND.fullmatch(name):
        raise ValueError("command: expected 1 to 63 lower-case letters, digits and hyphens")
    return name
