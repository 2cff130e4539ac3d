"""Reasons: why a verdict is what it is. The ids are stable: records, catalogues and reports use them."""

from enum import StrEnum
from typing import Final

from yaoma.core.lookalike import LookalikeKind

__all__ = ["CLASSES", "Degraded", "Reason", "VerdictClass", "lookalike_reason"]


class VerdictClass(StrEnum):
    """What the operator sees first (DESIGN.md 2). Trouble of the box itself is no verdict."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    REPEAT = "REPEAT"
    REVIEW = "REVIEW"
    STOP = "STOP"
    FAULT = "FAULT"


class Degraded(StrEnum):
    """Flags beside a verdict: it holds, but not on the firmest ground."""

    LIST_MISSING = "list_missing"
    LIST_STALE = "list_stale"
    CLOCK_UNTRUSTED = "clock_untrusted"
    DISK_LOW = "disk_low"
    UNVERIFIED = "unverified"  # a legal code of a standard that nobody can check here


class Reason(StrEnum):
    """Why. Look-alikes have one reason for each kind besides, see `lookalike_reason`."""

    IN_LIST = "in_list"
    OTHER_STANDARD = "other_standard"
    PERSON_SEALED = "person_sealed"
    REPEAT_SCAN = "repeat_scan"
    ON_TICKET = "on_ticket"
    PRODUCT_UNKNOWN = "product_unknown"
    NOT_IN_LIST = "not_in_list"
    LIST_MISSING = "list_missing"
    LIST_STALE = "list_stale"
    CLOCK_UNTRUSTED = "clock_untrusted"
    DENIED_RECALL = "denied_recall"
    DENIED_WARNING = "denied_warning"
    DENIED_SOLD_ELSEWHERE = "denied_sold_elsewhere"
    DENIED_NOT_ACTIVATED = "denied_not_activated"
    GS1_GLUED = "gs1_glued"
    PERSON_NOT_SEALABLE = "person_not_sealable"
    LATE = "late"  # shown in place of a PASS that comes when another pack may lie there; never recorded


def lookalike_reason(kind: LookalikeKind) -> str:
    """Name the reason of a look-alike."""
    return f"lookalike_{kind.value}"


_BY_POLICY: Final = frozenset({VerdictClass.PASS, VerdictClass.REVIEW})

#: Which classes each reason may have; two where the policy decides (DESIGN.md 11).
CLASSES: Final[dict[str, frozenset[VerdictClass]]] = {
    Reason.IN_LIST: frozenset({VerdictClass.PASS}),
    Reason.OTHER_STANDARD: frozenset({VerdictClass.PASS}),
    Reason.PERSON_SEALED: frozenset({VerdictClass.PASS}),
    Reason.REPEAT_SCAN: frozenset({VerdictClass.REPEAT}),
    Reason.ON_TICKET: frozenset({VerdictClass.REPEAT}),
    Reason.PRODUCT_UNKNOWN: frozenset({VerdictClass.REVIEW}),
    Reason.NOT_IN_LIST: frozenset({VerdictClass.REVIEW}),
    Reason.LIST_MISSING: _BY_POLICY,
    Reason.LIST_STALE: frozenset({VerdictClass.REVIEW}),
    Reason.CLOCK_UNTRUSTED: frozenset({VerdictClass.REVIEW}),
    Reason.DENIED_RECALL: frozenset({VerdictClass.STOP}),
    Reason.DENIED_WARNING: frozenset({VerdictClass.STOP}),
    Reason.DENIED_SOLD_ELSEWHERE: frozenset({VerdictClass.STOP}),
    Reason.DENIED_NOT_ACTIVATED: frozenset({VerdictClass.STOP}),
    Reason.GS1_GLUED: frozenset({VerdictClass.FAULT}),
    Reason.PERSON_NOT_SEALABLE: frozenset({VerdictClass.FAULT}),
    Reason.LATE: frozenset({VerdictClass.REVIEW}),
    **{lookalike_reason(kind): frozenset({VerdictClass.FAULT}) for kind in LookalikeKind},
}
