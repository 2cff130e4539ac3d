"""Centre of the demonstration: signs releases of the list and lets a box fetch them."""

import csv
import time
from collections.abc import Mapping
from pathlib import Path

from demo.goods import ON_THE_LIST, PRODUCTS
from fakes.released import Centre
from yaoma.core.allowlist import Denial, DenialKind
from yaoma.core.denial_table import DenialRow, DenialTable
from yaoma.core.product_table import ProductTable
from yaoma_tools.list_build import build_codes
from yaoma_tools.release_build import ReleaseParts

__all__ = ["DemoCentre"]


class DemoCentre:
    """A repository with throw-away keys.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self._centre = Centre(folder, time.time_ns() // 1_000_000)
        self._centre.begin()
        self.repository = self._centre.path
        self.root = folder / "root.json"
        self.root.write_bytes(self._centre.root)
        self._folder = folder

    def publish(self) -> None:
        """Sign the first release: products and codes with their lots."""
        table, products = self._folder / "codes.csv", self._folder / "products"
        with table.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream)
            rows.writerow(["code", "lot"])
            rows.writerows(ON_THE_LIST.items())
        products.write_bytes(ProductTable.of(PRODUCTS).encoded())
        bases = [one.path for one in build_codes(self._folder / "built", [table]).files]
        self._centre.publish(ReleaseParts(version=1, bases=bases, products=products))

    def recall(self, keys: Mapping[str, str]) -> None:
        """Sign a release that recalls products or packs.

        Args:
            keys: The notice's number by the key of a product or pack.
        """
        path = self._folder / "denials"
        rows = [DenialRow(key, Denial(DenialKind.RECALL, note)) for key, note in keys.items()]
        path.write_bytes(DenialTable.of(rows).encoded())
        self._centre.publish(ReleaseParts(denials=path))
