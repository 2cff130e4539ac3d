"""Policy holder: the policy that counts now; a bad or an older one never takes its place."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from yaoma.core.note import Verifier
from yaoma.core.policy import InstitutionKind, Policy
from yaoma.core.policy_text import DEFAULT_ID
from yaoma.shell.policy_file import LoadedPolicy, PolicyRefusal, PolicyRefusedError, load_shipped, load_signed
from yaoma_link.keyfile import write_public

__all__ = ["PolicyHolder"]

log = logging.getLogger("yaoma.policy")

_LOOK_EVERY_S: Final = 3.0


class PolicyHolder:
    """Holds the policy that counts now. Reading it costs nothing; looking at the file is another thread's work.

    With a `file`, the signed policy in it counts as soon as it is good; before, the last good one that was kept, or
    the one that ships by the same id, or the default.

    Args:
        policy_id: Which policy.
        institution: The kind of institution; None if nobody said.
        file: A signed policy; None for one that ships.
        verifiers: The centre's keys.
        kept: Where the last good signed policy is kept across restarts.
        at_least: The lowest version of a signed policy that may be used: the signed one in use before the restart,
            from the journal.
        local: Values that the box's configuration sets in place of the policy's, by the name of the rule.
        is_keeper: Whether a new good policy is kept for the next start; otherwise nothing is written.
    """

    def __init__(
        self,
        policy_id: str,
        institution: InstitutionKind | None = None,
        *,
        file: Path | None = None,
        verifiers: Sequence[Verifier] = (),
        kept: Path | None = None,
        at_least: int = 0,
        local: Mapping[str, Any] | None = None,
        is_keeper: bool = True,
    ) -> None:
        self._id = policy_id
        self._institution = institution
        self._file = file
        self._verifiers = tuple(verifiers)
        self._kept = kept
        self._at_least = at_least
        self._local = dict(local or {})
        self._is_keeper = is_keeper
        self._lock = threading.Lock()
        self._looked_s = float("-inf")
        self._mark: tuple[int, int, int] | None = None
        self._refusal: PolicyRefusedError | None = None
        self._found = self._first()
        self._policy = replace(self._found.policy, **self._local)
        if file is not None:
            self.refresh(at_once=True)

    @property
    def current(self) -> Policy:
        """The policy that counts now."""
        return self._policy

    @property
    def loaded(self) -> LoadedPolicy:
        """What is known of it, without what the box's configuration sets in its place."""
        return self._found

    @property
    def refusal(self) -> PolicyRefusedError | None:
        """Why the policy that was asked for is not used; None if it is."""
        return self._refusal

    def refresh(self, *, at_once: bool = False) -> bool:
        """Look whether the file changed, every few seconds at most; a refused one leaves the policy as it was.

        Args:
            at_once: Look even if the last look was a moment ago.

        Returns:
            Whether another policy counts now.
        """
        if self._file is None:
            return False
        with self._lock:
            now_s = time.monotonic()
            if not at_once and now_s - self._looked_s < _LOOK_EVERY_S:
                return False
            self._looked_s = now_s
            mark = _mark(self._file)
            if mark == self._mark and (mark is not None or self._refusal is not None):
                return False
            self._mark = mark
            return self._reload(self._file)

    def _first(self) -> LoadedPolicy:
        """Give what counts before the file was looked at."""
        kept = self._kept
        if self._file is not None and kept is not None and kept.exists():
            try:
                found = load_signed(kept, self._verifiers, self._id, self._institution)
                if found.policy.version >= self._at_least:
                    return found
                log.warning("kept policy is older than the one in use before: version=%d", found.policy.version)
            except PolicyRefusedError as refusal:
                log.warning("kept policy refused: reason=%s hint=%s", refusal.reason.value, refusal.hint)
        try:
            return load_shipped(self._id, self._institution)
        except PolicyRefusedError as refusal:
            if self._file is None:
                self._refusal = refusal
                log.warning("policy refused: reason=%s hint=%s", refusal.reason.value, refusal.hint)
        return load_shipped(DEFAULT_ID, self._institution)

    def _reload(self, file: Path) -> bool:
        held = self._found
        try:
            found = load_signed(file, self._verifiers, self._id, self._institution)
            self._refuse_older(found, held)
        except PolicyRefusedError as refusal:
            self._refusal = refusal
            log.warning("policy refused: reason=%s hint=%s", refusal.reason.value, refusal.hint)
            return False
        self._refusal = None
        if held.signed and found.digest == held.digest:
            return False
        self._found = found
        self._policy = replace(found.policy, **self._local)
        self._keep(found)
        log.info("policy in use: policy=%s version=%d", found.policy.id, found.policy.version)
        return True

    def _refuse_older(self, found: LoadedPolicy, held: LoadedPolicy) -> None:
        # A policy that ships has numbers of its own; the centre's begin where the centre likes.
        version, used = found.policy.version, held.policy.version if held.signed else 0
        lowest = max(self._at_least, used)
        if version < lowest:
            raise PolicyRefusedError(PolicyRefusal.NOT_NEWER, f"version {version} is below {lowest}, which was in use")
        if version == used and found.digest != held.digest:
            raise PolicyRefusedError(PolicyRefusal.NOT_NEWER, f"version {version} is in use with another content")

    def _keep(self, found: LoadedPolicy) -> None:
        if self._kept is None or not self._is_keeper:
            return
        try:
            write_public(self._kept, found.signed.encode(), replace=True)
        except OSError as error:
            log.warning("policy not kept for the next start: error=%s", error.strerror)


def _mark(path: Path) -> tuple[int, int, int] | None:
    """Give what changes when a file is written or replaced; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)
