"""Chosen policy: the policy that a configuration names."""

from yaoma.config.model import Config
from yaoma.shell.policy_holder import PolicyHolder
from yaoma_link.identity import IdentityError, load_verifiers

__all__ = ["KEPT_FILE", "chosen_policy"]

#: Below the state folder: the last good policy that came signed.
KEPT_FILE = "policy.kept"


def chosen_policy(config: Config, *, at_least: int = 0, is_keeper: bool = False) -> PolicyHolder:
    """Give the holder of the policy that counts at a box.

    Args:
        config: The box's configuration.
        at_least: The lowest version of a signed policy that may be used, see `PolicyHolder`.
        is_keeper: Keep a new good one for the next start: the daemon's work, not that of a command.

    Raises:
        ResourceMissingError: If the policies that ship are missing.
    """
    chosen = config.policy
    try:
        verifiers = load_verifiers(config.keys.list) if chosen.file is not None else ()
    except IdentityError:
        # Without the centre's keys no file is good; the doctor names the missing key.
        verifiers = ()
    return PolicyHolder(
        chosen.id,
        chosen.institution,
        file=chosen.file,
        verifiers=tuple(verifiers),
        kept=config.state.folder / KEPT_FILE,
        at_least=at_least,
        local=chosen.local(),
        is_keeper=is_keeper,
    )
