"""Options of the destination `nhsa`."""

from typing import Annotated

from pydantic import Field

from yaoma_bridge.destination_options import AbsolutePath
from yaoma_bridge.web_options import WebOptions

__all__ = ["NhsaOptions"]


class NhsaOptions(WebOptions):
    """Options of the destination `nhsa`, beside those of its calls.

    Args:
        url: The gateway's base address, where the site's file names no other.
        profile: The province's file, absolute.
        sealing_keys: Folder of the bridge's private sealing keys (`*.seal`), absolute; None: identities stay sealed,
            and bills that need one are held.
        connect_s: How long connecting may take, seconds; less than elsewhere, since a sign-in may come before a call.
        read_s: How long the other side may be silent, seconds; less for the same reason.
    """

    url: str = ""
    profile: AbsolutePath
    sealing_keys: AbsolutePath | None = None
    connect_s: Annotated[float, Field(gt=0, le=10)] = 5.0
    read_s: Annotated[float, Field(gt=0, le=20)] = 20.0
