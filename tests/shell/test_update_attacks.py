"""The attacks of ALLOWLIST.md 2: each is refused, the list that was in force stays, and so do the floors.

The two that the library alone lets through (emptied metadata with a replay, a clock in the past with an expired
repository) are shown against it as well, so that each guard is known to be needed.
"""

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata
from tuf.ngclient import Updater

from fakes.released import DAY_MS, NOW_MS, Centre, ReleasedBox, code, key_of
from yaoma.core.code_key import cn20_key
from yaoma.core.list_delta import ListDelta
from yaoma.core.note import Signer
from yaoma.shell.clock import RELEASED_MS
from yaoma.shell.list_db import LIST_FLOOR, TIME_FLOOR, TRUSTED_TIME_FLOOR
from yaoma.shell.list_fetch import FOLDER_URL, FolderFetcher
from yaoma.shell.list_release import FileKind
from yaoma.shell.release_source import ReleaseRefusedError, SourceUnreachableError
from yaoma_tools.release_build import ReleaseParts
from yaoma_tools.release_mistake import RepositoryMistakeError
from yaoma_tools.release_repository import NewFile, RoleKeys

STRANGER = CryptoSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """A centre at version 2: a base, a delta, denials, a policy."""
    made = Centre(tmp_path / "centre")
    made.begin()
    made.base(range(500))
    made.denials("cn20:8123456")
    made.policy("default", 3, "x = 1\n")
    shutil.copytree(made.path, tmp_path / "v1")
    made.delta(adds=[700])
    return made


@pytest.fixture
def box(centre: Centre, tmp_path: Path) -> ReleasedBox:
    """A box at version 2."""
    made = ReleasedBox(tmp_path / "box", centre.root)
    made.update(centre.path)
    return made


def state(box: ReleasedBox) -> tuple[Any, ...]:
    """Everything that an attack must not change."""
    db = box.open()
    try:
        return db.release(), db.files(), db.floors(), db.metadata(), db.overlay_size()
    finally:
        db.close()


def refused(box: ReleasedBox, repository: Path, said: str | None = None) -> str:
    """Check that an update is refused and changes nothing; give why."""
    before = state(box)
    with pytest.raises(ReleaseRefusedError, match=said) as refusal:
        box.update(repository)
    assert before == state(box)
    assert {file.name for file in before[1]} == {path.name for path in box.list_folder.iterdir() if path.is_file()}
    return str(refusal.value)


def newest(repository: Path, role: str) -> Path:
    """The newest metadata of a role."""
    if role == "timestamp":
        return repository / "metadata" / "timestamp.json"
    return max((repository / "metadata").glob(f"*.{role}.json"), key=lambda path: int(path.name.partition(".")[0]))


def forge(repository: Path, role: str, change: Callable[[Any], None], *signers: Signer | CryptoSigner) -> None:
    """Change a role's metadata in place and sign it with given keys; what points at it is left as it is."""
    path = newest(repository, role)
    metadata: Metadata[Any] = Metadata.from_file(str(path))
    change(metadata.signed)
    metadata.signatures.clear()
    for signer in signers:
        metadata.sign(signer if isinstance(signer, CryptoSigner) else CryptoSigner(signer.key), append=True)
    path.write_bytes(metadata.to_bytes())


def next_version(repository: Path, role: str, change: Callable[[Any], None], *signers: Signer | CryptoSigner) -> None:
    """Publish a next version of a delegated role, with honest snapshot and timestamp around it."""
    path = newest(repository, role)
    metadata: Metadata[Any] = Metadata.from_file(str(path))
    version = metadata.signed.version + 1
    (repository / "metadata" / f"{version}.{role}.json").write_bytes(path.read_bytes())

    def raised(signed: Any) -> None:
        signed.version = version
        change(signed)

    forge(repository, role, raised, *signers)
    snapshot = newest(repository, "snapshot")
    number = int(snapshot.name.partition(".")[0]) + 1
    (repository / "metadata" / f"{number}.snapshot.json").write_bytes(snapshot.read_bytes())

    def pointing(signed: Any) -> None:
        signed.version = number
        signed.meta[f"{role}.json"].version = version

    forge(repository, "snapshot", pointing, key_of("online"))

    def stamped(signed: Any) -> None:
        signed.version += 1
        signed.snapshot_meta.version = number

    forge(repository, "timestamp", stamped, key_of("online"))


def nothing(_: Any) -> None:
    """Change nothing."""


def described(repository: Path, target: str) -> Path:
    """The file of a target."""
    found = Metadata.from_file(str(newest(repository, target.partition("/")[0]))).signed.targets[target]  # type: ignore[attr-defined]  # a targets role
    place = repository / "targets" / target
    return place.with_name(f"{found.hashes['sha256']}.{place.name}")


def test_replay_of_the_whole_older_repository(box: ReleasedBox, tmp_path: Path) -> None:
    """Version 1, honestly signed once, is refused by a box that has version 2."""
    refused(box, tmp_path / "v1", "BadVersionNumber")


def test_mix_of_an_old_snapshot_and_a_new_timestamp(centre: Centre, box: ReleasedBox, tmp_path: Path) -> None:
    """A snapshot is taken only with the timestamp that names it."""
    centre.delta(adds=[701])
    shutil.copy(newest(tmp_path / "v1", "snapshot"), newest(centre.path, "snapshot"))

    refused(box, centre.path)


def test_mix_of_an_old_delegated_role_and_a_new_snapshot(centre: Centre, box: ReleasedBox, tmp_path: Path) -> None:
    """Denials of yesterday don't pass as those of today."""
    centre.denials("cn20:8123456", "cn20:8123457")
    shutil.copy(newest(tmp_path / "v1", "deny"), newest(centre.path, "deny"))

    refused(box, centre.path)


@pytest.mark.parametrize("place", [0, 100, -1])
def test_file_that_was_altered_at_the_same_length(centre: Centre, box: ReleasedBox, place: int) -> None:
    """One flipped bit anywhere in a base, a delta or the denials."""
    centre.base(range(600))
    path = described(centre.path, "allow/base-3-0")
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)

    refused(box, centre.path, "LengthOrHashMismatch")


def test_file_that_was_cut_off(centre: Centre, box: ReleasedBox) -> None:
    """A truncated delta is not applied as far as it goes."""
    centre.delta(adds=[701, 702])
    path = described(centre.path, "allow/delta-2-3")
    path.write_bytes(path.read_bytes()[:-13])

    refused(box, centre.path, "LengthOrHashMismatch")


def test_file_that_was_padded(centre: Centre, box: ReleasedBox) -> None:
    """Reading stops at the first byte too much: a sparse file of 10 GB is refused at once."""
    centre.delta(adds=[701])
    path = described(centre.path, "allow/delta-2-3")
    with path.open("r+b") as stream:
        stream.truncate(10 << 30)

    refused(box, centre.path, "DownloadLengthMismatch")


def test_ten_gigabytes_announced_by_the_centres_own_key(centre: Centre, box: ReleasedBox) -> None:
    """More than a base may have is refused before a byte is fetched, whoever signed it."""
    centre.base(range(600))
    next_version(
        centre.path,
        "allow",
        lambda signed: setattr(signed.targets["allow/base-3-0"], "length", 10 << 30),
        key_of("allow"),
    )

    refused(box, centre.path, "10737418240 bytes were announced")


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "allow", "deny", "config"])
def test_role_signed_by_a_stranger(centre: Centre, box: ReleasedBox, role: str) -> None:
    """Every role needs the keys that root or targets name for it."""
    centre.delta(adds=[701])
    centre.denials("cn20:8123458")
    centre.policy("default", 4, "x = 2\n")
    centre.repository.renew(centre.signers, ["targets"])
    forge(centre.path, role, nothing, STRANGER)

    refused(box, centre.path)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "allow"])
def test_role_without_any_signature(centre: Centre, box: ReleasedBox, role: str) -> None:
    """Unsigned is refused like wrongly signed."""
    centre.delta(adds=[701])
    centre.repository.renew(centre.signers, ["targets"])
    forge(centre.path, role, nothing)

    refused(box, centre.path)


def test_role_signed_by_a_stranger_beside_honest_snapshot(centre: Centre, box: ReleasedBox) -> None:
    """A stolen online key can't change what is allowed: the allow role has a key of its own."""
    next_version(centre.path, "allow", nothing, key_of("online"))

    refused(box, centre.path, "Unsigned")


@pytest.mark.parametrize(
    ("role", "target"), [("deny", "allow/release.json"), ("allow", "deny/denials"), ("allow", "config/index.json")]
)
def test_role_that_speaks_of_what_is_not_its_own(centre: Centre, box: ReleasedBox, role: str, target: str) -> None:
    """Path delegation: what a role says beyond its folder is not heard."""
    own = newest(centre.path, target.partition("/")[0])
    described_by_owner = Metadata.from_file(str(own)).signed.targets[target]  # type: ignore[attr-defined]  # a targets role
    forged = centre.folder / "forged"
    forged.write_bytes(b"forged")

    def change(signed: Any) -> None:
        signed.targets[target] = type(described_by_owner).from_file(target, str(forged))

    next_version(centre.path, role, change, key_of(role))
    before = state(box)

    assert 2 == box.update(centre.path).version
    assert before[1] == state(box)[1]


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "allow", "deny"])
def test_role_that_has_expired(centre: Centre, box: ReleasedBox, role: str) -> None:
    """A frozen repository is refused once one of its roles has run out."""
    centre.delta(adds=[701])
    centre.repository.renew(centre.signers, ["targets"])
    expires = datetime.fromtimestamp(NOW_MS / 1000, UTC) + timedelta(seconds=30)

    def change(signed: Any) -> None:
        signed.expires = expires

    if role in {"allow", "deny"}:
        next_version(centre.path, role, change, key_of(role))
    else:
        forge(centre.path, role, change, key_of("online" if role != "targets" else role))
    box.now_ms = NOW_MS + 60_000

    refused(box, centre.path, "xpired")


def test_release_that_has_expired_though_its_metadata_has_not(centre: Centre, box: ReleasedBox) -> None:
    """The list's own end holds whatever the metadata says: it comes into force stale."""
    centre.publish(ReleaseParts(version=3, days=1, bases=centre.build([1])))
    box.now_ms = NOW_MS + 2 * DAY_MS
    box.update(centre.path)

    assert state(box)[0].expires_ms == NOW_MS + DAY_MS < box.now_ms


def test_root_that_one_of_two_has_signed(centre: Centre, box: ReleasedBox) -> None:
    """A rotation that lacks a signature waits at the centre; put in place all the same, it is refused."""
    new = key_of("root-4").verifier()
    assert not centre.repository.add_key("root", new, [key_of("root-1")])
    with pytest.raises(RepositoryMistakeError, match="nothing waits"):
        Centre(centre.folder / "other").repository.cosign([key_of("root-2")])
    shutil.copy(centre.path / "pending" / "root.json", centre.path / "metadata" / "2.root.json")

    refused(box, centre.path, "Unsigned")


def test_root_that_two_of_two_have_signed(centre: Centre, box: ReleasedBox) -> None:
    """With the second signature the rotation holds, and the new root is the one in force."""
    assert not centre.repository.add_key("root", key_of("root-4").verifier(), [key_of("root-1")])
    assert centre.repository.cosign([key_of("root-2")])
    centre.repository.renew(centre.signers)
    box.update(centre.path)

    assert 2 == state(box)[2]["role:root"]


def test_key_that_was_replaced_is_worth_nothing(centre: Centre, box: ReleasedBox) -> None:
    """After a rotation of the allow key the old one signs in vain."""
    (old,) = centre.repository.key_ids("allow")
    centre.repository.add_key(
        "allow", key_of("allow-2").verifier(), [*centre.signers, key_of("allow-2")], instead_of=old
    )
    box.update(centre.path)
    next_version(centre.path, "allow", nothing, key_of("allow"))

    refused(box, centre.path, "Unsigned")


def bare(folder: Path, repository: Path, root: bytes) -> int:
    """Update with the library alone, as its documentation shows it; give the version of the timestamp that it took."""
    updater = Updater(str(folder), f"{FOLDER_URL}metadata/", fetcher=FolderFetcher(repository, folder), bootstrap=root)
    updater.refresh()
    return int(Metadata.from_file(str(folder / "timestamp.json")).signed.version)


def test_emptied_metadata_and_a_replay(centre: Centre, box: ReleasedBox, tmp_path: Path) -> None:
    """What a power cut leaves of the library's own files makes it accept a rollback; ours lies in list.db."""
    folder = tmp_path / "bare"
    folder.mkdir()
    bare(folder, centre.path, centre.root)
    for name in ("timestamp.json", "snapshot.json", "targets.json"):
        (folder / name).write_bytes(b"")
    taken = bare(folder, tmp_path / "v1", centre.root)
    assert taken < state(box)[2]["role:timestamp"], "the library refuses it by itself: the guard could go"

    (box.list_folder / "tuf").mkdir()
    (box.list_folder / "tuf" / "timestamp.json").write_bytes(b"")
    with pytest.raises(ReleaseRefusedError, match="BadVersionNumber"):
        box.update(tmp_path / "v1")
    assert 2 == box.version()


def test_lost_metadata_rows_and_a_replay(centre: Centre, box: ReleasedBox, tmp_path: Path) -> None:
    """Without any memory of the metadata the floors alone refuse the older repository."""
    db = box.open()
    with db.writing() as run:
        run("DELETE FROM metadata")
    db.close()

    refused(box, tmp_path / "v1", "below")


def test_lost_list_db_and_a_replay(centre: Centre, box: ReleasedBox, tmp_path: Path) -> None:
    """With list.db gone, the journal's last known version refuses the older repository."""
    for path in box.folder.glob("list.db*"):
        path.unlink()
    shutil.rmtree(box.list_folder)
    box.at_least = 2

    with pytest.raises(ReleaseRefusedError, match="list: 1 is below 2"):
        box.update(tmp_path / "v1")
    assert 0 == box.version()
    assert 2 == box.update(centre.path).version


def test_clock_in_the_past_and_an_expired_repository(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh box whose clock says 2020 believes the library's old list; ours knows its release date."""
    old = Centre(tmp_path / "old", now_ms=RELEASED_MS - 400 * DAY_MS)
    old.begin()
    old.base(range(10))
    folder = tmp_path / "bare"
    folder.mkdir()
    in_2020 = datetime(2020, 1, 1, tzinfo=UTC)

    class Past(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return in_2020

    monkeypatch.setattr("tuf.ngclient._internal.trusted_metadata_set.datetime.datetime", Past)
    assert 1 <= bare(folder, old.path, old.root), "the library refuses it by itself: the guard could go"
    box = ReleasedBox(tmp_path / "fresh", old.root, now_ms=int(in_2020.timestamp() * 1000))

    with pytest.raises(ReleaseRefusedError, match="xpired"):
        box.update(old.path)
    assert 0 == box.version()


def test_clock_set_back_and_a_repository_that_expired_since(centre: Centre, box: ReleasedBox) -> None:
    """Time that the centre has signed does not run backwards with the box's clock."""
    frozen = centre.folder / "frozen"
    shutil.copytree(centre.path, frozen)
    centre.now_ms = box.now_ms = NOW_MS + 60 * DAY_MS
    centre.repository.renew(centre.signers, ["targets", "allow", "deny", "config"])
    box.update(centre.path)
    assert NOW_MS + 60 * DAY_MS == state(box)[2][TIME_FLOOR]
    box.now_ms = NOW_MS

    refused(box, frozen)


def stolen_online_key(repository: Path, *, version: int = 0, issued_ms: int = 0) -> None:
    """Do what a thief of the online key can: other versions, another time, valid for a thousand years."""
    snapshot = newest(repository, "snapshot")
    number = version or int(snapshot.name.partition(".")[0]) + 1
    (repository / "metadata" / f"{number}.snapshot.json").write_bytes(snapshot.read_bytes())

    def forward(signed: Any) -> None:
        signed.version = version or signed.version + 1
        signed.expires = datetime.fromtimestamp(NOW_MS / 1000, UTC) + timedelta(days=365_000)
        if issued_ms:
            signed.unrecognized_fields["x-yaoma-issued-ms"] = issued_ms
        if signed.type == "timestamp":
            signed.snapshot_meta.version = number

    forge(repository, "snapshot", forward, key_of("online"))
    forge(repository, "timestamp", forward, key_of("online"))


def replace_online_key(centre: Centre, *, keep_old: bool = False) -> list[Signer]:
    """Give snapshot and timestamp another key by a new root, and sign them with it; give the keys at hand."""
    old = "" if keep_old else next(iter(centre.repository.key_ids("online")))
    signers = [*(one for one in centre.signers if keep_old or one.name != "online"), key_of("online-2")]
    assert centre.repository.add_key("online", key_of("online-2").verifier(), signers, instead_of=old)
    centre.repository.renew(signers)
    return signers


def test_online_key_that_signs_a_far_future_moves_time_by_days(
    centre: Centre, box: ReleasedBox, tmp_path: Path
) -> None:
    """An online key's time counts no further than 7 days beyond what others have signed, however often it comes."""
    stolen = tmp_path / "stolen"
    shutil.copytree(centre.path, stolen)
    for _ in range(3):
        stolen_online_key(stolen, issued_ms=NOW_MS + 10_000 * DAY_MS)
        box.update(stolen)

    assert NOW_MS + 7 * DAY_MS == state(box)[2][TIME_FLOOR]
    assert NOW_MS == state(box)[2][TRUSTED_TIME_FLOOR]
    for _ in range(4):
        centre.repository.renew(centre.signers)
    centre.delta(adds=[701])
    assert 3 == box.update(centre.path).version, "what the centre signs is not stale to it"


def test_signed_time_beyond_a_clock_that_ntp_holds(centre: Centre, box: ReleasedBox) -> None:
    """With NTP no signature moves time by more than a day, not even that of the list's own key."""
    box.is_synced = True
    centre.now_ms = NOW_MS + 20 * DAY_MS
    centre.repository.renew(centre.signers, ["targets", "allow", "deny", "config"])
    box.update(centre.path)

    assert NOW_MS + DAY_MS == state(box)[2][TIME_FLOOR]
    assert NOW_MS + DAY_MS >= state(box)[0].issued_ms


def test_list_key_that_signs_a_far_future_moves_time_no_further_than_all_roles_hold(
    centre: Centre, box: ReleasedBox
) -> None:
    """The first expiry of all roles bounds every signed time: here that of snapshot and timestamp, in 14 days."""

    def change(signed: Any) -> None:
        signed.unrecognized_fields["x-yaoma-issued-ms"] = NOW_MS + 10_000 * DAY_MS
        signed.expires = datetime.fromtimestamp(NOW_MS / 1000, UTC) + timedelta(days=365_000)

    next_version(centre.path, "allow", change, key_of("allow"))
    box.update(centre.path)

    assert NOW_MS + 14 * DAY_MS == state(box)[2][TIME_FLOOR]


@pytest.mark.parametrize("version", [1 << 31, (1 << 53) - 1])
def test_versions_that_a_thief_pushed_far_fall_with_his_key(
    centre: Centre, box: ReleasedBox, tmp_path: Path, version: int
) -> None:
    """A new root with other online keys ends the fast-forward without a hand on the box (TUF 5.3.11)."""
    stolen = tmp_path / "stolen"
    shutil.copytree(centre.path, stolen)
    stolen_online_key(stolen, version=version, issued_ms=NOW_MS + 10_000 * DAY_MS)
    box.update(stolen)
    assert version == state(box)[2]["role:timestamp"] == state(box)[2]["role:snapshot"]
    centre.delta(adds=[701])
    refused(box, centre.path)

    signers = replace_online_key(centre)
    assert 3 == box.update(centre.path).version

    floors = state(box)[2]
    assert 100 > max(floors["role:timestamp"], floors["role:snapshot"])
    assert NOW_MS == floors[TIME_FLOOR], "time that rested on the stolen key falls, too"
    refused(box, stolen)
    later = tmp_path / "later"
    shutil.copytree(centre.path, later)
    centre.repository.renew(signers)
    box.update(centre.path)
    refused(box, later, "BadVersionNumber")


def test_versions_under_a_root_that_only_adds_a_key_do_not_fall(
    centre: Centre, box: ReleasedBox, tmp_path: Path
) -> None:
    """As long as the old key counts, what it signed is remembered: a replay stays a replay."""
    older = tmp_path / "older"
    shutil.copytree(centre.path, older)
    centre.repository.renew(centre.signers)
    box.update(centre.path)
    replace_online_key(centre, keep_old=True)
    for path in (centre.path / "metadata").glob("2.root.json"):
        shutil.copy(path, older / "metadata")

    refused(box, older, "BadVersionNumber")


def test_rollback_beside_a_new_root_that_leaves_the_online_keys_is_refused(
    centre: Centre, box: ReleasedBox, tmp_path: Path
) -> None:
    """Another key of the root itself frees nothing of what the online key has signed, even with all metadata lost."""
    older = tmp_path / "v1"
    centre.repository.add_key("root", key_of("root-4").verifier(), [key_of("root-1"), key_of("root-2")])
    shutil.copy(centre.path / "metadata" / "2.root.json", older / "metadata")

    refused(box, older, "BadVersionNumber")
    db = box.open()
    with db.writing() as run:
        run("DELETE FROM metadata WHERE role <> 'root'")
    db.close()
    refused(box, older, "below")


def test_damaged_memory_of_a_role_frees_no_version(centre: Centre, box: ReleasedBox, tmp_path: Path) -> None:
    """Metadata that was never good under its own root proves no withdrawal, whatever the new root says."""
    replace_online_key(centre)
    db = box.open()
    with db.writing() as run:
        forged = "CAST(replace(CAST(body AS TEXT), '\"sig\":', '\"gis\":') AS BLOB)"
        run(f"UPDATE metadata SET body = {forged} WHERE role <> 'root'")
        run("UPDATE floor SET value = 1000 WHERE name = 'role:timestamp'")
    db.close()

    refused(box, centre.path, "is below 1000")


def test_list_versions_pushed_by_a_stolen_list_key_leave_room(centre: Centre, box: ReleasedBox, tmp_path: Path) -> None:
    """A version that leaps is refused, so that the centre can always go on above what a thief has published."""
    index = json.loads(centre.repository.content("allow/release.json") or b"")
    index |= {"version": (1 << 53) - 1, "deltas": [], "base_version": (1 << 53) - 1}
    text = json.dumps(index, sort_keys=True, separators=(",", ":")).encode()
    centre.repository.publish({"allow/release.json": NewFile(text)}, centre.signers)

    refused(box, centre.path, "leaps")


def test_policy_versions_leave_room_too(centre: Centre, box: ReleasedBox) -> None:
    """The same holds for a policy."""
    index = json.loads(centre.repository.content("config/index.json") or b"")
    index["policies"][0]["version"] = 1 << 52
    text = json.dumps(index, sort_keys=True, separators=(",", ":")).encode()
    centre.repository.publish({"config/index.json": NewFile(text)}, centre.signers)

    outcome = box.update(centre.path)

    assert "leaps" in outcome.policy_problem
    assert 3 == state(box)[2]["policy:default"]


@pytest.mark.parametrize("version", [(1 << 53) + 1, 1 << 64, 10**40])
def test_version_that_no_file_can_hold(centre: Centre, box: ReleasedBox, version: int) -> None:
    """A number beyond what JSON and SQLite keep is refused by a sentence, not by an error of arithmetic."""
    stolen_online_key(centre.path, version=version)

    refused(box, centre.path, "no version is as high")


def test_stolen_list_key_and_online_key_are_replaced_together(centre: Centre, box: ReleasedBox, tmp_path: Path) -> None:
    """A delegated role's version falls when the targets role withdraws its key and the online key goes with it."""
    stolen = tmp_path / "stolen"
    shutil.copytree(centre.path, stolen)
    path = newest(stolen, "allow")
    (stolen / "metadata" / f"{1 << 31}.allow.json").write_bytes(path.read_bytes())
    forge(stolen, "allow", lambda signed: setattr(signed, "version", 1 << 31), key_of("allow"))
    forge(stolen, "snapshot", lambda signed: setattr(signed.meta["allow.json"], "version", 1 << 31), key_of("online"))
    stolen_online_key(stolen, version=1 << 31)
    box.update(stolen)
    assert 1 << 31 == state(box)[2]["role:allow"]

    (old,) = centre.repository.key_ids("allow")
    signers = [*(one for one in centre.signers if one.name not in {"online", "allow"}), key_of("online-2")]
    centre.repository.add_key(
        "online", key_of("online-2").verifier(), signers, instead_of=next(iter(centre.repository.key_ids("online")))
    )
    centre.repository.add_key("allow", key_of("allow-2").verifier(), [*signers, key_of("allow-2")], instead_of=old)
    box.update(centre.path)

    assert 100 > state(box)[2]["role:allow"]


def test_release_for_another_site(centre: Centre, tmp_path: Path) -> None:
    """A stick that was made for the neighbour is refused, though honestly signed."""
    other = Centre(tmp_path / "other")
    other.begin()
    other.publish(ReleaseParts(version=9, site="H99999999999", bases=other.build([1])))
    box = ReleasedBox(tmp_path / "box", other.root)

    with pytest.raises(ReleaseRefusedError, match="another site"):
        box.update(other.path)
    assert 0 == box.version()


def test_repository_of_another_centre(box: ReleasedBox, tmp_path: Path) -> None:
    """Another root's repository is not continued, whatever its versions."""
    other = Centre(tmp_path / "other")
    other.repository.create(_stranger_keys(), _stranger_signers())
    other.repository.publish({"deny/denials": NewFile(b"x")}, _stranger_signers())

    refused(box, other.path)


def _stranger_keys() -> Any:
    roles = ("root", "targets", "allow", "deny", "config", "online")
    return {role: RoleKeys([key_of(f"stranger-{role}").verifier()]) for role in roles}


def _stranger_signers() -> list[Signer]:
    return [key_of(f"stranger-{role}") for role in ("root", "targets", "allow", "deny", "config", "online")]


def publish_delta(centre: Centre, content: bytes) -> None:
    """Publish bytes as the next delta, past the checks of the tool."""
    index = json.loads(centre.repository.content("allow/release.json") or b"")
    index["version"] += 1
    index["deltas"].append({"target": "allow/delta-2-3", "from": 2, "to": 3})
    text = json.dumps(index, sort_keys=True, separators=(",", ":")).encode()
    centre.repository.publish(
        {"allow/release.json": NewFile(text), "allow/delta-2-3": NewFile(content)}, centre.signers
    )


def delta_bytes() -> bytes:
    """A small delta from 2 to 3."""
    return ListDelta(2, 3, {}, [cn20_key(code(3))]).encoded()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(zlib.compress(bytes(50_000_000)), id="zip-bomb"),
        pytest.param(b"PK\x03\x04" + bytes(100), id="archive"),
        pytest.param(struct.pack("<8sQQIIIIII", b"yaomaD1\n", 2, 3, 2**32 - 1, 2**32 - 1, 0, 0, 0, 0), id="4 G rows"),
        pytest.param(struct.pack("<8sQQIIIIII", b"yaomaD1\n", 2, 3, 0, 0, 0, 0, 2**32 - 1, 7), id="4 G lots"),
        pytest.param(ListDelta(5, 6, {}, []).encoded(), id="another version"),
        pytest.param(b"", id="empty"),
        pytest.param(delta_bytes()[:-1], id="cut off"),
        pytest.param(delta_bytes() + b"\0", id="too long"),
    ],
)
def test_delta_that_is_none_though_signed(centre: Centre, box: ReleasedBox, content: bytes) -> None:
    """The centre's signature does not make nonsense good, and nothing is unpacked or allotted by what a header says."""
    publish_delta(centre, content)

    refused(box, centre.path)


def test_older_list_under_newer_metadata(centre: Centre, box: ReleasedBox) -> None:
    """A centre that publishes version 1 again by mistake is refused: versions of the list only rise."""
    index = json.loads(centre.repository.content("allow/release.json") or b"")
    index |= {"version": 1, "deltas": []}
    text = json.dumps(index, sort_keys=True, separators=(",", ":")).encode()
    centre.repository.publish({"allow/release.json": NewFile(text)}, centre.signers)

    refused(box, centre.path, "list: 1 is below 2")


def test_older_policy_under_newer_metadata(centre: Centre, box: ReleasedBox) -> None:
    """Versions of a policy only rise, too: the one in force stays, and the list goes on without it."""
    index = json.loads(centre.repository.content("config/index.json") or b"")
    index["policies"][0]["version"] = 2
    text = json.dumps(index, sort_keys=True, separators=(",", ":")).encode()
    centre.repository.publish({"config/index.json": NewFile(text)}, centre.signers)

    centre.delta(adds=[702])
    before = [file for file in state(box)[1] if file.kind is FileKind.POLICY]

    outcome = box.update(centre.path)

    assert (3, "policy default: 2 is below 3, which was in force") == (outcome.version, outcome.policy_problem)
    assert before == [file for file in state(box)[1] if file.kind is FileKind.POLICY]
    assert 3 == state(box)[2]["policy:default"]


def test_broken_policy_of_another_place_is_nobodys_business_here(centre: Centre, box: ReleasedBox) -> None:
    """Only the policy that the box uses is fetched: a county's mistake for one town stops no recall in the next."""
    centre.policy("elsewhere", 9, "x = 1\n")
    described(centre.path, "config/policy-elsewhere.toml").write_bytes(b"another content")
    centre.denials("cn20:8123456", "cn20:8123457")

    assert "" == box.update(centre.path).policy_problem
    assert ["default"] == [file.title for file in state(box)[1] if file.kind is FileKind.POLICY]


def test_broken_policy_of_ones_own_is_refused(centre: Centre, box: ReleasedBox) -> None:
    """A file that is not what was signed is an attack or a broken mirror, and nothing of it is taken."""
    centre.policy("default", 4, "x = 2\n")
    described(centre.path, "config/policy-default.toml").write_bytes(b"x = 3\n")

    refused(box, centre.path, "LengthOrHashMismatch")


@pytest.mark.parametrize("name", ["allow/release.json", "config/index.json", "deny/denials"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[" * 9999, b'{"type":"yaoma/release/v1"}', b"\xff" * 99],
    ids=["empty", "object", "deep", "half", "noise"],
)
def test_index_or_table_that_is_none_though_signed(centre: Centre, box: ReleasedBox, name: str, content: bytes) -> None:
    """Malformed indexes and tables are refused, whoever signed them."""
    centre.repository.publish({name: NewFile(content)}, centre.signers)

    refused(box, centre.path)


@pytest.mark.parametrize("target", ["../../etc/passwd", "allow/../../secret", "/etc/passwd"])
def test_path_that_leads_out_of_the_folder(centre: Centre, box: ReleasedBox, target: str) -> None:
    """Nothing outside the stick is read and nothing outside the box's folder is written."""
    index = json.loads(centre.repository.content("allow/release.json") or b"")
    index |= {"products": target}
    text = json.dumps(index, sort_keys=True, separators=(",", ":")).encode()
    centre.repository.publish({"allow/release.json": NewFile(text)}, centre.signers)

    refused(box, centre.path)


def test_link_on_the_stick_that_leads_elsewhere(centre: Centre, box: ReleasedBox, tmp_path: Path) -> None:
    """A link is followed only within the stick."""
    centre.delta(adds=[701])
    path = described(centre.path, "allow/delta-2-3")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SourceUnreachableError):
        box.update(centre.path)
    assert 2 == box.version()


def test_floors_of_a_box_name_every_role(box: ReleasedBox) -> None:
    """There is a floor for each role, the list and the time."""
    wanted = {f"role:{role}" for role in ("root", "timestamp", "snapshot", "targets", "allow", "deny", "config")}

    assert wanted | {LIST_FLOOR, TIME_FLOOR, TRUSTED_TIME_FLOOR, "policy:default"} == state(box)[2].keys()
