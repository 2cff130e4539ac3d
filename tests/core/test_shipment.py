"""Shipments: what contradicts itself is refused, and what lies in what (S1-05)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.shipment import MAX_DEPTH, Shipment, ShipmentError, ShipmentKind, ShipmentLine

PALLET, CARTON, BUNDLE, PACK, OTHER = "cn20:pallet", "cn20:carton", "cn20:bundle", "cn20:pack", "cn20:other"


def shipment(parents: dict[str, str], line_of: dict[str, int], *packs: int) -> Shipment:
    """A note with so many packs on each line."""
    lines = tuple(ShipmentLine("cn20:8100001", number) for number in packs)
    return Shipment("n-1", ShipmentKind.SUPPLIER, "供货商", "FH-1", lines, parents, line_of)


NESTED = {PALLET: "", CARTON: PALLET, BUNDLE: CARTON, PACK: BUNDLE, OTHER: ""}


def test_note_when_packages_are_nested_then_each_holds_what_lies_anywhere_inside() -> None:
    """Large, middle and small, and a pallet around them; a pack holds itself."""
    found = shipment(NESTED, {PACK: 0, OTHER: 0}, 2)

    assert [found.smallest_in(key) for key in (PALLET, CARTON, BUNDLE, PACK)] == [(PACK,)] * 4
    assert list(found.around(PACK)) == [BUNDLE, CARTON, PALLET]
    assert (found.smallest_in(OTHER), list(found.around(OTHER))) == ((OTHER,), [])
    assert found.line(PACK) == found.lines[0]
    assert (found.line(CARTON), found.smallest_in("cn20:stranger")) == (None, ())


@pytest.mark.parametrize(
    ("parents", "line_of", "packs", "sentence"),
    [
        ({PACK: PACK}, {PACK: 0}, (1,), "lies in itself"),
        ({CARTON: BUNDLE, BUNDLE: CARTON, PACK: ""}, {PACK: 0}, (1,), "lies in itself"),
        ({PACK: CARTON, CARTON: BUNDLE, BUNDLE: CARTON}, {PACK: 0}, (1,), "circle"),
        ({PACK: CARTON}, {PACK: 0}, (1,), "container is not in the shipment"),
        (
            {**{f"c{n}": f"c{n + 1}" for n in range(MAX_DEPTH)}, f"c{MAX_DEPTH}": "", PACK: "c0"},
            {PACK: 0},
            (1,),
            "levels",
        ),
        ({PACK: ""}, {PACK: 0}, (2,), "2 packs are said, 1 codes"),
        ({PACK: ""}, {}, (1,), "1 packs are said, 0 codes"),
        ({PACK: ""}, {PACK: 1}, (1,), "no line 2"),
        ({PACK: ""}, {PACK: -1}, (1,), "no line 0"),
        ({PACK: ""}, {OTHER: 0}, (1,), "unknown"),
        ({CARTON: "", PACK: CARTON}, {CARTON: 0, PACK: 0}, (2,), "holds another"),
    ],
)
def test_note_when_it_contradicts_itself_then_it_is_refused_by_line_or_place_and_no_code_is_named(
    parents: dict[str, str], line_of: dict[str, int], packs: tuple[int, ...], sentence: str
) -> None:
    """Circles, unknown containers, quantities that are not there."""
    with pytest.raises(ShipmentError, match=sentence) as caught:
        shipment(parents, line_of, *packs)
    assert "cn20" not in str(caught.value)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["", *"abcdefgh"])))
def test_note_when_packages_lie_in_each_other_anyhow_then_walking_them_ends(parents: dict[str, str]) -> None:
    """Whatever is accepted has no circle and no more levels than there may be."""
    try:
        found = shipment(parents, {})
    except ShipmentError:
        return
    for key in parents:
        above = list(found.around(key))
        assert len(above) == len(set(above)) <= MAX_DEPTH
        assert all(one in parents for one in above)
