"""The daemon under what its unit takes away: system calls, address families, writable and executable memory."""

import platform
import shutil
from itertools import islice
from pathlib import Path

import pytest

from fakes import run_under_unit
from fakes.burst import pack_codes
from fakes.county import County, wait_for

pytestmark = [
    pytest.mark.broker,
    pytest.mark.xdist_group("system-unit"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter is written for x86-64"),
    pytest.mark.skipif(not run_under_unit.NUMBERS.exists(), reason="needs linux-libc-dev"),
    pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze"),
]


def test_box_reads_records_and_delivers_under_the_filter_of_its_unit(county: County) -> None:
    """With no other system call than the unit leaves, every scan arrives and the stop is clean."""
    box = county.add_box(launcher=Path(run_under_unit.__file__))
    box.start()
    codes = list(islice(pack_codes(), 20))
    box.scan(*codes)
    wait_for(lambda: box.log_size() > len(codes), "not everything was recorded")
    wait_for(lambda: 0 == box.ask().get("uplink", {}).get("pending"), "not everything was delivered")
    assert box.program.process is not None
    assert "Seccomp:\t2" in Path(f"/proc/{box.program.process.pid}/status").read_text()
    assert 0 == box.program.stop()
