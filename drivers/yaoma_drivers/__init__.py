"""Scanners and the words about them; knows devices, and nothing of the daemon."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yaoma_drivers.decoder import decode

__all__ = ["decode"]


def __getattr__(name: str) -> object:
    """Import what decodes pictures when it is asked for: numpy and OpenCV are needed by the camera alone (PEP 562)."""
    if name == "decode":
        from yaoma_drivers.decoder import decode  # noqa: PLC0415 - see above

        return decode
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
