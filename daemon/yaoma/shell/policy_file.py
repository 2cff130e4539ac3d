"""Policy file: a policy from disk, shipped with the package or signed by the centre; used whole or not at all."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from yaoma.core.note import NoteError, Verifier, open_note
from yaoma.core.policy import InstitutionKind, Policy
from yaoma.core.policy_layer import Origin, PolicyError, PolicyLayer, PolicyMistake, compose, origins
from yaoma.core.policy_text import DEFAULT_ID, is_policy_id, read_layer
from yaoma.shell.operations import load_operations
from yaoma.shell.resources import ResourceMissingError, config_file

__all__ = [
    "MAX_POLICY_BYTES",
    "LoadedPolicy",
    "PolicyRefusal",
    "PolicyRefusedError",
    "load_shipped",
    "load_signed",
    "load_text",
    "read_policy_file",
    "shipped_ids",
]

MAX_POLICY_BYTES: Final = 256 * 1024

#: A province stands on the default, a county on its province, a chain's rules on its county.
_MAX_CHAIN: Final = 4


class PolicyRefusal(StrEnum):
    """Why a policy is not used; stable, the catalogue is keyed by it."""

    ABSENT = "absent"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    OTHER_POLICY = "other_policy"
    NOT_NEWER = "not_newer"


class PolicyRefusedError(Exception):
    """The policy must not be used; the one in use stays.

    Args:
        reason: Why.
        hint: What is wrong with it, for the technician.
        mistakes: All that is wrong with its text.
    """

    def __init__(self, reason: PolicyRefusal, hint: str, mistakes: Sequence[PolicyMistake] = ()) -> None:
        super().__init__(f"policy refused ({reason.value}): {hint}")
        self.reason = reason
        self.hint = hint
        self.mistakes = tuple(mistakes)

    def __reduce__(self) -> tuple[type["PolicyRefusedError"], tuple[PolicyRefusal, str, tuple[PolicyMistake, ...]]]:
        """Pickle by the facts; the default would pass the sentence as the only argument."""
        return type(self), (self.reason, self.hint, self.mistakes)


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A policy that was read whole.

    Args:
        policy: What verdicts ask.
        origins: Of every rule, what counts and which file says so.
        notice: Number of the notice whose rules these are; may be empty.
        digest: SHA-256 of its text, in hexadecimal.
        signed: The signed note that it came in; empty for a shipped one.
    """

    policy: Policy
    origins: tuple[Origin, ...] = field(repr=False)
    notice: str
    digest: str
    signed: str = field(default="", repr=False)


def shipped_ids() -> tuple[str, ...]:
    """Give the ids of the policies that ship, the default first.

    Raises:
        ResourceMissingError: If they are not there.
    """
    folder = config_file(f"policies/{DEFAULT_ID}.toml").parent
    others = sorted(file.stem for file in folder.glob("*.toml") if file.stem != DEFAULT_ID)
    return (DEFAULT_ID, *others)


def load_shipped(policy_id: str, institution: InstitutionKind | None = None) -> LoadedPolicy:
    """Load a policy that ships.

    Args:
        policy_id: Its id.
        institution: The kind of institution whose rules are wanted; None if nobody said.

    Raises:
        PolicyRefusedError: If there is none by this id, or it can't be used.
    """
    return load_text(_shipped_text(policy_id), institution)


def load_text(text: str, institution: InstitutionKind | None = None, signed: str = "") -> LoadedPolicy:
    """Load a policy from its text, with those that ship below it.

    Args:
        text: The text; if it came signed, its signature must have been checked before.
        institution: As for `load_shipped`.
        signed: The note that it came in.

    Raises:
        PolicyRefusedError: If it can't be used.
    """
    operations = frozenset(load_operations())
    try:
        top = read_layer(text, operations)
        chain: list[PolicyLayer] = [top]
        while (base := chain[0].base) is not None:
            if base in {layer.id for layer in chain} or len(chain) == _MAX_CHAIN:
                raise PolicyRefusedError(PolicyRefusal.MALFORMED, f"the policies below {top.id} form no chain")
            chain.insert(0, read_layer(_shipped_text(base), operations))
        policy = compose(chain, institution)
    except PolicyError as error:
        raise PolicyRefusedError(PolicyRefusal.MALFORMED, str(error), error.mistakes) from None
    digest = hashlib.sha256(text.encode()).hexdigest()
    return LoadedPolicy(policy, tuple(origins(chain, institution)), top.notice, digest, signed)


def load_signed(
    path: Path, verifiers: Sequence[Verifier], policy_id: str, institution: InstitutionKind | None = None
) -> LoadedPolicy:
    """Load a policy that the centre has signed.

    Args:
        path: The file: a signed note whose text is the policy.
        verifiers: The centre's keys.
        policy_id: The id that it must have.
        institution: As for `load_shipped`.

    Raises:
        PolicyRefusedError: If it must not be used.
    """
    note = read_policy_file(path)
    try:
        text = open_note(note, verifiers, max_bytes=MAX_POLICY_BYTES)
    except NoteError as error:
        raise PolicyRefusedError(PolicyRefusal.UNSIGNED, str(error)) from None
    found = load_text(text, institution, note)
    if found.policy.id != policy_id:
        raise PolicyRefusedError(PolicyRefusal.OTHER_POLICY, f"it is {found.policy.id}, and {policy_id} is wanted")
    return found


def read_policy_file(path: Path) -> str:
    """Read the text of a policy file, signed or not.

    Raises:
        PolicyRefusedError: If it can't be read, is too large or no UTF-8.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_POLICY_BYTES + 1)
    except FileNotFoundError:
        raise PolicyRefusedError(PolicyRefusal.ABSENT, f"there is no file {path.name}") from None
    except OSError as error:
        raise PolicyRefusedError(PolicyRefusal.UNREADABLE, f"{path.name}: {error.strerror}") from None
    if len(content) > MAX_POLICY_BYTES:
        raise PolicyRefusedError(PolicyRefusal.TOO_LARGE, f"a policy file has at most {MAX_POLICY_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise PolicyRefusedError(PolicyRefusal.UNREADABLE, f"{path.name} is not UTF-8") from None


def _shipped_text(policy_id: str) -> str:
    if not is_policy_id(policy_id):
        raise PolicyRefusedError(PolicyRefusal.ABSENT, "that is no id of a policy")
    try:
        return read_policy_file(config_file(f"policies/{policy_id}.toml"))
    except ResourceMissingError:
        raise PolicyRefusedError(PolicyRefusal.ABSENT, f"no policy {policy_id} ships with this version") from None
