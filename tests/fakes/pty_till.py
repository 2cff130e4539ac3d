"""PtyTill: a till's end of a real pseudo-terminal: what it takes is read here, as keys or as bytes, when it wakes."""

import contextlib
import os
import pty
import select
import time
import tty

__all__ = ["PtyTill", "typed"]

_DEADLINE_S = 20.0
_REPORT_BYTES = 8
_CTRL, _SHIFT, _ALT = 1, 2, 4
_PLAIN = dict(zip(range(0x04, 0x1E), "abcdefghijklmnopqrstuvwxyz", strict=True)) | dict(
    zip(range(0x1E, 0x28), "1234567890", strict=True)
)
_PLAIN |= {0x28: "\n", 0x2B: "\t", 0x2C: " ", 0x2D: "-", 0x2E: "=", 0x2F: "[", 0x30: "]", 0x31: "\\", 0x33: ";"}
_PLAIN |= {0x34: "'", 0x35: "`", 0x36: ",", 0x37: ".", 0x38: "/", 0x41: "<F8>", 0x58: "\r"}
_PLAIN |= dict(zip(range(0x59, 0x63), "1234567890", strict=True))
_OVER = dict(zip("1234567890-=[]\\;'`,./", '!@#$%^&*()_+{}|:"~<>?', strict=True))


def typed(reports: bytes, *, caps_lock: bool = False) -> str:
    """Give what boot reports type on a US layout, as a till's own system would find out, key by key.

    Args:
        reports: Reports of 8 bytes, one after the other.
        caps_lock: Caps Lock is on.
    """
    text, down, held = "", set[int](), ""
    assert len(reports) % _REPORT_BYTES == 0
    for at in range(0, len(reports), _REPORT_BYTES):
        modifier, _, *keys = reports[at : at + _REPORT_BYTES]
        for key in (one for one in keys if one and one not in down):
            letter = _PLAIN[key]
            if modifier & _ALT:
                held += letter
            elif modifier & _CTRL:
                text += f"<Ctrl+{letter}>"
            elif letter.isalpha():
                text += letter.upper() if bool(modifier & _SHIFT) != caps_lock else letter
            else:
                text += _OVER[letter] if modifier & _SHIFT else letter
        if held and not modifier & _ALT:
            text += f"<Alt+{held}>"
            held = ""
        down = {one for one in keys if one}
    assert not down, "a key stays down"
    return text


class PtyTill:
    """A till whose cable is a pseudo-terminal; `path` is what a port opens."""

    def __init__(self) -> None:
        self._till, self._line = pty.openpty()
        tty.setraw(self._line)
        self.path = os.ttyname(self._line)

    def take(self, count: int) -> bytes:
        """Wait for so many bytes."""
        octets = b""
        until_s = time.monotonic() + _DEADLINE_S
        while len(octets) < count:
            readable, _, _ = select.select([self._till], [], [], max(0.0, until_s - time.monotonic()))
            assert readable, f"only {len(octets)} of {count} bytes came"
            octets += os.read(self._till, count - len(octets))
        return octets

    def take_all(self, quiet_s: float = 0.3) -> bytes:
        """Take whatever comes until nothing has come for a while."""
        octets = b""
        while select.select([self._till], [], [], quiet_s)[0]:
            octets += os.read(self._till, 65_536)
        return octets

    def fall_asleep(self) -> int:
        """Fill the way to the till, as one that takes nothing does; return how many bytes went in."""
        os.set_blocking(self._line, False)
        count, before = 0, -1
        # The kernel moves bytes on from one buffer to the next a little later, so it is tried until none goes in.
        while count > before:
            before = count
            with contextlib.suppress(BlockingIOError):
                while True:
                    count += os.write(self._line, bytes(_REPORT_BYTES))
            time.sleep(0.05)
        os.set_blocking(self._line, True)
        return count

    def say(self, octets: bytes) -> None:
        """Send bytes to the port, such as the state of the keyboard's lamps."""
        assert os.write(self._till, octets) == len(octets)

    def unplug(self) -> None:
        """Pull the cable; a second time does nothing."""
        if self._till >= 0:
            os.close(self._till)
            os.close(self._line)
            self._till = -1
