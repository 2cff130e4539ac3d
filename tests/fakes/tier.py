"""How thorough the tests are: the tier that everybody waits for repeats less often than the long one."""

import os

__all__ = ["times"]


def times(usual: int, long: int) -> int:
    """Give how often something is tried: the first number in the default tier, the second in `make test-slow`."""
    return long if "YAOMA_EXAMPLES" in os.environ else usual
