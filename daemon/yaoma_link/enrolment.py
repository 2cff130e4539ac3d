"""Enrolment: the two files by which a new box and the centre get to know each other, each proved by a one-time token.

The token travels by another way than the files (a telephone, a letter). It stands in neither: a MAC under it proves
that whoever wrote a file knew it. Keys are made on the box and stay there; only the certificate request and the public
key leave it (DESIGN.md 10). The files may go over any line or on a stick.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Final, Self

from yaoma.core.canonical import Json, canonical
from yaoma.core.note import NoteError, Verifier
from yaoma_link.topics import BoxName

__all__ = ["EnrolmentAnswer", "EnrolmentError", "EnrolmentRequest", "digest_of", "new_token"]

_REQUEST: Final = "yaoma/enrolment-request/v1"
_ANSWER: Final = "yaoma/enrolment-answer/v1"
_PURPOSE: Final = b"yaoma/enrolment/v1\n"
_TOKEN_BYTES: Final = 15
_GROUP: Final = 4
_MAX_BYTES: Final = 64 * 1024


class EnrolmentError(ValueError):
    """A file of the enrolment can't be used.

    Args:
        reason: `malformed`, `proof` (another token, or altered), or `other_box`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def new_token() -> str:
    """Draw a token: 120 bits, 24 letters and digits in groups of four, to be read out and typed."""
    letters = base64.b32encode(secrets.token_bytes(_TOKEN_BYTES)).decode()
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def digest_of(token: str) -> str:
    """Give what the centre keeps of a token; it proves files as the token does, and is as secret while it is good."""
    plain = "".join(letter for letter in token.upper() if letter.isalnum())
    return hashlib.sha256(_PURPOSE + plain.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """What a box sends.

    Args:
        box: Who it will be.
        request: Its certificate request, PEM.
        key: The verifier key of its checkpoints.
    """

    box: BoxName
    request: str
    key: str

    def proved(self, digest: str) -> bytes:
        """Give the file.

        Args:
            digest: Of the token.
        """
        return _proved(self._fields(), digest)

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read a file without believing it yet.

        Raises:
            EnrolmentError: If it is no request.
        """
        fields = _fields_of(content, _REQUEST)
        try:
            Verifier.parse(_text(fields, "key"))
        except NoteError:
            raise EnrolmentError("malformed") from None
        return cls(_box(fields), _text(fields, "request"), _text(fields, "key"))

    def check(self, content: bytes, digest: str) -> None:
        """Make sure that who wrote the file knew the token.

        Raises:
            EnrolmentError: If not.
        """
        _check(content, self._fields(), digest)

    def _fields(self) -> dict[str, Json]:
        return {"type": _REQUEST, **_named(self.box), "request": self.request, "key": self.key}


@dataclass(frozen=True, slots=True)
class EnrolmentAnswer:
    """What the centre answers.

    Args:
        box: Whom it is for.
        certificate: The box's certificate, PEM.
        authority: The certificate of the authority, PEM: the one that the box believes.
        bridge: The verifier key of the bridge.
    """

    box: BoxName
    certificate: str
    authority: str
    bridge: str

    def proved(self, digest: str) -> bytes:
        """Give the file.

        Args:
            digest: Of the token.
        """
        return _proved(self._fields(), digest)

    @classmethod
    def opened(cls, content: bytes, digest: str, box: BoxName) -> Self:
        """Read a file and make sure that the centre wrote it for this box.

        Raises:
            EnrolmentError: If not.
        """
        fields = _fields_of(content, _ANSWER)
        texts = [_text(fields, name) for name in ("certificate", "authority", "bridge")]
        answer = cls(_box(fields), *texts)
        _check(content, answer._fields(), digest)
        if answer.box != box:
            raise EnrolmentError("other_box")
        try:
            Verifier.parse(answer.bridge)
        except NoteError:
            raise EnrolmentError("malformed") from None
        return answer

    def _fields(self) -> dict[str, Json]:
        return {
            "type": _ANSWER,
            **_named(self.box),
            "certificate": self.certificate,
            "authority": self.authority,
            "bridge": self.bridge,
        }


def _named(box: BoxName) -> dict[str, Json]:
    return {"site": box.site, "box": box.box}


def _proof(fields: dict[str, Json], digest: str) -> str:
    return hmac.new(bytes.fromhex(digest), canonical(fields), hashlib.sha256).hexdigest()


def _proved(fields: dict[str, Json], digest: str) -> bytes:
    return canonical({**fields, "proof": _proof(fields, digest)}) + b"\n"


def _check(content: bytes, fields: dict[str, Json], digest: str) -> None:
    said = _text(json.loads(content), "proof")
    if not hmac.compare_digest(said.encode(), _proof(fields, digest).encode()):
        raise EnrolmentError("proof")


def _fields_of(content: bytes, wanted: str) -> dict[str, Json]:
    try:
        fields = json.loads(content) if len(content) <= _MAX_BYTES else None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or fields.get("type") != wanted:
        raise EnrolmentError("malformed")
    return fields


def _box(fields: dict[str, Json]) -> BoxName:
    try:
        return BoxName(_text(fields, "site"), _text(fields, "box"))
    except ValueError:
        raise EnrolmentError("malformed") from None


def _text(fields: dict[str, Json], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise EnrolmentError("malformed")
    return value
