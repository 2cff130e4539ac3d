"""Private memory: no core dump is ever written of a process that has seen an identity, and nobody may look into it."""

import ctypes

__all__ = ["keep_memory_private"]

#: prctl(2)
_PR_SET_DUMPABLE = 4


def keep_memory_private() -> bool:
    """Forbid core dumps and debuggers for this process; only root can still read its memory (DESIGN.md 3, promise 5).

    The unit's limit on core files does not bind a program that the kernel pipes dumps into (core(5)); this does.

    Returns:
        Whether the kernel took it.
    """
    libc = ctypes.CDLL(None)
    done: int = libc.prctl(*(ctypes.c_ulong(one) for one in (_PR_SET_DUMPABLE, 0, 0, 0, 0)))
    return done == 0
