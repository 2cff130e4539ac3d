"""A morning at the counter, on real programs: broker with TLS, bridge, box, serial scanner, camera.

What is shown as the operator's screen is what the box prints itself. At the end everything is counted: scans made,
verdicts, records kept, records stored at the bridge. The exit code is 0 only if nothing is missing.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from fakes.broker import MOSQUITTO
from fakes.county import BoxProcess, County, wait_for
from fakes.drawn_codes import code128, on_paper, png

# Codes of a course project, clearly made up (DOMAIN.md 1.8): no pack on earth carries them.
PACKS = [f"8100000000000000000{number}" for number in range(1, 10)]
RECALLED = "82000000000000000002"
PRODUCTS = {"8100000": "示例胶囊 Sample capsules", "8200000": "示例片 Sample tablets"}
UNLISTED = "81000000000000999999"
EAN_13 = "6901234567892"
CUT_OFF = PACKS[0][:13]
ID_CARD = "360426199101010071"


class Morning:
    """The story, and the count of what was done.

    Args:
        county: The running programs.
        box: The box at the counter.
    """

    def __init__(self, county: County, box: BoxProcess) -> None:
        self.county = county
        self.box = box
        self.scans = 0
        self.pictures = 0

    def say(self, chinese: str, english: str) -> None:
        """Tell what happens next."""
        sys.stdout.write(f"\n── {chinese}\n   {english}\n\n")
        sys.stdout.flush()

    def scan(self, *codes: str) -> None:
        """Pull the trigger, and wait for each verdict before the next pack, as people do."""
        for code in codes:
            self.box.scan(code)
            self.scans += 1
            self.wait_for_verdicts()

    def photograph(self, *codes: str) -> None:
        """Lay packs under the camera."""
        self.pictures += 1
        labels = [(code128(code), 100, 100 + 300 * place) for place, code in enumerate(codes)]
        (self.box.pictures / f"{self.pictures:03}.png").write_bytes(png(on_paper(*labels)))
        self.scans += len(codes)
        self.wait_for_verdicts()

    def wait_for_verdicts(self) -> None:
        """Wait until every scan made has its record."""
        wait_for(
            lambda: sum(self.box.ask().get("today", {}).values()) >= self.scans,
            f"only {self.box.ask().get('today')} of {self.scans} scans were answered",
        )
        # The record is there before the screen is: give the screen its moment.
        time.sleep(0.15)

    def ticket(self, *arguments: str) -> None:
        """Open or close a ticket as the till's program would."""
        done = self.box.command("ticket", *arguments)
        sys.stdout.write(f"$ yaoma ticket {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
        sys.stdout.flush()
        if done.returncode:
            raise AssertionError("the ticket command was refused")

    def play(self) -> None:
        """Play the morning."""
        self.say("收货：三盒用扫码枪，两盒放在摄像头下", "Receiving: three packs by scanner, two under the camera")
        self.ticket("open", "counter", "receive")
        self.scan(*PACKS[:3])
        self.photograph(*PACKS[3:5])
        self.ticket("close", "counter")

        self.say("发药：同一盒扫了两次", "Dispensing: one pack is scanned twice")
        self.ticket("open", "counter", "dispense")
        self.scan(PACKS[0], PACKS[1], PACKS[1])

        self.say("误扫：商品条码、没扫全的码、身份证", "By mistake: the commodity barcode, a cut-off code, an ID card")
        self.scan(EAN_13, CUT_OFF, ID_CARD)

        self.say("召回的药；名单里没有的一盒", "A recalled pack; a pack that is not on the list")
        self.scan(RECALLED, UNLISTED)
        self.ticket("close", "counter")

        self.say("网络断了：服务器没了，柜台照常", "The network goes: no broker, the counter goes on")
        self.county.broker.kill()
        wait_for(lambda: not self.box.ask()["uplink"]["is_connected"], "the box did not notice that the broker is gone")
        self.ticket("open", "counter", "dispense")
        self.scan(*PACKS[2:5])
        self.ticket("close", "counter")
        self.status()

        self.say("网络恢复：积压的记录自己送到", "The network is back: what waited is delivered by itself")
        self.county.broker.start()

    def status(self) -> None:
        """Show what `yaoma status` says."""
        sys.stdout.write(f"$ yaoma status\n{self.box.command('status').stdout}")
        sys.stdout.flush()

    def reconcile(self) -> list[str]:
        """Count everything; give one sentence for each thing that is missing."""
        wait_for(lambda: self.box.ask()["uplink"]["pending"] == 0, "the bridge did not confirm everything")
        self.status()
        records = self.box.records()
        scans = [record for record in records if record.kind == "scan"]
        verdicts = Counter(str(record.fields["verdict"]) for record in scans)
        kept = {record.identity for record in records}
        wait_for(lambda: len(self.county.events()) >= len(kept), "the bridge has not written every event")
        events = [event["id"] for event in self.county.events()]
        stored = {(event.split("/")[2], int(event.split("/")[3])) for event in events}
        verified = self.box.command("journal", "verify")

        self.say("对账", "Reconciliation")
        rows = [
            ("扫码次数 / scans made", self.scans),
            ("有判定的扫码 / scans with a verdict", len(scans)),
            *((f"  {verdict}", number) for verdict, number in sorted(verdicts.items())),
            ("日志记录 / records kept", len(records)),
            ("网桥已存 / stored at the bridge", sum(self.county.stored().values())),
            ("网桥送出的事件 / events delivered by the bridge", len(events)),
        ]
        for name, number in rows:
            sys.stdout.write(f"{number:>6}  {name}\n")
        sys.stdout.write(f"\n$ yaoma journal verify\n{verified.stdout}{verified.stderr}")

        faults = []
        if len(scans) != self.scans:
            faults.append(f"{self.scans} scans were made, {len(scans)} have a verdict")
        if stored != kept:
            faults.append(f"kept and stored differ: {len(kept - stored)} missing, {len(stored - kept)} too many")
        if len(events) != len(set(events)):
            faults.append("the bridge has delivered an event twice")
        if verified.returncode:
            faults.append("the journal does not verify")
        if ID_CARD.encode() in b"".join(path.read_bytes() for path in self.box.folder.rglob("*") if path.is_file()):
            faults.append("the ID number lies open on the box")
        return faults


def _keep(box: BoxProcess, county: County) -> None:
    config = f"--config {box.config}"
    sys.stdout.write(
        f"\n一切仍在运行；Ctrl-C 结束。Everything goes on running; Ctrl-C ends it.\n"
        f"  .venv/bin/yaoma status {config}\n"
        f"  .venv/bin/yaoma journal show {config}\n"
        f"  .venv/bin/yaoma journal prove 5 {config}\n"
        f"  .venv/bin/yaoma-bridge status --config {county.bridges[0].config}\n"
        f"  printf '{PACKS[6]}\\r\\n' > (扫码枪 / the scanner is a pseudo-terminal of this program)\n"
        f"  cp 图片 / a picture of a code to {box.pictures}\n"
    )
    sys.stdout.flush()
    try:
        while box.program.is_running():
            time.sleep(0.5)
    except KeyboardInterrupt:
        sys.stdout.write("\n")


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
    county = County(folder, codes=[*PACKS, RECALLED], products=PRODUCTS, denials={RECALLED: "recall"})
    try:
        county.broker.start()
        county.add_bridge().program.start()
        box = county.add_box("counter-1", stdout=sys.stdout.fileno())
        box.start()
        morning = Morning(county, box)
        morning.play()
        faults = morning.reconcile()
        for fault in faults:
            sys.stdout.write(f"✗ {fault}\n")
        if not faults:
            sys.stdout.write("✓ 扫码、记录、网桥三处一致。Scans, records and bridge agree.\n")
        sys.stdout.flush()
        if arguments.keep:
            _keep(box, county)
        box.program.stop()
    finally:
        county.remove()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
