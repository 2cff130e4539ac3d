"""Knowledge: what a box judges and seals by: its list, its policy, its keys."""

from collections.abc import Callable, Sequence

from yaoma.config.model import Config
from yaoma.core.code import ControlCode, Lookalike, parse
from yaoma.core.identity import Identity
from yaoma.core.note import Verifier
from yaoma.core.scan import Person
from yaoma.service.in_force import Used
from yaoma.shell.clock import TimeFloor
from yaoma.shell.list_db import ListDb
from yaoma.shell.list_store import ListStore
from yaoma.shell.person_sealer import PersonSealer
from yaoma.shell.policy_holder import PolicyHolder
from yaoma_drivers.driver import IsListed
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, Symbol

__all__ = ["is_listed_by", "list_used", "opened_lists", "person_sealer", "policy_used", "seal_with"]


def opened_lists(config: Config, verifiers: Sequence[Verifier], at_least: int, floor: TimeFloor) -> ListStore:
    """Open the list that counts, of whichever form.

    Raises:
        DatabaseError: If list.db can't be opened.
    """
    lists = ListStore(
        ListDb.open(config.state.folder / "list.db", at_least=at_least),
        config.allowlist.file,
        verifiers,
        config.site,
        at_least=at_least,
        signed_time=floor.saw_signed,
    )
    lists.refresh()
    return lists


def list_used(lists: ListStore) -> Used | None:
    """Give which list counts now, for the record of it; None if there is none that can be believed."""
    if lists.current is None or lists.refusal is not None:
        return None
    return Used("list", lists.current.version, is_signed=True)


def policy_used(policies: PolicyHolder) -> Used:
    """Give which policy counts now, for the record of it."""
    loaded = policies.loaded
    return Used(loaded.policy.id, loaded.policy.version, loaded.digest, bool(loaded.signed))


def seal_with(sealer: PersonSealer) -> Callable[[Identity, str], Person]:
    """Give what seals an identity for a record of a log."""
    return lambda identity, log: sealer.seal(identity.number, log, identity.facts)


def person_sealer(config: Config) -> PersonSealer | None:
    """Make what seals identities, or None where no keys are configured.

    Raises:
        SealKeyError: If a key can't be used.
        OSError: If a file can't be read.
    """
    salt = config.keys.salt
    return PersonSealer(config.site, config.box, config.keys.seal, salt.read_bytes()) if salt else None


def is_listed_by(lists: ListStore) -> IsListed:
    """Give what a driver that doubts what it reads may ask: is this a pack or a product that the list knows?

    Nothing is said of what is no trace code, nor where no list can be believed.
    """

    def is_listed(data: bytes, aim: str) -> bool | None:
        allowlist = lists.current
        if allowlist is None:
            return None
        meaning = parse(Symbol(data[:MAX_SYMBOL_BYTES], "", 0, aim, length=len(data)), allowlist.patterns)
        if isinstance(meaning, Lookalike | ControlCode):
            return None
        if allowlist.product(meaning.product_key) is not None:
            return True
        listing = allowlist.listing(meaning)
        return None if listing.damaged else listing.source is not None

    return is_listed
