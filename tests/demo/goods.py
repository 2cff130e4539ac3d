"""Goods of the demonstration: products, codes and despatch notes, all made up (DOMAIN.md 1.8)."""

from collections.abc import Mapping, Sequence
from typing import Any

from yaoma.core.product import CodeSystem, PackLevel, Product, ProductFlag

__all__ = [
    "CAPSULE",
    "CASE",
    "CONTROLLED",
    "EAN_13",
    "GRANULE",
    "HERBAL",
    "ID_CARD",
    "IN_BOXES",
    "LATE_NOTE",
    "LEFT_IN_STOCK",
    "MIDDLE",
    "NOTE",
    "ON_THE_LIST",
    "OTHER_LOT",
    "PRODUCTS",
    "SYRUP",
    "TABLET",
    "VACCINE",
    "code",
    "despatch_note",
    "key",
]

# Prefixes of nobody: none of them is one that the policy keeps for practice (8100000, 8200000, 8300000).
CAPSULE, MIDDLE, CASE = "8101001", "8101002", "8101003"
TABLET, GRANULE, SYRUP, VACCINE, CONTROLLED = "8102001", "8103001", "8104001", "8105001", "8901001"

#: It carries no code; the notice of the place exempts it.
HERBAL = "demo-herbal"

EAN_13 = "6901234567892"
ID_CARD = "360426199101010071"

_OTHER_CODES = (
    (CodeSystem.EAN, EAN_13),
    (CodeSystem.INSURANCE, "XR05CBA198A001010100861"),
    (CodeSystem.OWN, "D-0017"),
)

PRODUCTS: Sequence[Product] = (
    Product(f"cn20:{CAPSULE}", "示例胶囊 24粒", "demo-capsule", units=24, aliases=_OTHER_CODES),
    Product(f"cn20:{MIDDLE}", "示例胶囊 中盒", "demo-capsule", PackLevel.MIDDLE, packs=3),
    Product(f"cn20:{CASE}", "示例胶囊 大箱", "demo-capsule", PackLevel.LARGE, packs=6),
    Product(f"cn20:{TABLET}", "示例片 12片", "demo-tablet", units=12),
    Product(f"cn20:{GRANULE}", "示例颗粒 4袋", "demo-granule", units=4),
    Product(f"cn20:{SYRUP}", "示例糖浆", "demo-syrup"),
    Product(f"cn20:{VACCINE}", "示例疫苗", "demo-vaccine", flags=frozenset({ProductFlag.VACCINE})),
    Product("cn20:8106001", "示例中药饮片", HERBAL, flags=frozenset({ProductFlag.HERBAL})),
    Product(f"cn20:{CONTROLLED}", "示例麻醉药品", "demo-controlled", flags=frozenset({ProductFlag.CONTROLLED})),
)


def code(product: str, number: int) -> str:
    """Give the 20 digits of a pack."""
    return f"{product}{number:09}{number:04}"


def key(product: str, number: int) -> str:
    """Give the key of a pack, as records hold it."""
    return f"cn20:{code(product, number)}"


#: What the centre's list has, with the lot: old stock, and what came without a note.
ON_THE_LIST: Mapping[str, str] = {
    **{code(CAPSULE, number): "A0" for number in range(11, 19)},
    **{code(GRANULE, number): "G0" for number in (11, 12)},
    **{code(TABLET, number): "T0" for number in (8, 9)},
    code(SYRUP, 3): "S9",
}

#: The pack whose lot is not the one that the note says, and the pack that the note does not name.
OTHER_LOT = code(SYRUP, 3)

#: The case of the delivery with what lies in it.
IN_BOXES = {code(MIDDLE, 1): range(1, 4), code(MIDDLE, 2): range(4, 7)}


def despatch_note(
    name: str, lines: Sequence[tuple[str, str, Sequence[int]]], boxes: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Give a despatch note as `yaoma-bridge state add` reads it.

    Args:
        name: Its id.
        lines: Product, lot and numbers of the packs of each line.
        boxes: The container around a code, by code.
    """
    around = boxes or {}
    containers = dict.fromkeys((*around.values(), *around))
    packs = {code(product, one): place for place, (product, _, numbers) in enumerate(lines) for one in numbers}
    named = {product.key: product.name for product in PRODUCTS}
    return {
        "id": name,
        "kind": "supplier",
        "supplier": "示例医药公司",
        "bill": f"FH-{name}",
        "sent_ms": 0,
        "lines": [
            {
                "product": f"cn20:{product}",
                "packs": len(numbers),
                "lot": lot,
                "expiry": "2028-05-31",
                "name": named[f"cn20:{product}"],
            }
            for product, lot, numbers in lines
        ],
        "codes": [
            {
                "code": f"cn20:{one}",
                "in": f"cn20:{around[one]}" if one in around else "",
                "line": packs.get(one),
            }
            for one in dict.fromkeys((*containers, *packs))
        ],
    }


#: The morning's delivery: a case of 2 times 3 packs, and single packs.
NOTE = despatch_note(
    "1122-01",
    [
        (CAPSULE, "A1", range(1, 7)),
        (TABLET, "T1", range(1, 5)),
        (SYRUP, "S1", range(1, 4)),
        (VACCINE, "V1", (1,)),
        (CONTROLLED, "C1", (1,)),
    ],
    {
        **{middle: code(CASE, 1) for middle in IN_BOXES},
        **{code(CAPSULE, one): middle for middle, numbers in IN_BOXES.items() for one in numbers},
    },
)

#: What is on the shelf when the story ends.
LEFT_IN_STOCK = [code(CAPSULE, one) for one in (2, 3, 4, 5, 6)] + [code(TABLET, one) for one in (2, 8)]

#: What the supplier sends when the goods of the emergency have long been used.
LATE_NOTE = despatch_note("1122-02", [(SYRUP, "S2", (7,))])
