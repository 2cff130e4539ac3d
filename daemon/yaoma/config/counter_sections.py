"""Counter sections: stations, and what stands there: scanners, indicators, the way to the till."""

from typing import Annotated, Any

from pydantic import Field

from yaoma.config.said import About
from yaoma.config.value_types import AbsolutePath, Name, Number, Section, Switch

__all__ = ["IndicatorConfig", "PassThroughConfig", "ScannerConfig", "StationConfig"]


class StationConfig(Section):
    """A place at the counter."""

    name: Annotated[Name, About("工位名称。", "The station's name.", example="counter")]
    scanners: Annotated[
        tuple[Name, ...], About("这里的扫码枪的名称。", "The names of the scanners here.", example=["gun"])
    ] = Field(min_length=1)


class ScannerConfig(Section):
    """A scanner, its driver and the driver's own options."""

    name: Annotated[Name, About("扫码枪名称。", "The scanner's name.", example="gun")]
    driver: Annotated[Name, About("驱动。", "The driver.", example="serial_line")]
    calibration: Annotated[
        AbsolutePath | None,
        About(
            "扫码枪的录入方式（由 yaoma scanners calibrate 测得）；options 里写明的优先。",
            "How the scanner types, found by yaoma scanners calibrate; what stands in options comes first.",
            example="/etc/yaoma/scanners/gun.toml",
        ),
    ] = None
    options: Annotated[
        dict[str, Any],
        About(
            "驱动自己的选项（见 drivers/README.md）。",
            "The driver's own options.",
            is_quotable=False,
            example={"device": "/dev/serial/by-id/usb-Example_Scanner-if00"},
        ),
    ] = Field(default_factory=dict)


class IndicatorConfig(Section):
    """Lamps, a buzzer or a loudspeaker, and whose scans they show."""

    name: Annotated[Name, About("指示器名称。", "The indicator's name.", example="lamps")]
    driver: Annotated[
        Name, About("驱动：gpio_lamp 或 alsa_tone。", "The driver: gpio_lamp or alsa_tone.", example="gpio_lamp")
    ]
    stations: Annotated[
        tuple[Name, ...],
        About(
            "显示哪些工位的判定；不写则显示全部。",
            "Whose verdicts it shows; without it, those of all stations.",
            example=["counter"],
        ),
    ] = ()
    options: Annotated[
        dict[str, Any],
        About(
            "驱动自己的选项（见 drivers/README.md）：这里是哪个灯接哪根线。",
            "The driver's own options (drivers/README.md): here, which lamp is on which line.",
            is_quotable=False,
            example={"top": "GPIO17", "middle": "GPIO27", "bottom": "GPIO22", "buzzer": "GPIO24"},
        ),
    ] = Field(default_factory=dict)


class PassThroughConfig(Section):
    """The way from a station to the till behind it."""

    station: Annotated[
        Name,
        About(
            "哪个工位：通过核对的码传给它后面的收银机或 HIS。",
            "Which station: what was let through goes on to the till or HIS behind it.",
            example="counter",
        ),
    ]
    driver: Annotated[
        Name,
        About(
            "驱动：hid_gadget（USB 键盘）、uinput_keyboard（本机键盘）或 serial_out（串口）。",
            "The driver: hid_gadget (USB keyboard), uinput_keyboard (on this machine) or serial_out.",
            example="hid_gadget",
        ),
    ]
    timeout_s: Annotated[
        Number,
        About(
            "收银机多少秒没有反应就放弃这个码（会提示并记录）。",
            "A code is given up (shown and recorded) after the till took nothing for so many seconds.",
        ),
    ] = Field(default=2.0, ge=0.2, le=30)
    without_ticket: Annotated[
        Switch,
        About(
            "没有打开单据时，付款码、69 码等也照样传过去，不判定不记录。",
            "With no ticket open, payment codes, 69 codes and the like go on too, unjudged and unrecorded.",
        ),
    ] = False
    options: Annotated[
        dict[str, Any],
        About(
            "驱动自己的选项（见 drivers/README.md），例如 terminator、gs_as。",
            "The driver's own options (drivers/README.md), such as terminator and gs_as.",
            is_quotable=False,
            example={"device": "/dev/hidg0", "terminator": "ENTER"},
        ),
    ] = Field(default_factory=dict)
