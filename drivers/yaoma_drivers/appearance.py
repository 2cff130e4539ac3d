"""Appearances: a code that stays in view of a camera is one scan; pure."""

from collections.abc import Iterable

__all__ = ["Appearances"]

#: Two reads of a code belong together if so few looks lie between them (DECODE.md 7).
_WINDOW_LOOKS = 5


class Appearances:
    """Remembers which codes are in view, however often the pictures between are blurred.

    Args:
        gone_ms: After how long out of view a code that comes back counts again, in milliseconds.
        confirm_frames: In how many of five looks one after the other a code must be read before it counts; at one, a
            single misread counts (DECODE.md 5.2).
    """

    def __init__(self, gone_ms: int, confirm_frames: int) -> None:
        self._gone_ms = gone_ms
        self._confirm_frames = confirm_frames
        self._in_view: dict[bytes, int] = {}
        self._reads: dict[bytes, list[int]] = {}
        self._scene: set[bytes] = set()
        self._looks = 0

    def look(self, texts: Iterable[bytes], now_ms: int, *, moved: bool = True) -> list[bytes]:
        """Take what one picture shows and return the codes that count now, in the same order.

        Args:
            texts: The codes that were read in it.
            now_ms: When it was taken, CLOCK_MONOTONIC in milliseconds.
            moved: Whether it shows something else than the picture before.
        """
        if moved:
            self._scene.clear()
        self.still(now_ms)
        self._looks += 1
        appeared = []
        for text in dict.fromkeys(texts):
            self._scene.add(text)
            reads = [*self._reads.pop(text, []), self._looks]
            if text not in self._in_view and len(reads) < self._confirm_frames:
                self._reads[text] = reads
                continue
            if text not in self._in_view:
                appeared.append(text)
            self._in_view[text] = now_ms
        return appeared

    def still(self, now_ms: int) -> None:
        """Note that a picture shows the same as before and was not read again: what was in view still is.

        Args:
            now_ms: When it was taken, CLOCK_MONOTONIC in milliseconds.
        """
        for text in self._scene & self._in_view.keys():
            self._in_view[text] = now_ms
        for text in [text for text, seen_ms in self._in_view.items() if now_ms - seen_ms >= self._gone_ms]:
            del self._in_view[text]
        oldest = self._looks + 1 - _WINDOW_LOOKS
        self._reads = {
            text: recent for text, reads in self._reads.items() if (recent := [each for each in reads if each > oldest])
        }
