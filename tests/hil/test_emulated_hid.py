"""HID devices out of /dev/uhid: a keyboard faster than any reader, so that keys are dropped, and a HID POS scanner."""

from collections.abc import Iterator

import pytest

from fakes.pos_scanner import ACCESS_IS, BOOT_KEYBOARD, text_report
from hil.counter_guest import CounterGuest

pytestmark = pytest.mark.timeout(300)

#: After so long without a scan nothing more comes, in seconds.
_QUIET_S = 8.0
_GOOD_READ, _ERROR = "0402", "0401"
_POS_NODE = "uniq:HIL-POS"
_NODE = "uniq:HIL-EMULATED"


@pytest.fixture(scope="module")
def emulated(guest: CounterGuest) -> Iterator[str]:
    """Make the keyboard and wait until the box has it; give its name."""
    guest.machine.agent.call(
        "emulated:create",
        name="HIL emulated",
        vendor="05e0",
        product="0600",
        serial="HIL-EMULATED",
        descriptor=BOOT_KEYBOARD.hex(),
    )
    guest.machine.shell("udevadm settle")
    guest.wait_open(_NODE)
    yield "HIL emulated"
    guest.machine.agent.call("emulated:destroy", name="HIL emulated")


def test_scans_when_the_kernel_drops_keys_then_nothing_is_made_up_and_the_loss_is_shown(
    guest: CounterGuest, emulated: str
) -> None:
    """Of thirty codes typed without any pause none comes out altered, and the operator hears of the lost ones."""
    codes = [guest.code() for _ in range(30)]
    since = guest.place()
    guest.machine.agent.call("emulated:type_lines", name=emulated, lines=codes, pause_ms=0)
    scans = guest.scans(since, len(codes), quiet_s=_QUIET_S)
    assert {scan["code"] for scan in scans if "code" in scan} <= {f"cn20:{code}" for code in codes}
    lost = [scan for scan in scans if "code" not in scan]
    assert lost, "nothing was dropped: the reader could follow"
    assert {("FAULT", "lookalike_read_fault")} == {(scan["verdict"], scan["reason"]) for scan in lost}
    # And the scanner is not stuck in its loss.
    since, code = guest.place(), guest.code()
    guest.machine.agent.call("emulated:type_lines", name=emulated, lines=[code], pause_ms=8)
    assert [f"cn20:{code}"] == [scan.get("code") for scan in guest.scans(since, 1)]


def test_pos_scanner_when_it_reads_packs_then_each_is_judged_and_beeped_back(guest: CounterGuest) -> None:
    """Reports on hidraw, a code over two of them too, are scans, and the beep tells the verdict."""
    guest.machine.agent.call(
        "emulated:create",
        name="HIL POS",
        vendor="05e0",
        product="1900",
        serial="HIL-POS",
        descriptor=ACCESS_IS.hex(),
    )
    guest.machine.shell("udevadm settle")
    guest.wait_open(_POS_NODE)
    code = guest.code()
    # A GS1 symbol too long for one report: product, expiry, lot and serial number.
    long = b"0106912345678902" + b"17271231" + b"10" + b"LOT-OF-TWENTY-SIGNS-" + b"\x1d21" + b"SERIAL-OF-20-SIGNS-X"
    reports = [
        text_report(code.encode(), aim=b"]C0"),
        text_report(code[:-4].encode(), aim=b"]C0"),
        text_report(long[:56], aim=b"]d2", more=True),
        text_report(long[56:], aim=b"]d2"),
    ]
    since = guest.place()
    for report in reports:
        guest.machine.agent.call("emulated:send", name="HIL POS", reports=[report.hex()], pause_ms=50)
    scans = guest.scans(since, 3)
    assert ["PASS", "FAULT"] == [scan["verdict"] for scan in scans[:2]]
    assert f"cn20:{code}" == scans[0]["code"]
    assert scans[2]["code"].startswith("gs1:0106912345678902")
    assert {"pos"} == {scan["scanner"] for scan in scans}
    beeps = guest.machine.agent.call("emulated:output_reports", name="HIL POS")
    assert [_GOOD_READ, _ERROR] == beeps[:2]
