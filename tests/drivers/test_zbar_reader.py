"""Zbar in its child process, which is killed, stopped and made to talk nonsense."""

import io
import os
import signal
import subprocess
import sys
import time

import pytest

from fakes.drawn_codes import blank, code128, on_paper, qr
from yaoma_drivers.decoding import zbar_child, zbar_reader
from yaoma_drivers.decoding.zbar_child import ANSWER, CODE, POINT, QUESTION
from yaoma_drivers.decoding.zbar_reader import ZbarReader

SHEET = on_paper((qr("https://example.org/7"), 100, 100), width=500, height=500)


def child_of(reader: ZbarReader) -> int:
    """Return the process of the child."""
    assert reader._child is not None
    return reader._child.pid


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer for the first answer, on a machine that does other things."""
    monkeypatch.setattr(zbar_reader, "_TIMEOUT_S", 20.0)


def test_read_when_a_qr_code_is_there_then_text_and_place_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without identifier, which zbar does not say; one child reads all pictures and ends with its reader."""
    patient(monkeypatch)
    with ZbarReader() as reader:
        for _ in range(2):
            (reading,) = reader.read(SHEET)
            assert (reading.data, reading.aim) == (b"https://example.org/7", "")
            assert reading.surrounds((180, 180))
        assert reader.read(blank()) == []
        assert reader.read(on_paper((code128("81234567890123456789"), 100, 100))) == []
        pid = child_of(reader)
        assert reader.failed_count == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_read_when_the_child_is_killed_then_one_picture_is_lost_and_the_next_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An abort of the C code costs nothing but the picture that caused it."""
    patient(monkeypatch)
    with ZbarReader() as reader:
        assert len(reader.read(SHEET)) == 1
        first = child_of(reader)
        ask = reader._ask

        def killed(child: object, question: bytes, until_s: float) -> None:
            os.kill(first, signal.SIGKILL)
            ask(child, question, until_s)  # type: ignore[arg-type]  # handed through

        monkeypatch.setattr(reader, "_ask", killed)
        assert reader.read(SHEET) == []
        monkeypatch.setattr(reader, "_ask", ask)
        assert reader.failed_count == 1
        assert len(reader.read(SHEET)) == 1
        assert child_of(reader) != first


def test_read_when_the_child_hangs_then_it_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that does not answer is ended after half a second, and the next picture has another."""
    with ZbarReader() as reader:
        patient(monkeypatch)
        assert len(reader.read(SHEET)) == 1
        monkeypatch.setattr(zbar_reader, "_TIMEOUT_S", 0.2)
        stopped = child_of(reader)
        os.kill(stopped, signal.SIGSTOP)
        begun_s = time.monotonic()
        assert reader.read(SHEET) == []
        assert time.monotonic() - begun_s < 5
        with pytest.raises(ProcessLookupError):
            os.kill(stopped, 0)
        patient(monkeypatch)
        assert len(reader.read(SHEET)) == 1


def test_read_when_the_child_dies_again_and_again_then_zbar_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four beginnings a minute are enough; after that no process is begun, until the minute is over."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with ZbarReader() as reader:
        for _ in range(6):
            assert reader.read(SHEET) == []
        assert reader.failed_count == 4
        monkeypatch.setattr(zbar_reader, "_BEGINNINGS_S", 0.0)
        reader.read(SHEET)
        assert reader.failed_count == 5


def test_read_when_no_process_can_be_begun_then_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without room for one more process reads on without zbar."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with ZbarReader() as reader:
        assert reader.read(SHEET) == []


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER.pack(10_000),
        ANSWER.pack(1) + CODE.pack(100_000, 4),
        ANSWER.pack(1) + CODE.pack(3, 100_000),
        ANSWER.pack(1) + CODE.pack(3, 1) + b"a",
        b"\x01",
    ],
)
def test_read_when_the_child_talks_nonsense_then_it_is_ended(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lengths beyond reason and answers that break off are not waited for or believed."""
    patient(monkeypatch)
    octets = "".join(f"\\x{octet:02x}" for octet in answer)
    with ZbarReader() as reader:
        real = subprocess.Popen
        monkeypatch.setattr(
            subprocess,
            "Popen",
            lambda _, **given: real(["/bin/bash", "-c", f"head -c 250008 >/dev/null; printf '{octets}'"], **given),
        )
        assert reader.read(SHEET) == []
        assert reader.failed_count == 1
        assert reader._child is None


def test_read_when_a_text_is_not_plain_then_it_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zbar guesses the character set of other texts, and guesses wrong."""
    patient(monkeypatch)
    with ZbarReader() as reader:
        assert reader.read(on_paper((qr("药品追溯码"), 100, 100), width=500, height=500)) == []
        assert reader.failed_count == 0


def test_child_when_it_is_asked_then_it_answers_in_its_form() -> None:
    """A picture of one code: its length, its corners, its text; then the end."""
    question = QUESTION.pack(SHEET.shape[1], SHEET.shape[0]) + SHEET.tobytes()
    answers = io.BytesIO()
    assert zbar_child.main(io.BytesIO(question), answers) == 0
    octets = answers.getvalue()
    assert ANSWER.unpack_from(octets) == (1,)
    length, corners = CODE.unpack_from(octets, ANSWER.size)
    begin = ANSWER.size + CODE.size
    assert octets[begin : begin + length] == b"https://example.org/7"
    assert len(octets) == begin + length + corners * POINT.size


@pytest.mark.parametrize(
    "question", [b"\x01", QUESTION.pack(0, 5), QUESTION.pack(5, 5) + b"abc", QUESTION.pack(60_000, 60_000)]
)
def test_child_when_a_question_is_cut_off_or_too_large_then_it_ends(question: bytes) -> None:
    """It never allocates what it has not got."""
    assert zbar_child.main(io.BytesIO(question), io.BytesIO()) == 1
