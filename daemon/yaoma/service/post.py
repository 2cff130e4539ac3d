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
        control: What control code was carried out last.
        control_ms: When, milliseconds since boot.
        touched_ms: When something was last done here, milliseconds since boot; 0 if not since the start.
    """

    operator: str = ""
    is_supervisor: bool = False
    is_training: bool = False
    control: str = ""
    control_ms: int = 0
    touched_ms: int = 0

    def become(self, other: "Post") -> None:
        """Take over the state of another."""
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))

    def is_repeated(self, control: str, now_ms: int, hold_off_ms: int) -> bool:
        """Say whether a control code was read twice by one pull of the trigger; the first time it is noted.

        Args:
            control: The code's text.
            now_ms: The time, milliseconds since boot.
            hold_off_ms: As for packs.
        """
        if control == self.control and now_ms - self.control_ms <= hold_off_ms:
            return True
        self.control, self.control_ms = control, now_ms
        return False
