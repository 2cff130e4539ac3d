"""Topics: what is built is parsed back, and nothing else is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma_link.topics import (
    BoxName,
    Channel,
    CommandTopic,
    ListTopic,
    Topic,
    bridge_filter,
    command_reply_filter,
    list_announce,
    parse_topic,
    shared_filter,
)

NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,30}\Z")
BOX_NAMES = NAMES.filter(lambda name: name != "list")
COMMANDS = st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,62}\Z")


def test_topics_when_built_then_they_are_those_of_the_design() -> None:
    """The tree is the one of DESIGN.md 8, letter by letter."""
    box = BoxName("H32132200561", "box-1")

    assert box.topic(Channel.RECORDS) == "yaoma/v1/H32132200561/box-1/records"
    assert box.command("reboot") == "yaoma/v1/H32132200561/box-1/command/reboot"
    assert box.command_reply("reboot") == "yaoma/v1/H32132200561/box-1/command/reboot/reply"
    assert list_announce("H32132200561") == "yaoma/v1/H32132200561/list/announce"
    assert shared_filter(Channel.RECORDS) == "$share/bridge/yaoma/v1/+/+/records"
    assert bridge_filter(Channel.STATUS) == "yaoma/v1/+/+/status"
    assert command_reply_filter() == "yaoma/v1/+/+/command/+/reply"
    assert box.inbound_filters() == (
        "yaoma/v1/H32132200561/box-1/receipts",
        "yaoma/v1/H32132200561/box-1/state",
        "yaoma/v1/H32132200561/box-1/command/+",
        "yaoma/v1/H32132200561/list/#",
    )


@given(NAMES, BOX_NAMES, st.sampled_from(Channel), COMMANDS)
def test_topic_when_parsed_then_it_gives_back_what_it_was_built_of(
    site: str, box: str, channel: Channel, command: str
) -> None:
    """Parsing is the inverse of building, for every kind of topic."""
    name = BoxName(site, box)

    assert BoxName.parse(str(name)) == name
    assert parse_topic(name.topic(channel)) == Topic(name, channel)
    assert parse_topic(name.command(command)) == CommandTopic(name, command, is_reply=False)
    assert parse_topic(name.command_reply(command)) == CommandTopic(name, command, is_reply=True)
    assert parse_topic(list_announce(site)) == ListTopic(site, "announce")


@given(NAMES, BOX_NAMES)
def test_name_when_valid_then_it_fits_a_certificate(site: str, box: str) -> None:
    """`<site>/<box>` never exceeds the 64 characters of a common name (RFC 5280, A.1)."""
    assert len(str(BoxName(site, box))) <= 64


@pytest.mark.parametrize(
    "bad",
    ["", "-a", "_a", "a/b", "a+b", "+", "#", "a#", "a b", "a\n", "药店", "a.b", "x" * 32, "$SYS", "a\0"],
)
def test_name_when_it_could_widen_a_pattern_then_it_is_refused(bad: str) -> None:
    """Wildcards, slashes, blanks and overlong names are no part of a topic, and are not repeated in the error."""
    for build in (lambda: BoxName(bad, "box"), lambda: BoxName("site", bad), lambda: list_announce(bad)):
        with pytest.raises(ValueError, match=r"^(site|box): ") as caught:
            build()
        assert len(bad) < 4 or bad not in str(caught.value)


def test_name_when_the_box_is_called_list_then_it_is_refused() -> None:
    """The site's own level can't be a box."""
    with pytest.raises(ValueError, match="list"):
        BoxName("site", "list")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "yaoma",
        "yaoma/v1",
        "yaoma/v1/",
        "yaoma/v2/s/b/records",
        "Yaoma/v1/s/b/records",
        "yaoma/v1/s/b",
        "yaoma/v1/s/b/",
        "yaoma/v1/s/b/record",
        "yaoma/v1/s/b/records/",
        "yaoma/v1/s/b/records/x",
        "yaoma/v1/s/+/records",
        "yaoma/v1/s/b/command",
        "yaoma/v1/s/b/command/",
        "yaoma/v1/s/b/command/UP",
        "yaoma/v1/s/b/command/x/answer",
        "yaoma/v1/s/list",
        "yaoma/v1/s/list/announce/x",
        "/yaoma/v1/s/b/records",
    ],
)
def test_topic_when_it_is_not_ours_then_it_is_refused(topic: str) -> None:
    """Anything beside the tree is a ValueError."""
    with pytest.raises(ValueError, match=r"topic|site|box|command"):
        parse_topic(topic)


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["yaoma", "v1", "s", "list", "command", "+", "#", "", "reply"])).map("/".join)
)
def test_topic_when_it_is_anything_then_it_parses_or_is_a_value_error(topic: str) -> None:
    """No text makes the parser fail in another way."""
    try:
        parsed = parse_topic(topic)
    except ValueError:
        return
    assert isinstance(parsed, Topic | CommandTopic | ListTopic)


@pytest.mark.parametrize("text", ["", "site", "site/", "/box", "site/box/x", "site/box/"])
def test_box_name_when_it_is_not_two_names_then_it_is_refused(text: str) -> None:
    """A box is named by exactly two names."""
    with pytest.raises(ValueError, match=r"site|box"):
        BoxName.parse(text)
