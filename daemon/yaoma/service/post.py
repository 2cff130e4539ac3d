"""Post: who works at a station just now, and whether they practise; known until the next start."""

from dataclasses import dataclass

__all__ = ["Post"]


@dataclass(slots=True)
class Post:
    """The station's state that no record needs to rebuild.

    Args:
        operator: Who signed on; empty if nobody did.
        is_supervisor: With the badge of a person in charge.
        is_training: The next ticket is practice.
        touched_ms: When something was last done here, milliseconds since boot; 0 if not since the start.
    """

    operator: str = ""
    is_supervisor: bool = False
    is_training: bool = False
    touched_ms: int = 0
