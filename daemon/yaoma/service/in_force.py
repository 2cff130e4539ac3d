"""In force: has it recorded when another list or policy begins to count, so that verdicts can be explained later."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from yaoma.core.command import Append
from yaoma.core.deed import applied
from yaoma.service.work import Answer, Request

__all__ = ["InForce", "Used"]


class Used(NamedTuple):
    """Something that counts now.

    Args:
        what: `list`, or the policy's id.
        version: Its version.
        digest: What identifies its content; empty if nothing does.
        is_signed: Whether it came signed by the centre.
    """

    what: str
    version: int
    digest: str = ""
    is_signed: bool = False


class InForce:
    """Watches what counts. Call `look` every now and then from one thread.

    Args:
        sources: Each gives one thing that counts now, or None.
        post: Hands a request to the recorder, now or as soon as there is a place; returns at once.
        known: The versions that the journal named last, by what they are of; these are not recorded anew.
    """

    def __init__(
        self,
        sources: Mapping[str, Callable[[], Used | None]],
        post: Callable[[Request], None],
        known: Mapping[str, int],
    ) -> None:
        self._sources = dict(sources)
        self._post = post
        self._known = dict(known)
        self._recorded: dict[str, Used] = {}

    def look(self) -> None:
        """Have recorded what counts since the last look."""
        for name, source in self._sources.items():
            used = source()
            if used is None or used == self._recorded.get(name):
                continue
            is_first = name not in self._recorded
            self._recorded[name] = used
            if not (is_first and self._known.get(used.what) == used.version):
                self._record(name, used)

    def _record(self, name: str, used: Used) -> None:
        def answered(answer: Answer) -> None:
            if answer.refusal:
                # Out of service just now: the next look tries again.
                self._known.pop(used.what, None)
                self._recorded.pop(name, None)

        entry = applied(used.what, used.version, used.digest, is_signed=used.is_signed)
        self._post(Request(Append(entry), answered))
