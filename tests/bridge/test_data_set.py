"""Data sets whose fields are data: Shanxi's receiver, NMPAB/T 1007 and 1008, and the map of names."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.bills import NOON_MS, ROOT, bill_of, line_of
from fakes.destinations import SHANXI_MAP, destination, simulator
from yaoma_bridge.data_set import Sm3Value, event_id_of, read_data_set, sm3_value
from yaoma_bridge.destinations.find import make_destination
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.field_map import FieldRule, FieldTroubleError, distinct, fill, gaps
from yaoma_bridge.platform import AnswerState, Platform, Ruling, RulingKind

SECRET = b"s3cret-of-shanxi"
BODY = b'{"a":1}'


@pytest.mark.parametrize(
    ("shape", "message", "value"),
    [
        # printf '{"a":1}s3cret-of-shanxi' | openssl dgst -sm3
        (
            ("body", "after", "header", "hex"),
            {"a": 1},
            "4bf0d0724f82a98dc82d58467741f5429d57766f0a0ac3e9e666cb0f96ffa538",
        ),
        # printf '{"a":1}' | openssl dgst -sm3 -hmac s3cret-of-shanxi
        (
            ("body", "hmac", "header", "HEX"),
            {"a": 1},
            "4DAFAA1218F3BBE45DA1845949AB828C69E82C52BDDC8E7A8BED60A0B68618D4",
        ),
        # printf 'a=1&b=[{"c":"药"}]' | openssl dgst -sm3
        (
            ("pairs", "none", "field", "hex"),
            {"b": [{"c": "药"}], "a": "1", "sign": "left out", "z": None},
            "a299bf5866d217f10a98b039fec466af866d8d3d34655cb3895f2a7f22b9570b",
        ),
    ],
)
def test_sm3_when_a_message_is_signed_then_it_equals_what_openssl_computes(
    shape: tuple[str, str, str, str], message: dict[str, object], value: str
) -> None:
    """SM3 comes from `cryptography`; how the secret goes in, and over what, is data."""
    over, keyed, place, form = shape
    how = Sm3Value.model_validate({"over": over, "keyed": keyed, "place": place, "name": "sign", "form": form})
    assert value == sm3_value(how, SECRET, BODY, message)  # type: ignore[arg-type]  # JSON


@pytest.mark.row("S1-10", part="bridge")
def test_message_when_a_sale_is_sent_then_the_receiver_has_guid_fields_and_codes(tmp_path: Path) -> None:
    """Protocol fields, a GUID that the same bill always has, nested names, and the lines of the group."""
    with simulator("shanxi") as running:
        platform = destination("shanxi", tmp_path, running.url)
        bill = bill_of(lines=[line_of(1), line_of(2)])
        (parcel,) = platform.parcels(bill)
        assert AnswerState.ACCEPTED is platform.send(parcel, NOON_MS).state
        assert AnswerState.ACCEPTED is platform.send(parcel, NOON_MS).state, "its GUID is known there"
        (message,) = running.received()
    assert (parcel.number, "retail", "91140400MA0000000X") == tuple(
        message[name] for name in ("eventID", "eventType", "sender")
    )
    assert "2026-11-22T12:00:00+08:00" == message["eventTime"]
    assert {"area": "140400"} == message["place"]
    assert {"saleNo": "XS-7", "lines": [{"code": line.text, "lot": "A123"} for line in bill.lines]} == message["data"]


@pytest.mark.row("S1-10", part="bridge")
def test_folder_when_a_data_set_is_exchanged_by_hand_then_each_message_is_one_whole_file(tmp_path: Path) -> None:
    """Without a receiver, messages are files named by their GUID; the same message is the same file."""
    (tmp_path / "map.toml").write_text(SHANXI_MAP, "utf-8")
    (tmp_path / "secret").write_bytes(SECRET)
    out = tmp_path / "out"
    options = {"map": tmp_path / "map.toml", "secret": tmp_path / "secret", "folder": out}
    platform = make_destination("shanxi", "data", options)
    assert isinstance(platform, Platform)
    (parcel,) = platform.parcels(bill_of())
    for _ in range(2):
        assert AnswerState.ACCEPTED is platform.send(parcel, NOON_MS).state
    assert [f"{parcel.number}.json"] == [file.name for file in out.iterdir()]
    assert parcel.number == json.loads((out / f"{parcel.number}.json").read_text("utf-8"))["eventID"]
    assert AnswerState.WAITING is platform.ask(parcel, NOON_MS).state


def test_folder_when_it_cant_be_written_then_the_message_waits(tmp_path: Path) -> None:
    """A disk that refuses is an outage; nothing is called accepted."""
    (tmp_path / "map.toml").write_text(SHANXI_MAP, "utf-8")
    (tmp_path / "out").write_text("a file stands where the folder should be", "utf-8")
    platform = make_destination("shanxi", "data", {"map": tmp_path / "map.toml", "folder": tmp_path / "out"})
    assert isinstance(platform, Platform)
    (parcel,) = platform.parcels(bill_of())
    answer = platform.send(parcel, NOON_MS)
    assert (AnswerState.WAITING, "disk_refuses", True) == (answer.state, answer.reason, answer.is_outage)
    assert stat.S_ISREG((tmp_path / "out").stat().st_mode)


def test_rule_when_a_needed_value_is_missing_then_the_line_is_held(tmp_path: Path) -> None:
    """What the standard wants and nobody knows is said, not invented."""
    platform = destination("shanxi", tmp_path, "https://receiver.example")
    line = line_of(lot="")
    assert Ruling(RulingKind.HELD, "lot_data_missing") == platform.rule(bill_of(lines=[line]), line)
    assert Ruling(RulingKind.HELD, "institution_unknown") == platform.rule(bill_of(institution=None), line_of())
    assert RulingKind.NOT_NEEDED is platform.rule(bill_of("split"), line_of()).kind


def test_example_when_it_is_used_as_it_ships_then_the_bridge_does_not_start() -> None:
    """The shipped map holds placeholders; without the source of its names it is refused."""
    with pytest.raises(ConfigError, match="names_from") as caught:
        read_data_set(ROOT / "config/shanxi.example.toml")
    assert "Write where" in caught.value.hint


def test_example_when_its_source_is_named_then_it_is_a_map(tmp_path: Path) -> None:
    """The example is whole but for the standard's own names."""
    text = (ROOT / "config/shanxi.example.toml").read_text("utf-8")
    (tmp_path / "map.toml").write_text(
        text.replace('names_from = ""', 'names_from = "edition of 2025, annex A"'), "utf-8"
    )
    assert {"stock", "retail", "count"} == read_data_set(tmp_path / "map.toml").group.keys()


def test_long_bill_when_it_is_divided_then_each_message_has_its_own_guid(tmp_path: Path) -> None:
    """No message has more lines than the map says, and no two have one GUID."""
    (tmp_path / "map.toml").write_text(f"lines_per_message = 2\n{SHANXI_MAP}", "utf-8")
    platform = make_destination("shanxi", "data", {"map": tmp_path / "map.toml", "folder": tmp_path / "out"})
    assert isinstance(platform, Platform)
    parcels = platform.parcels(bill_of(lines=[line_of(serial) for serial in range(5)]))
    assert [(0, 1), (2, 3), (4,)] == [parcel.lines for parcel in parcels]
    assert 3 == len({parcel.number for parcel in parcels})


@pytest.mark.parametrize(
    ("rule", "value", "written"),
    [
        ({"form": "number", "decimals": 4}, "0.33333", "0.3333"),
        ({"form": "date"}, "2028-03-31", "2028-03-31"),
        ({"form": "date", "pattern": "%Y%m%d"}, "2028-03-31", "20280331"),
        ({"form": "whole"}, "7", 7),
        ({"words": {"a": "1"}}, "a", "1"),
        ({"length": 2, "cut": True}, "药药药", "药药"),
        ({"default": "0"}, "", "0"),
        ({}, "", None),
    ],
)
def test_field_when_it_is_written_then_it_has_its_form(rule: dict[str, object], value: str, written: object) -> None:
    """Forms, words, limits and defaults are data."""
    assert written == FieldRule.model_validate({"name": "f", "from": "x", **rule}).written({"x": value})


@pytest.mark.parametrize(
    ("rule", "value", "problem"),
    [
        ({"need": "always"}, "", "missing"),
        ({"need": "y"}, "", "missing"),
        ({"need": "always", "words": {"a": "1"}}, "b", "missing"),
        ({"length": 2}, "abc", "too_long"),
        ({"form": "date"}, "31.3.2028", "unfit"),
        ({"form": "number"}, "many", "unfit"),
        ({"form": "number"}, "NaN", "unfit"),
        ({"form": "whole"}, "1.5", "unfit"),
    ],
)
def test_field_when_it_cant_be_written_then_the_trouble_names_field_and_source_and_never_the_value(
    rule: dict[str, object], value: str, problem: str
) -> None:
    """What is wrong is said by names, since a value may name a person."""
    field = FieldRule.model_validate({"name": "f", "from": "x", **rule})
    with pytest.raises(FieldTroubleError) as caught:
        field.written({"x": value, "y": "there"})
    assert ("f", "x", problem) == (caught.value.field, caught.value.source, caught.value.problem)
    assert not value or value not in str(caught.value)


def test_fields_when_a_name_is_there_twice_or_is_value_and_object_then_the_map_is_refused() -> None:
    """`a` and `a.b` can't both be written."""
    for names in (("a", "a"), ("a", "a.b"), ("a.b", "a.b.c")):
        rules = tuple(FieldRule.model_validate({"name": name, "value": "1"}) for name in names)
        with pytest.raises(ValueError, match="twice"):
            distinct(rules)


@given(st.dictionaries(st.sampled_from("xyz"), st.text(max_size=5) | st.none() | st.integers()), st.data())
def test_fill_when_nothing_stands_in_the_way_then_it_writes_and_otherwise_says_the_same_as_gaps(
    values: dict[str, object], data: st.DataObject
) -> None:
    """What `gaps` calls writable is written, whatever the values."""
    forms = st.sampled_from(["text", "date", "number", "whole"])
    needs = st.sampled_from(["always", "never", "x"])
    rules = [
        FieldRule.model_validate(
            {
                "name": name,
                "from": name,
                "form": data.draw(forms),
                "need": data.draw(needs),
                "length": data.draw(st.integers(0, 3)),
            }
        )
        for name in "xyz"
    ]
    troubles = gaps(rules, values)
    if troubles:
        with pytest.raises(FieldTroubleError):
            fill(rules, values)
    else:
        assert fill(rules, values).keys() <= set("xyz")


def test_bill_when_its_receipt_is_copied_then_its_guid_stays() -> None:
    """The GUID is made from what names the bill, and from nothing else."""
    bill = bill_of()
    assert event_id_of(bill, "g", 0) == event_id_of(replace(bill, payer="insurance"), "g", 0)
    assert event_id_of(bill, "g", 0) != event_id_of(replace(bill, part=1), "g", 0)
