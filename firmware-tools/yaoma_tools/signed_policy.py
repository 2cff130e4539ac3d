"""Signed policy: signs a file of rules for the boxes; never one that a box would refuse."""

from pathlib import Path

from yaoma.core.note import Signer
from yaoma.core.policy import InstitutionKind
from yaoma.shell.policy_file import (
    MAX_POLICY_BYTES,
    LoadedPolicy,
    PolicyRefusal,
    PolicyRefusedError,
    load_signed,
    load_text,
    read_policy_file,
)
from yaoma_link.keyfile import write_public

__all__ = ["sign_policy"]


def sign_policy(source: Path, destination: Path, signer: Signer) -> LoadedPolicy:
    """Sign a policy and put it in place in one step, over an older one.

    Args:
        source: The policy, not signed yet.
        destination: Where the signed note goes.
        signer: The centre's key.

    Raises:
        PolicyRefusedError: If a box would refuse it; or the destination holds the same version with other rules, or a
            newer one.
        NoteError: If a note can't carry the text.
        OSError: If the file can't be written.
    """
    text = read_policy_file(source).removeprefix("\ufeff").replace("\r\n", "\n")
    text = text if text.endswith("\n") else f"{text}\n"
    for kind in (None, *InstitutionKind):
        found = load_text(text, kind)
    note = signer.sign(text)
    if len(note.encode()) > MAX_POLICY_BYTES:
        raise PolicyRefusedError(PolicyRefusal.TOO_LARGE, f"a policy file has at most {MAX_POLICY_BYTES} bytes")
    _refuse_older(found, destination, signer)
    write_public(destination, note.encode(), replace=True)
    return found


def _refuse_older(found: LoadedPolicy, destination: Path, signer: Signer) -> None:
    try:
        there = load_signed(destination, [signer.verifier()], found.policy.id)
    except PolicyRefusedError:
        return  # nothing of ours is there
    version = there.policy.version
    if found.policy.version < version or (found.policy.version == version and found.digest != there.digest):
        raise PolicyRefusedError(
            PolicyRefusal.NOT_NEWER, f"{destination.name} has version {version} already: raise the version"
        )
