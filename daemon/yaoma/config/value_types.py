"""Value types: what may stand behind a key of the configuration, and what every section of it has in common."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from yaoma.config.contradictions import NAME_PATTERN
from yaoma.core.policy_text import ID_PATTERN as POLICY_ID_PATTERN
from yaoma_link.local_address import LocalAddress

__all__ = [
    "AbsolutePath",
    "HostName",
    "Local",
    "Name",
    "Number",
    "PolicyId",
    "Section",
    "Switch",
    "WebUrl",
    "Whole",
]

_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?")


def _absolute(path: Path) -> Path:
    if not path.is_absolute() or "\0" in str(path):
        raise PydanticCustomError("path_not_absolute", "an absolute path, beginning with /")
    return path


def _host(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if _HOST.fullmatch(host) is None:
            raise PydanticCustomError("no_host_name", "a host name or an IP address and nothing else") from None
    return host


def _local(listen: str) -> str:
    try:
        LocalAddress.parse(listen)
    except ValueError:
        raise PydanticCustomError("not_local", "a loopback address with port, or unix: with a path") from None
    return listen


def _web(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise PydanticCustomError("no_web_address", "an address that begins with https:// and names a folder")
    return url.rstrip("/") + "/"


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
WebUrl = Annotated[str, AfterValidator(_web)]
Local = Annotated[str, AfterValidator(_local)]
HostName = Annotated[str, AfterValidator(_host)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
#: Strict, so that `hold_off_ms = true` is a mistake and not one millisecond.
Whole = Annotated[int, Field(strict=True)]
PolicyId = Annotated[str, Field(pattern=POLICY_ID_PATTERN)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Switch = Annotated[bool, Field(strict=True)]


class Section(BaseModel):
    """Unknown keys are mistakes; nothing changes after the start; an error never quotes what was written."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
