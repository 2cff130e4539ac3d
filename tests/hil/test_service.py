"""The unit that ships, under a real systemd: ready, watched, confined, given its keys; and its lines in the journal."""

import json

import pytest

from hil.counter_guest import CounterGuest

pytestmark = pytest.mark.timeout(600)

#: What the service finds when it opens a file for reading or writing.
_AS_THE_SERVICE = {
    ("/var/lib/yaoma/of-the-test", "w"): "OK",
    ("/run/yaoma/of-the-test", "w"): "OK",
    ("/etc/yaoma/of-the-test", "w"): "OK",
    ("/etc/yaoma/yaoma.toml", "w"): "EACCES",
    ("/dev/video9", "r"): "OK",
    ("/dev/input/event0", "r"): "EACCES",
    ("/dev/vda", "r"): "EACCES",
    ("/etc/shadow", "r"): "EACCES",
    ("/etc/credstore/yaoma.signing.key", "r"): "EACCES",
    ("/home/of-the-test", "w"): "EACCES",
    ("/root/of-the-test", "w"): "EACCES",
    ("/usr/of-the-test", "w"): "EROFS",
    ("/opt/yaoma/bin/yaoma", "w"): "EACCES",
}
#: What root would find in its place.
_AS_ROOT = {
    ("/dev/input/event0", "r"): "OK",
    ("/dev/video9", "r"): "OK",
    ("/dev/vda", "r"): "EPERM",
    ("/dev/mem", "r"): "EPERM",
    ("/dev/uinput", "r"): "EPERM",
    ("/dev/uhid", "r"): "EPERM",
    ("/dev/input/event0", "w"): "EPERM",
    ("/etc/of-the-test", "w"): "EROFS",
    ("/usr/of-the-test", "w"): "EROFS",
    ("/var/of-the-test", "w"): "EROFS",
    ("/opt/yaoma/bin/yaoma", "w"): "EROFS",
}


@pytest.mark.hil_smoke
def test_service_when_the_machine_has_booted_then_systemd_was_told_that_it_is_ready(guest: CounterGuest) -> None:
    """The unit is active, which a unit of Type=notify is only after READY, and its state is a line for a person."""
    said = guest.machine.shell("systemctl show yaoma -p ActiveState,SubState,StatusText,NRestarts,Type")
    assert {"ActiveState=active", "SubState=running", "NRestarts=0", "Type=notify"} <= set(said.splitlines())
    assert "in service" in said
    assert "正常" in said


@pytest.mark.hil_smoke
def test_keys_when_only_root_can_read_them_then_the_service_has_them_as_credentials(guest: CounterGuest) -> None:
    """The signing key lies in a folder of root's and in the service's memory file system; the log is signed with it."""
    said = guest.machine.shell(
        "stat -c '%U %a' /etc/credstore /etc/credstore/yaoma.signing.key"
        " && stat -c '%U %a' /run/credentials/yaoma.service"
        " && findmnt -n -o FSTYPE --target /run/credentials/yaoma.service"
    )
    assert ["root 700", "root 600"] == said.splitlines()[:2]
    assert said.splitlines()[-1] in {"ramfs", "tmpfs"}
    refused = guest.machine.shell(
        "setpriv --reuid=yaoma-bridge --regid=yaoma-bridge --clear-groups"
        " cat /run/credentials/yaoma.service/yaoma.signing.key",
        checked=False,
    )
    assert "Permission denied" in refused
    assert guest.status()["journal"]["signed_upto"] > 0


def test_log_when_a_scanner_is_lost_then_each_fact_is_a_field_of_the_journal(guest: CounterGuest) -> None:
    """`journalctl YAOMA_SCANNER=line` finds the line, with reason, priority and identifier of their own."""
    said = guest.machine.shell("journalctl -b -o json YAOMA_SCANNER=line YAOMA_REASON=absent | head -n 1")
    line = json.loads(said)
    assert ("line", "absent") == (line["YAOMA_SCANNER"], line["YAOMA_REASON"])
    assert ("4", "yaoma", "yaoma.service") == (line["PRIORITY"], line["SYSLOG_IDENTIFIER"], line["_SYSTEMD_UNIT"])


def test_process_when_it_runs_then_it_has_no_rights_but_those_of_its_unit(guest: CounterGuest) -> None:
    """No capability, no new privileges, a filter on system calls, and its own user with the groups of its devices."""
    said = guest.machine.shell("cat /proc/$(systemctl show -P MainPID yaoma)/status")
    status = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    assert {"0" * 16} == {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    assert ("1", "2") == (status["NoNewPrivs"], status["Seccomp"])
    user = guest.machine.shell("id -u yaoma").strip()
    assert {user} == set(status["Uid"].split())
    groups = {guest.machine.shell(f"getent group {name} | cut -d: -f3").strip() for name in ("dialout", "video")}
    assert groups <= set(status["Groups"].split())


def test_sandbox_when_the_service_reaches_beyond_its_own_then_the_kernel_refuses(guest: CounterGuest) -> None:
    """Its state and its scanners' classes are open to it; other keyboards, disks, homes, keys and programs are not."""
    tried: list[str] = guest.machine.agent.call("confined:tried", paths=[*map(list, _AS_THE_SERVICE)], as_root=False)
    assert _AS_THE_SERVICE == dict(zip(_AS_THE_SERVICE, tried, strict=True))


def test_device_filter_when_even_root_asks_then_only_the_classes_of_scanners_open(guest: CounterGuest) -> None:
    """In the service's place root itself gets no disk, no memory, no way to make devices, and can't write to /etc."""
    tried: list[str] = guest.machine.agent.call("confined:tried", paths=[*map(list, _AS_ROOT)], as_root=True)
    assert _AS_ROOT == dict(zip(_AS_ROOT, tried, strict=True))


def test_service_when_it_stands_still_then_the_watchdog_ends_it_and_a_new_one_serves(guest: CounterGuest) -> None:
    """Stopped in its tracks, it is killed after the time of the unit, started anew, and has every record it had."""
    before = guest.status()["journal"]
    since = guest.cursor()
    guest.machine.shell("systemctl kill -s STOP yaoma")
    guest.machine.shell("until systemctl show yaoma -P NRestarts | grep -qx 1; do sleep 0.5; done", deadline_s=120)
    guest.machine.wait_active("yaoma", 400)
    said = guest.machine.shell(f"journalctl --no-pager -o cat --after-cursor='{since}' -u yaoma")
    assert "Watchdog timeout" in said
    after = guest.status()["journal"]
    assert before["log"] == after["log"]
    assert before["size"] < after["size"]
