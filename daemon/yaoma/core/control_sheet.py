"""Control sheet: the technician's signature under a dangerous control code, and when it counts."""

from collections.abc import Collection, Iterable
from datetime import date
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yaoma.core.control_code import ControlAction, ControlCode, Sheet, folded
from yaoma.core.note import Signer, Verifier

__all__ = ["SheetRefusal", "sign", "verify"]

#: What is signed begins with this, so that a signature under anything else of Yaoma is none under a command.
_CONTEXT: Final = b"yaoma/control/v1\n"


class SheetRefusal(StrEnum):
    """Why a signed control code does not count here; stable, the catalogue is keyed by it."""

    NO_KEYS = "no_keys"  # the box knows no key that signs sheets
    BAD_SIGNATURE = "bad_signature"
    REVOKED = "revoked"
    OTHER_SITE = "other_site"
    OTHER_BOX = "other_box"
    EXPIRED = "expired"


def sign(action: ControlAction, argument: str, sheet: Sheet, signer: Signer) -> ControlCode:
    """Make a dangerous code with the technician's key.

    Args:
        action: One of `SIGNED_ACTIONS`.
        argument: As in `ControlCode`.
        sheet: Whose and until when; its tag is replaced.
        signer: The key of the sheets.

    Raises:
        ControlCodeError: If argument or action do not fit.
    """
    unsigned = ControlCode(action, argument, sheet)
    tag = signer.key.sign(_signed(unsigned))
    return ControlCode(action, argument, Sheet(sheet.site, sheet.box, sheet.id, sheet.expires, tag))


def verify(
    code: ControlCode,
    verifiers: Iterable[Verifier],
    *,
    site: str,
    box: str,
    today: date,
    revoked: Collection[str] = (),
) -> SheetRefusal | None:
    """Say why a control code does not count on this box, or None if it counts.

    A harmless one counts everywhere. What the tag can't do: it proves that a technician made this sheet for this
    site, not who holds it in front of the scanner. A photograph or a copy of the sheet reads the same, as often as
    somebody likes, until the day it expires or its id is revoked. So sheets are kept like keys, live short, and what
    they let through is recorded with the sheet's id.

    Args:
        code: As `read` gave it.
        verifiers: The public keys that sign sheets.
        site: The institution of this box, as configured.
        box: The name of this box, as configured.
        today: The date by the best clock there is, never before the time floor (DESIGN.md 6).
        revoked: The ids of sheets that count no more; upper or lower case.
    """
    sheet = code.sheet
    if sheet is None:
        return None
    known = list(verifiers)
    refused = {
        SheetRefusal.NO_KEYS: not known,
        SheetRefusal.BAD_SIGNATURE: not any(_is_signed_by(one, code, sheet.tag) for one in known),
        SheetRefusal.REVOKED: sheet.id in map(folded, revoked),
        SheetRefusal.OTHER_SITE: sheet.site != folded(site),
        SheetRefusal.OTHER_BOX: sheet.box not in ("", folded(box)),
        SheetRefusal.EXPIRED: today > sheet.expires,
    }
    return next((reason for reason, holds in refused.items() if holds), None)


def _signed(code: ControlCode) -> bytes:
    return _CONTEXT + code.body.encode()


def _is_signed_by(verifier: Verifier, code: ControlCode, tag: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(verifier.key).verify(tag, _signed(code))
    except InvalidSignature:
        return False
    return True
