"""A shelf as the people at the counter see it: what lies where, independent of how the ledger is made."""

from dataclasses import dataclass, field
from typing import Any

from fakes.moments import CASE, OPERATIONS, PRODUCTS, TABLETS, WHOLE, pack

WHOLES = [pack(WHOLE, number).key for number in range(1, 4)]
TABLET_PACKS = [pack(TABLETS, number).key for number in (1,)]
BOTTLES = pack(CASE).key
UNITS, PACKS = PRODUCTS[TABLETS].units, PRODUCTS[CASE].packs


@dataclass
class Bill:
    """An open ticket as the people at the counter see it: what was scanned for it, in order."""

    operation: str
    is_training: bool
    lines: bool
    scans: list[tuple[tuple[str, ...], Any]] = field(default_factory=list)

    def packs(self) -> list[str]:
        """The packs on it."""
        return list(dict.fromkeys(key for keys, _ in self.scans for key in keys))

    def without(self, key: str) -> None:
        """Take a pack off."""
        kept = [(tuple(one for one in keys if one != key), fields) for keys, fields in self.scans]
        self.scans = [(keys, fields) for keys, fields in kept if keys]

    def taken(self, key: str) -> int:
        """Portions that it takes."""
        return sum(fields.get("taken", 0) for keys, fields in self.scans if key in keys)


class Shelf:
    """What lies where: independent of how the ledger is made."""

    def __init__(self) -> None:
        self.state = dict.fromkeys([*WHOLES, *TABLET_PACKS], "unknown")
        self.units: dict[str, int] = {}  # of opened packs
        self.bottles: int | None = None  # behind the case's code; None while nobody knows

    def close(self, bill: Bill, cleared: set[str]) -> None:
        """Carry a bill out."""
        operation = OPERATIONS[bill.operation]
        for key in bill.packs():
            taken = bill.taken(key)
            last = [fields for keys, fields in bill.scans if key in keys][-1]
            verdict = last["verdict"]
            doubtful = operation.doubtful_into if verdict == "REVIEW" and key not in cleared else None
            into = (doubtful or operation.into).value  # type: ignore[union-attr]  # all of these move packs
            if key == BOTTLES:
                there = self.bottles if self.bottles is not None else PACKS if taken > 0 else 0
                self.bottles = there - (0 if operation.keeps and self.bottles is not None else taken)
            elif taken:
                self.units[key] -= taken
                # The last unit takes the pack along; what comes back is units of it.
                self.state[key] = "in_stock" if self.units[key] else "dispensed"
            elif operation.opens:
                self.state[key], self.units[key] = "in_stock", last.get("opens", 0)
            elif not operation.keeps or self.state[key] == "unknown":
                self.state[key] = into
                if into in {"dispensed", "left"} and key in self.units:
                    self.units[key] = 0

    def shown(self, key: str) -> str:
        """The state that the ledger should give."""
        return "opened" if key in self.units and self.state[key] == "in_stock" else self.state[key]
