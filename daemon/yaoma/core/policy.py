"""Policy: the rules that differ by place and institution, as data."""

from dataclasses import dataclass

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the box does where the rules leave a choice.

    Args:
        hold_off_ms: The same code again at the same station within this time is the same scan (SCANNERS.md 1.1, 18).
        pass_without_list: With no list at all, a code passes with the flag `list_missing`; otherwise it is `REVIEW`.
        pass_with_stale_list: An expired list still lets codes pass, with the flag `list_stale`; otherwise `REVIEW`.
        pass_with_untrusted_clock: While the clock can't be trusted a listed code passes with the flag
            `clock_untrusted`; otherwise it is `REVIEW`.
    """

    hold_off_ms: int = 10_000
    pass_without_list: bool = False
    pass_with_stale_list: bool = False
    pass_with_untrusted_clock: bool = True
