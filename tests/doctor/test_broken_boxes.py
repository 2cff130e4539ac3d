"""Every broken set-up is named by its cause: a provisioned box of a real county, with one thing wrong at a time."""

import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.broker import SilentBroker, free_port
from fakes.county import SITE, BoxProcess
from fakes.pty_scanner import PtyScanner
from yaoma.doctor.examine import examine
from yaoma.doctor.finding import Finding, Group, Mark
from yaoma_link.authority import issue, make_authority
from yaoma_tools.signed_list import ListSource, sign_list

pytestmark = pytest.mark.broker

_DAY_MS = 24 * 3600 * 1000


def troubles(box: BoxProcess) -> dict[str, Finding]:
    """Examine a box and give what is the matter, but for the daemon that does not run and the machine's clock."""
    found = examine(box.config).findings
    return {
        one.id: one
        for one in found
        if one.mark is Mark.TROUBLE and one.group not in {Group.SERVICE, Group.CLOCK, Group.BOARD}
    }


def set_up(box: BoxProcess, pattern: str, value: str) -> None:
    """Change a line of the configuration."""
    text, number = re.subn(pattern, value, box.config.read_text(), count=1)
    assert number == 1
    box.config.write_text(text)


def wrong_ca(box: BoxProcess) -> None:
    """Have the box believe another authority than the broker's."""
    other = make_authority(box.folder / "other", "somebody else")
    issue(other, f"{SITE}/b1", client=True).write(box.folder / "other.pem", box.folder / "other.key")
    set_up(box, 'authority = ".*"', f'authority = "{other.certificate_file}"')
    set_up(box, 'certificate = ".*"', f'certificate = "{box.folder}/other.pem"')
    set_up(box, '\nkey = ".*"', f'\nkey = "{box.folder}/other.key"')


def new_certificate(box: BoxProcess, name: str, days: int) -> None:
    """Give the box another certificate of the right authority."""
    for file in ("box.pem", "box.key"):
        (box.folder / file).unlink()
    issue(box.county.authority, name, client=True, days=days).write(box.folder / "box.pem", box.folder / "box.key")


def other_key(box: BoxProcess) -> None:
    """Put the private key of another certificate beside the right certificate."""
    (box.folder / "box.key").unlink()
    issue(box.county.authority, f"{SITE}/b2", client=True).write(box.folder / "b2.pem", box.folder / "box.key")


def no_name(box: BoxProcess) -> None:
    """Name a broker that no resolver knows (RFC 6761: .invalid never resolves)."""
    set_up(box, 'host = ".*"', 'host = "broker.invalid"')


def no_route(box: BoxProcess) -> None:
    """Name an address to which no TCP connection has a way: the kernel says that the network is unreachable."""
    set_up(box, 'host = ".*"', 'host = "255.255.255.255"')


def new_server_certificate(box: BoxProcess, **validity: Any) -> None:
    """Have the broker come with another certificate of the right authority."""
    place = box.county.folder / "broker"
    for file in ("server.pem", "server.key"):
        (place / file).unlink()
    issued = issue(box.county.authority, "localhost", server_names=["localhost"], client=False, **validity)
    issued.write(place / "server.pem", place / "server.key")
    box.county.broker.restart()


def no_broker(box: BoxProcess) -> None:
    """Have nobody listen at the broker's port."""
    box.county.broker.kill()


def no_rights(box: BoxProcess) -> None:
    """Have an access list in which no box may write."""
    box.county.broker.write_acl("pattern read yaoma/v1/%u/receipts\n")
    box.county.broker.restart()


def revoked(box: BoxProcess) -> None:
    """Have the broker refuse the box's certificate: it trusts another authority for clients."""
    other = make_authority(box.folder / "other", "somebody else")
    conf = box.county.folder / "broker/mosquitto.conf"
    text = re.sub(r"cafile .*", f"cafile {other.certificate_file}", conf.read_text())
    conf.write_text(re.sub(r"crlfile .*", f"crlfile {other.revocation_file}", text))
    box.county.broker.restart()


def sign_another_list(box: BoxProcess, **changes: int | str) -> None:
    """Replace the list by one that differs in something."""
    now_ms = time.time_ns() // 1_000_000
    fields = {"site": SITE, "version": 2, "issued_ms": now_ms - 9 * _DAY_MS, "expires_ms": now_ms + 9 * _DAY_MS}
    (box.county.folder / "list.signed").unlink()
    source = ListSource(**{**fields, **changes}, codes=box.county.folder / "codes.jsonl")  # type: ignore[arg-type]  # as named
    sign_list(box.county.folder / "list.signed", source, box.county.list_signer)


def expired_list(box: BoxProcess) -> None:
    """Replace the list by one that has run out."""
    sign_another_list(box, expires_ms=time.time_ns() // 1_000_000 - 2 * _DAY_MS)


def forged_list(box: BoxProcess) -> None:
    """Change one letter of the list."""
    file = box.county.folder / "list.signed"
    file.write_bytes(file.read_bytes().replace(b'"version":1', b'"version":9'))


def no_device(box: BoxProcess) -> None:
    """Put a plain file in the scanner's place."""
    (box.folder / "gun").unlink()
    (box.folder / "gun").touch()


def chmod(file: str, mode: int) -> Callable[[BoxProcess], None]:
    """Change the rights of a file."""

    def change(box: BoxProcess) -> None:
        (box.folder / file).chmod(mode)

    return change


BROKEN: dict[str, tuple[Callable[[BoxProcess], object], str]] = {
    "nothing": (lambda _: None, ""),
    "wrong authority": (wrong_ca, "link.broker_untrusted"),
    "certificate expired": (lambda box: new_certificate(box, f"{SITE}/b1", -2), "doctor.certificate_expired"),
    "certificate of another box": (lambda box: new_certificate(box, f"{SITE}/b9", 9), "doctor.certificate_other_name"),
    "key of another certificate": (other_key, "doctor.tls_file_wrong"),
    "no certificate": (lambda box: (box.folder / "box.pem").unlink(), "doctor.tls_file_wrong"),
    "no signing key": (lambda box: (box.folder / "signing.key").unlink(), "doctor.key_absent"),
    "signing key is none": (lambda box: (box.folder / "signing.key").write_text("x"), "doctor.key_wrong"),
    "signing key is open": (chmod("signing.key", 0o644), "doctor.key_open"),
    "name unknown": (no_name, "link.name_unknown"),
    "no broker": (no_broker, "link.unreachable"),
    "no route": (no_route, "link.unreachable"),
    "broker's certificate expired": (lambda box: new_server_certificate(box, days=-2), "link.broker_expired"),
    "access list denies": (no_rights, "doctor.broker_denies"),
    "certificate refused": (revoked, "link.certificate_refused"),
    "scanner missing": (lambda box: (box.folder / "gun").unlink(), "device.absent"),
    "scanner is a file": (no_device, "device.wrong_kind"),
    "no list": (lambda box: (box.county.folder / "list.signed").unlink(), "list_refused.absent"),
    "list expired": (expired_list, "doctor.list_expired"),
    "list forged": (forged_list, "list_refused.unsigned"),
    "list of another site": (lambda box: sign_another_list(box, site="S2"), "list_refused.other_site"),
    "configuration mistyped": (lambda box: set_up(box, "min_free_mb", "min_free_mbb"), "doctor.config_mistake"),
    "no configuration": (lambda box: box.config.unlink(), "doctor.config_mistake"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_box_when_one_thing_is_broken_then_its_cause_is_named(box: BoxProcess, case: str) -> None:
    """Of all that a technician can get wrong, the doctor names the cause, and names nothing where nothing is wrong."""
    breaks, cause = BROKEN[case]
    breaks(box)

    found = troubles(box)

    if cause:
        assert cause in found
    else:
        assert found == {}


def test_broker_when_it_never_answers_then_the_time_out_is_named(box: BoxProcess) -> None:
    """A port that accepts and says nothing is told apart from one where nobody listens."""
    with SilentBroker() as silent:
        set_up(box, "port = .*", f"port = {silent.port}")

        found = troubles(box)

    assert set(found) == {"link.timed_out"}
    assert silent.accepted == 1


def test_broker_when_plain_and_silent_then_the_missing_answer_is_named(box: BoxProcess) -> None:
    """Without TLS the first word that stays out is the answer to CONNECT."""
    with SilentBroker() as silent:
        set_up(box, 'host = ".*"', 'host = "127.0.0.1"\nplain = true')
        set_up(box, "port = .*", f"port = {silent.port}")

        assert set(troubles(box)) == {"link.no_answer"}


def test_broker_when_the_port_is_no_tls_port_then_it_says_so(box: BoxProcess) -> None:
    """Some other server at the port is no reason to blame the certificates."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"], stderr=subprocess.DEVNULL
    )
    try:
        deadline_s = time.monotonic() + 20
        while time.monotonic() < deadline_s:
            try:
                socket.create_connection(("localhost", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        set_up(box, "port = .*", f"port = {port}")

        found = set(troubles(box))
    finally:
        server.kill()
        server.wait()

    assert found <= {"link.tls_other", "link.closed"}
    assert found


def test_scanner_when_another_program_holds_it_then_the_program_is_named(box: BoxProcess) -> None:
    """Who holds the line is what a technician has to know."""
    script = (
        "import fcntl, sys, termios\n"
        f"line = open({box.scanner.path!r}, 'rb', buffering=0)\n"
        "fcntl.flock(line, fcntl.LOCK_EX)\n"
        "fcntl.ioctl(line, termios.TIOCEXCL)\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as thief:
        try:
            assert thief.stdout is not None
            assert thief.stdout.readline() == "held\n"

            found = troubles(box)
        finally:
            thief.kill()

    assert set(found) == {"doctor.scanner_held"}
    assert f"({thief.pid})" in str(found["doctor.scanner_held"].facts["program"])


@pytest.mark.root
def test_scanner_when_the_services_user_may_not_open_it_then_the_group_is_named(box: BoxProcess) -> None:
    """Root may open everything; what counts is the user that owns the state folder, as whom the service runs."""
    if os.geteuid() != 0:
        pytest.skip("a service of another user needs root")
    box.state.mkdir(mode=0o700)
    os.chown(box.state, 12345, 12345)
    os.chown(box.scanner.path, -1, 12346)
    Path(box.scanner.path).chmod(0o620)

    found = troubles(box)

    assert found["doctor.scanner_not_permitted"].facts["user"] == "12345"
    assert found["doctor.scanner_not_permitted"].facts["scanner"] == "gun"
    assert found["doctor.scanner_not_permitted"].facts["group"] == "12346"
    assert "doctor.key_not_readable" in found


def test_scanner_when_tried_then_it_is_free_again(box: BoxProcess) -> None:
    """The visit to a scanner ends before the doctor does."""
    assert troubles(box) == {}
    assert not box.scanner.is_locked()


def test_broker_when_visited_then_what_it_keeps_for_the_box_stays(box: BoxProcess) -> None:
    """A receipt that waits at the broker is not taken by the doctor, and the status topic is left alone."""
    assert troubles(box) == {}
    box.start()
    box.scan("83003850000000131888")
    deadline_s = time.monotonic() + 60
    while box.ask()["uplink"]["pending"] and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert box.program.stop() == 0
    assert troubles(box) == {}

    box.start()

    assert box.ask()["uplink"]["refused_receipts"] == 0


def test_journal_when_the_last_record_was_altered_then_its_place_is_named(box: BoxProcess) -> None:
    """The records behind the last checkpoint are held against their hashes, the checkpoint against its row."""
    box.start()
    box.scan("83003850000000131888")
    deadline_s = time.monotonic() + 60
    while box.ask()["today"] == {} and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert box.program.stop() == 0
    file = sqlite3.connect(box.state / "journal.db", isolation_level=None)
    for name in [row[0] for row in file.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]:
        file.execute(f"DROP TRIGGER {name}")
    (last,) = file.execute("SELECT max(seq) FROM record").fetchone()
    file.execute("DELETE FROM checkpoint WHERE size > ?", (last,))
    # Whatever kind it is: a record of another kind may follow the scan.
    altered = file.execute(
        "UPDATE record SET body = replace(body, 'wall_ms\":1', 'wall_ms\":2') WHERE seq = ?", (last,)
    )
    assert altered.rowcount == 1
    file.close()

    found = troubles(box)
    assert "doctor.journal_altered" in found or "doctor.journal_checkpoint_wrong" in found

    (box.state / "journal.db").write_bytes(b"no database at all" * 100)
    assert "doctor.journal_unreadable" in troubles(box)


def test_journal_when_files_were_set_aside_then_they_are_named(box: BoxProcess) -> None:
    """Damaged files wait for a technician, who must hear of them."""
    (box.state / "aside").mkdir(parents=True)
    (box.state / "aside" / "journal-0.db").touch()

    found = {one.id: one for one in examine(box.config).findings}

    assert found["doctor.journal_aside"].facts["file"] == "journal-0.db"


def test_scanner_when_its_driver_hangs_then_it_is_named_and_the_rest_goes_on(box: BoxProcess) -> None:
    """A stranger's driver that never comes back holds up nobody but its own line."""
    from yaoma.config.load import load  # noqa: PLC0415 - needed here alone
    from yaoma.doctor.host import Host, account_of  # noqa: PLC0415 - as above
    from yaoma.doctor.scanners import Tried, check_scanners  # noqa: PLC0415 - as above

    found = check_scanners(load(box.config), account_of(0), Host(), attempt=lambda _: Tried(hangs=True))

    assert [one.id for one in found] == ["doctor.scanner_hangs", "doctor.scanner_hangs"]


def test_scanner_when_plugged_in_again_then_it_works(box: BoxProcess) -> None:
    """The doctor asks the device itself, so what was put right is seen at once."""
    box.scanner.unplug()
    # Somebody else's terminal may get the number at once.
    (box.folder / "gun").unlink()
    assert "device.absent" in troubles(box)

    box.plug(PtyScanner())
    assert troubles(box) == {}
