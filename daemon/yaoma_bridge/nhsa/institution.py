"""Institution: what the insurance platform needs to know of one site; the table `[nhsa]` of the site's file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yaoma_bridge.bill import Institution
from yaoma_bridge.errors import ConfigError

__all__ = ["NhsaSite", "nhsa_site", "read_credentials", "wrong_key"]

_Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,12}$")]
_Area = Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class NhsaSite(BaseModel):
    """The table `[nhsa]` of a site's file.

    Args:
        code: 定点医药机构编号, 12 characters.
        name: Its registered name; the institution's if empty.
        area: 就医地医保区划 (`mdtrtarea_admvs`), 6 digits.
        insured_area: 参保地医保区划, where the till does not say another; empty if none.
        receiver: `recer_sys_code`, as the province gave it.
        opter: Operator or terminal id of this bridge there.
        opter_name: Its name.
        opter_type: 1 经办人, 2 自助终端, 3 移动终端.
        dev_no: Device number, if the province gave one.
        mac: For the sign-in.
        ip: For the sign-in.
        gateway: Base address, if this site has one of its own.
        credentials: TOML file of secrets for the signatures, absolute; None if the signature needs none.
        purchases: Send 3503 and 3504 too; false where the site's own software does.
        fields: Values of `site.<name>` in the province's file: pharmacist, licence ...
        operators: Names by operator id, where the platform wants a name; an id without one is sent as it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    code: _Code
    name: str = ""
    area: _Area
    insured_area: _Area | None = None
    receiver: Annotated[str, Field(min_length=1, max_length=10)]
    opter: Annotated[str, Field(min_length=1, max_length=20)]
    opter_name: Annotated[str, Field(min_length=1, max_length=50)]
    opter_type: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$")] = "2"
    dev_no: str = ""
    mac: str = ""
    ip: str = ""
    gateway: str = ""
    credentials: Path | None = None
    purchases: bool = False
    fields: Mapping[str, str] = {}
    operators: Mapping[str, str] = {}


def nhsa_site(institution: Institution | None) -> NhsaSite | None:
    """Read a site's table.

    Returns:
        None if there is no file, no table, or it is wrong: the site's bills are held until somebody mends it.
    """
    table = institution.own.get("nhsa") if institution is not None else None
    if table is None:
        return None
    try:
        return NhsaSite.model_validate(dict(table))
    except ValidationError:
        return None


def wrong_key(institution: Institution) -> str:
    """Name the first key of a site's table that is missing or wrong; empty if there is none, or no table."""
    table = institution.own.get("nhsa")
    try:
        NhsaSite.model_validate(dict(table)) if table is not None else None
    except ValidationError as error:
        return ".".join(str(part) for part in error.errors(include_input=False, include_url=False)[0]["loc"])
    return ""


def read_credentials(path: Path | None) -> Mapping[str, str]:
    """Read the secrets of a site.

    Raises:
        ConfigError: If the file can't be read, or holds anything but texts; its content is never quoted.
    """
    if path is None:
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ConfigError("credentials: the file can't be read", "Write a TOML file of texts") from None
    if not all(isinstance(value, str) for value in table.values()):
        raise ConfigError("credentials: the file holds more than texts", "Write a TOML file of texts")
    return table
