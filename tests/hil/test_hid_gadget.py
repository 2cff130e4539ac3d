"""A keyboard scanner of real USB ids: the kernel's own gadget, through its whole USB and input stack."""

from collections.abc import Iterator

import pytest

from hil.counter_guest import CounterGuest

pytestmark = pytest.mark.timeout(300)

#: After so long without a scan nothing more comes, in seconds.
_QUIET_S = 8.0
_LINK = "/dev/input/by-id/usb-Symbol_Technologies_Bar_Code_Scanner_HIL-TYPING-event-kbd"


@pytest.fixture(scope="module")
def node(guest: CounterGuest) -> Iterator[str]:
    """Plug the scanner in and wait until the box has it; give the file by which it types."""
    played = guest.machine.agent.call(
        "gadget:add",
        name="typing",
        vendor="05e0",
        product="1200",
        serial="HIL-TYPING",
        maker="Symbol Technologies",
        model="Bar Code Scanner",
        function="keyboard",
    )
    guest.wait_open(_LINK)
    yield str(played)
    guest.machine.agent.call("gadget:unplug", name="typing")


@pytest.mark.hil_smoke
@pytest.mark.parametrize("ms_per_character", [10, 4, 1, 0])
def test_scans_when_typed_at_any_speed_then_each_is_read_right_or_refused(
    guest: CounterGuest, node: str, ms_per_character: int
) -> None:
    """Packs typed without a pause between them are read unaltered; one whose keys the kernel dropped is a fault.

    What the emulated processor can't follow is scanned again, as the fault tells the operator to.
    """
    left = [guest.code() for _ in range(5)]
    for _ in range(5):
        since = guest.place()
        guest.machine.agent.call("gadget:type_lines", node=node, lines=left, ms_per_character=ms_per_character)
        scans = guest.scans(since, len(left), quiet_s=_QUIET_S)
        assert {"typing"} == {scan["scanner"] for scan in scans}
        read = [scan["code"].removeprefix("cn20:") for scan in scans if "code" in scan]
        assert read == [code for code in left if code in read], "altered, twice, or out of order"
        refused = [scan for scan in scans if "code" not in scan]
        assert {("FAULT", "lookalike_read_fault")} >= {(scan["verdict"], scan["reason"]) for scan in refused}
        left = [code for code in left if code not in read]
        assert refused or not left, "a scan was lost without a word"
        if not left:
            return
    pytest.fail(f"still not read at the fifth time: {len(left)} packs at {ms_per_character} ms a character")


def test_scanner_when_pulled_and_plugged_in_again_then_it_is_missed_and_comes_back(
    guest: CounterGuest, node: str
) -> None:
    """The box says which scanner is gone, takes it again by its serial number, and reads the next pack."""
    guest.machine.agent.call("gadget:unplug", name="typing")
    guest.wait_scanner("typing", "absent")
    guest.machine.agent.call("gadget:plug", name="typing")
    guest.wait_open(_LINK)
    since, code = guest.place(), guest.code()
    guest.machine.agent.call("gadget:type_lines", node=node, lines=[code], ms_per_character=4)
    assert [f"cn20:{code}"] == [scan.get("code") for scan in guest.scans(since, 1)]
    assert guest.wait_scanner("typing")["working"]


def test_scanner_when_it_belongs_to_a_known_maker_then_the_rules_that_ship_give_it_to_the_box(
    guest: CounterGuest, node: str
) -> None:
    """Udev has put the device into the box's group and taken it from desktops; nobody else may read what is typed."""
    assert node
    said = guest.machine.shell(f"stat -L -c '%U %G %a' {_LINK}; udevadm info {_LINK}")
    assert "root yaoma 660" in said
    assert "E: LIBINPUT_IGNORE_DEVICE=1" in said
