"""Outputs: makes the workers of configured indicators and pass-through ports."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yaoma.cli.screens import indicators_of
from yaoma.config.load import Loaded
from yaoma.core.command import Append
from yaoma.core.policy import Policy
from yaoma.core.record import Entry
from yaoma.service.pass_through import Gate, PassThrough
from yaoma.service.work import Item, Request
from yaoma.shell.database import DatabaseError
from yaoma.shell.device_indicator import DeviceIndicator
from yaoma.shell.indicator import Shown
from yaoma.shell.indicator_worker import IndicatorWorker
from yaoma.shell.port_worker import PortWorker
from yaoma.shell.site_ledger import SiteLedger
from yaoma_drivers import registry
from yaoma_drivers.registry import Group

__all__ = ["Outputs", "outputs_of"]

log = logging.getLogger("yaoma.outputs")


@dataclass(frozen=True, slots=True)
class Outputs:
    """All that a box shows and hands on.

    Args:
        indicators: Lamps, sounds, terminal and log.
        ports: The ways to the tills.
        passing: Decides what goes that way; None for a box that has no till, which then pays nothing for it.
    """

    indicators: tuple[IndicatorWorker, ...]
    ports: tuple[PortWorker, ...]
    passing: PassThrough | None


def outputs_of(
    loaded: Loaded,
    *,
    terminal: bool,
    safe_mode: bool,
    ledger: SiteLedger,
    policy: Callable[[], Policy],
    post: Callable[[Item], None],
) -> Outputs:
    """Make everything that tells or hands on; nothing is opened yet.

    Args:
        loaded: The configuration.
        terminal: Print verdicts on standard output.
        safe_mode: Leave out devices whose driver did not come with this package.
        ledger: Knows what named operators have let through.
        policy: Gives the rules of the place.
        post: Tells the recorder; returns at once.

    Raises:
        DriverError: If a driver can't be loaded.
    """
    ports = _port_workers(loaded, safe_mode=safe_mode)
    # The log last: nobody at the counter waits for it.
    indicators = (
        *_device_indicators(loaded, safe_mode=safe_mode),
        *indicators_of(loaded.config.language, terminal=terminal),
    )
    passing = _pass_through(loaded, ports, ledger=ledger, policy=policy, indicators=indicators, post=post)
    return Outputs(indicators, ports, passing)


def _device_indicators(loaded: Loaded, *, safe_mode: bool) -> tuple[IndicatorWorker, ...]:
    return tuple(
        IndicatorWorker(
            DeviceIndicator(
                one.name,
                registry.load_indicator(one.driver, own_only=safe_mode)(one.name, loaded.indicator_options[one.name]),
                one.stations,
            )
        )
        for one in loaded.config.indicator
        if not safe_mode or registry.is_own(one.driver, Group.INDICATORS)
    )


def _port_workers(loaded: Loaded, *, safe_mode: bool) -> tuple[PortWorker, ...]:
    return tuple(
        PortWorker(
            one.station,
            registry.load_port(one.driver, own_only=safe_mode)(one.station, loaded.port_options[one.station]),
            timeout_s=one.timeout_s,
        )
        for one in loaded.config.pass_through
        if not safe_mode or registry.is_own(one.driver, Group.PORTS)
    )


def _pass_through(
    loaded: Loaded,
    workers: Sequence[PortWorker],
    *,
    ledger: SiteLedger,
    policy: Callable[[], Policy],
    indicators: Sequence[IndicatorWorker],
    post: Callable[[Item], None],
) -> PassThrough | None:
    if not workers:
        return None
    settings = {one.station: one for one in loaded.config.pass_through}

    def is_cleared(key: str) -> bool:
        try:
            seen = ledger.seen(key)
        except DatabaseError:
            # The recorder will find out by itself; until then the code stays here.
            return False
        return seen is not None and seen.is_cleared

    def show(shown: Shown) -> None:
        for indicator in indicators:
            indicator.offer(shown)

    def append(entry: Entry) -> None:
        post(Request(Append(entry), lambda answer: _unrecorded(answer.refusal)))

    return PassThrough(
        {worker.state.station: Gate(worker, settings[worker.state.station].without_ticket) for worker in workers},
        policy=policy,
        is_cleared=is_cleared,
        show=show,
        append=append,
    )


def _unrecorded(refusal: str) -> None:
    if refusal:
        log.error("a failed pass-through is not recorded: reason=%s", refusal)
