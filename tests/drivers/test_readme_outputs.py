"""The page on outputs says what is so: each table has the options of its driver, in their order."""

import re
from pathlib import Path

import pytest

from yaoma_drivers.registry import Group, known, options_of

PAGE = (Path(__file__).parents[2] / "drivers" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("gpio_lamp", Group.INDICATORS),
        ("alsa_tone", Group.INDICATORS),
        ("hid_gadget", Group.PORTS),
        ("serial_out", Group.PORTS),
    ],
)
def test_page_when_it_lists_options_then_they_are_the_outputs_own(name: str, group: Group) -> None:
    """No option is missing and none is invented."""
    section = PAGE.split(f"\n## `{name}`\n")[1].split("\n## ")[0]

    assert list(options_of(name, group).model_fields) == re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_page_when_it_names_drivers_then_none_is_left_out() -> None:
    """Whatever is installed by us has its chapter; the two that type have the same options."""
    ours = {*known(Group.INDICATORS), *known(Group.PORTS)}

    assert all(f"\n## `{name}`\n" in PAGE for name in ours)
    assert {*options_of("hid_gadget", Group.PORTS).model_fields} == {
        *options_of("uinput_keyboard", Group.PORTS).model_fields
    }
