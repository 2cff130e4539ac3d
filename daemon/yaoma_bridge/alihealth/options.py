"""Options: the destination's table in the configuration, and an institution's own."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from yaoma_bridge.alihealth.bill_types import ALLOWED, Family
from yaoma_bridge.alihealth.signing import SignMethod
from yaoma_bridge.bill import Bill, Institution, InstitutionKind
from yaoma_bridge.destination_options import AbsolutePath, DestinationOptions
from yaoma_bridge.errors import ConfigError

__all__ = ["AlihealthOptions", "OwnSettings", "Partner", "family_of", "own_settings", "read_secret"]

#: The platform's own limit (DOMAIN.md 3.5).
_MOST_CODES = 3500


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AlihealthOptions(DestinationOptions):
    """Options of the destination `alihealth`.

    Args:
        url: The gateway; `http:` only with `plain_http`.
        app_key: The app's key at the open platform.
        app_secret_file: File with the app's secret, absolute.
        session_file: File with the session key, if the app needs one; an institution may name its own.
        sign_method: `md5`, `hmac` or `hmac-sha256`.
        authority: PEM file of the CAs that are believed; those of the system if left out.
        plain_http: Allow `http:`, for a proxy on the same machine.
        answer_s: How long the gateway may be silent before its answer counts as lost, in seconds.
        codes_per_bill: So many codes go into one bill at most; the platform takes 3,500 and asks for fewer.
        physic_type: `physic_type` of every bill; the platform goes by the codes whatever stands there.
        verify_wait_s: How long after a send a bill that the platform does not know counts as not there.
        inquire_every_s: How often new despatch notes are asked for at each institution, in seconds; 0 asks nothing.
        inquire_days: So many days back they are asked for.
        bill_types: Bill types that differ from the usual ones: `lsyd.gift_out = 217`, `yljg.transfer_out = 209`; 0 does
            not upload the operation.
    """

    url: str = "https://eco.taobao.com/router/rest"
    app_key: Annotated[str, Field(min_length=1, max_length=64)]
    app_secret_file: AbsolutePath
    session_file: AbsolutePath | None = None
    sign_method: SignMethod = SignMethod.HMAC_SHA256
    authority: AbsolutePath | None = None
    plain_http: bool = False
    answer_s: Annotated[float, Field(gt=0, le=25)] = 20.0
    codes_per_bill: Annotated[int, Field(ge=1, le=_MOST_CODES)] = 500
    physic_type: Annotated[str, Field(pattern=r"^[0-9]$")] = "3"
    verify_wait_s: Annotated[float, Field(ge=0, le=86_400)] = 120.0
    inquire_every_s: Annotated[float, Field(ge=0, le=86_400)] = 900.0
    inquire_days: Annotated[int, Field(ge=1, le=60)] = 7
    bill_types: dict[str, int] = Field(default_factory=dict)

    @field_validator("bill_types")
    @classmethod
    def _are_known(cls, wanted: dict[str, int]) -> dict[str, int]:
        for name, number in wanted.items():
            family, _, operation = name.partition(".")
            if family not in set(Family) or not operation:
                raise ValueError("keys are lsyd.OPERATION or yljg.OPERATION")
            if number and number not in ALLOWED[Family(family)]:
                raise ValueError("this family has no such bill type")
        return wanted


class Partner(_Table):
    """One supplier as the platform knows it.

    Args:
        ref_ent_id: Its 企业唯一标识; needed to fetch its despatch notes.
        ent_id: Its 企业id: what bills name as sender or receiver.
    """

    ref_ent_id: str = ""
    ent_id: Annotated[str, Field(min_length=1)]


class OwnSettings(_Table):
    """The table `[alihealth]` of an institution's file.

    Args:
        ref_ent_id: Its 企业唯一标识 (`ref_user_id` of bills).
        ent_id: Its 企业id (`from_user_id` and `to_user_id` of bills).
        app_key: If it has an app of its own.
        app_secret_file: That app's secret, absolute.
        session_file: Its session key, absolute.
        address: 发货/收货地址, for bills between companies; left out if empty.
        partners: Suppliers by the name that stands on their despatch notes; others are asked for by name.
    """

    ref_ent_id: Annotated[str, Field(min_length=1)]
    ent_id: Annotated[str, Field(min_length=1)]
    app_key: str = ""
    app_secret_file: AbsolutePath | None = None
    session_file: AbsolutePath | None = None
    address: str = ""
    partners: dict[str, Partner] = Field(default_factory=dict)


def own_settings(institution: Institution | None) -> OwnSettings | None:
    """Give an institution's own table, or None if there is none or it can't be used."""
    table = institution.own.get("alihealth") if institution is not None else None
    if table is None:
        return None
    try:
        return OwnSettings.model_validate(dict(table))
    except ValidationError:
        return None


def family_of(bill: Bill) -> Family:
    """Give the family of methods that an institution uses."""
    is_pharmacy = bill.institution is not None and bill.institution.kind is InstitutionKind.PHARMACY
    return Family.LSYD if is_pharmacy else Family.YLJG


def read_secret(path: Path, key: str) -> bytes:
    """Read a secret from its file.

    Args:
        path: The file.
        key: The key of the configuration that names it.

    Raises:
        ConfigError: If it can't be read or is empty.
    """
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"{key}: {path.name}: {error.strerror}", "Put the secret there, readable for us") from None
    if not secret:
        raise ConfigError(f"{key}: {path.name} is empty", "Put the secret there")
    return secret
