"""Policy: is the one that the configuration names in use, and if not, what goes on in its place."""

from yaoma.config.chosen_policy import chosen_policy
from yaoma.config.model import Config
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning

__all__ = ["check_policy"]

_LIST = Group.LIST


def check_policy(config: Config, at_least: int = 0) -> list[Finding]:
    """Load the policy as the daemon would.

    Args:
        config: The configuration.
        at_least: The highest version of it that came signed and counted before, from the journal.
    """
    holder = chosen_policy(config, at_least=at_least)
    used, refusal = holder.loaded.policy, holder.refusal
    if refusal is None:
        return [ok(_LIST, "doctor.policy_sound", policy=used.id, version=used.version)]
    # The last good version of the same policy is a stand-in; the rules of another place are none.
    is_kept = bool(holder.loaded.signed) and used.id == config.policy.id
    why = (warning if is_kept else trouble)(_LIST, f"policy_refused.{refusal.reason.value}", refusal.hint)
    return [why, warning(_LIST, "doctor.policy_instead", policy=used.id, version=used.version)]
