"""CardReader: a reader of identity cards at the other end of a pseudo-terminal, with cards that the test lays on it."""

import os
import select
import threading
from types import TracebackType
from typing import Self

from fakes.pty_scanner import PtyScanner

__all__ = ["CARD_NUMBER", "CardReader", "base_information"]

#: The example of the standard itself, GB 11643: nobody has it.
CARD_NUMBER = "11010519491231002X"

_STATUS, _FIND, _SELECT, _READ = 0x11FF, 0x2001, 0x2002, 0x3001
_PREAMBLE = b"\xaa\xaa\xaa\x96\x69"
_FIELDS = (30, 2, 4, 16, 70, 36, 30, 16, 16, 36)


def base_information(number: str = CARD_NUMBER, *, name: str = "张三", address: str = "北京市东城区某街一号") -> bytes:
    """Give what a card says, written by hand apart from the code under test: text and a photograph of noise."""
    values = (name, "1", "01", number[6:14], address, number, "北京市公安局", "20200101", "20400101", "")
    fields = zip(values, _FIELDS, strict=True)
    text = b"".join(value.encode("utf-16-le").ljust(width, b"\0") for value, width in fields)
    return b"\x01\x00\x04\x00" + text + bytes(range(256)) * 4


class CardReader:
    """Answers requests as a SAM_V module does; a card that was read is not found again until it is lifted.

    Args:
        finds_again: Find a card that was read again and again, as some readers do.
    """

    def __init__(self, *, finds_again: bool = False) -> None:
        self._finds_again = finds_again
        self._scanner = PtyScanner()
        self.path = self._scanner.path
        self.card: bytes | None = None
        self.is_deaf = False
        self.mangles = 0
        self.fails_to_select = False
        self.asked: list[int] = []
        self._was_read = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="card-reader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(10)
        self._scanner.unplug()

    def lay(self, card: bytes) -> None:
        """Lay a card on it."""
        self._was_read = False
        self.card = card

    def lift(self) -> None:
        """Take the card away."""
        self.card = None

    def unplug(self) -> None:
        """Pull its cable."""
        self._over.set()
        self._thread.join(10)
        self._scanner.unplug()

    def _run(self) -> None:
        line = self._scanner._scanner
        waiting = b""
        while not self._over.is_set():
            if not select.select([line], [], [], 0.02)[0]:
                continue
            try:
                waiting += os.read(line, 4096)
            except OSError:
                continue
            while len(waiting) >= 10:
                asked, waiting = int.from_bytes(waiting[7:9], "big"), waiting[10:]
                self.asked.append(asked)
                if not self.is_deaf:
                    os.write(line, self._mangled(self._answer(asked)))

    def _answer(self, asked: int) -> bytes:
        is_found = self.card is not None and (self._finds_again or not self._was_read)
        is_chosen = self.card is not None and not self.fails_to_select
        self._was_read |= asked == _READ
        content = {
            _STATUS: b"\0\0\x90",
            _FIND: b"\0\0\x9f" + bytes(4) if is_found else b"\0\0\x80",
            _SELECT: b"\0\0\x90" + bytes(8) if is_chosen else b"\0\0\x81",
            _READ: b"\0\0\x90" + self.card if self.card is not None else b"\0\0\x41",
        }
        return self._framed(content[asked])

    def _mangled(self, answer: bytes) -> bytes:
        if self.mangles and len(answer) > 100:
            self.mangles -= 1
            self._was_read = False
            return answer[:60] + bytes([answer[60] ^ 1]) + answer[61:]
        return answer

    @staticmethod
    def _framed(content: bytes) -> bytes:
        counted = (len(content) + 1).to_bytes(2, "big") + content
        check = 0
        for octet in counted:
            check ^= octet
        return _PREAMBLE + counted + bytes([check])
