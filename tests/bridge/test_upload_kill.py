"""A worker is killed while it uploads: nothing is lost, and nothing comes twice to the platform."""

import os
import subprocess
import sys
import time
from collections import Counter as Tally
from pathlib import Path

from fakes.box import BoxLog
from fakes.scripted_platform import ScriptedPlatform
from fakes.simulated import Simulated
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge

_TESTS = Path(__file__).parents[1]
_SITE = '[alihealth]\nref_ent_id = "r"\nent_id = "e"\n'


def _child(folder: Path, url: str, bridge: UploadingBridge) -> "subprocess.Popen[bytes]":
    paths = os.pathsep.join([str(_TESTS), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "fakes.upload_child", str(folder), url, str(bridge.place)],
        env={**os.environ, "PYTHONPATH": paths},
    )


def _wait_until_sending(bridge: UploadingBridge) -> None:
    """Wait until the child has a call under way that it began itself."""
    before = len(bridge.moves())
    deadline_s = time.monotonic() + 30
    while bridge.moves()[before:].count("send") < 3 or ("sent", "") not in bridge.parcels():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_worker_killed_while_it_sends_loses_and_doubles_nothing(tmp_path: Path, log: BoxLog) -> None:
    """Each pack is taken by the platform once, whatever moment the worker was killed at, and in the end accepted."""
    register(tmp_path / "boxes", log.name)
    (tmp_path / "secret").write_text("helloworld")
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / f"{log.name.site}.toml").write_text(f'kind = "pharmacy"\n{_SITE}')
    counter = Counter(log)
    packs = [code_of(number) for number in range(24)]
    for pack in packs:
        counter.sell(pack)
    bridge = UploadingBridge(tmp_path, ScriptedPlatform())
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    with Simulated("alihealth") as platform:
        platform.fail("slow", count=-1, only="upload", delay_s=0.1)
        child = _child(tmp_path, platform.url, bridge)
        _wait_until_sending(bridge)
        child.kill()
        child.wait()
        platform.fail("slow", count=0)
        last = _child(tmp_path, platform.url, bridge)
        assert last.wait(60) == 0
        taken = Tally(code for one in platform.received() for code in one["codes"])
    moves = Tally(bridge.moves())
    fates = set(bridge.fates().values())
    bridge.close()
    assert moves["lost"] > 0
    assert taken == Tally(pack.removeprefix("cn20:") for pack in packs)
    assert fates == {("accepted", "")}
    assert moves["said_accepted"] == len(packs)
