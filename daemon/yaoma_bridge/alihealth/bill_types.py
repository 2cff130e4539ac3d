"""Bill types: what an operation is called at 码上放心, by the family of methods (DOMAIN.md 3.4, 5.1). Data."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

__all__ = ["ALLOWED", "LOCAL", "PERSON_TYPES", "Family", "bill_type"]


class Family(StrEnum):
    """Families of methods; an institution uses one."""

    LSYD = "lsyd"  # 零售药店
    YLJG = "yljg"  # 医疗机构


#: Sales to persons and what they bring back: `uploadretail`. All others: `uploadinoutbill`.
PERSON_TYPES: Final = frozenset({116, 321, 322, 323})

#: What each family takes.
ALLOWED: Final[Mapping[Family, frozenset[int]]] = {
    Family.LSYD: frozenset(
        {102, 103, 104, 107, 108, 110, 111, 112, 113, 116}
        | {201, 202, 203, 204, 205, 206, 207, 209, 211, 212, 214, 215, 216, 217, 237, 321, 322}
    ),
    Family.YLJG: frozenset({102, 103, 107, 116, 202, 205, 206, 209, 322, 323}),
}

_TYPES: Final[Mapping[tuple[Family, str], int]] = {
    (Family.LSYD, "receive"): 102,
    (Family.LSYD, "return_supplier"): 202,
    (Family.LSYD, "dispense"): 321,
    (Family.LSYD, "dispense_ward"): 321,
    (Family.LSYD, "vaccinate"): 322,
    (Family.LSYD, "return_customer"): 116,
    (Family.LSYD, "transfer_in"): 104,
    (Family.LSYD, "transfer_out"): 203,
    (Family.LSYD, "wholesale"): 201,
    (Family.LSYD, "gift_in"): 110,
    (Family.LSYD, "gift_out"): 212,
    (Family.LSYD, "sample"): 206,
    (Family.LSYD, "damage"): 215,
    (Family.LSYD, "destroy"): 205,
    (Family.LSYD, "recall_out"): 211,
    (Family.YLJG, "receive"): 102,
    (Family.YLJG, "return_supplier"): 202,
    (Family.YLJG, "dispense"): 323,
    (Family.YLJG, "dispense_ward"): 323,
    (Family.YLJG, "vaccinate"): 322,
    (Family.YLJG, "return_customer"): 116,
    (Family.YLJG, "sample"): 206,
    (Family.YLJG, "destroy"): 205,
    # A recalled pack goes back to who sent it: hospitals have no type of its own.
    (Family.YLJG, "recall_out"): 202,
}

#: Nothing that leaves or enters the institution: the platform is told nothing of these.
LOCAL: Final = frozenset({"move", "split", "count", "check_return", "verify"})


def bill_type(family: Family, operation: str, differing: Mapping[str, int]) -> int:
    """Give the bill type of an operation.

    Args:
        family: The institution's family.
        operation: The operation's id.
        differing: What the configuration says otherwise, by `family.operation`.

    Returns:
        The type; 0 if the platform has none for it.
    """
    return differing.get(f"{family.value}.{operation}", _TYPES.get((family, operation), 0))
