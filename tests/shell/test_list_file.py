"""The small signed list: built by the tools, used whole by the box or not at all."""

import logging
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.allowlist import Denial, DenialKind
from yaoma.core.canonical import Json
from yaoma.core.code import Cn20, Gs1, Other
from yaoma.core.note import Signer
from yaoma.core.site_list import ListRefusal, ListRefusedError, list_text, read_list
from yaoma.shell.list_file import MAX_LIST_BYTES, ListHolder, load_list

SITE = "H32132200561"
CENTRE = Signer("county/list", Ed25519PrivateKey.from_private_bytes(b"c" * 32))
STRANGER = Signer("county/list", Ed25519PrivateKey.from_private_bytes(b"s" * 32))
TRUSTED = [CENTRE.verifier()]

PACK = Cn20("81234567890123456789")
SERIAL = Gs1("06901234567892", "A1")


def content(version: Json = 5, **changed: Json) -> dict[str, Json]:
    """What a sound list says, with changes."""
    return {
        "site": SITE,
        "version": version,
        "issued_ms": 1_000,
        "expires_ms": 2_000,
        "products": [
            {"key": PACK.product_key, "name": "阿莫西林胶囊"},
            {"key": SERIAL.product_key, "name": "Vaccine"},
            {"key": "std:7", "name": "Other"},
        ],
        "codes": [PACK.key, SERIAL.key, "other:std:ZX0001"],
        "denials": [
            {"key": "cn20:81234567890123450000", "kind": "recall", "note": "2026-17"},
            {"key": "cn20:8999999", "kind": "warning", "note": ""},
        ],
        "patterns": [{"standard": "std", "regex": r"ZX\d{4}", "product_key": "std:7"}],
        **changed,
    }


def write(path: Path, said: dict[str, Json], signer: Signer = CENTRE) -> Path:
    """Sign a list and put it in place, as a new file."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(signer.sign(list_text(said)))
    beside.replace(path)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sound list of version 5."""
    return write(tmp_path / "list.signed", content())


def refusal(path: Path, newer_than: int = 0) -> ListRefusal:
    """Why a file is refused."""
    with pytest.raises(ListRefusedError) as caught:
        load_list(path, TRUSTED, SITE, newer_than)
    assert "81234567890123456789" not in str(caught.value)
    assert caught.value.hint
    return caught.value.reason


def test_list_when_sound_then_all_of_it_is_there(file: Path) -> None:
    """Codes, products, denials and patterns answer as they stand in the list."""
    allowlist = load_list(file, TRUSTED, SITE)

    assert (allowlist.version, allowlist.expires_ms) == (5, 2_000)
    assert all(allowlist.listing(code).source for code in (PACK, SERIAL, Other("std", "ZX0001", "std:7")))
    assert not allowlist.listing(Cn20("81234567890123456780")).source
    product = allowlist.product(PACK.product_key)
    assert product is not None
    assert product.name == "阿莫西林胶囊"
    assert allowlist.denial(Cn20("81234567890123450000")) == Denial(DenialKind.RECALL, "2026-17")
    assert allowlist.denial(Cn20("89999990000000000000")) == Denial(DenialKind.WARNING)
    assert allowlist.denial(PACK) is None
    assert allowlist.patterns[0].matches("ZX0001")


def test_list_when_for_every_site_then_it_is_used(tmp_path: Path) -> None:
    """`*` stands for every site that trusts the key."""
    assert load_list(write(tmp_path / "l", content(site="*")), TRUSTED, SITE).version == 5


def test_list_when_signed_by_a_stranger_or_not_at_all_then_it_is_refused(tmp_path: Path) -> None:
    """A stranger's key under the same name is a stranger's key."""
    assert refusal(write(tmp_path / "l", content(), STRANGER)) is ListRefusal.UNSIGNED
    (tmp_path / "l").write_text(list_text(content()))
    assert refusal(tmp_path / "l") is ListRefusal.UNSIGNED
    (tmp_path / "l").write_bytes(b"\xff\xfe")
    assert refusal(tmp_path / "l") is ListRefusal.UNSIGNED


def test_list_when_any_byte_is_altered_or_cut_then_nothing_of_it_is_used(file: Path) -> None:
    """Every single altered byte of the text and every cut is refused."""
    sound = file.read_bytes()
    text_length = sound.index(b"\n\n")
    for place in range(0, text_length, 7):
        file.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        assert refusal(file) is ListRefusal.UNSIGNED
    for length in range(0, len(sound), 11):
        file.write_bytes(sound[:length])
        assert refusal(file) is ListRefusal.UNSIGNED


def test_list_when_absent_unreadable_or_huge_then_it_is_refused(tmp_path: Path) -> None:
    """No file, a folder in its place, and more than 8 MiB each have their own reason."""
    assert refusal(tmp_path / "none") is ListRefusal.ABSENT
    assert refusal(tmp_path) is ListRefusal.UNREADABLE
    (tmp_path / "huge").write_bytes(b"x" * (MAX_LIST_BYTES + 1))
    assert refusal(tmp_path / "huge") is ListRefusal.TOO_LARGE


def test_list_when_between_1_and_8_mib_then_it_is_used(tmp_path: Path) -> None:
    """The limit of a list is its own, not that of other notes."""
    codes: list[Json] = [f"cn20:8{number:019d}" for number in range(60_000)]
    file = write(tmp_path / "l", content(codes=codes))

    assert file.stat().st_size > 1 << 20
    assert load_list(file, TRUSTED, SITE).listing(Cn20("80000000000000059999")).source


def test_list_when_of_another_site_or_type_then_it_is_refused(tmp_path: Path) -> None:
    """A good signature does not make it ours."""
    assert refusal(write(tmp_path / "l", content(site="H1"))) is ListRefusal.OTHER_SITE
    assert refusal(write(tmp_path / "l", content(type="yaoma/list/v2"))) is ListRefusal.OTHER_TYPE
    (tmp_path / "l").write_text(CENTRE.sign("origin\n5\nroot\n"))
    assert refusal(tmp_path / "l") is ListRefusal.OTHER_TYPE
    (tmp_path / "l").write_text(CENTRE.sign(list_text(content()).replace(",", ", ")))
    assert refusal(tmp_path / "l") is ListRefusal.OTHER_TYPE


def test_list_when_not_newer_then_it_is_refused(file: Path) -> None:
    """The version must be above the one that was given."""
    assert refusal(file, newer_than=5) is ListRefusal.NOT_NEWER
    assert load_list(file, TRUSTED, SITE, newer_than=4).version == 5


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 0},
        {"version": True},
        {"version": "5"},
        {"expires_ms": 1_000},
        {"issued_ms": -1},
        {"extra": []},
        {"codes": {}},
        {"codes": [7]},
        {"codes": ["81234567890123456789"]},
        {"codes": ["cn20:8123456789012345678"]},
        {"codes": ["gs1:010690123456789021A1"]},
        {"products": [{"key": "cn20:8123456"}]},
        {"products": [{"key": "cn20:7123456", "name": "x"}]},
        {"products": [{"key": "gs1:0106901234567890", "name": "x"}]},
        {"products": [{"key": "other-key", "name": "x"}]},
        {"products": [{"key": "cn20:8123456", "name": ""}]},
        {"products": [{"key": "cn20:8123456", "name": "a\u202eb"}]},
        {"products": [{"key": "cn20:8123456", "name": "a"}, {"key": "cn20:8123456", "name": "b"}]},
        {"denials": [{"key": "cn20:8123456", "kind": "rumour", "note": ""}]},
        {"denials": [{"key": "8123456", "kind": "recall", "note": ""}]},
        {"denials": [{"key": "cn20:8123456", "kind": "recall", "note": "x" * 201}]},
        {"denials": [{"key": "cn20:8123456", "kind": "recall", "note": 1}]},
        {"denials": [{"key": "cn20:8123456", "kind": "recall", "note": n} for n in ("a", "b")]},
        {"patterns": [{"standard": "std", "regex": ".*", "product_key": "std:7"}]},
        {"patterns": [{"standard": "std", "regex": r"8\d{19}", "product_key": "std:7"}]},
    ],
)
def test_list_when_one_entry_is_wrong_then_the_whole_is_refused(tmp_path: Path, changed: dict[str, Json]) -> None:
    """A list is never used in part; the hint names the place."""
    file = write(tmp_path / "l", content(**changed))
    with pytest.raises(ListRefusedError) as caught:
        load_list(file, TRUSTED, SITE)

    assert caught.value.reason is ListRefusal.MALFORMED
    assert next(iter(changed)) in caught.value.hint


def test_list_when_a_key_is_missing_then_it_is_refused() -> None:
    """A list without its denials is no list."""
    said = content()
    del said["denials"]
    with pytest.raises(ListRefusedError, match="denials"):
        read_list(list_text(said), SITE)


@given(st.text(max_size=300))
def test_list_when_the_text_is_anything_then_only_the_one_error_comes(text: str) -> None:
    """A signed text of another program is refused, never a crash."""
    with pytest.raises(ListRefusedError):
        read_list(text, SITE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abckeyname", max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(content())), JSON)
def test_list_when_any_value_is_anything_then_it_is_read_or_refused(name: str, value: Json) -> None:
    """No type of any value raises anything else."""
    try:
        text = list_text(content(**{name: value}))
    except ValueError:
        return
    try:
        found = read_list(text, SITE)
    except ListRefusedError:
        return
    assert found.allowlist.version > 0
    assert found.allowlist.expires_ms > found.issued_ms


def test_holder_when_the_file_is_replaced_then_the_newer_list_counts(file: Path) -> None:
    """A look swaps the whole list; a verdict that holds the old one keeps it as it was."""
    times: list[int] = []
    holder = ListHolder(file, TRUSTED, SITE, signed_time=times.append)
    assert holder.current is None
    assert holder.refresh()
    old = holder.current
    write(file, content(6, issued_ms=1_500))

    assert holder.refresh(at_once=True)
    assert holder.current is not None
    assert old is not None
    assert (old.version, holder.current.version, times, holder.refusal) == (5, 6, [1_000, 1_500], None)


def test_holder_when_looked_at_often_then_the_file_is_left_alone(file: Path) -> None:
    """Within the same seconds a second look does nothing."""
    holder = ListHolder(file, TRUSTED, SITE)
    holder.refresh()
    write(file, content(6))

    assert not holder.refresh()
    assert holder.current is not None
    assert holder.current.version == 5


@pytest.mark.parametrize(
    ("said", "signer", "reason"),
    [
        (content(6), STRANGER, ListRefusal.UNSIGNED),
        (content(4), CENTRE, ListRefusal.NOT_NEWER),
        (content(5, codes=[]), CENTRE, ListRefusal.NOT_NEWER),
        (content(6, site="H1"), CENTRE, ListRefusal.OTHER_SITE),
        (content(6, codes=["x"]), CENTRE, ListRefusal.MALFORMED),
    ],
)
def test_holder_when_the_new_file_is_refused_then_the_old_list_stays_and_it_says_why(
    file: Path, caplog: pytest.LogCaptureFixture, said: dict[str, Json], signer: Signer, reason: ListRefusal
) -> None:
    """Older, altered, foreign or broken: the list in use goes on, one warning says why, a good one mends it."""
    holder = ListHolder(file, TRUSTED, SITE)
    holder.refresh()
    held = holder.current
    write(file, said, signer)
    for _ in range(3):
        assert not holder.refresh(at_once=True)

    assert holder.current is held
    assert holder.refusal is not None
    assert holder.refusal.reason is reason
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1
    write(file, content(7))
    assert holder.refresh(at_once=True)
    assert holder.refusal is None


def test_holder_when_the_file_goes_away_then_the_list_in_use_stays(file: Path) -> None:
    """A stick that was pulled out takes no list away."""
    holder = ListHolder(file, TRUSTED, SITE)
    holder.refresh()
    file.unlink()
    holder.refresh(at_once=True)
    holder.refresh(at_once=True)

    assert holder.current is not None
    assert holder.refusal is not None
    assert holder.refusal.reason is ListRefusal.ABSENT


def test_holder_when_the_same_list_is_put_back_then_it_is_no_news(file: Path) -> None:
    """A touch, or the same list once more, changes nothing and is no complaint."""
    holder = ListHolder(file, TRUSTED, SITE)
    holder.refresh()
    held = holder.current
    os.utime(file, (1, 1))

    assert not holder.refresh(at_once=True)
    assert holder.current is held
    assert holder.refusal is None


def test_holder_when_restarted_then_an_older_list_does_not_come_back(file: Path) -> None:
    """The version that was in use before the restart is still allowed, one below is not."""
    same = ListHolder(file, TRUSTED, SITE, at_least=5)
    older = ListHolder(file, TRUSTED, SITE, at_least=6)

    assert same.refresh()
    assert not older.refresh()
    assert older.current is None
