"""Collector: how often Python looks for garbage in cycles, of which a box at work makes next to none."""

import gc

__all__ = ["spare_collector"]

#: New containers between two looks; Python's own 700 is eight scans, and each look walks what they left in memory.
_LOOK_AFTER = 20_000


def spare_collector() -> None:
    """Leave what the start has made, which stays, out of later collections; look less often at what is new.

    Call it once everything is put together. A scan's values go by their reference counts; looking for cycles among
    them was a tenth of the work on a scan.
    """
    gc.freeze()
    gc.set_threshold(_LOOK_AFTER, 10, 10)
