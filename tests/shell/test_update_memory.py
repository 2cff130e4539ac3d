"""What a long delta takes of the memory that the update's unit has (MemoryMax= in yaoma-update.service)."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.released import Centre
from yaoma.core.code_key import cn20_key
from yaoma.core.list_delta import ListDelta
from yaoma.core.lot_table import UNKNOWN_LOT
from yaoma_tools.release_build import ReleaseParts

UNIT = Path(__file__).parents[2] / "systemd" / "yaoma-update.service"
ROWS = 1_000_000

#: A process of its own, so that its peak is not that of the test; the usage that the system counts outlives an exec.
UPDATE = """
import json, re, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from fakes.released import ReleasedBox
place = Path(sys.argv[2])
outcome = ReleasedBox(place / "box", (place / "root.json").read_bytes()).update(place / "centre" / "repository")
peak_kb = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps([outcome.version, outcome.rows, peak_kb]))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_update_with_a_delta_of_a_million_rows_stays_far_below_the_units_memory(tmp_path: Path) -> None:
    """It peaks at a third of what the unit may have, the process and its libraries included."""
    centre = Centre(tmp_path / "centre")
    centre.begin()
    centre.base(range(100))
    adds = dict.fromkeys((cn20_key(f"8{number:019}") for number in range(ROWS)), UNKNOWN_LOT)
    (tmp_path / "delta").write_bytes(ListDelta(1, 2, adds, []).encoded())
    centre.publish(ReleaseParts(deltas=[tmp_path / "delta"]))
    (tmp_path / "root.json").write_bytes(centre.root)
    tests = str(Path(__file__).parents[1])

    done = subprocess.run(
        [sys.executable, "-c", UPDATE, tests, str(tmp_path)], capture_output=True, text=True, check=True
    )

    version, rows, peak_kb = json.loads(done.stdout)
    (most_mb,) = re.findall(r"^MemoryMax=(\d+)M$", UNIT.read_text(), re.MULTILINE)
    assert (2, ROWS) == (version, rows)
    assert peak_kb < int(most_mb) * 1024 / 3
