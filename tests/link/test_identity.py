"""Keys: made once, readable by their owner only, public halves that others can read."""

import errno
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from yaoma.core.note import Verifier, open_note
from yaoma.core.sealed import SealKey
from yaoma_link.identity import (
    IdentityError,
    load_sealing_key,
    load_signer,
    load_verifiers,
    make_sealing_key,
    make_signer,
)
from yaoma_link.keyfile import FileExistsAlreadyError, write_public, write_secret


def test_signer_when_loaded_then_its_notes_open_with_the_printed_key(tmp_path: Path) -> None:
    """What `keys new-signing` prints verifies what the stored key signs."""
    printed = str(make_signer(tmp_path / "box.key", "S1/b1").verifier())

    note = load_signer(tmp_path / "box.key", "S1/b1").sign("a checkpoint\n")

    assert open_note(note, [Verifier.parse(printed)]) == "a checkpoint\n"
    assert stat.S_IMODE((tmp_path / "box.key").stat().st_mode) == 0o600


def test_sealing_key_when_loaded_then_it_agrees_with_the_printed_key(tmp_path: Path) -> None:
    """The printed public half and the stored private half are one pair."""
    made = make_sealing_key(tmp_path / "bridge.key", "bridge")

    loaded = load_sealing_key(tmp_path / "bridge.key", "bridge")

    assert SealKey.parse(str(loaded.public)) == made.public
    other = X25519PrivateKey.generate()
    assert loaded.key.exchange(other.public_key()) == made.key.exchange(other.public_key())


def test_key_when_the_file_exists_then_it_is_never_overwritten(tmp_path: Path) -> None:
    """A key that others may hold the public half of is not lost by a second call."""
    make_signer(tmp_path / "k", "S1/b1")
    before = (tmp_path / "k").read_bytes()

    for make in (make_signer, make_sealing_key):
        with pytest.raises(FileExistsAlreadyError):
            make(tmp_path / "k", "S1/b1")

    assert (tmp_path / "k").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["k"]


def test_key_when_the_place_is_a_dangling_link_then_nothing_is_written_through_it(tmp_path: Path) -> None:
    """A link that points elsewhere is not followed and not replaced."""
    (tmp_path / "k").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(FileExistsAlreadyError):
        write_secret(tmp_path / "k", b"x")

    assert not (tmp_path / "elsewhere").exists()


def test_key_when_the_disk_refuses_then_no_half_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed write leaves the folder as it was."""
    write_public(tmp_path / "acl", b"old")

    def refuse(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        write_public(tmp_path / "acl", b"new", replace=True)

    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("acl", b"old")]


@pytest.fixture
def fat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the system answer as on a boot partition's FAT, where no mode can be set."""

    def refuse(_descriptor: int, _mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.fchmod", refuse)


@pytest.mark.usefixtures("fat")
def test_public_file_when_there_are_no_modes_then_it_is_written_whole(tmp_path: Path) -> None:
    """What anybody may read needs no mode; the new file takes the place of the old one in one step."""
    (tmp_path / "acl").write_bytes(b"old")
    before = (tmp_path / "acl").stat().st_ino
    write_public(tmp_path / "acl", b"new", replace=True)

    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("acl", b"new")]
    assert (tmp_path / "acl").stat().st_ino != before


@pytest.mark.usefixtures("fat")
def test_key_when_there_are_no_modes_then_it_is_not_written(tmp_path: Path) -> None:
    """There everybody could read it, and nothing of it is left behind."""
    with pytest.raises(PermissionError):
        write_secret(tmp_path / "k", b"SECRET")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_public_file_when_folders_cant_be_synced_then_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Some file systems sync files only: that is as safe as it gets there."""
    really = os.fsync

    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        really(descriptor)

    monkeypatch.setattr("os.fsync", sync)
    write_public(tmp_path / "acl", b"new")

    assert (tmp_path / "acl").read_bytes() == b"new"


@pytest.mark.parametrize(
    "content", [None, b"", b"SECRET", b"-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----"]
)
def test_key_when_unreadable_then_the_file_is_named_and_not_its_content(tmp_path: Path, content: bytes | None) -> None:
    """The error names the file and what to do; nothing of the file is in it."""
    file = tmp_path / "k"
    if content is not None:
        file.write_bytes(content)

    for load in (load_signer, load_sealing_key):
        with pytest.raises(IdentityError) as caught:
            load(file, "S1/b1")
        assert caught.value.file == file
        assert caught.value.hint
        assert "SECRET" not in str(caught.value)


def test_key_when_of_the_other_kind_then_it_is_refused(tmp_path: Path) -> None:
    """A signing key is no sealing key, nor the other way round."""
    make_signer(tmp_path / "sign", "S1/b1")
    make_sealing_key(tmp_path / "seal", "bridge")

    with pytest.raises(IdentityError, match="X25519"):
        load_sealing_key(tmp_path / "sign", "S1/b1")
    with pytest.raises(IdentityError, match="Ed25519"):
        load_signer(tmp_path / "seal", "bridge")


def test_sealing_key_when_shown_then_its_private_half_is_not(tmp_path: Path) -> None:
    """The repr holds the public half only."""
    made = make_sealing_key(tmp_path / "k", "bridge")

    assert str(made.public) in repr(made)
    assert made.key.private_bytes_raw().hex() not in repr(made)


def test_verifier_file_when_it_has_comments_then_its_keys_are_read(tmp_path: Path) -> None:
    """One key a line; comments and empty lines are passed over; anything else names the file."""
    one = make_signer(tmp_path / "a", "bridge").verifier()
    two = make_signer(tmp_path / "b", "bridge-2").verifier()
    (tmp_path / "keys").write_text(f"# the centre\n{one}\n\n{two}\n")

    assert load_verifiers(tmp_path / "keys") == (one, two)
    for content in ("", "# nothing\n", "no key\n", "\udcff"):
        (tmp_path / "bad").write_text(content, errors="surrogateescape")
        with pytest.raises(IdentityError, match="bad"):
            load_verifiers(tmp_path / "bad")
    with pytest.raises(IdentityError, match="missing"):
        load_verifiers(tmp_path / "missing")
