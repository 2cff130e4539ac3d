"""SsiScanner: a scanner in SSI mode on a real pseudo-terminal; it waits for ACK, repeats, and acknowledges commands."""

import os
import select
import time

from fakes.pty_scanner import PtyScanner

__all__ = ["ACK", "SsiScanner"]

ACK = bytes.fromhex("04D00400FF28")

_DEADLINE_S = 20


def packet(opcode: int, data: bytes = b"", status: int = 0) -> bytes:
    """Write a packet out by hand, apart from the code under test."""
    body = bytes((4 + len(data), opcode, 0, status)) + data
    return body + ((0x10000 - sum(body)) % 0x10000).to_bytes(2, "big")


class SsiScanner(PtyScanner):
    """Plays the decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledges = True
        self._held = b""

    def scan(self, text: bytes, code_type: int = 3, *, damage: int = 0) -> list[bytes]:
        """Send a scan until it is acknowledged, damaged the first times; return what came back meanwhile."""
        answers = []
        for sending in range(3):
            octets = bytearray(packet(0xF3, bytes((code_type,)) + text, status=min(sending, 1)))
            if sending < damage:
                octets[7] ^= 0x10
            self.send(bytes(octets))
            answers.append(self.answer(0xD0, 0xD1))
            if answers[-1] == ACK:
                break
        return answers

    def answer(self, *opcodes: int) -> bytes:
        """Return the next packet of the host with one of these opcodes, and acknowledge all others before it."""
        until_s = time.monotonic() + _DEADLINE_S
        while time.monotonic() < until_s:
            if self._held and len(self._held) >= self._held[0] + 2:
                whole, self._held = self._held[: self._held[0] + 2], self._held[self._held[0] + 2 :]
                assert sum(whole[:-2]) + int.from_bytes(whole[-2:], "big") == 0x10000, "wrong checksum"
                assert whole[2] == 4, "not from the host"
                if self.acknowledges and whole[1] not in {0xD0, 0xD1}:
                    self.send(packet(0xD0))
                if whole[1] in opcodes:
                    return whole
            elif select.select([self._scanner], [], [], 0.05)[0]:
                self._held += os.read(self._scanner, 4096)
        raise AssertionError("the host did not answer")

    def is_quiet(self, wait_s: float) -> bool:
        """Tell whether nothing comes for so long."""
        return not self._held and not select.select([self._scanner], [], [], wait_s)[0]
