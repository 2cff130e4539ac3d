"""Options of the destination `nhsa`."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["NhsaOptions"]


class NhsaOptions(BaseModel):
    """Options of the destination `nhsa`.

    Args:
        url: The gateway's base address, where the site's file names no other.
        profile: The province's file, absolute.
        sealing_keys: Folder of the bridge's private sealing keys (`*.seal`), absolute; None: identities stay sealed,
            and bills that need one are held.
        authority, certificate, key: TLS files, absolute.
        plain_http: Allow `http:`, for a leased line or a proxy that carries its own protection.
        connect_s: How long connecting may take, seconds.
        read_s: How long the other side may be silent, seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = ""
    profile: Path
    sealing_keys: Path | None = None
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    plain_http: bool = False
    connect_s: Annotated[float, Field(gt=0, le=10)] = 5.0
    read_s: Annotated[float, Field(gt=0, le=20)] = 20.0

    @field_validator("profile", "sealing_keys", "authority", "certificate", "key")
    @classmethod
    def _is_absolute(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_absolute():
            raise ValueError("an absolute path was expected")
        return path
