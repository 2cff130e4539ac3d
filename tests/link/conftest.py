"""Fixtures for sessions: owners that are stopped, whatever the test did."""

from collections.abc import Callable, Iterator

import pytest

from fakes.owner import Owner


@pytest.fixture
def own() -> Iterator[Callable[..., Owner]]:
    """Make owners with the arguments of `Owner`; they are stopped at the end, and none of them has failed."""
    owners: list[Owner] = []

    def make(*args: object, **options: object) -> Owner:
        owner = Owner(*args, **options)  # type: ignore[arg-type]  # handed through
        owners.append(owner)
        return owner

    yield make
    for owner in owners:
        assert owner.session.stop(), "the session's thread did not end"
        assert owner.session.failure is None, f"the session failed: {owner.session.failure!r}"
