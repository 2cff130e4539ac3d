"""The camera driver on a folder of drawn pictures."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from fakes.drawn_codes import blank, code128, ean13, gs1_matrix, jpeg, on_paper, png, qr
from fakes.listener import Listener
from yaoma_drivers.camera import CameraDriver, CameraOptions
from yaoma_drivers.camera_folder import CameraFolder
from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault, Source

CODES = [f"8123456789012345678{digit}" for digit in range(10)]
Listen = Callable[[Driver], Listener]


def camera(folder: Path, **options: object) -> CameraDriver:
    """Make a driver that looks often, so that tests are quick."""
    return CameraDriver(
        "cam-1", CameraOptions.model_validate({"folder": folder, "existing": True, "poll_ms": 10, **options})
    )


def sheet(text: str) -> bytes:
    """Make the file of a picture with one trace code."""
    return png(on_paper((code128(text), 60, 60), width=900, height=400))


def folder_of(reader: CameraDriver) -> CameraFolder:
    """Return the part of the driver that reads a folder."""
    assert isinstance(reader._source, CameraFolder)
    return reader._source


def wait_until_listed(reader: CameraDriver) -> None:
    """Wait for the first look into the folder, after which a picture is new."""
    until_s = time.monotonic() + 20
    while not folder_of(reader)._was_listed:
        assert time.monotonic() < until_s
        time.sleep(0.005)


def put(folder: Path, name: str, octets: bytes) -> None:
    """Let a whole picture appear at once, as a careful writer does."""
    (folder / ".upload").write_bytes(octets)
    (folder / ".upload").rename(folder / name)


def test_symbols_when_pictures_are_there_then_they_come_in_the_order_of_names(listen: Listen, tmp_path: Path) -> None:
    """PNG and JPEG are read, each code with identifier, source and scanner; other files are left alone."""
    put(tmp_path, "c.png", png(on_paper((gs1_matrix("(01)06901234567892(10)ABC123(21)12345678"), 100, 100))))
    put(tmp_path, "a.PNG", sheet(CODES[0]))
    put(tmp_path, "b.jpg", jpeg(on_paper((ean13("6901234567892"), 60, 60))))
    put(tmp_path, "d.jpeg", jpeg(on_paper((qr("https://example.org"), 60, 60))))
    put(tmp_path, "b.txt", b"no picture")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    listener = listen(camera(tmp_path))
    symbols = [listener.next() for _ in range(4)]
    assert [(symbol.aim, symbol.data) for symbol in symbols] == [
        ("]C0", CODES[0].encode()),
        ("]E0", b"6901234567892"),
        ("]d2", b"010690123456789210ABC123\x1d2112345678"),
        ("]Q1", b"https://example.org"),
    ]
    assert {(symbol.source, symbol.scanner, symbol.fault) for symbol in symbols} == {(Source.CAMERA, "cam-1", None)}
    assert listener.end() < 1.0
    assert listener.rest() == []


def test_symbols_when_pictures_appear_later_then_each_is_read_once(listen: Listen, tmp_path: Path) -> None:
    """A picture stays in the folder and is read once; the same name with another picture is a new one."""
    listener = listen(camera(tmp_path))
    put(tmp_path, "snap.png", sheet(CODES[0]))
    assert listener.next().data == CODES[0].encode()
    put(tmp_path, "snap.png", sheet(CODES[1]))
    assert listener.next().data == CODES[1].encode()
    put(tmp_path, "snap2.png", sheet(CODES[1]))
    assert listener.next().data == CODES[1].encode()
    listener.end()
    assert listener.rest() == []


def test_symbols_when_only_the_time_of_a_picture_changes_then_it_is_not_read_again(
    listen: Listen, tmp_path: Path
) -> None:
    """A copier that sets the time after writing does not make a second scan of it."""
    listener = listen(camera(tmp_path))
    put(tmp_path, "a.png", sheet(CODES[0]))
    listener.next()
    os.utime(tmp_path / "a.png", (1, 1))
    put(tmp_path, "b.png", sheet(CODES[1]))
    assert listener.next().data == CODES[1].encode()
    assert listener.rest() == []


def test_symbols_when_existing_is_off_then_only_new_pictures_are_read(listen: Listen, tmp_path: Path) -> None:
    """What lies there at the start is left alone, unless it changes."""
    put(tmp_path, "a.png", sheet(CODES[0]))
    reader = camera(tmp_path, existing=False)
    listener = listen(reader)
    wait_until_listed(reader)
    put(tmp_path, "b.png", sheet(CODES[1]))
    put(tmp_path, "a.png", sheet(CODES[2]))
    assert {listener.next().data, listener.next().data} == {CODES[1].encode(), CODES[2].encode()}
    listener.end()
    assert listener.rest() == []


def test_symbols_when_a_picture_is_half_written_then_it_is_read_when_whole(listen: Listen, tmp_path: Path) -> None:
    """While it grows it gives nothing and holds up no other; when it is whole it gives its code, once, and no fault."""
    for name, octets in (("a.png", sheet(CODES[0])), ("a.jpg", jpeg(on_paper((code128(CODES[0]), 60, 60))))):
        folder = tmp_path / name
        folder.mkdir()
        listener = listen(camera(folder, settle_ms=60_000))
        with (folder / name).open("wb", buffering=0) as file:
            file.write(octets[: len(octets) // 2])
            put(folder, "b.png", sheet(CODES[1]))
            assert listener.next().data == CODES[1].encode()
            assert listener.rest() == []
            file.write(octets[len(octets) // 2 : -1])
            put(folder, "c.png", sheet(CODES[2]))
            assert listener.next().data == CODES[2].encode()
            assert listener.rest() == []
            file.write(octets[-1:])
        assert listener.next().data == CODES[0].encode()
        listener.end()
        assert listener.rest() == []


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (sheet(CODES[0])[:-100], ReadFault.UNTERMINATED),
        (b"", ReadFault.UNTERMINATED),
        (bytes(range(256)) * 20, ReadFault.DROPPED),
    ],
)
def test_symbols_when_a_picture_never_gets_whole_then_one_fault_comes(
    listen: Listen, tmp_path: Path, octets: bytes, fault: ReadFault
) -> None:
    """A cut-off picture, an empty file and random bytes are given up with a fault that has their length."""
    put(tmp_path, "a.png", octets)
    listener = listen(camera(tmp_path, settle_ms=50))
    symbol = listener.next()
    assert (symbol.data, symbol.fault, symbol.length, symbol.source) == (b"", fault, len(octets), Source.CAMERA)
    put(tmp_path, "a.png", sheet(CODES[1]))
    assert listener.next().data == CODES[1].encode()
    listener.end()
    assert listener.rest() == []


def test_symbols_when_a_picture_would_unfold_to_gigabytes_then_it_is_a_fault(listen: Listen, tmp_path: Path) -> None:
    """A picture of more pixels than a camera has is never decoded; its length is the file's."""
    octets = png(blank(6000, 5000))
    put(tmp_path, "a.png", octets)
    symbol = listen(camera(tmp_path, settle_ms=0)).next()
    assert (symbol.fault, symbol.length) == (ReadFault.OVERLONG, len(octets))


def test_symbols_when_a_code_is_longer_than_a_symbol_then_it_is_a_fault(listen: Listen, tmp_path: Path) -> None:
    """A QR code of 300 characters is OVERLONG with its length, and the other code of the picture is read."""
    put(
        tmp_path, "a.png", png(on_paper((qr("https://example.org/" + "x" * 280), 60, 60), (code128(CODES[0]), 60, 800)))
    )
    listener = listen(camera(tmp_path))
    symbols = {symbol.fault: symbol for symbol in (listener.next(), listener.next())}
    assert symbols[None].data == CODES[0].encode()
    assert symbols[ReadFault.OVERLONG].length == 300


def test_symbols_when_a_picture_holds_no_code_then_it_is_counted_only(listen: Listen, tmp_path: Path) -> None:
    """Blank pictures give no symbol and no fault, and the driver says how many there were."""
    put(tmp_path, "a.png", png(blank()))
    put(tmp_path, "b.jpg", jpeg(blank()))
    put(tmp_path, "c.png", sheet(CODES[0]))
    reader = camera(tmp_path)
    listener = listen(reader)
    assert listener.next().data == CODES[0].encode()
    assert folder_of(reader).blank_count == 2
    assert listener.rest() == []


def test_symbols_when_the_folder_goes_then_device_gone_and_later_it_reads_on(listen: Listen, tmp_path: Path) -> None:
    """A vanished folder ends in DeviceGone; once it is back, what came meanwhile is read, also without `existing`."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    reader = camera(folder, existing=False)
    listener = listen(reader)
    wait_until_listed(reader)
    put(folder, "a.png", sheet(CODES[0]))
    assert listener.next().data == CODES[0].encode()
    folder.rename(tmp_path / "away")
    error = listener.error()
    assert isinstance(error, DeviceGone)
    assert (error.device, error.reason) == (str(folder), DeviceReason.UNPLUGGED)
    put(tmp_path / "away", "b.png", sheet(CODES[1]))
    (tmp_path / "away").rename(folder)
    listener = listen(reader)
    assert listener.next().data == CODES[1].encode()
    assert listener.rest() == []


def test_symbols_when_there_is_no_folder_then_the_error_says_so(tmp_path: Path) -> None:
    """An absent folder and a file in its place are told apart."""
    (tmp_path / "file").touch()
    for name, kind, reason in (
        ("none", DeviceGone, DeviceReason.ABSENT),
        ("file", DeviceRefused, DeviceReason.WRONG_KIND),
    ):
        with Stop() as stop, pytest.raises(kind) as raised:
            next(camera(tmp_path / name).symbols(stop))
        assert raised.value.reason is reason


def test_options_when_they_do_not_fit_then_they_are_refused(tmp_path: Path) -> None:
    """A relative folder, an unknown key, a poll that would make stop late, no source, two, and the other's options."""
    camera_path = "/dev/v4l/by-id/usb-Camera-video-index0"
    for options in (
        {"folder": "pictures"},
        {"folder": tmp_path, "baud_rate": 0},
        {"folder": tmp_path, "poll_ms": 5000},
        {},
        {"folder": tmp_path, "device": camera_path},
        {"folder": tmp_path, "gone_ms": 1500},
        {"device": camera_path, "poll_ms": 200},
        {"device": "video0"},
        {"device": camera_path, "confirm_frames": 6},
    ):
        with pytest.raises(ValidationError):
            CameraOptions.model_validate(options)


def test_reading_when_it_runs_then_only_the_folder_and_its_pictures_are_opened_to_read(tmp_path: Path) -> None:
    """Reading a folder opens no file for writing, changes nothing in it, and writes nothing to the screen."""
    put(tmp_path, "a.png", sheet(CODES[0]))
    put(tmp_path, "b.png", sheet(CODES[1])[:-50])
    program = """
import json, os, sys
from yaoma_drivers.camera import CameraDriver, CameraOptions
from yaoma_drivers.camera_folder import CameraFolder
from yaoma_drivers.stop import Stop

driver = CameraDriver("s", CameraOptions(folder=sys.argv[1], existing=True, poll_ms=10, settle_ms=50))
touched = []
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.truncate", "os.utime", "os.chmod", "sqlite3.connect",
           "socket.connect", "subprocess.Popen", "shutil.copyfile")
def watch(event, given):
    if event == "open":
        touched.append([os.fsdecode(given[0]) if not isinstance(given[0], int) else "", given[2] & os.O_ACCMODE])
    elif event in CHANGES:
        touched.append([event, -1])
sys.addaudithook(watch)
symbols = driver.symbols(Stop())
faults = [next(symbols).fault, next(symbols).fault]
symbols.close()
told = [list(each) for each in touched]
print(json.dumps({"faults": faults, "touched": told}))
"""
    before = {entry.name: entry.stat().st_mtime_ns for entry in tmp_path.iterdir()}
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    told = json.loads(ran.stdout)
    assert told["faults"] == [None, "unterminated"]
    assert {Path(path).name for path, _ in told["touched"] if path} == {"a.png", "b.png"}
    assert {mode for _, mode in told["touched"]} == {os.O_RDONLY}
    assert {entry.name: entry.stat().st_mtime_ns for entry in tmp_path.iterdir()} == before
    assert ran.stderr == ""
