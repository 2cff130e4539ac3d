"""Pass on: which codes go on to the till behind a station, so that nothing unverified reaches settlement (S1-16)."""

import re
from typing import Final

from yaoma.core.code import Lookalike, LookalikeKind, Meaning
from yaoma.core.operation import Operation
from yaoma.core.policy import Policy
from yaoma.core.reason import VerdictClass
from yaoma.core.ticket import Ticket

__all__ = ["TILL_KINDS", "goes_on", "is_tills_own", "sent_as", "sent_unchanged"]

#: What a till has to do with and the box has not: payment codes, insurance QR, 69码, tickets of all sorts. Not in here
#: is what may be a piece of a trace code, or several: unjudged, it would reach settlement behind the box's back; what
#: has no text; a person's ID, which belongs to the box's own work and into no window; and the box's own control codes.
TILL_KINDS: Final = frozenset(
    {
        LookalikeKind.EAN13,
        LookalikeKind.EAN8,
        LookalikeKind.GTIN14,
        LookalikeKind.DRUG_STANDARD_CODE,
        LookalikeKind.INSURANCE_CODE,
        LookalikeKind.APPROVAL_NUMBER,
        LookalikeKind.SSCC,
        LookalikeKind.ANIMAL_CODE,
        LookalikeKind.NOT_STARTING_WITH_8,
        LookalikeKind.GS1_PRODUCT,
        LookalikeKind.URL_WITHOUT_CODE,
        LookalikeKind.CONTROL_CHARACTERS,
        LookalikeKind.UNKNOWN,
    }
)

_AIM: Final = re.compile(rb"\A\][A-Za-z][0-9A-Za-z]")
#: What a till may take for the beginning of another code: a control character, or an AIM identifier inside the text.
_BEGINS: Final = rb"[\x00-\x1c\x1e\x1f\x7f]|\][A-Za-z][0-9A-Za-z]"
#: A trace code inside of something else, such as a note in a QR code: 20 digits anywhere, GTIN and serial number where
#: a till would begin to read anew.
_HIDDEN_CODE: Final = re.compile(
    rb"(?:(?<![0-9])|%(begins)b)8[0-9]{19}(?![0-9])|(?:%(begins)b)01[0-9]{14}[\x1d -~]*21[!-~]" % {b"begins": _BEGINS}
)
_BLANKS: Final = b" \r\n\t"
_CN20: Final = "cn20:"


def is_tills_own(
    meaning: Meaning, data: bytes, ticket: Ticket | None, operation: Operation, *, without_ticket: bool
) -> bool:
    """Tell whether a code scanned at a pass-through station goes on unchanged, uncounted and unrecorded (DESIGN.md 11).

    Args:
        meaning: What was scanned.
        data: What the scanner delivered.
        ticket: The station's open ticket, or None.
        operation: What is being done.
        without_ticket: Whether that also holds while no ticket is open.
    """
    if not isinstance(meaning, Lookalike) or meaning.kind not in TILL_KINDS:
        return False
    if _HIDDEN_CODE.search(sent_unchanged(data)):
        return False
    return without_ticket if ticket is None else operation.till and not ticket.is_training


def goes_on(verdict: VerdictClass, policy: Policy, *, is_late: bool, is_owed: bool, is_training: bool) -> bool:
    """Tell whether a trace code goes on, now that its record is kept.

    Args:
        verdict: What was said of it.
        policy: Which classes go on besides PASS.
        is_late: The verdict came too late for a green light, so the operator is asked to scan once more.
        is_owed: The till should have had this code from an earlier scan and has not: it did not take it, the verdict
            was late, or a named operator has let the pack through since.
        is_training: Practice reaches no till.
    """
    if is_training or is_late:
        return False
    if verdict is VerdictClass.PASS:
        return True
    if verdict is VerdictClass.REPEAT:
        # The till has it from the first scan; a second one would count there.
        return is_owed
    return verdict is not VerdictClass.FAULT and verdict in policy.pass_on_also


def sent_as(key: str, data: bytes) -> bytes:
    """Give what the till gets of a trace code: the 20 digits, whatever they stood in, or the symbol as it was read.

    Args:
        key: The code's key, as the record holds it.
        data: What the scanner delivered.
    """
    if key.startswith(_CN20):
        return key.removeprefix(_CN20).encode("ascii")
    return sent_unchanged(data.strip(_BLANKS)).strip(_BLANKS)


def sent_unchanged(data: bytes) -> bytes:
    """Give what the till gets of any other code: all of it, but for an AIM identifier, which is a word to the box.

    Args:
        data: What the scanner delivered.
    """
    return _AIM.sub(b"", data)
