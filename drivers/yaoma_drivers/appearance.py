"""Appearances: a code that stays in view of a camera is one scan; pure."""

from collections.abc import Iterable

from yaoma_drivers.decoding.reading import Reading

__all__ = ["Appearances"]

#: Two reads of a code belong together if so few looks lie between them (DECODE.md 7).
_WINDOW_LOOKS = 5
#: How many looks more a reading needs that nothing vouches for but itself.
_UNSURE_FRAMES = 1


class Appearances:
    """Remembers which codes are in view, however often the pictures between are blurred.

    Two packs with equal codes side by side are two scans. While nothing moves, two texts that are read in turn at one
    place cannot both be there: then neither counts until the scene changes.

    Args:
        gone_ms: After how long out of view a code that comes back counts again, in milliseconds.
        confirm_frames: In how many of five looks one after the other a code must be read before it counts, and one more
            where it is not sure; at one, a single misread counts (DECODE.md 5.2).
    """

    def __init__(self, gone_ms: int, confirm_frames: int) -> None:
        self._gone_ms = gone_ms
        self._confirm_frames = confirm_frames
        self._seen_ms: dict[bytes, int] = {}
        self._counted: dict[bytes, int] = {}
        self._reads: dict[bytes, list[tuple[int, int]]] = {}
        self._scene: list[Reading] = []
        self._disputed: list[Reading] = []
        self._looks = 0

    def look(self, readings: Iterable[Reading], now_ms: int, *, moved: bool = True) -> list[Reading]:
        """Take what one picture shows and return the readings that count now, in the same order.

        Args:
            readings: What was read in it.
            now_ms: When it was taken, CLOCK_MONOTONIC in milliseconds.
            moved: Whether it shows something else than the picture before.
        """
        if moved:
            self._scene.clear()
            self._disputed.clear()
        self.still(now_ms)
        self._looks += 1
        by_text: dict[bytes, list[Reading]] = {}
        for reading in self._undisputed(readings):
            by_text.setdefault(reading.data, []).append(reading)
        return [reading for text, copies in by_text.items() for reading in self._counting(text, copies, now_ms)]

    def still(self, now_ms: int) -> None:
        """Note that a picture shows the same as before and was not read again: what was in view still is.

        Args:
            now_ms: When it was taken, CLOCK_MONOTONIC in milliseconds.
        """
        for reading in self._scene:
            if reading.data in self._seen_ms:
                self._seen_ms[reading.data] = now_ms
        for text in [text for text, seen_ms in self._seen_ms.items() if now_ms - seen_ms >= self._gone_ms]:
            del self._seen_ms[text], self._counted[text]
            self._reads.pop(text, None)
        oldest = self._looks + 1 - _WINDOW_LOOKS
        self._reads = {
            text: recent
            for text, reads in self._reads.items()
            if (recent := [each for each in reads if each[0] > oldest])
        }

    def _undisputed(self, readings: Iterable[Reading]) -> list[Reading]:
        kept = []
        for reading in readings:
            rivals = [other for other in self._scene if other.data != reading.data and other.is_at(reading)]
            if rivals or any(other.is_at(reading) for other in self._disputed):
                self._disputed += [reading, *rivals]
                self._scene = [other for other in self._scene if other not in rivals]
                for rival in (reading, *rivals):
                    self._reads.pop(rival.data, None)
                continue
            if not any(other.data == reading.data and other.is_at(reading) for other in self._scene):
                self._scene.append(reading)
            kept.append(reading)
        return [reading for reading in kept if not any(reading.is_at(other) for other in self._disputed)]

    def _counting(self, text: bytes, copies: list[Reading], now_ms: int) -> list[Reading]:
        """Return the copies of one text that count now: so many as were seen at once often enough, and did not yet."""
        needed = self._confirm_frames + (0 if all(reading.is_sure for reading in copies) else _UNSURE_FRAMES)
        reads = [*self._reads.get(text, []), (self._looks, len(copies))]
        self._reads[text] = reads
        often = [sum(count > number for _, count in reads) >= needed for number in range(len(copies))]
        counted = self._counted.get(text, 0)
        if text in self._seen_ms or any(often):
            self._seen_ms[text] = now_ms
            self._counted[text] = max(counted, sum(often))
        return [reading for number, reading in enumerate(copies) if often[number] and number >= counted]
