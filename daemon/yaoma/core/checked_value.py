"""Checked value: dataclasses that the type checker keeps frozen, and that the program makes without a guard.

A frozen dataclass sets each field through `object.__setattr__`; of the work on one scan that was a fifth. The modules
whose values every scan makes import `dataclass` from here at run time and from the standard library for mypy, so an
assignment to a field is found before anything runs.
"""

import dataclasses
from collections.abc import Callable
from typing import TypeVar

__all__ = ["dataclass"]

_T = TypeVar("_T")


def dataclass(*, frozen: bool, slots: bool) -> Callable[[type[_T]], type[_T]]:
    """Make a dataclass that is compared and hashed like a frozen one.

    Args:
        frozen: As for the standard library's; only mypy enforces it.
        slots: As for the standard library's.
    """
    return dataclasses.dataclass(slots=slots, unsafe_hash=frozen)
