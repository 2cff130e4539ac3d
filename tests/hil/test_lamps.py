"""Lamps on pins, found by the names of their lines: what the operator sees of a verdict, seen from the other side."""

import pytest

from hil.counter_guest import CounterGuest

pytestmark = pytest.mark.timeout(300)

_DARK, _GREEN, _WHITE = [0, 0], [1, 0], [0, 1]


def test_lamps_when_a_pack_passes_and_a_code_is_cut_off_then_green_and_white_are_lit(guest: CounterGuest) -> None:
    """The green line goes up for a pack of the list, the white one at the side for a bad read, and never both."""
    node = guest.machine.agent.call(
        "gadget:add",
        name="typing",
        vendor="05e0",
        product="1200",
        serial="HIL-TYPING",
        maker="Symbol Technologies",
        model="Bar Code Scanner",
        function="keyboard",
    )
    guest.wait_open("/dev/input/by-id/usb-Symbol_Technologies_Bar_Code_Scanner_HIL-TYPING-event-kbd")
    said = guest.machine.shell("cat /sys/kernel/debug/gpio")
    assert "yaoma" in said
    for text, lit in ((guest.code(), _GREEN), (guest.code()[:-4], _WHITE)):
        seen = guest.machine.agent.start("pins:seen_lit", chip="lamps", line=lit.index(1), within_s=60)
        guest.machine.agent.call("gadget:type_lines", node=node, lines=[text], ms_per_character=10)
        assert lit == seen.result(90)[:2]


def test_lamps_when_the_box_is_killed_then_they_go_dark(guest: CounterGuest) -> None:
    """A crash leaves no green light behind: the kernel takes the lines back with the process."""
    guest.machine.shell("systemctl kill -s KILL yaoma")
    assert _DARK == guest.machine.agent.call("pins:wait_levels", chip="lamps", wanted=[0, 0, 0], within_s=20)[:2]
