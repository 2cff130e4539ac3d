"""Evidence: what is kept of a picture, and what never is."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from fakes.drawn_codes import blank, code128, ean13, gs1_matrix, on_paper, png, qr
from fakes.listener import Listener
from yaoma_drivers import evidence as module
from yaoma_drivers.camera import CameraDriver, CameraOptions
from yaoma_drivers.decoding.picture_reader import PictureReader
from yaoma_drivers.decoding.reading import Reading
from yaoma_drivers.driver import Driver
from yaoma_drivers.evidence import Evidence, cut_out, is_evidence

CODE = "81234567890123456789"
PLACE = ((100, 100), (700, 100), (700, 300), (100, 300))
Listen = Callable[[Driver], Listener]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def kept_in(folder: Path) -> list[Path]:
    """Return the pictures that are kept."""
    return sorted(folder.glob("*.jpg")) if folder.exists() else []


@pytest.mark.parametrize(
    ("data", "aim", "may"),
    [
        (CODE.encode(), "]C0", True),
        (CODE.encode(), "]d1", False),
        (b"01069012345678921727123121S1", "]d2", True),
        (b"01069012345678921727123121S1", "]Q1", False),
        (b"010690123456789210ABC", "]d2", False),
        (b"010690123456789121S1", "]C1", False),
        (b"11010119900307867X", "]C0", False),
        (b"6901234567892", "]E0", False),
        (b"https://example.org", "]Q1", False),
        (b"13412345678901234567", "]C0", False),
    ],
)
def test_evidence_when_it_is_no_trace_code_then_it_may_not_be_kept(data: bytes, aim: str, *, may: bool) -> None:
    """Identity cards, payment codes, 69 codes and GS1 without a serial number leave no picture."""
    assert is_evidence(Reading(data, aim, PLACE)) is may


@pytest.mark.row("S4-15")
def test_symbols_when_evidence_is_wanted_then_trace_codes_alone_are_kept(listen: Listen, tmp_path: Path) -> None:
    """Of a counter with an identity card, a payment code, a 69 code and two packs there are two small pictures."""
    folder, kept = tmp_path / "pictures", tmp_path / "evidence"
    folder.mkdir()
    sheet = on_paper(
        (code128("11010119900307867X"), 60, 60),
        (qr("https://example.org/pay"), 900, 60),
        (ean13("6901234567892"), 60, 400),
        (code128(CODE), 60, 700),
        (gs1_matrix("(01)06901234567892(17)271231(21)S1"), 1000, 700),
    )
    (folder / "a.png").write_bytes(png(sheet))
    options = {"folder": folder, "existing": True, "poll_ms": 10, "evidence_folder": kept, "evidence_days": 7}
    listener = listen(CameraDriver("cam-1", CameraOptions.model_validate(options)))
    assert len([listener.next() for _ in range(5)]) == 5
    wait_for(lambda: len(kept_in(kept)) == 2)
    listener.end()
    assert {oct(path.stat().st_mode & 0o777) for path in kept_in(kept)} == {"0o600"}
    assert oct(kept.stat().st_mode & 0o777) == "0o700"
    with PictureReader(second_reader=False) as reader:
        texts = sorted(
            one.data for path in kept_in(kept) for one in reader.read(np.asarray(cv2.imread(str(path), 0), np.uint8))
        )
    assert texts == [b"0106901234567892172712312" + b"1S1", CODE.encode()]
    assert not any(CODE in path.name for path in kept_in(kept))


def test_cut_out_when_something_lies_beside_the_code_then_it_is_not_in_the_picture() -> None:
    """Print above, below and beside a label that is turned: white where it was, and a box around the code."""
    sheet = blank(1000, 700)
    sheet[:] = 90
    corners = tuple((round(500 + x), round(350 + y)) for x, y in ((-200, -120), (140, 160), (60, 240), (-280, -40)))
    cv2.fillConvexPoly(sheet, np.array(corners), 200)
    cut = cut_out(sheet, Reading(CODE.encode(), "]C0", corners))
    assert cut is not None
    margin = (cut.shape[0] - 113) // 2
    assert set(np.unique(cut[: margin - 3])) == {255}
    assert set(np.unique(cut[-margin + 3 :])) == {255}
    assert abs(int(np.median(cut[margin + 5 : -margin - 5, margin + 5 : -margin - 5])) - 200) <= 1
    assert (cut == 0).sum() > 2 * (cut.shape[0] - 2 * margin)


def test_cut_out_when_an_outline_has_no_extent_then_there_is_none() -> None:
    """A line, a point and an outline of three corners."""
    for corners in (((1, 1), (9, 1), (9, 1), (1, 1)), ((1, 1),) * 4, ((0, 0), (9, 0), (9, 9))):
        assert cut_out(blank(), Reading(CODE.encode(), "]C0", corners)) is None


def test_tidy_when_pictures_are_old_or_too_many_then_the_oldest_go_and_other_files_stay(tmp_path: Path) -> None:
    """By age in days, then by size all together; what a power cut has left half written goes, too."""
    now_s = time.time()
    for number in range(6):
        (tmp_path / f"2026-{number}.jpg").write_bytes(bytes(1000))
        os.utime(tmp_path / f"2026-{number}.jpg", (now_s - number * 86_400, now_s - number * 86_400))
    (tmp_path / ".20260101T000000.000Z-77-000001").write_bytes(b"half")
    os.utime(tmp_path / ".20260101T000000.000Z-77-000001", (1, 1))
    (tmp_path / "notes.txt").write_text("mine")
    os.utime(tmp_path / "notes.txt", (1, 1))
    Evidence(tmp_path, keep_days=4, most_bytes=10_000).tidy()
    assert [path.name for path in kept_in(tmp_path)] == [f"2026-{number}.jpg" for number in range(4)]
    Evidence(tmp_path, keep_days=4, most_bytes=2000).tidy()
    assert [path.name for path in kept_in(tmp_path)] == ["2026-0.jpg", "2026-1.jpg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-0.jpg", "2026-1.jpg", "notes.txt"]


def test_keep_when_the_disk_refuses_or_is_slow_then_it_is_counted_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in place of the folder loses each picture; a disk that hangs loses what does not fit the queue."""
    reading = Reading(CODE.encode(), "]C0", PLACE)
    (tmp_path / "file").touch()
    with Evidence(tmp_path / "file", 1, 1000) as refused:
        refused.keep(blank(), reading, 0)
        wait_for(lambda: refused.lost_count == 1)
    can_write = threading.Event()
    monkeypatch.setattr(module.Evidence, "_write", lambda *_: can_write.wait(20))
    with Evidence(tmp_path, 1, 1000) as slow:
        for _ in range(12):
            slow.keep(blank(), reading, 0)
        assert slow.lost_count >= 3
        can_write.set()
