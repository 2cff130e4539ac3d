"""Web options: how a destination calls a system on the web: TLS files and time-outs."""

from typing import Annotated

from pydantic import Field

from yaoma_bridge.destination_options import AbsolutePath, DestinationOptions
from yaoma_bridge.web_call import WHOLE_S, WebCaller

__all__ = ["WebOptions"]


class WebOptions(DestinationOptions):
    """Options of every destination that calls a system on the web.

    Args:
        authority: PEM file of the CAs that are believed, absolute; those of the system if left out.
        certificate: PEM file of our certificate with its chain, absolute, if the system wants one.
        key: PEM file of its key, absolute.
        plain_http: Allow `http:`, for a proxy on the same machine or a line that carries its own protection.
        connect_s: How long connecting may take, seconds.
        read_s: How long the other side may be silent, seconds.
    """

    authority: AbsolutePath | None = None
    certificate: AbsolutePath | None = None
    key: AbsolutePath | None = None
    plain_http: bool = False
    connect_s: Annotated[float, Field(gt=0, le=20)] = 5.0
    read_s: Annotated[float, Field(gt=0, le=40)] = 20.0

    def caller(self, *, whole_s: float = WHOLE_S) -> WebCaller:
        """Make what calls by these options.

        Args:
            whole_s: How long a call may take in all, seconds.

        Raises:
            ConfigError: If one of the files can't be used.
        """
        return WebCaller(
            authority=self.authority,
            certificate=self.certificate,
            key=self.key,
            plain_http=self.plain_http,
            connect_s=self.connect_s,
            read_s=self.read_s,
            whole_s=whole_s,
        )
