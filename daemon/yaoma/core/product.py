"""Product: a drug and package level behind a product key, and what the rules need to know of it."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CodeSystem", "PackLevel", "Product", "ProductFlag"]


class PackLevel(StrEnum):
    """How large a package is (DOMAIN.md 1.3)."""

    SMALL = "small"  # 小码: the smallest sales pack
    MIDDLE = "middle"  # 中码
    LARGE = "large"  # 大码


class ProductFlag(StrEnum):
    """What is special about a product; policies exempt and forbid by these (DOMAIN.md 7.5)."""

    CONTROLLED = "controlled"  # 麻精药品: an identity is needed (S4-08)
    REAL_NAME = "real_name"  # 含麻复方 and others that are sold by name (S1-18)
    VACCINE = "vaccine"  # 疫苗
    SPLIT_ONLY = "split_only"  # 必须拆零发放
    LOOSE_INJECTION = "loose_injection"  # 零散注射针剂
    HERBAL = "herbal"  # 中药饮片
    GRANULE = "granule"  # 中药配方颗粒
    HOSPITAL_MADE = "hospital_made"  # 院内制剂
    RAW_MATERIAL = "raw_material"  # 原料药
    OXYGEN = "oxygen"  # 医用氧
    CASE_CODE = "case_code"  # its packs carry no code of their own: the case's code is scanned once for each
    IN_CATALOGUE = "in_catalogue"  # 医保目录内


class CodeSystem(StrEnum):
    """The other codes by which a product is known (S4-02)."""

    EAN = "ean"  # 商品条码
    STANDARD = "standard"  # 国家药品编码本位码
    INSURANCE = "insurance"  # 医保药品编码
    OWN = "own"  # the institution's own number


@dataclass(frozen=True, slots=True)
class Product:
    """A drug and package level behind a product key (DESIGN.md 2).

    Args:
        key: `cn20:` and 7 digits, or `gs1:01` and a GTIN, or what a pattern names.
        name: The drug's name as it stands on the pack.
        drug: What the keys of all levels and makers' prefixes of one drug have in common; the key itself if empty.
        level: How large the package is.
        packs: How many smallest packs it holds; for a CASE_CODE product, how often its code may be scanned.
        units: How many units (tablets, vials) the smallest pack holds, for 拆零; 0 if it may not be opened.
        platform: Where its codes are registered, such as `alihealth`; empty if nobody knows.
        flags: What is special about it.
        aliases: Pairs of system and text.
    """

    key: str
    name: str
    drug: str = ""
    level: PackLevel = PackLevel.SMALL
    packs: int = 1
    units: int = 0
    platform: str = ""
    flags: frozenset[ProductFlag] = frozenset()
    aliases: tuple[tuple[CodeSystem, str], ...] = ()

    @property
    def drug_id(self) -> str:
        """What names the drug whatever the package."""
        return self.drug or self.key
