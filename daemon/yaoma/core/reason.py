"""Reasons: why a verdict is what it is. The ids are stable: records, catalogues and reports use them."""

from enum import StrEnum
from typing import Final

from yaoma.core.lookalike import LookalikeKind

__all__ = ["CLASSES", "DEFAULT_CLASS", "Degraded", "Reason", "VerdictClass", "lookalike_reason"]


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
    HISTORY_UNKNOWN = "history_unknown"  # the ledger does not reach back far enough to say
    TRAINING = "training"  # practice: nothing of it counts or is uploaded


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
    CASE_TURNED = "case_turned"  # the list has it with its letters in the other case: Caps Lock, or a scanner's setting
    PERSON_NOT_SEALABLE = "person_not_sealable"
    IDENTITY_FAULT = "identity_fault"  # a number that nobody can have

    # What the list knows of this pack.
    LIST_DAMAGED = "list_damaged"
    LOT_UNKNOWN = "lot_unknown"  # some lots of this product are denied, and nobody knows this pack's
    STATUS_UNKNOWN = "status_unknown"
    STATUS_CANCELLED = "status_cancelled"
    STATUS_ABSENT = "status_absent"
    STATUS_GONE = "status_gone"
    EXPIRED = "expired"
    NOT_SMALLEST = "not_smallest"

    # What this site has done with it.
    HISTORY_UNKNOWN = "history_unknown"
    NO_RECEIPT = "no_receipt"
    IN_STOCK_ALREADY = "in_stock_already"
    QUARANTINED = "quarantined"
    SOLD_HERE = "sold_here"
    RETURNED_UNCHECKED = "returned_unchecked"
    RETURNED_WITHOUT_SALE = "returned_without_sale"
    LEFT_STOCK = "left_stock"
    DESTROYED = "destroyed"
    OPENED_WHOLE = "opened_whole"
    NOT_OPENED = "not_opened"
    UNITS_EXCEEDED = "units_exceeded"
    UNITS_UNKNOWN = "units_unknown"

    # What the ticket wants.
    OTHER_DRUG = "other_drug"
    LINE_FULL = "line_full"
    PARENT_AND_CHILD = "parent_and_child"
    ON_OTHER_TICKET = "on_other_ticket"
    IDENTITY_MISSING = "identity_missing"

    # What the sender said.
    NO_SHIPMENT = "no_shipment"
    OTHER_SHIPMENT = "other_shipment"
    NOT_IN_SHIPMENT = "not_in_shipment"
    LOT_MISMATCH = "lot_mismatch"
    HEADQUARTERS_NOT_ALLOWED = "headquarters_not_allowed"

    PRACTISED = "practised"  # practice, and nothing stands against the pack
    TRAINING_CODE = "training_code"
    NOT_A_TRAINING_CODE = "not_a_training_code"
    CONTROL_DONE = "control_done"
    CONTROL_REFUSED = "control_refused"
    NOT_PASSED_ON = "not_passed_on"  # shown when a code did not reach the till; recorded in a record of its own
    LATE = "late"  # shown in place of a PASS that comes when another pack may lie there; never recorded


def lookalike_reason(kind: LookalikeKind) -> str:
    """Name the reason of a look-alike."""
    return f"lookalike_{kind.value}"


_PASS: Final = frozenset({VerdictClass.PASS})
_REPEAT: Final = frozenset({VerdictClass.REPEAT})
_REVIEW: Final = frozenset({VerdictClass.REVIEW})
_STOP: Final = frozenset({VerdictClass.STOP})
_FAULT: Final = frozenset({VerdictClass.FAULT})
_SOFT: Final = frozenset({VerdictClass.PASS, VerdictClass.REVIEW})
_HARD: Final = frozenset({VerdictClass.REVIEW, VerdictClass.STOP})
_ANY: Final = _SOFT | _HARD

#: Which classes each reason may have; where there is more than one the policy decides (DESIGN.md 11).
CLASSES: Final[dict[str, frozenset[VerdictClass]]] = {
    Reason.IN_LIST: _PASS,
    Reason.OTHER_STANDARD: _PASS,
    Reason.PERSON_SEALED: _PASS,
    Reason.REPEAT_SCAN: _REPEAT,
    Reason.ON_TICKET: _REPEAT,
    Reason.PRODUCT_UNKNOWN: _REVIEW,
    Reason.NOT_IN_LIST: _REVIEW,
    Reason.LIST_MISSING: _SOFT,
    Reason.LIST_STALE: _REVIEW,
    Reason.CLOCK_UNTRUSTED: _REVIEW,
    Reason.DENIED_RECALL: _STOP,
    Reason.DENIED_WARNING: _STOP,
    Reason.DENIED_SOLD_ELSEWHERE: _STOP,
    Reason.DENIED_NOT_ACTIVATED: _STOP,
    Reason.GS1_GLUED: _FAULT,
    Reason.CASE_TURNED: _FAULT,
    Reason.PERSON_NOT_SEALABLE: _FAULT,
    Reason.IDENTITY_FAULT: _FAULT,
    Reason.LATE: _REVIEW,
    Reason.NOT_PASSED_ON: _FAULT,
    Reason.LIST_DAMAGED: _REVIEW,
    Reason.LOT_UNKNOWN: _ANY,
    Reason.STATUS_UNKNOWN: _SOFT,
    Reason.STATUS_CANCELLED: _STOP,
    Reason.STATUS_ABSENT: _HARD,
    Reason.STATUS_GONE: _HARD,
    Reason.EXPIRED: _STOP,
    Reason.NOT_SMALLEST: _HARD,
    Reason.HISTORY_UNKNOWN: _SOFT,
    Reason.NO_RECEIPT: _HARD,
    Reason.IN_STOCK_ALREADY: _REVIEW,
    Reason.QUARANTINED: _STOP,
    Reason.SOLD_HERE: _STOP,
    Reason.RETURNED_UNCHECKED: _HARD,
    Reason.RETURNED_WITHOUT_SALE: _HARD,
    Reason.LEFT_STOCK: _STOP,
    Reason.DESTROYED: _STOP,
    Reason.OPENED_WHOLE: _STOP,
    Reason.NOT_OPENED: _HARD,
    Reason.UNITS_EXCEEDED: _STOP,
    Reason.UNITS_UNKNOWN: _HARD,
    Reason.OTHER_DRUG: _STOP,
    Reason.LINE_FULL: _HARD,
    Reason.PARENT_AND_CHILD: _HARD,
    Reason.ON_OTHER_TICKET: _HARD,
    Reason.IDENTITY_MISSING: _HARD,
    Reason.NO_SHIPMENT: _ANY,
    Reason.OTHER_SHIPMENT: _HARD,
    Reason.NOT_IN_SHIPMENT: _HARD,
    Reason.LOT_MISMATCH: _HARD,
    Reason.HEADQUARTERS_NOT_ALLOWED: _HARD,
    Reason.PRACTISED: _PASS,
    Reason.TRAINING_CODE: _FAULT,
    Reason.NOT_A_TRAINING_CODE: _FAULT,
    Reason.CONTROL_DONE: _PASS,
    Reason.CONTROL_REFUSED: _FAULT,
    **{lookalike_reason(kind): _FAULT for kind in LookalikeKind},
}

#: The class of a reason with more than one, where the policy says nothing.
DEFAULT_CLASS: Final[dict[str, VerdictClass]] = {
    Reason.LOT_UNKNOWN: VerdictClass.REVIEW,
    Reason.STATUS_UNKNOWN: VerdictClass.PASS,
    Reason.STATUS_ABSENT: VerdictClass.STOP,
    Reason.STATUS_GONE: VerdictClass.STOP,
    Reason.NOT_SMALLEST: VerdictClass.STOP,
    Reason.HISTORY_UNKNOWN: VerdictClass.PASS,
    Reason.NO_RECEIPT: VerdictClass.STOP,
    Reason.RETURNED_UNCHECKED: VerdictClass.STOP,
    Reason.RETURNED_WITHOUT_SALE: VerdictClass.REVIEW,
    Reason.NOT_OPENED: VerdictClass.REVIEW,
    Reason.UNITS_UNKNOWN: VerdictClass.REVIEW,
    Reason.LINE_FULL: VerdictClass.REVIEW,
    Reason.PARENT_AND_CHILD: VerdictClass.REVIEW,
    Reason.ON_OTHER_TICKET: VerdictClass.STOP,
    Reason.IDENTITY_MISSING: VerdictClass.REVIEW,
    Reason.NO_SHIPMENT: VerdictClass.PASS,
    Reason.OTHER_SHIPMENT: VerdictClass.REVIEW,
    Reason.NOT_IN_SHIPMENT: VerdictClass.REVIEW,
    Reason.LOT_MISMATCH: VerdictClass.REVIEW,
    Reason.HEADQUARTERS_NOT_ALLOWED: VerdictClass.REVIEW,
}
