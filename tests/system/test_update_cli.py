"""`yaoma update` and `yaoma list` as processes and commands: over HTTPS, from a stick, beside a running daemon."""

import functools
import http.server
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import forked
from fakes.news import PACKS, message
from fakes.released import SITE, Centre, code
from yaoma.cli.list_files import changing
from yaoma.config.load import load
from yaoma.core.checkpoint import box_key_name
from yaoma_link.authority import issue, make_authority
from yaoma_link.identity import make_signer
from yaoma_tools.release_repository import NewFile

BOX = "b1"
CONFIG = """
site = "{site}"
box = "{box}"
control_socket = "{folder}/control"
[state]
folder = "{folder}/state"
[keys]
signing = "{folder}/signing.key"
bridge = "{folder}/bridge.vkey"
list = "{folder}/list.vkey"
[broker]
host = "localhost"
authority = "{folder}/out/authority.pem"
certificate = "{folder}/out/client.pem"
key = "{folder}/out/client.key"
[allowlist]
file = "{folder}/list.signed"
root = "{folder}/root.json"
{url}
[[station]]
name = "counter"
scanners = ["gun"]
[[scanner]]
name = "gun"
driver = "replay"
[scanner.options]
file = "{folder}/scans"
"""


class Place:
    """A box's folder with keys, certificates and a centre that has one release."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.centre = Centre(folder / "centre", now_ms=time.time_ns() // 1_000_000)
        self.centre.begin()
        self.centre.base(range(100))
        (folder / "root.json").write_bytes(self.centre.root)
        make_signer(folder / "signing.key", box_key_name(SITE, BOX))
        self.bridge = make_signer(folder / "bridge.key", "yaoma-bridge")
        for name in ("bridge", "list"):
            (folder / f"{name}.vkey").write_text(f"{self.bridge.verifier()}\n")
        authority = make_authority(folder / "ca", "Test", 30)
        out = folder / "out"
        out.mkdir()
        issue(authority, f"{SITE}/{BOX}", client=True, days=5).write(out / "client.pem", out / "client.key")
        server = issue(authority, "localhost", server_names=["localhost"], client=False, days=5)
        server.write(out / "server.pem", out / "server.key")
        (out / "authority.pem").write_bytes(authority.certificate_file.read_bytes())
        (folder / "scans").write_text("")
        self.configure("")

    def configure(self, url: str) -> None:
        """Write the configuration."""
        line = f'url = "{url}"' if url else ""
        text = CONFIG.format(folder=self.folder, site=SITE, box=BOX, url=line)
        (self.folder / "yaoma.toml").write_text(text)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `yaoma` as its user would."""
        return forked.run("yaoma", *arguments, "--config", self.folder / "yaoma.toml")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A box and a centre."""
    return Place(tmp_path)


@pytest.fixture
def server(place: Place) -> Iterator[http.server.ThreadingHTTPServer]:
    """A plain web server with mutual TLS over the repository's folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(place.centre.path))
    running = http.server.ThreadingHTTPServer(("localhost", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    out = place.folder / "out"
    context.load_cert_chain(out / "server.pem", out / "server.key")
    context.load_verify_locations(out / "authority.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    running.socket = context.wrap_socket(running.socket, server_side=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def test_update_fetches_over_https_with_the_boxes_own_certificate(
    place: Place, server: http.server.ThreadingHTTPServer
) -> None:
    """The list comes from a plain web server that knows nothing of lists; a second run finds nothing new."""
    place.configure(f"https://localhost:{server.server_address[1]}")

    first = place.run("update", "--json")
    assert 0 == first.returncode, first.stderr
    assert {"version": 1, "before": 0, "way": "base", "rows": 0}.items() <= json.loads(first.stdout).items()
    assert "已是最新 / up to date: 1" in place.run("list", "update").stdout


def test_update_when_nobody_answers_says_to_try_again(place: Place) -> None:
    """A line that is down is no alarm."""
    place.configure("https://localhost:9")
    done = place.run("update")

    assert 1 == done.returncode
    assert "稍后再试" in done.stderr


def test_update_that_is_refused_says_that_the_list_stays(place: Place) -> None:
    """A forged file is named as what it is."""
    stick = place.centre.path
    place.run("update", "--from", str(stick))
    place.centre.delta(adds=[500])
    (delta,) = (stick / "targets" / "allow").glob("*delta*")
    delta.write_bytes(delta.read_bytes()[:-1] + b"\xff")
    done = place.run("update", "--from", str(stick))

    assert 1 == done.returncode
    assert "名单不变" in done.stderr
    assert '"version": 1' in place.run("list", "status", "--json").stdout


def test_update_without_address_and_folder_says_what_to_set(place: Place) -> None:
    """Exit code 2: it was called wrongly."""
    done = place.run("update")

    assert 2 == done.returncode
    assert "[allowlist] url" in done.stderr


def test_two_updates_at_once_don_t_meet(place: Place) -> None:
    """The timer and a technician may both call it."""
    with changing(load(place.folder / "yaoma.toml").config):
        done = place.run("update", "--from", str(place.centre.path))
    assert "another update" in done.stderr.lower()


def test_check_tells_what_the_list_knows_of_a_pack(place: Place) -> None:
    """Exit code 0 for a pack that may be here, 3 for another, 2 for what is no code, whose text is not repeated."""
    place.centre.denials(f"cn20:{code(7)}")
    place.run("update", "--from", str(place.centre.path))

    good = place.run("list", "check", code(5), "--json")
    assert 0 == good.returncode
    assert ("list", "A1", "2027-05-31") == tuple(json.loads(good.stdout)[name] for name in ("source", "lot", "expiry"))
    assert 3 == place.run("list", "check", code(500)).returncode
    denied = place.run("list", "check", f"cn20:{code(7)}")
    assert 3 == denied.returncode
    assert "recall 2026-118" in denied.stdout
    person = place.run("list", "check", "110101199001011237")
    assert 2 == person.returncode
    assert "110101" not in f"{person.stdout}{person.stderr}"


def test_import_takes_list_and_state_messages_from_a_stick(place: Place) -> None:
    """What the bridge has written for this box is applied once, in order; another box's and forged notes are not."""
    stick = place.centre.path
    (stick / "state").mkdir()
    for number in (2, 1):
        note = message(number, site=SITE, box=BOX, name=f"asn-{number}").signed(place.bridge)
        (stick / "state" / f"{3 - number}.note").write_bytes(note)
    (stick / "state" / "other.note").write_bytes(message(3, site=SITE, box="b2").signed(place.bridge))
    (stick / "state" / "noise.note").write_bytes(b"noise")

    told = json.loads(place.run("list", "import", str(stick), "--json").stdout)
    assert {"applied": 2, "known": 0, "waiting": 0, "refused": 1} == told["state"]
    assert 1 == told["list"]["version"]
    again = json.loads(place.run("list", "import", str(stick), "--json").stdout)
    assert {"applied": 0, "known": 2, "waiting": 0, "refused": 1} == again["state"]
    status = json.loads(place.run("list", "status", "--json").stdout)
    assert ({"epoch": 1, "upto": 2}, 2) == (status["state_upto"], status["shipments"])
    pack = json.loads(place.run("list", "check", PACKS[1], "--json").stdout)
    assert ("shipment", "asn-2") == (pack["source"], pack["shipment"])


def test_import_of_an_empty_folder_is_refused(place: Place, tmp_path: Path) -> None:
    """The wrong stick is named as such."""
    (tmp_path / "empty").mkdir()

    assert "neither" in place.run("list", "import", str(tmp_path / "empty")).stderr


def test_policy_of_the_release_is_put_where_the_configuration_looks_for_it(place: Place) -> None:
    """The verified file lies there after the update, as it was signed."""
    text = (place.folder / "yaoma.toml").read_text()
    (place.folder / "yaoma.toml").write_text(
        f'{text}\n[policy]\nid = "fujian"\ninstitution = "pharmacy"\nfile = "{place.folder}/state/policy.signed"\n'
    )
    place.centre.policy("fujian", 3, "signed by the centre")
    place.centre.policy("jiangsu", 9, "of another province")

    assert 0 == place.run("update", "--from", str(place.centre.path)).returncode
    assert "signed by the centre" == (place.folder / "state" / "policy.signed").read_text()


def choose_policy(place: Place, file: Path) -> None:
    """Name a policy of the release, and where it is looked for."""
    text = (place.folder / "yaoma.toml").read_text()
    chosen = f'id = "fujian"\ninstitution = "pharmacy"\nfile = "{file}"\n'
    (place.folder / "yaoma.toml").write_text(f"{text}\n[policy]\n{chosen}")
    place.centre.policy("fujian", 3, "signed by the centre")


def test_policy_that_can_not_be_put_in_its_place_is_told_beside_the_lists_success(place: Place) -> None:
    """The list is in force; path, cause and what to do are said, and the unit is seen to have failed."""
    (place.folder / "etc").write_text("a file where a folder is wanted")
    file = place.folder / "etc" / "policy.signed"
    choose_policy(place, file)

    done = place.run("update", "--from", str(place.centre.path))

    assert 1 == done.returncode
    assert "0 → 1 (base" in done.stdout
    assert f"{file}: 写不进去" in done.stderr
    assert f"Set [policy] file to {place.folder}/state/policy.signed" in done.stderr
    assert "refuse" not in done.stderr
    told = json.loads(place.run("update", "--json", "--from", str(place.centre.path)).stdout)
    assert (1, "none") == (told["version"], told["way"])
    assert str(file) in told["policy"]


def test_policy_that_lies_in_its_place_already_is_left_alone(place: Place, tmp_path: Path) -> None:
    """A file that somebody else manages and that is the newest needs no right to write."""
    file = tmp_path / "managed" / "policy.signed"
    file.parent.mkdir()
    file.write_text("signed by the centre")
    choose_policy(place, file)
    before = file.stat()

    assert 0 == place.run("update", "--from", str(place.centre.path)).returncode
    assert (before.st_ino, before.st_mtime_ns) == (file.stat().st_ino, file.stat().st_mtime_ns)


def test_older_policy_is_told_and_the_list_comes_all_the_same(place: Place) -> None:
    """A wrong number on a policy holds up no recall."""
    choose_policy(place, place.folder / "state" / "policy.signed")
    place.run("update", "--from", str(place.centre.path))
    index = json.loads(place.centre.repository.content("config/index.json") or b"")
    index["policies"][0]["version"] = 2
    text = json.dumps(index, sort_keys=True, separators=(",", ":")).encode()
    place.centre.repository.publish({"config/index.json": NewFile(text)}, place.centre.signers)
    place.centre.delta(adds=[900])

    done = place.run("update", "--from", str(place.centre.path))

    assert (1, True) == (done.returncode, "1 → 2 (delta" in done.stdout)
    assert "policy fujian: 2 is below 3" in done.stderr


def test_daemon_does_not_load_the_library_of_updates() -> None:
    """TUF and its HTTP client cost memory that only the one-shot process pays."""
    program = "import sys, yaoma.cli.assemble; print(sorted({'tuf', 'urllib3'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
