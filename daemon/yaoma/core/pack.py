"""Pack: the states that a pack can be in at this site, and what each operation may do with it (DOMAIN.md 5.2)."""

from enum import StrEnum
from typing import Final

from yaoma.core.reason import Reason

__all__ = ["DIVISIBLE", "IN_HAND", "OBSTACLES", "PackState"]


class PackState(StrEnum):
    """Where a pack stands; records and site.db hold these words."""

    UNKNOWN = "unknown"  # nothing was done with it here
    IN_STOCK = "in_stock"  # 在库
    QUARANTINED = "quarantined"  # 隔离待查: received with a doubt, or recalled since
    OPENED = "opened"  # 已拆零: a part of it is still there
    DISPENSED = "dispensed"  # 已售出或使用
    RETURNED = "returned"  # 销售退回待验
    LEFT = "left"  # 已退货、调出或赠出
    DESTROYED = "destroyed"  # 已销毁、损坏或抽检


#: Why an operation can't be done with a pack in this state, where the operation itself names no other reason.
OBSTACLES: Final = {
    PackState.UNKNOWN: Reason.NO_RECEIPT,
    PackState.IN_STOCK: Reason.IN_STOCK_ALREADY,
    PackState.QUARANTINED: Reason.QUARANTINED,
    PackState.OPENED: Reason.OPENED_WHOLE,
    PackState.DISPENSED: Reason.SOLD_HERE,
    PackState.RETURNED: Reason.RETURNED_UNCHECKED,
    PackState.LEFT: Reason.LEFT_STOCK,
    PackState.DESTROYED: Reason.DESTROYED,
}

#: The states in which a pack may be handed out in portions.
DIVISIBLE: Final = frozenset({PackState.IN_STOCK, PackState.OPENED})

#: The states in which a later denial still matters.
IN_HAND: Final = frozenset({PackState.IN_STOCK, PackState.OPENED, PackState.RETURNED})
