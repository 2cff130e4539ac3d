"""Options by which a USB device is named for good; shared by the drivers that find it by serial number or socket."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from yaoma_drivers.driver import AbsolutePath, DriverOptions
from yaoma_drivers.input_identity import InputName

__all__ = ["UsbNameOptions"]

HexId = Annotated[str, Field(pattern="^[0-9a-fA-F]{4}$"), AfterValidator(str.lower)]


class UsbNameOptions(DriverOptions):
    """The ground for the options of such a driver; exactly one of serial, port and device names the scanner.

    Args:
        serial: Its serial number, where each piece has its own.
        port: The socket it is plugged into: ID_PATH of udev, or phys of the kernel.
        device: A link that keeps its name.
        vendor: USB vendor id as four hex digits; another model at this place is refused.
        product: USB product id as four hex digits, likewise.
    """

    serial: str | None = Field(default=None, min_length=1, max_length=255)
    port: str | None = Field(default=None, min_length=1, max_length=255)
    device: AbsolutePath | None = None
    vendor: HexId | None = None
    product: HexId | None = None

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if sum(name is not None for name in (self.serial, self.port, self.device)) != 1:
            raise ValueError("name the scanner by exactly one of serial, port and device")
        return self

    def name(self) -> InputName:
        """Return how the scanner is named."""
        return InputName(
            self.serial or "", self.port or "", self.device, vendor=self.vendor or "", product=self.product or ""
        )
