"""Puts a box together from its configuration."""

import queue
import secrets
import threading
from collections.abc import Mapping, Sequence
from functools import partial

from yaoma import __version__
from yaoma.cli.central import commands_of
from yaoma.cli.knowledge import is_listed_by, list_used, opened_lists, person_sealer, policy_used, seal_with
from yaoma.cli.outputs import outputs_of
from yaoma.cli.screens import metrics_of, status_of
from yaoma.cli.uplink import info_of, line_opener
from yaoma.config.chosen_policy import chosen_policy
from yaoma.config.counter_sections import ScannerConfig
from yaoma.config.load import Loaded
from yaoma.config.model import Config
from yaoma.core.checkpoint import box_key_name
from yaoma.core.entry import started
from yaoma.core.note import Signer
from yaoma.service.announcement import Facts
from yaoma.service.announcer import Announcer
from yaoma.service.box import Box
from yaoma.service.box_logs import BoxLogs
from yaoma.service.containment import made
from yaoma.service.control_desk import ControlDesk
from yaoma.service.counter import Counter
from yaoma.service.desk import Desk
from yaoma.service.erasing import Erasing
from yaoma.service.in_force import InForce
from yaoma.service.mailbox import Mailbox
from yaoma.service.neighbours import Neighbours
from yaoma.service.outages import Outages
from yaoma.service.pairings import Pairings
from yaoma.service.post import Post
from yaoma.service.reader import HAND_OVER_S, Reader
from yaoma.service.recheck import Recheck
from yaoma.service.recorder import STEP_S, Recorder, RecorderParts
from yaoma.service.settling import Settling
from yaoma.service.show_guard import ShowGuard
from yaoma.service.state_receiving import StateReceiving
from yaoma.service.uploader import Uploader
from yaoma.service.vital_signs import health_of, look
from yaoma.service.watch import Watch
from yaoma.service.work import CloseLog, Damage, Item, Request
from yaoma.shell.clock import SystemClock, TimeFloor, changed
from yaoma.shell.control import ControlServer
from yaoma.shell.database import DatabaseError
from yaoma.shell.disk import DiskGauge
from yaoma.shell.durations import Durations
from yaoma.shell.identity_keeper import IdentityKeeper
from yaoma.shell.journal import BoxIdentity
from yaoma.shell.journal_folder import JournalFolder, KnownElsewhere
from yaoma.shell.last_known import last_known
from yaoma.shell.list_news import ListNews
from yaoma.shell.operations import load_operations
from yaoma.shell.outbox import Outbox
from yaoma.shell.site_file import open_site
from yaoma.shell.site_ledger import SiteLedger
from yaoma_drivers import registry
from yaoma_drivers.driver import Consulting, Driver, Showing
from yaoma_drivers.stop import Stop
from yaoma_link.identity import load_signer, load_verifiers
from yaoma_link.topics import BoxName

__all__ = ["assemble", "box_signer"]

#: Scans that may wait for the recorder; then the readers wait, and the scanners' lines buffer.
_QUEUE_SYMBOLS = 1024

#: The uploader beats every 10 s; a batch that is read from a slow card, packed and signed takes seconds more.
_UPLOADER_STEP_S = 60.0

#: The control socket's thread wakes twice a second and only accepts.
_CONTROL_STEP_S = 30.0

_MB = 1_000_000


def box_signer(config: Config) -> Signer:
    """Load the key with which the box signs its checkpoints.

    Raises:
        IdentityError: If it can't be used.
    """
    return load_signer(config.keys.signing, box_key_name(config.site, config.box))


def assemble(loaded: Loaded, *, terminal: bool, watch: Watch, safe_mode: bool = False) -> Box:
    """Put the box together; nothing runs yet, only site.db is open.

    Args:
        loaded: The configuration.
        terminal: Print verdicts on standard output.
        safe_mode: Leave out scanners whose driver did not come with this package.
        watch: Gets the heart of each worker; hearts of a box before this one are forgotten.

    Raises:
        IdentityError: If a key can't be used.
        DatabaseError: If site.db can't be opened.
        DriverError: If a driver can't be loaded.
    """
    config = loaded.config
    folder = config.state.folder
    watch.start_over()
    signer, sealer = box_signer(config), person_sealer(config)
    bridge_keys, list_keys = load_verifiers(config.keys.bridge), load_verifiers(config.keys.list)
    site = open_site(folder / "site.db")
    ledger, outbox = SiteLedger(site), Outbox(site.connection, site.lock, site.path)

    before = last_known(folder / "journal.db")
    clock = SystemClock(last=before.stamp)
    floor = TimeFloor(before.synced_ms)
    disk = DiskGauge(folder, low_bytes=config.state.warn_free_mb * _MB, full_bytes=config.state.min_free_mb * _MB)
    journals = JournalFolder(
        folder,
        BoxIdentity(config.site, config.box, signer),
        version=__version__,
        stamp=clock,
        known=lambda log: _known(ledger, outbox, log),
    )
    lists = opened_lists(config, list_keys, before.list_version, floor)

    items: queue.Queue[Item] = queue.Queue(_QUEUE_SYMBOLS)
    stop, restart = Stop(), threading.Event()
    stations = config.station_of()
    scanners = [one for one in config.scanner if not safe_mode or registry.is_own(one.driver)]
    drivers = {
        one.name: made(registry.load(one.driver, own_only=safe_mode), one.name, loaded.options[one.name])
        for one in scanners
    }
    for one in drivers.values():
        if isinstance(one, Consulting):
            one.consult(is_listed_by(lists))
    left_out = tuple(one.name for one in config.scanner if one.name not in drivers)
    readers = tuple(
        Reader(name, driver, items, stop, watch.heart(f"reader-{name}", HAND_OVER_S))
        for name, driver in drivers.items()
    )
    outputs = outputs_of(
        loaded,
        terminal=terminal,
        safe_mode=safe_mode,
        ledger=ledger,
        policy=lambda: policies.current,
        post=lambda item: mailbox.post(item),  # noqa: PLW0108 - it is made further down
    )
    announcer = Announcer(stations, _showing(scanners, drivers), outputs.indicators, outputs.passing)

    policies = chosen_policy(config, at_least=before.signed.get(config.policy.id, 0), is_keeper=True)
    posts, commits = {station.name: Post() for station in config.station}, Durations()

    recorder = Recorder(
        RecorderParts(
            journals=journals,
            counter=Counter(
                ledger=ledger,
                allowlist=lambda: lists.current,
                policy=lambda: policies.current,
                stations=stations,
                operations=load_operations(),
                floor=floor,
                new_id=lambda: secrets.token_hex(8),
                seal=seal_with(sealer) if sealer else None,
                view=announcer,
                control=ControlDesk(
                    site=config.site,
                    box=config.box,
                    verifiers=load_verifiers(config.keys.sheet) if config.keys.sheet else (),
                    revoked=lambda: config.keys.revoked_sheets,
                    posts=posts,
                ),
                posts=posts,
                passing=outputs.passing,
            ),
            clock=clock,
            clock_moved=changed,
            disk=disk,
            kept=lambda: uploader.wake(),  # noqa: PLW0108 - it is made further down
            checkpoint_s=config.state.checkpoint_s,
            committed=commits.add,
            first_entries=[started(__version__, clock.boot_id, loaded.digest, list(drivers))],
            last=before.stamp,
            heart=watch.heart("recorder", STEP_S),
        ),
        items,
    )
    mailbox = Mailbox(items)
    logs = BoxLogs(lambda: recorder.journal, journals)
    uploader = Uploader(
        BoxName(config.site, config.box),
        logs=logs,
        outbox=outbox,
        verifiers=bridge_keys,
        open_line=line_opener(config),
        facts=Facts(
            version=__version__,
            stamp=clock,
            info=lambda: {**info_of(readers, lists), "safe_mode": safe_mode},
            health=lambda: health_of(vitals()),
        ),
        on_fork=lambda log, _: mailbox.post(CloseLog(log)),
        on_damage=lambda log, seq: mailbox.post(Damage(log, seq)),
        news=StateReceiving(
            BoxName(config.site, config.box), bridge_keys, ListNews(lists.db), on_merge=Neighbours(items).take
        ),
        commands=commands_of(
            config,
            bridge_keys,
            policies,
            stamp=clock,
            record=lambda append: mailbox.post(Request(append, lambda _: None)),
            report=lambda: health_of(vitals()),
            restart=restart,
        ),
        beat=watch.heart("uploader", _UPLOADER_STEP_S).beat,
    )
    recheck = Recheck(ledger, lambda: lists.current, posts, mailbox.post)
    in_force = InForce(
        {"list": lambda: list_used(lists), "policy": lambda: policy_used(policies)}, mailbox.post, before.applied
    )
    outages = Outages(lambda: uploader.state, clock, lambda append: mailbox.post(Request(append, lambda _: None)))
    erasing = Erasing(
        folder=folder,
        keeper=IdentityKeeper(folder, lambda: policies.current.identity_keep_days, lambda: _stored(outbox)),
        stored=lambda: _stored(outbox),
        clock=clock,
        post=mailbox.post,
    )
    desk = Desk(
        is_stopping=lambda: control_stop.is_set(),  # noqa: PLW0108 - it is made further down
        erasing=erasing,
        settling=Settling(
            ledger=ledger, allowlist=lambda: lists.current, policy=lambda: policies.current, clock=clock, stations=posts
        ),
        site=config.site,
        box=config.box,
        items=items,
        recorder=recorder,
        readers=readers,
        ledger=ledger,
        outbox=outbox,
        uplink=lambda: uploader.state,
        lists=lists,
        disk=disk,
        clock=clock,
        safe_mode=safe_mode,
        config_refused={"zh-CN": loaded.stands_in.zh, "en": loaded.stands_in.en} if loaded.stands_in else None,
        left_out=left_out,
        metrics_trouble=lambda: metrics[0].trouble if metrics else "",
        stations=tuple(station.name for station in config.station),
        indicators=outputs.indicators,
        ports=outputs.ports,
    )

    vitals = partial(look, desk, commits)
    metrics = metrics_of(config, vitals)
    control_stop = Stop()
    control = ControlServer(
        config.control_socket, desk.answer, control_stop, watch.heart("control", _CONTROL_STEP_S).beat
    )

    def close() -> None:
        recorder.close()
        logs.close()
        lists.close()
        site.connection.close()
        stop.close()
        control_stop.close()

    def stop_control(deadline_s: float) -> None:
        control_stop.set()
        control.join(deadline_s)

    return Box(
        items=items,
        recorder=recorder,
        readers=readers,
        reader_stop=stop,
        others=(uploader, control, *metrics),
        stop_others=(uploader.stop, stop_control, recheck.stop, *(one.stop for one in metrics)),
        indicators=outputs.indicators,
        ports=outputs.ports,
        tend=(
            lists.refresh,
            policies.refresh,
            mailbox.hand_on,
            outages.look,
            recheck.look,
            in_force.look,
            Pairings(folder, mailbox.post).look,
            erasing.look,
            *((sealer.refresh,) if sealer else ()),
        ),
        watch=watch,
        status=status_of(
            recorder, uploader, readers, watch, safe_mode=safe_mode, last_good=loaded.stands_in is not None
        ),
        close=close,
        wants_restart=restart.is_set,
    )


def _showing(scanners: Sequence[ScannerConfig], drivers: Mapping[str, Driver]) -> dict[str, Showing]:
    """Give the scanners that can show a verdict; a stranger's code is kept off the recorder's thread."""
    return {
        one.name: driver if registry.is_own(one.driver) else ShowGuard(one.name, driver)
        for one in scanners
        if isinstance(driver := drivers[one.name], Showing)
    }


def _known(ledger: SiteLedger, outbox: Outbox, log: str) -> KnownElsewhere:
    try:
        return KnownElsewhere(outbox.load(log).upto, ledger.applied(log))
    except DatabaseError:
        # Without the number everything is sent and copied again; receivers drop repeats.
        return KnownElsewhere()


def _stored(outbox: Outbox) -> dict[str, int]:
    return {log: outbox.load(log).upto for log in outbox.logs()}
