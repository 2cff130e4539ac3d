"""The plan of `alihealth`: signatures, bill types, what is wanted, and how a bill is divided."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.ticketed import code_of
from yaoma.core.canonical import Json
from yaoma_bridge.alihealth.bill_types import Family, bill_type
from yaoma_bridge.alihealth.options import AlihealthOptions, own_settings
from yaoma_bridge.alihealth.parameters import counterpart, needs_counterpart, upload_parameters
from yaoma_bridge.alihealth.plan import divided, ruled
from yaoma_bridge.alihealth.signing import SignMethod, signature
from yaoma_bridge.alihealth.verdicts import reason_of
from yaoma_bridge.bill import Bill, BillLine, Institution, InstitutionKind
from yaoma_bridge.platform import RulingKind

_OWN = {"alihealth": {"ref_ent_id": "ref-1", "ent_id": "ent-1"}}
_PHARMACY = Institution("H1", InstitutionKind.PHARMACY, own=_OWN)
_HOSPITAL = Institution("H1", InstitutionKind.MEDICAL, own=_OWN)
_OPTIONS = AlihealthOptions(app_key="1", app_secret_file=Path("/secret"))


def _bill(*lines: BillLine, operation: str = "dispense", institution: Institution | None = _PHARMACY) -> Bill:
    return Bill("H1", "b", "log1", "t1", operation, 0, 1_795_000_000_000, 9, lines, institution=institution)


def _line(number: int, **fields: object) -> BillLine:
    return replace(BillLine(code_of(number), (number,)), **fields)  # type: ignore[arg-type]  # its own fields


@pytest.mark.parametrize(
    ("method", "made"),
    [
        # The example of the open platform's own page on signing (secret `helloworld`).
        (SignMethod.MD5, "66987CB115214E59E6EC978214934FB8"),
        # The same parameters by `openssl dgst -md5 -hmac helloworld`, and with -sha256.
        (SignMethod.HMAC, "D56D7858309C31B6251083A874D48273"),
        (SignMethod.HMAC_SHA256, "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8"),
    ],
)
def test_a_call_is_signed_as_the_open_platform_says(method: SignMethod, made: str) -> None:
    """Each method gives the signature that was worked out elsewhere."""
    parameters = {
        "method": "taobao.item.seller.get",
        "app_key": "12345678",
        "session": "test",
        "timestamp": "2016-01-01 12:00:00",
        "format": "json",
        "v": "2.0",
        "sign_method": method.value,
        "fields": "num_iid,title,nick,price,num",
        "num_iid": "11223344",
    }
    assert signature(parameters, b"helloworld", method) == made


@pytest.mark.parametrize(
    ("family", "operation", "number"),
    [
        (Family.LSYD, "receive", 102),
        (Family.LSYD, "dispense", 321),
        (Family.LSYD, "transfer_out", 203),
        (Family.LSYD, "wholesale", 201),
        (Family.YLJG, "dispense", 323),
        (Family.YLJG, "vaccinate", 322),
        (Family.YLJG, "return_customer", 116),
        (Family.YLJG, "transfer_out", 0),
        (Family.YLJG, "gift_in", 0),
    ],
)
@pytest.mark.row("S1-02", part="bridge")
@pytest.mark.row("S2-16", part="bridge")
def test_an_operation_has_its_bill_type_by_family(family: Family, operation: str, number: int) -> None:
    """Hospitals have no type for transfers and gifts; nothing is invented for them."""
    assert bill_type(family, operation, {}) == number


def test_the_configuration_names_another_bill_type() -> None:
    """A county that books hospital transfers as 209 says so."""
    assert bill_type(Family.YLJG, "transfer_out", {"yljg.transfer_out": 209}) == 209
    with pytest.raises(ValueError, match="no such bill type"):
        AlihealthOptions(app_key="1", app_secret_file=Path("/s"), bill_types={"yljg.transfer_out": 203})


@pytest.mark.parametrize(
    ("line", "operation", "institution", "kind", "reason"),
    [
        (_line(1), "dispense", _PHARMACY, RulingKind.NEEDED, ""),
        (_line(1), "split", _PHARMACY, RulingKind.NOT_NEEDED, "local_operation"),
        (_line(1), "gift_in", _HOSPITAL, RulingKind.NOT_NEEDED, "no_bill_type"),
        (_line(1), "dispense", None, RulingKind.HELD, "institution_unknown"),
        (_line(1, units=3), "dispense", _PHARMACY, RulingKind.NEEDED, ""),
        (_line(1, units=3, is_first_portion=False), "dispense", _PHARMACY, RulingKind.NOT_NEEDED, "part_of_a_pack"),
        (_line(1, units=-3), "return_customer", _PHARMACY, RulingKind.NOT_NEEDED, "part_of_a_pack"),
        (BillLine("gs1:010690123456789221A", (1,)), "dispense", _PHARMACY, RulingKind.HELD, "code_form_unsupported"),
    ],
)
def test_a_line_is_ruled_by_operation_institution_and_code(
    line: BillLine, operation: str, institution: Institution | None, kind: RulingKind, reason: str
) -> None:
    """What the platform does not take is left out; what it would take but can't is held."""
    found = ruled(_bill(line, operation=operation, institution=institution), line, _OPTIONS)
    assert (found.kind, found.reason) == (kind, reason)


def test_a_large_bill_is_divided_with_numbered_parts() -> None:
    """Each part has its own number behind the bill's, and every code is in one part only."""
    options = _OPTIONS.model_copy(update={"codes_per_bill": 2})
    bill = _bill(*(_line(number) for number in range(5)))
    parcels = divided(bill, options)
    assert [parcel.number for parcel in parcels] == [f"{bill.number}_{part}" for part in (1, 2, 3)]
    assert [code for parcel in parcels for code in parcel.keys] == [code_of(number) for number in range(5)]
    assert divided(bill, options) == parcels


def test_a_whole_container_goes_by_its_own_code() -> None:
    """The code of a container stands for what is in it."""
    box = _line(90, packs=(code_of(1), code_of(2)))
    (parcel,) = divided(_bill(box, operation="receive"), _OPTIONS)
    assert parcel.keys == (code_of(90),)


def test_a_container_that_is_not_whole_goes_pack_by_pack() -> None:
    """A pack scanned by itself never stands beside its container."""
    box = _line(90, packs=(code_of(1), code_of(2)), is_whole=False)
    (parcel,) = divided(_bill(box, _line(3), operation="receive"), _OPTIONS)
    assert parcel.keys == (code_of(1), code_of(2), code_of(3))
    assert parcel.lines == (0, 1)


def test_a_later_part_leaves_out_the_packs_that_have_gone() -> None:
    """Of a container divided among several bills only the packs of the refused one go again, and by the same call."""
    packs = tuple(code_of(number) for number in range(1, 5))
    box = _line(90, packs=packs, is_whole=False)
    options = _OPTIONS.model_copy(update={"codes_per_bill": 2})
    first, second = divided(_bill(box, operation="receive"), options)
    gone = frozenset((first.call, key) for key in first.keys)
    assert gone
    (again,) = divided(_bill(replace(box, gone=gone), operation="receive"), options)
    assert again.keys == second.keys
    other = frozenset(("another call", key) for key in first.keys)
    assert len(divided(_bill(replace(box, gone=other), operation="receive"), options)) == 2


def test_a_code_inside_a_container_of_the_bill_is_not_said_twice() -> None:
    """Neither a parent with its child nor a duplicate leaves, whatever the bill holds; each line keeps its parcel."""
    box = _line(90, packs=(code_of(1), code_of(2)))
    (parcel,) = divided(_bill(box, _line(1), _line(90), operation="receive"), _OPTIONS)
    assert parcel.keys == (code_of(90),)
    assert parcel.lines == (0, 1, 2)


@pytest.mark.row("S1-11", part="bridge")
def test_deliveries_of_two_suppliers_go_in_two_bills() -> None:
    """Each despatch note has its own sender and its own result of the check."""
    differences: tuple[dict[str, Json], ...] = (
        {"shipment": "n1", "supplier": "甲公司", "bill": "S1", "said": 1, "missing": 0, "extra": 0, "doubtful": 0},
        {"shipment": "n2", "supplier": "乙公司", "bill": "S2", "said": 3, "missing": 2, "extra": 0, "doubtful": 0},
    )
    bill = replace(
        _bill(_line(1, shipment="n1"), _line(2, shipment="n2"), operation="receive"), differences=differences
    )
    first, second = divided(bill, _OPTIONS)
    settings = own_settings(_PHARMACY)
    assert settings is not None
    said = [upload_parameters(parcel, settings, _OPTIONS, f"ent-{n}") for n, parcel in ((2, first), (3, second))]
    assert [one["from_user_id"] for one in said] == ["ent-2", "ent-3"]
    assert [one["to_user_id"] for one in said] == ["ent-1", "ent-1"]
    assert [(one["qu_receivable"], one["xt_is_check"]) for one in said] == [("1", "1"), ("3", "0")]
    assert said[1]["xt_check_code_desc"] == "未到货2 多到货0 存疑0"
    assert [one["from_bill_code"] for one in said] == ["S1", "S2"]


@pytest.mark.row("S4-04", part="bridge")
def test_a_wholesale_names_the_company_that_gets_the_goods() -> None:
    """A sale to a company goes out as 201, from us to the one that the ticket names."""
    bill = replace(_bill(_line(1), operation="wholesale"), facts={"partner": "乙公司"})
    (parcel,) = divided(bill, _OPTIONS)
    assert (needs_counterpart(parcel), counterpart(parcel)) == (True, "乙公司")
    settings = own_settings(_PHARMACY)
    assert settings is not None
    said = upload_parameters(parcel, settings, _OPTIONS, "ent-2")
    assert (said["bill_type"], said["from_user_id"], said["to_user_id"]) == ("201", "ent-1", "ent-2")
    assert "xt_is_check" not in said


def test_a_sale_says_nothing_of_a_person() -> None:
    """No parameter of an upload can hold a customer."""
    settings = own_settings(_PHARMACY)
    assert settings is not None
    (parcel,) = divided(_bill(_line(1)), _OPTIONS)
    names = upload_parameters(parcel, settings, _OPTIONS, "").keys()
    assert not names & {"customer_id", "customer_id_type", "user_name", "user_tel", "user_agent"}
    assert {"trace_codes", "bill_code", "bill_time", "bill_type", "physic_type", "ref_user_id"} <= names


@pytest.mark.parametrize(
    ("code", "sentence", "reason"),
    [
        ("ALI_HEALTH_ALREADY_SALE_ECODE", "", "sold_elsewhere"),
        ("FAIL", "存在已出售的码", "sold_elsewhere"),
        ("FAIL_BIZ_NOT_CURRENT_OPERATE_CODE", "", "not_in_own_stock"),
        ("FAIL_BIZ_PARAM_BILL_TIME_BEFORE_ERROR", "不支持上传2年前单据", "bill_too_old"),
        ("BILL_DECODE_ERROR", "", "bill_malformed"),
        ("FAIL_BIZ_NO_PAT_INFO", "信息不存在", "facts_missing"),
        ("", "追溯码未激活", "not_activated"),
        ("", "未通过码制校验", "check_digits"),
        ("", "重复", "duplicate_code"),
        ("FAIL", "?", "platform_refused"),
    ],
)
def test_the_platforms_words_become_reasons(code: str, sentence: str, reason: str) -> None:
    """Each class of error of DOMAIN.md 3.6 has a reason that an operator can act on."""
    assert reason_of(code, sentence) == reason
