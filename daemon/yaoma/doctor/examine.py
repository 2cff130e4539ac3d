"""Examine: all checks in their order, each on its own, so that one that fails hides no other."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from yaoma.config.last_good import last_good
from yaoma.config.load import Loaded, read
from yaoma.config.model import Config
from yaoma.core.checkpoint import box_key_name
from yaoma.core.note import NoteError, Verifier
from yaoma.core.record import Stamp
from yaoma.doctor.board import check_board
from yaoma.doctor.broker import Visit, check_broker, check_running_uplink
from yaoma.doctor.calibration import check_calibrations
from yaoma.doctor.certificates import check_certificates
from yaoma.doctor.clock import check_clock
from yaoma.doctor.console import check_console, check_modem_manager, check_serial_login
from yaoma.doctor.delivery import Pending, check_delivery, pending_of, pending_on_disk, true_health
from yaoma.doctor.finding import Finding, Group, trouble
from yaoma.doctor.host import Account, Host, account_of
from yaoma.doctor.journal import check_aside, check_journal
from yaoma.doctor.key_files import check_keys
from yaoma.doctor.outputs import check_gpio_after_a_crash, check_outputs, check_running_outputs
from yaoma.doctor.policy import check_policy
from yaoma.doctor.scanners import KEYBOARD_DRIVERS, check_running_scanners, check_scanners, device_of
from yaoma.doctor.service import check_service, is_locked, status_of
from yaoma.doctor.settings import check_settings
from yaoma.doctor.site_list import check_list
from yaoma.doctor.state_folder import check_disk, check_owner
from yaoma.shell.clock import ClockPaths, SystemClock, TimeFloor
from yaoma.shell.last_known import last_known
from yaoma_link.endpoint import Endpoint, TlsFiles
from yaoma_link.identity import IdentityError, load_signer, load_verifiers
from yaoma_link.topics import BoxName

__all__ = ["Examined", "examine"]

_CONNECT_S: Final = 6.0
_SERIAL_DRIVERS: Final = frozenset({"serial_line", "zebra_ssi"})

Check = Callable[[], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found.

    Args:
        findings: In the order in which troubles are put right.
        loaded: The configuration that counts, or None.
        status: What the running daemon says, or None.
    """

    findings: tuple[Finding, ...]
    loaded: Loaded | None
    status: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Patient:
    """What several checks need, found out once."""

    loaded: Loaded
    host: Host
    paths: ClockPaths
    status: Mapping[str, Any] | None
    locked: bool
    service: Account
    now: Stamp
    pending: Pending
    floor_ms: int
    list_version: int
    policy_version: int
    verifiers: tuple[Verifier, ...] = field(default=())

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.loaded.config


def examine(path: Path, host: Host | None = None, paths: ClockPaths | None = None) -> Examined:
    """Run every check; nothing is changed.

    Args:
        path: The configuration file.
        host: The machine.
        paths: Where the system tells about its clock.
    """
    host, paths, reading = host or Host(), paths or ClockPaths(), read(path)
    stand_in = last_good(reading) if reading.loaded is None else None
    loaded = reading.loaded or (stand_in.loaded if stand_in else None)
    checks: list[tuple[Group, Check]] = [(Group.CONFIG, lambda: check_settings(reading, stand_in))]
    status = None
    if loaded is not None:
        status = status_of(loaded.config)
        checks += _checks(_patient(loaded, host, paths, status))
    else:
        checks += _checks_without(host, paths)
    order = list(Group)
    findings = [finding for group, check in checks for finding in _guarded(group, check)]
    return Examined(tuple(sorted(findings, key=lambda one: order.index(one.group))), loaded, status)


def _patient(loaded: Loaded, host: Host, paths: ClockPaths, status: Mapping[str, Any] | None) -> _Patient:
    config = loaded.config
    folder = config.state.folder
    before = last_known(folder / "journal.db")
    now = SystemClock(last=before.stamp, paths=paths)()
    floor = TimeFloor(before.synced_ms)
    floor.saw(now)
    try:
        owner = folder.stat().st_uid
    except OSError:
        owner = os.geteuid()
    return _Patient(
        loaded=loaded,
        host=host,
        paths=paths,
        status=status,
        locked=is_locked(folder),
        service=account_of(owner),
        now=now,
        pending=pending_on_disk(folder) if status is None else pending_of(status),
        floor_ms=max(floor.ms, now.wall_ms),
        list_version=before.list_version,
        policy_version=before.signed.get(config.policy.id, 0),
        verifiers=_own_keys(config),
    )


def _checks(patient: _Patient) -> list[tuple[Group, Check]]:
    config, host, folder = patient.config, patient.host, patient.config.state.folder
    return [
        (Group.STATE, lambda: check_disk(config.state)),
        (Group.STATE, lambda: check_owner(config.state)),
        (Group.KEYS, lambda: check_keys(config, patient.service)),
        (Group.KEYS, lambda: check_certificates(config, patient.service)),
        (
            Group.CLOCK,
            lambda: check_clock(
                patient.now, host, patient.paths, passes_untrusted=config.policy.pass_with_untrusted_clock
            ),
        ),
        (Group.SCANNER, lambda: _scanners(patient)),
        (Group.INDICATOR, lambda: _outputs(patient)),
        (Group.INDICATOR, lambda: check_gpio_after_a_crash(patient.loaded, host)),
        (Group.SCANNER, lambda: check_calibrations(patient.loaded)),
        (Group.HOST, lambda: _console(patient)),
        (Group.BROKER, lambda: _broker(patient)),
        (Group.DELIVERY, lambda: check_delivery(patient.pending, patient.now.wall_ms)),
        (Group.LIST, lambda: _list(patient)),
        (Group.LIST, lambda: check_policy(config, patient.policy_version)),
        (Group.JOURNAL, lambda: check_journal(folder, patient.verifiers, config.site, config.box)),
        (Group.JOURNAL, lambda: check_aside(folder)),
        (Group.BOARD, lambda: check_board(host)),
        (Group.SERVICE, lambda: check_service(patient.status, locked=patient.locked)),
    ]


def _checks_without(host: Host, paths: ClockPaths) -> list[tuple[Group, Check]]:
    """Give what can be looked at although no configuration can be used."""
    now = SystemClock(paths=paths)()
    return [
        (Group.CLOCK, lambda: check_clock(now, host, paths, passes_untrusted=True)),
        (Group.BOARD, lambda: check_board(host)),
    ]


def _guarded(group: Group, check: Check) -> list[Finding]:
    try:
        return list(check())
    except Exception as error:  # noqa: BLE001 - a defect of one check must not hide what the others find
        # Only the class: its words might quote what was looked at.
        return [trouble(group, "doctor.check_failed", type(error).__name__, group=group.value)]


def _own_keys(config: Config) -> tuple[Verifier, ...]:
    try:
        return (load_signer(config.keys.signing, box_key_name(config.site, config.box)).verifier(),)
    except (IdentityError, NoteError):
        return ()


def _scanners(patient: _Patient) -> list[Finding]:
    if patient.status is not None:
        return check_running_scanners(patient.loaded, patient.status["scanners"], patient.service, patient.host)
    if patient.locked:
        # The silent daemon holds them.
        return []
    return check_scanners(patient.loaded, patient.service, patient.host)


def _outputs(patient: _Patient) -> list[Finding]:
    if patient.status is not None:
        return check_running_outputs(patient.loaded, patient.status, patient.service, patient.host)
    # A silent daemon holds them.
    return [] if patient.locked else check_outputs(patient.loaded, patient.service, patient.host)


def _console(patient: _Patient) -> list[Finding]:
    scanners, options = patient.config.scanner, patient.loaded.options
    serial = [device_of(options[one.name]) for one in scanners if one.driver in _SERIAL_DRIVERS]
    devices = [device for device in serial if device is not None]
    findings = check_modem_manager(patient.host, devices) + check_serial_login(patient.host, devices)
    if any(one.driver in KEYBOARD_DRIVERS for one in scanners):
        findings += check_console(patient.host)
    return findings


def _broker(patient: _Patient) -> list[Finding]:
    broker, config = patient.config.broker, patient.config
    tls = None if broker.plain else TlsFiles(broker.authority, broker.certificate, broker.key)
    endpoint = Endpoint(
        broker.host, broker.port, tls, broker.keep_alive_s, connect_timeout_s=_CONNECT_S, connack_timeout_s=_CONNECT_S
    )
    if patient.status is not None:
        return check_running_uplink(endpoint, patient.status["uplink"])
    if patient.locked:
        # A visit under the box's own name would throw the silent daemon's session out.
        return []
    name = BoxName(config.site, config.box)
    return check_broker(Visit(endpoint, name, true_health(patient.pending, patient.now)))


def _list(patient: _Patient) -> list[Finding]:
    config = patient.config
    try:
        verifiers = load_verifiers(config.keys.list)
    except IdentityError:
        # The key's own check names it.
        return []
    return check_list(
        config.allowlist.file,
        verifiers,
        config.site,
        now_ms=patient.floor_ms,
        newer_than=patient.list_version - 1,
        policy=config.policy,
        big=config.state.folder / "list.db",
    )
