"""Policy: the rules that differ by place and institution, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from yaoma.core.product import ProductFlag
from yaoma.core.reason import VerdictClass

__all__ = ["FULL", "Bilingual", "InstitutionKind", "Policy", "UncodedGoods"]

#: Parts per thousand that mean all of them.
FULL = 1000


class InstitutionKind(StrEnum):
    """What a site is; dates and some rules differ by it (DOMAIN.md 7.5)."""

    PHARMACY = "pharmacy"  # 零售药店
    CHAIN_STORE = "chain_store"  # 连锁门店
    HOSPITAL = "hospital"  # 医院
    PRIMARY = "primary"  # 乡镇卫生院、社区卫生服务中心 and other 基层医疗机构
    VILLAGE = "village"  # 村卫生室、社区卫生服务站、个体诊所
    VACCINATION = "vaccination"  # 接种单位


class UncodedGoods(StrEnum):
    """What happens at the receipt to goods that carry no trace code though they should."""

    REFUSE = "refuse"  # 无码不收 (S0-10)
    NO_CODE_STORE = "no_code_store"  # 无码库 (S3-08)


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One text in the two languages of the catalogue.

    Args:
        zh: In Chinese.
        en: In English.
    """

    zh: str
    en: str

    def said(self, language: str) -> str:
        """Give it in a language of the catalogue."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Policy:
    """What the box does where the law leaves a choice or differs by place (DOMAIN.md 7.5).

    A policy is already that of one kind of institution: where a notice says something else for hospitals than for
    pharmacies, the reader has chosen. `Policy()` is what `config/policies/default.toml` says.

    Args:
        hold_off_ms: The same code again at the same station within this time is the same scan (SCANNERS.md 1.1, 18).
        pass_without_list: With no list at all, a code passes with the flag `list_missing`; otherwise it is `REVIEW`.
        pass_with_stale_list: An expired list still lets codes pass, with the flag `list_stale`; otherwise `REVIEW`.
        pass_with_untrusted_clock: While the clock can't be trusted a listed code passes with the flag
            `clock_untrusted`; otherwise it is `REVIEW`.
        id: Name of the policy, such as `fujian`; records hold it.
        version: Number of the policy; it only grows (S4-27).
        title: What the policy is called.
        institution: The kind of institution whose rules these are; None if nobody said.
        starts: First day on which each kind of institution owes the targets (S0-02, S0-03, S1-01, S2-01, S3-12,
            S4-01); a kind that is not here owes them at once.
        settle_starts: First day from which insurance settles only what was scanned (S0-12, S1-16, S3-07); likewise.
        exempt: Products out of the duty to scan and out of the rate's denominator (S1-01, S2-01, S3-06, S4-01).
        never_exempt: Products that no exemption covers (S1-02: vaccines at a vaccination unit).
        scan_in_target: What part of received packs must be scanned, in parts per thousand (S0-02, S1-01).
        scan_out_target: The same for packs that go out (S1-01).
        upload_target: What part of scans must be uploaded, in parts per thousand (S0-02, S1-01).
        severity: Class by reason id, where the reason leaves a choice (S1-13, S2-08, S4-08, S4-13).
        headquarters_receipts: A chain store may take stock from its headquarters' pushed receipt without a scan of
            its own (S2-09; S1-05 forbids it).
        emergency_hours: Within so many hours an emergency use (先用后补) must be matched with the supplier's
            data; 0 if it is not allowed at all (S2-14).
        receive_without_shipment: Class of a pack that comes without the supplier's data (S1-12, S1-13, S2-08).
        uncoded_goods: What happens to goods without a code at the receipt (S0-10, S3-08).
        uncoded_until: Last day on which `uncoded_goods` may be other than `refuse`; None if no day is named (S4-13).
        identity_for: Products handed out only to a person whose ID was checked (S1-18, S1-23, S4-08).
        identity_typed_reason_allowed: A named operator may give a typed reason in place of the ID; S4-08 leaves no
            way around it.
        retention_months: How long records are kept at least, in months; 0 for ever (S1-20, S4-14: the notices name
            no period).
        evidence_days: How many days back the evidence of objective reasons reaches when nobody names a period (S3-11).
        identity_keep_days: After so many days a sealed identity that every receipt covers may be erased; 0 never
            (S3-21).
        ticket_idle_minutes: An open ticket without a scan for so long is closed by the box; 0 never (S0-20).
        receipt_shows_codes: The customer's receipt must show every trace code (S1-17, S3-13).
        receipt_text: One line of the receipt, with the places `{product}` and `{codes}` (S1-17, S3-13).
        upload_within_hours: A record that is delivered later counts as late (S0-13, S4-18).
        smallest_only_operations: Operations that refuse the code of a middle or large package (S4-05).
        controlled_smallest_only_operations: Operations that refuse it of controlled drugs only (S4-07).
        training_codes_prefixes: Beginnings of codes that are for practice only and never uploaded (S0-07).
        pass_on_also: Classes besides PASS whose trace codes go on to the till, of REVIEW and STOP (S1-16).
    """

    hold_off_ms: int = 10_000
    pass_without_list: bool = False
    pass_with_stale_list: bool = False
    pass_with_untrusted_clock: bool = True
    id: str = "default"
    version: int = 0
    title: Bilingual = Bilingual("默认规则", "Default policy")
    institution: InstitutionKind | None = None
    starts: Mapping[InstitutionKind, date] = field(default_factory=dict)
    settle_starts: Mapping[InstitutionKind, date] = field(default_factory=dict)
    exempt: frozenset[ProductFlag] = frozenset()
    never_exempt: frozenset[ProductFlag] = frozenset()
    scan_in_target: int = FULL
    scan_out_target: int = FULL
    upload_target: int = FULL
    severity: Mapping[str, VerdictClass] = field(default_factory=dict)
    headquarters_receipts: bool = False
    emergency_hours: int = 0
    receive_without_shipment: VerdictClass = VerdictClass.REVIEW
    uncoded_goods: UncodedGoods = UncodedGoods.NO_CODE_STORE
    uncoded_until: date | None = None
    identity_for: frozenset[ProductFlag] = frozenset({ProductFlag.CONTROLLED, ProductFlag.REAL_NAME})
    identity_typed_reason_allowed: bool = True
    retention_months: int = 0
    evidence_days: int = 31
    identity_keep_days: int = 0
    ticket_idle_minutes: int = 30
    receipt_shows_codes: bool = False
    receipt_text: Bilingual = Bilingual("{product} 追溯码：{codes}", "{product} trace code: {codes}")
    upload_within_hours: int = 24
    smallest_only_operations: frozenset[str] = frozenset({"dispense", "vaccinate"})
    controlled_smallest_only_operations: frozenset[str] = frozenset()
    training_codes_prefixes: tuple[str, ...] = ("8100000", "8200000", "8300000")
    pass_on_also: frozenset[VerdictClass] = frozenset()

    def in_force(self, kind: InstitutionKind | None, day: date) -> bool:
        """Say whether the targets are owed already (S2-01).

        Args:
            kind: The kind of institution; None if nobody said, for whom they are owed at once.
            day: The site's day.
        """
        return _begun(self.starts, kind, day)

    def settles_only_scanned(self, kind: InstitutionKind | None, day: date) -> bool:
        """Say whether insurance settles only what was scanned (S3-07).

        Args:
            kind: As for `in_force`.
            day: The site's day.
        """
        return _begun(self.settle_starts, kind, day)

    def severity_of(self, reason: str, default: VerdictClass) -> VerdictClass:
        """Give the class of a reason that leaves a choice.

        Args:
            reason: The reason's id.
            default: What counts if the policy says nothing of it.
        """
        return self.severity.get(reason, default)

    def exemption(self, flags: Iterable[ProductFlag]) -> ProductFlag | None:
        """Give the class by which a product is exempt, for the sentence "exempt because ...", or None (S3-06).

        Args:
            flags: What is special about the product.
        """
        found = frozenset(flags)
        if found & self.never_exempt:
            return None
        return min(found & self.exempt, default=None)

    def smallest_only(self, operation: str, flags: Iterable[ProductFlag]) -> bool:
        """Say whether an operation refuses the code of a middle or large package of a product (S4-05, S4-07)."""
        return operation in self.smallest_only_operations or (
            operation in self.controlled_smallest_only_operations and ProductFlag.CONTROLLED in flags
        )

    def needs_identity(self, flags: Iterable[ProductFlag]) -> bool:
        """Say whether a product is handed out only to a person whose ID was checked (S4-08)."""
        return not self.identity_for.isdisjoint(flags)

    def uncoded_on(self, day: date) -> UncodedGoods:
        """Say what happens to goods without a code that come in on a day (S4-13)."""
        if self.uncoded_until is not None and day > self.uncoded_until:
            return UncodedGoods.REFUSE
        return self.uncoded_goods


def _begun(starts: Mapping[InstitutionKind, date], kind: InstitutionKind | None, day: date) -> bool:
    first = starts.get(kind) if kind else None
    return first is None or day >= first
