"""Enrolling: one-time tokens, and the certificates and registry entries that are made for whoever shows one."""

from pathlib import Path

from yaoma.core.checkpoint import box_key_name
from yaoma.core.note import Verifier
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.registry import Registry
from yaoma_bridge.store import Store
from yaoma_link.authority import AuthorityError, issue_from_request, load_authority
from yaoma_link.enrolment import EnrolmentAnswer, EnrolmentError, EnrolmentRequest, digest_of, new_token
from yaoma_link.register import Register
from yaoma_link.topics import BoxName

__all__ = ["answer_request", "make_token"]

_HINTS = {
    "malformed": "Copy the file again",
    "proof": "The token was mistyped at the box, it is of another box, or the file was altered",
    "other_box": "This file is for another box",
}


def make_token(store: Store, name: BoxName, now_ms: int, valid_ms: int) -> str:
    """Make a token for one box; one that was made for it before is no longer good.

    Args:
        store: The store; only the token's digest is kept.
        name: The box.
        now_ms: The time, milliseconds since 1970.
        valid_ms: How long it is good.

    Returns:
        The token, which is shown once.
    """
    token = new_token()
    with store.writing() as tx:
        tx.execute("DELETE FROM enrolment WHERE site=? AND box=? AND used_ms=0", (name.site, name.box))
        tx.execute(
            "INSERT INTO enrolment (digest, site, box, made_ms, until_ms) VALUES (?,?,?,?,?)",
            (digest_of(token), name.site, name.box, now_ms, now_ms + valid_ms),
        )
    return token


def answer_request(
    store: Store, registry: Registry, authority_folder: Path, bridge: Verifier, *, content: bytes, now_ms: int
) -> tuple[BoxName, bytes]:
    """Sign a box's request: certificate, registry entry, answer. The same request again gets the same answer.

    Args:
        store: The store.
        registry: Where the box's key is entered.
        authority_folder: Of the authority.
        bridge: The bridge's own key, which the box will believe.
        content: The request's file.
        now_ms: The time, milliseconds since 1970.

    Returns:
        The box, and the answer's file.

    Raises:
        BridgeError: If no good token fits, or the authority refuses.
    """
    try:
        asked = EnrolmentRequest.read(content)
        name = asked.box
        with store.writing() as tx:
            rows = tx.execute(
                "SELECT digest, until_ms, used_ms, request, answer FROM enrolment WHERE site=? AND box=? "
                "ORDER BY made_ms DESC",
                (name.site, name.box),
            ).fetchall()
            if not rows:
                raise BridgeError(f"nobody made a token for {name}", f"yaoma-bridge enroll token {name}")
            digest, until_ms, used_ms, request, answer = rows[0]
            asked.check(content, digest)
            if used_ms and request == asked.request:
                return name, bytes(answer)
            if used_ms or now_ms >= until_ms:
                why = "was used already" if used_ms else "has expired"
                raise BridgeError(f"the token for {name} {why}", f"Make another: yaoma-bridge enroll token {name}")
            if Verifier.parse(asked.key).name != box_key_name(name.site, name.box):
                raise EnrolmentError("malformed")
            made = _signed(authority_folder, bridge, asked).proved(digest)
            tx.execute(
                "UPDATE enrolment SET used_ms=?, request=?, answer=? WHERE digest=?",
                (now_ms, asked.request, made, digest),
            )
            # In the same breath: a crash before the commit leaves a key of a box that asks again.
            registry.enter(name, asked.key)
            tx.execute("DELETE FROM retired WHERE site=? AND box=?", (name.site, name.box))
    except EnrolmentError as error:
        raise BridgeError(f"the request can't be used ({error.reason})", _HINTS[error.reason]) from None
    except AuthorityError as error:
        raise BridgeError(error.problem, error.hint) from None
    return name, made


def _signed(folder: Path, bridge: Verifier, asked: EnrolmentRequest) -> EnrolmentAnswer:
    authority = load_authority(folder)
    issued = issue_from_request(authority, asked.request.encode(), str(asked.box))
    Register(authority).enter(issued)
    root = authority.certificate_file.read_text("ascii")
    return EnrolmentAnswer(asked.box, issued.certificate.decode(), root, str(bridge))
