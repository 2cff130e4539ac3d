"""The policies that ship, each value against the sentence of the notice that it comes from."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from yaoma.core.policy import FULL, InstitutionKind, Policy, UncodedGoods
from yaoma.core.policy_rule import RULES
from yaoma.core.policy_text import read_layer
from yaoma.core.product import ProductFlag
from yaoma.core.reason import CLASSES, DEFAULT_CLASS, Reason, VerdictClass
from yaoma.shell.policy_file import load_shipped, shipped_ids
from yaoma.shell.resources import config_file

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"

#: The notice behind each policy: the number that its rows and its file have.
NOTICES = {"shanxi-wenshui": 0, "shanxi-changzhi": 1, "fujian": 2, "work-injury": 3, "autonomous-region": 4}

K = InstitutionKind
MEDICAL = (K.HOSPITAL, K.PRIMARY, K.VILLAGE, K.VACCINATION)
PHARMACIES = (K.PHARMACY, K.CHAIN_STORE)


def seed(number: int) -> str | None:
    """The notice's text without blanks, or None where it does not lie beside the checkout."""
    files = sorted(SEEDS.glob(f"00{number}_*.txt"))
    return re.sub(r"\s", "", files[0].read_text("utf-8")) if files else None


@pytest.fixture(autouse=True)
def _phrases_stand_in_the_notice(request: pytest.FixtureRequest) -> None:
    """Each phrase 「...」 of a test's docstring stands in the notice that the test's name names."""
    name, said = request.function.__name__, str(request.function.__doc__)
    policy = next((one for one in NOTICES if name.startswith(f"test_{one.replace('-', '_')}_")), None)
    phrases = re.findall(r"「([^」]+)」", said)
    if policy is None:
        return
    assert phrases, "the test quotes nothing"
    text = seed(NOTICES[policy])
    for phrase in phrases:
        assert text is None or re.sub(r"\s", "", phrase) in text, phrase


def rules(name: str, kind: InstitutionKind | None = None) -> Policy:
    """The policy as a box of this kind has it."""
    return load_shipped(name, kind).policy


def starts(name: str, kind: InstitutionKind) -> str:
    """The first day on which the targets are owed."""
    policy = rules(name, kind)
    first = policy.starts[kind]
    assert policy.in_force(kind, first)
    assert not policy.in_force(kind, first - timedelta(days=1))
    return first.isoformat()


def settles(name: str, kind: InstitutionKind) -> str:
    """The first day on which insurance settles only what was scanned."""
    policy = rules(name, kind)
    first = policy.settle_starts[kind]
    assert policy.settles_only_scanned(kind, first)
    assert not policy.settles_only_scanned(kind, first - timedelta(days=1))
    return first.isoformat()


@pytest.mark.parametrize("name", [None, *NOTICES])
@pytest.mark.parametrize("kind", [None, *InstitutionKind])
def test_policy_that_ships_loads_for_every_kind_of_institution(name: str | None, kind: InstitutionKind | None) -> None:
    """Each file is whole, has its file's name as id, and stands on the default."""
    found = load_shipped(name or "default", kind)

    assert found.policy.id == (name or "default")
    assert found.policy.institution is kind
    assert found.policy.version >= 1
    assert {origin.policy for origin in found.origins} == {"default", found.policy.id}
    assert set(shipped_ids()) == {"default", *NOTICES}


def test_default_policy_is_what_a_policy_without_any_file_is() -> None:
    """`Policy()` and config/policies/default.toml say the same, the classes of reasons included."""
    shipped, plain = rules("default"), Policy()

    assert {name: getattr(shipped, name) for name in RULES} == {name: getattr(plain, name) for name in RULES}
    assert {one: shipped.severity_of(one, VerdictClass.PASS) for one in shipped.severity} == {
        one: DEFAULT_CLASS[one] for one in shipped.severity
    }
    left_open = {reason for reason, classes in CLASSES.items() if len(classes) > 1}
    assert left_open - {Reason.NO_SHIPMENT, Reason.LIST_MISSING} == shipped.severity.keys()


@pytest.mark.parametrize(("name", "number"), NOTICES.items())
def test_policy_of_a_place_names_rows_and_words_of_its_own_notice(name: str, number: int) -> None:
    """Every rule of a place serves rows of its notice and quotes it; every quote stands there."""
    layer = read_layer(config_file(f"policies/{name}.toml").read_text("utf-8"))
    text = seed(number)

    for rule, line in layer.lines.items():
        assert line.quotes, rule
        assert {row[:2] for row in line.rows} == {f"S{number}"}, rule
        for quote in line.quotes:
            assert text is None or re.sub(r"\s", "", quote) in text, quote


def test_shanxi_wenshui_owes_the_targets_from_the_last_day_of_the_month_that_is_named() -> None:
    """「2026年6月底前」 for health centres and private institutions, 「2026年12月底前」 for village clinics."""
    assert starts("shanxi-wenshui", K.PRIMARY) == "2026-06-30"
    assert starts("shanxi-wenshui", K.VILLAGE) == "2026-12-31"


def test_shanxi_wenshui_settles_only_what_was_uploaded_from_the_first_of_may() -> None:
    """「对未按规定上传追溯码信息的医保定点医疗机构，暂停医保基金结算」, 「2026年5月1日起持续推进」."""
    assert {settles("shanxi-wenshui", kind) for kind in (K.HOSPITAL, K.PRIMARY, K.VILLAGE)} == {"2026-05-01"}


def test_shanxi_wenshui_asks_for_95_of_100() -> None:
    """「入库扫码率、数据上传率达到95%以上」 and 「确保入出库扫码率、数据上传率达标」."""
    policy = rules("shanxi-wenshui", K.PRIMARY)

    assert (policy.scan_in_target, policy.scan_out_target, policy.upload_target) == (950, 950, 950)
    assert policy.exempt == frozenset()


def test_shanxi_wenshui_refuses_goods_without_a_code() -> None:
    """「无码不采、无码不收、无码不付」."""
    assert rules("shanxi-wenshui", K.VILLAGE).uncoded_on(date(2026, 7, 1)) is UncodedGoods.REFUSE


def test_shanxi_changzhi_owes_all_of_it_by_the_end_of_2025() -> None:
    """「到 2025 年 12 月 31 日,全市医疗机构、零售药店实现对所有赋码药品的入出库扫码率和数据上传率达到 100%」."""
    for kind in K:
        policy = rules("shanxi-changzhi", kind)
        assert starts("shanxi-changzhi", kind) == "2025-12-31"
        assert (policy.scan_in_target, policy.scan_out_target, policy.upload_target) == (FULL, FULL, FULL)


def test_shanxi_changzhi_exempts_five_classes_but_no_vaccine_of_a_vaccination_unit() -> None:
    """「中药饮片、中药配方颗粒、院内制剂、必须拆零发放的药品以及零散注射针剂等除外」, 「疫苗接种单位疫苗」."""
    flags = {"herbal", "granule", "hospital_made", "split_only", "loose_injection"}
    loose_vaccine = [ProductFlag.VACCINE, ProductFlag.LOOSE_INJECTION]

    assert rules("shanxi-changzhi", K.HOSPITAL).exempt == flags
    assert rules("shanxi-changzhi", K.HOSPITAL).exemption(loose_vaccine) is ProductFlag.LOOSE_INJECTION
    assert rules("shanxi-changzhi", K.VACCINATION).exemption(loose_vaccine) is None
    assert rules("shanxi-changzhi", K.VACCINATION).exemption([ProductFlag.HERBAL]) is ProductFlag.HERBAL


def test_shanxi_changzhi_wants_the_pack_itself_scanned() -> None:
    """「必须通过实物扫码方式核对上游企业入库药品追溯码信息是否与实物药品追溯码信息一致」."""
    assert not rules("shanxi-changzhi", K.CHAIN_STORE).headquarters_receipts


def test_shanxi_changzhi_lets_no_mismatch_in() -> None:
    """「(包括上游追溯信息缺失)」, for pharmacies; 「严禁将追溯信息和实物不相符的药品入库」, for everybody."""
    for kind in PHARMACIES:
        assert rules("shanxi-changzhi", kind).receive_without_shipment is VerdictClass.STOP
    assert rules("shanxi-changzhi", K.HOSPITAL).receive_without_shipment is VerdictClass.REVIEW
    for reason in (Reason.NOT_IN_SHIPMENT, Reason.LOT_MISMATCH):
        assert {rules("shanxi-changzhi", kind).severity[reason] for kind in K} == {VerdictClass.STOP}


def test_shanxi_changzhi_refuses_goods_without_a_code() -> None:
    """「无码不采、无码不收、无码不付」."""
    assert rules("shanxi-changzhi", K.PHARMACY).uncoded_goods is UncodedGoods.REFUSE


def test_shanxi_changzhi_asks_for_a_name_with_controlled_and_ephedrine_drugs() -> None:
    """「含麻复方制剂等要求实名购药登记的药品」 and 「特殊管理药品」."""
    policy = rules("shanxi-changzhi", K.PHARMACY)

    assert policy.needs_identity([ProductFlag.REAL_NAME])
    assert policy.needs_identity([ProductFlag.CONTROLLED, ProductFlag.IN_CATALOGUE])
    assert not policy.needs_identity([ProductFlag.IN_CATALOGUE])


def test_shanxi_changzhi_shows_the_codes_on_a_pharmacys_receipt() -> None:
    """「提供给顾客的购药小票上应显示药品追溯码信息」."""
    assert all(rules("shanxi-changzhi", kind).receipt_shows_codes for kind in PHARMACIES)
    assert not any(rules("shanxi-changzhi", kind).receipt_shows_codes for kind in MEDICAL)


def test_fujian_begins_in_july_with_pharmacies_and_in_october_with_hospitals() -> None:
    """「2026年7月1日起，省内所有药品批发企业、药品零售连锁总部、零售药店（含连锁门店），2026年10月1日起，省内所有医疗机构」."""
    assert {starts("fujian", kind) for kind in PHARMACIES} == {"2026-07-01"}
    assert {starts("fujian", kind) for kind in MEDICAL} == {"2026-10-01"}


def test_fujian_exempts_raw_material_oxygen_hospital_made_and_herbal_pieces() -> None:
    """「原料药、医用氧、院内制剂除外，中药饮片追溯要求另行制定」."""
    assert rules("fujian", K.HOSPITAL).exempt == {"raw_material", "oxygen", "hospital_made", "herbal"}


def test_fujian_uploads_everything() -> None:
    """「药品入出库环节全量上传追溯码到医保信息平台」."""
    assert rules("fujian", K.PHARMACY).upload_target == FULL


def test_fujian_lets_a_chains_store_shelve_by_its_headquarters_receipt() -> None:
    """「连锁的直营门店接受总部统一配送时」, 「接收使用连锁总部推送的总部采购入库的扫码信息上架」."""
    assert {kind for kind in K if rules("fujian", kind).headquarters_receipts} == {K.CHAIN_STORE}


def test_fujian_gives_hospitals_48_hours_after_an_emergency() -> None:
    """「可采取“先使用实物追溯信息”满足应急需求，需在48小时内补核对上游追溯信息」."""
    assert {rules("fujian", kind).emergency_hours for kind in MEDICAL} == {48}
    assert {rules("fujian", kind).emergency_hours for kind in PHARMACIES} == {0}


def test_fujian_lets_pharmacies_shelve_no_mismatch() -> None:
    """「(包括上游追溯信息缺失)」 and 「严禁将追溯信息与实物不相符的药品上架」."""
    for kind in K:
        strict = VerdictClass.STOP if kind in PHARMACIES else VerdictClass.REVIEW
        policy = rules("fujian", kind)
        assert policy.receive_without_shipment is strict
        assert {policy.severity[Reason.NOT_IN_SHIPMENT], policy.severity[Reason.LOT_MISMATCH]} == {strict}


def test_work_injury_captures_everything_from_2026_on() -> None:
    """「2026年1月1日起，所有医药机构应实现药品追溯码全量采集上传」."""
    assert {starts("work-injury", kind) for kind in K} == {"2026-01-01"}
    policy = rules("work-injury", K.PRIMARY)
    assert (policy.scan_in_target, policy.scan_out_target, policy.upload_target) == (FULL, FULL, FULL)


def test_work_injury_settles_only_what_was_scanned_from_april_and_july_2025() -> None:
    """「定点零售药店和定点医疗机构应分别自2025年4月1日和7月1日起，在销售环节按要求扫码后方可进行医保基金结算」."""
    assert {settles("work-injury", kind) for kind in PHARMACIES} == {"2025-04-01"}
    assert {settles("work-injury", kind) for kind in MEDICAL} == {"2025-07-01"}


def test_work_injury_exempts_five_classes() -> None:
    """「中药饮片、中药配方颗粒、院内制剂、必须拆零发放的药品以及零散注射针剂等除外」."""
    flags = {"herbal", "granule", "hospital_made", "split_only", "loose_injection"}
    assert rules("work-injury", K.PHARMACY).exempt == flags


def test_work_injury_keeps_goods_without_a_code_in_a_store_of_their_own() -> None:
    """「此前已采购的无追溯码药品，纳入“无码库”管理」, without a last day."""
    policy = rules("work-injury", K.PHARMACY)

    assert policy.uncoded_until is None
    assert policy.uncoded_on(date(2030, 1, 1)) is UncodedGoods.NO_CODE_STORE


def test_work_injury_shows_the_codes_on_a_pharmacys_receipt() -> None:
    """「零售药店要在顾客购药小票上显示药品追溯码信息」."""
    assert {kind for kind in K if rules("work-injury", kind).receipt_shows_codes} == set(PHARMACIES)


def test_autonomous_region_begins_in_march_and_at_the_end_of_2026_below_the_second_grade() -> None:
    """「2026年3月1日起」; 「到2026年底，全区二级以下医疗机构和未定级的基层医疗机构须达到上述工作要求」."""
    assert {starts("autonomous-region", kind) for kind in (*PHARMACIES, K.HOSPITAL, K.VACCINATION)} == {"2026-03-01"}
    assert {starts("autonomous-region", kind) for kind in (K.PRIMARY, K.VILLAGE)} == {"2026-12-31"}


def test_autonomous_region_exempts_herbal_pieces_granules_and_oxygen() -> None:
    """「中药饮片、中药配方颗粒、医用氧除外，下同」."""
    assert rules("autonomous-region", K.HOSPITAL).exempt == {"herbal", "granule", "oxygen"}


def test_autonomous_region_scans_what_it_receives() -> None:
    """「在药品验收时进行扫码核对」."""
    assert not rules("autonomous-region", K.CHAIN_STORE).headquarters_receipts


def test_autonomous_region_buys_nothing_without_a_code_from_march_on() -> None:
    """「清理工作应于2026年2月底前完成，自2026年3月1日起，不得购进未赋码及赋码未激活的药品」."""
    policy = rules("autonomous-region", K.PHARMACY)

    assert policy.uncoded_on(date(2026, 2, 28)) is UncodedGoods.NO_CODE_STORE
    assert policy.uncoded_on(date(2026, 3, 1)) is UncodedGoods.REFUSE
    assert policy.severity_of(Reason.STATUS_UNKNOWN, VerdictClass.PASS) is VerdictClass.REVIEW


def test_autonomous_region_hands_out_no_controlled_drug_without_the_id_card() -> None:
    """「门诊药房在销售麻精药品时，通过扫码设备扫描追溯码并核验患者身份证」."""
    for kind in (K.HOSPITAL, K.PRIMARY, K.VILLAGE):
        policy = rules("autonomous-region", kind)
        assert policy.needs_identity([ProductFlag.CONTROLLED])
        assert not policy.identity_typed_reason_allowed
        assert policy.severity[Reason.IDENTITY_MISSING] is VerdictClass.STOP
    assert rules("autonomous-region", K.PHARMACY).identity_typed_reason_allowed


def test_autonomous_region_scans_sales_packs_and_moves_controlled_drugs_by_them() -> None:
    """「药品使用单位对所有品种按照销售包装扫描追溯码」; 「从药库向住院药房发放药品时，应按照销售包装扫描追溯码」."""
    policy = rules("autonomous-region", K.HOSPITAL)

    assert policy.smallest_only("dispense", [])
    assert policy.smallest_only("move", [ProductFlag.CONTROLLED])
    assert not policy.smallest_only("move", [ProductFlag.VACCINE])
    assert not policy.smallest_only("receive", [ProductFlag.CONTROLLED])


def test_autonomous_region_counts_an_upload_as_late_after_an_hour() -> None:
    """「实时上传药品追溯码信息」."""
    assert rules("autonomous-region", K.HOSPITAL).upload_within_hours == 1
    assert rules("default").upload_within_hours == 24
