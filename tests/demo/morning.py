"""A morning at the counter, on real programs: broker with TLS, bridge, box, serial scanner, camera, two platforms.

What is shown as the operator's screen is what the box prints itself. Each scan's verdict is held against what the
story says, and at the end everything is counted. The exit code is 0 only if nothing differs and nothing is missing.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from demo.centre import DemoCentre
from demo.goods import CAPSULE, code
from demo.platforms import DemoPlatforms
from demo.reconciliation import reconcile
from demo.scenes_centre import insured_sale, sold_elsewhere
from demo.scenes_counter import dispense, look_alikes, other_operations, return_and_check, sell_units
from demo.scenes_special import control_codes, controlled_drug, emergency, network_away, practice, recall
from demo.scenes_stock import check_quarantine, count_stock, fetch_list, receive_delivery, store_without_code
from demo.stage import Stage
from fakes.broker import MOSQUITTO
from fakes.county import BoxProcess, County

STORY: Sequence[Callable[[Stage], None]] = (
    fetch_list,
    count_stock,
    receive_delivery,
    check_quarantine,
    store_without_code,
    dispense,
    look_alikes,
    return_and_check,
    sell_units,
    other_operations,
    control_codes,
    controlled_drug,
    emergency,
    recall,
    insured_sale,
    sold_elsewhere,
    practice,
    network_away,
)


def _keep(box: BoxProcess, county: County) -> None:
    config = f"--config {box.config}"
    sys.stdout.write(
        f"\n一切仍在运行；Ctrl-C 结束。Everything goes on running; Ctrl-C ends it.\n"
        f"  .venv/bin/yaoma status {config}\n"
        f"  .venv/bin/yaoma journal show {config}\n"
        f"  .venv/bin/yaoma journal prove 5 {config}\n"
        f"  .venv/bin/yaoma report pack {code(CAPSULE, 4)} {config}\n"
        f"  .venv/bin/yaoma-bridge status --config {county.bridges[0].config}\n"
        f"  cp 图片 / a picture of a code to {box.pictures}\n"
    )
    sys.stdout.flush()
    try:
        while box.program.is_running():
            time.sleep(0.5)
    except KeyboardInterrupt:
        sys.stdout.write("\n")


def _box(county: County, centre: DemoCentre) -> BoxProcess:
    """Provision a hospital's counter in Fujian, where emergency use has 48 hours."""
    return county.add_box(
        "counter-1",
        stdout=sys.stdout.fileno(),
        settings={
            "allowlist": f'root = "{centre.root}"',
            "policy": 'id = "fujian"\ninstitution = "hospital"',
        },
    )


def main() -> int:
    """Play the morning and give the exit code."""
    parser = argparse.ArgumentParser(description="A morning at the counter")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    arguments = parser.parse_args()
    if MOSQUITTO is None:
        sys.stderr.write("mosquitto is missing; run: make demo, or apt-get install mosquitto\n")
        return 2
    # A short path: a Unix socket's name may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="yaoma-demo-"))
    county = County(folder)
    platforms: DemoPlatforms | None = None
    try:
        for name in ("centre", "platforms"):
            (folder / name).mkdir()
        centre = DemoCentre(folder / "centre")
        centre.publish()
        platforms = DemoPlatforms(folder / "platforms", folder / "centre" / "products")
        county.broker.start()
        county.add_bridge(platforms.settings()).program.start()
        box = _box(county, centre)
        box.start()
        stage = Stage(county, box, centre, platforms)
        for scene in STORY:
            scene(stage)
        faults = reconcile(stage)
        for fault in faults:
            sys.stdout.write(f"✗ {fault}\n")
        if not faults:
            sys.stdout.write("✓ 扫码、记录、网桥三处一致。Scans, records and bridge agree.\n")
        sys.stdout.flush()
        if arguments.keep:
            _keep(box, county)
        box.program.stop()
    except AssertionError:
        sys.stdout.write("".join(log.read_text(errors="replace") for log in sorted(folder.rglob("*.log"))))
        raise
    finally:
        county.remove()
        if platforms is not None:
            platforms.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
