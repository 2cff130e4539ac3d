"""What the configuration file may say: every key with its default, unit, limits, and what it is for."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from yaoma.config.contradictions import contradictions
from yaoma.config.counter_sections import IndicatorConfig, PassThroughConfig, ScannerConfig, StationConfig
from yaoma.config.said import About
from yaoma.config.value_types import (
    AbsolutePath,
    HostName,
    Local,
    Name,
    Number,
    PolicyId,
    Section,
    Switch,
    WebUrl,
    Whole,
)
from yaoma.core.policy import InstitutionKind
from yaoma.core.policy_rule import TECHNICAL

__all__ = [
    "BrokerConfig",
    "Config",
    "KeysConfig",
    "ListConfig",
    "MetricsConfig",
    "PolicyConfig",
    "StateConfig",
]


class StateConfig(Section):
    """Where records are kept."""

    folder: Annotated[
        AbsolutePath,
        About("日志与状态所在的文件夹，必须在真正的磁盘上。", "Where journal and state lie; must be a real disk."),
    ] = Path("/var/lib/yaoma")
    warn_free_mb: Annotated[
        Whole, About("低于此可用空间（MB）开始提醒。", "Below this much free space (MB) it warns.")
    ] = Field(default=512, ge=1)
    min_free_mb: Annotated[
        Whole,
        About(
            "低于此可用空间（MB）暂停服务，已存的照常上传。",
            "Below this (MB) it is out of service; what is kept is still delivered.",
        ),
    ] = Field(default=64, ge=1)
    checkpoint_s: Annotated[
        Number,
        About(
            "有新记录时，至多隔多少秒签一次检查点。",
            "With news, a checkpoint is signed after so many seconds at the latest.",
        ),
    ] = Field(default=60.0, ge=1, le=3600)


class KeysConfig(Section):
    """Files with keys; a key itself never stands in the configuration."""

    signing: Annotated[
        AbsolutePath,
        About(
            "本盒的签名私钥（yaoma keys new 生成）。",
            "The box's signing key (made by: yaoma keys new).",
            is_quotable=False,
        ),
    ] = Path("/etc/yaoma/signing.key")
    bridge: Annotated[
        AbsolutePath,
        About(
            "网桥的公钥：回执由它签名。", "The bridge's public keys: receipts are signed by them.", is_quotable=False
        ),
    ] = Path("/etc/yaoma/bridge.vkey")
    list: Annotated[
        AbsolutePath,
        About("中心的公钥：名单由它签名。", "The centre's public keys: the list is signed by them.", is_quotable=False),
    ] = Path("/etc/yaoma/list.vkey")
    sheet: Annotated[
        AbsolutePath | None,
        About(
            "技术员的公钥：危险的控制条码由它签名；不设则不接受。",
            "The technicians' public keys: dangerous control barcodes are signed by them; without it none counts.",
            is_quotable=False,
            example="/etc/yaoma/sheet.vkey",
        ),
    ] = None
    revoked_sheets: Annotated[
        tuple[str, ...],
        About(
            "已作废的控制单卡号，例如丢失的。",
            "Ids of sheets that count no more, such as lost ones.",
            example=["S-2026-01"],
        ),
    ] = ()
    seal: Annotated[
        tuple[AbsolutePath, ...],
        About(
            "身份信息密封给这些公钥（网桥的和离线恢复的）；与 salt 同时设置。",
            "Identities are sealed to these keys; set together with salt.",
            is_quotable=False,
            example=["/etc/yaoma/seal.pub"],
        ),
    ] = ()
    salt: Annotated[
        AbsolutePath | None,
        About("身份散列用的盐。", "The salt of hashed identities.", is_quotable=False, example="/etc/yaoma/salt"),
    ] = None


class BrokerConfig(Section):
    """The MQTT broker; mutual TLS unless `plain` says otherwise."""

    host: Annotated[
        HostName,
        About(
            "消息服务器的名称，须与其证书一致。",
            "The broker's name, as in its certificate.",
            example="broker.example",
        ),
    ]
    port: Annotated[Whole, About("端口。", "The port.")] = Field(default=8883, ge=1, le=65535)
    plain: Annotated[Switch, About("不用 TLS；只在可信的线路上。", "No TLS; only on a trusted line.")] = False
    authority: Annotated[AbsolutePath, About("颁发机构的证书。", "The authority's certificate.", is_quotable=False)] = (
        Path("/etc/yaoma/ca.crt")
    )
    certificate: Annotated[AbsolutePath, About("本盒的证书。", "The box's certificate.", is_quotable=False)] = Path(
        "/etc/yaoma/box.crt"
    )
    key: Annotated[
        AbsolutePath, About("本盒证书的私钥。", "The private key of the box's certificate.", is_quotable=False)
    ] = Path("/etc/yaoma/box.tls.key")
    keep_alive_s: Annotated[Whole, About("心跳间隔（秒）。", "Keep alive, in seconds.")] = Field(
        default=30, ge=5, le=1200
    )


class ListConfig(Section):
    """The allowlist."""

    file: Annotated[
        AbsolutePath,
        About("签名名单文件；换上新文件几秒内生效。", "The signed list; a new file counts within seconds."),
    ] = Path("/var/lib/yaoma/list.signed")
    url: Annotated[
        WebUrl | None,
        About(
            "大名单（yaoma update）从哪里取；不写则只用上面的文件或 U 盘。",
            "Where yaoma update fetches the big list; without it only the file above or a stick.",
            example="https://list.example/county",
        ),
    ] = None
    root: Annotated[
        AbsolutePath,
        About("大名单的信任根，由中心提供。", "The root of trust of the big list, from the centre.", is_quotable=False),
    ] = Path("/etc/yaoma/root.json")


class PolicyConfig(Section):
    """The rules of the place: which policy, and what this box does otherwise than that."""

    id: Annotated[
        PolicyId,
        About(
            "用哪份规则，例如 fujian；yaoma policy list 列出随软件提供的。",
            "Which policy, such as fujian; yaoma policy list names those that ship.",
        ),
    ] = "default"
    file: Annotated[
        AbsolutePath | None,
        About(
            "中心签名的规则文件；换上新文件几秒内生效；不写则用随软件提供的。",
            "A policy that the centre has signed; a new file counts within seconds; without it, the one that ships.",
            example="/var/lib/yaoma/policy.signed",
        ),
    ] = None
    institution: Annotated[
        InstitutionKind | None,
        About(
            "机构类型：药店、连锁门店、医院、基层、村卫生室（个体诊所）或接种单位，按后面的英文填写。",
            "The kind of institution: pharmacy, chain_store, hospital, primary, village or vaccination.",
            example="pharmacy",
        ),
    ] = None
    hold_off_ms: Annotated[
        Whole,
        About(
            "同一码在同一工位于此时间（毫秒）内再扫，算同一次。",
            "The same code again within this time (ms) is the same scan.",
        ),
    ] = Field(default=10_000, ge=0, le=600_000)
    pass_without_list: Annotated[
        Switch,
        About(
            "没有名单时是否放行（带标记）；否则为“复核”。",
            "Without a list: pass with a flag instead of REVIEW.",
        ),
    ] = False
    pass_with_stale_list: Annotated[
        Switch,
        About(
            "名单过期时是否放行（带标记）；否则为“复核”。",
            "With a stale list: pass with a flag instead of REVIEW.",
        ),
    ] = False
    pass_with_untrusted_clock: Annotated[
        Switch,
        About(
            "时钟未校准时是否放行（带标记）；否则为“复核”。",
            "With an untrusted clock: pass with a flag instead of REVIEW.",
        ),
    ] = True

    def local(self) -> dict[str, Any]:
        """Give what is set here in place of the policy's own values, by the name of the rule."""
        return {name: getattr(self, name) for name in TECHNICAL if name in self.model_fields_set}


class MetricsConfig(Section):
    """Metrics for Prometheus, to programs on the box itself."""

    listen: Annotated[
        Local | None,
        About(
            "在哪里提供指标：本机回环地址加端口，或 unix: 加套接字；不写则不提供。",
            "Where metrics are served: a loopback address with port, or unix: with a socket; nowhere if not set.",
            example="127.0.0.1:9464",
        ),
    ] = None


class Config(Section):
    """The whole file."""

    site: Annotated[Name, About("机构代码（定点医药机构编号）。", "The institution's code.", example="H32132200561")]
    box: Annotated[Name, About("设备名，在机构内唯一。", "The device id, unique within the site.", example="counter-1")]
    language: Annotated[Literal["zh-CN", "en"], About("操作员语言：zh-CN 或 en。", "The operator's language.")] = (
        "zh-CN"
    )
    control_socket: Annotated[
        AbsolutePath,
        About("本机其他程序向守护进程提问的套接字。", "Where other programs on the box ask the daemon."),
    ] = Path("/run/yaoma/control.sock")
    state: Annotated[StateConfig, About("记录放在哪里。", "Where records are kept.")] = StateConfig()
    keys: Annotated[
        KeysConfig,
        About("密钥文件；密钥本身不写在这里。", "Files with keys; a key itself never stands here.", is_quotable=False),
    ] = KeysConfig()
    broker: Annotated[BrokerConfig, About("消息服务器（MQTT）。", "The MQTT broker.")]
    allowlist: Annotated[ListConfig, About("名单。", "The allowlist.")] = ListConfig()
    policy: Annotated[PolicyConfig, About("本地规则。", "The rules of the place.")] = PolicyConfig()
    metrics: Annotated[
        MetricsConfig, About("指标（Prometheus），只给本机。", "Metrics (Prometheus), for this box only.")
    ] = MetricsConfig()
    station: Annotated[
        tuple[StationConfig, ...],
        About("工位：一处柜台和它的扫码枪。", "A station: a place at the counter and its scanners."),
    ] = Field(min_length=1)
    scanner: Annotated[
        tuple[ScannerConfig, ...],
        About("扫码枪：名称、驱动和驱动的选项。", "A scanner: name, driver and the driver's options."),
    ] = Field(min_length=1)

    indicator: Annotated[
        tuple[IndicatorConfig, ...],
        About("灯、蜂鸣器、喇叭；可以没有，也可以有几个。", "Lamps, buzzers, loudspeakers; none, or several."),
    ] = ()
    pass_through: Annotated[
        tuple[PassThroughConfig, ...],
        About(
            "透传：扫到的码在核对并记录之后传给收银机或 HIS；可以没有。",
            "Pass-through: codes go on to a till or HIS once they are checked and recorded; may be absent.",
        ),
    ] = ()

    @model_validator(mode="after")
    def _keys_go_together(self) -> Self:
        for found in contradictions(self.model_dump()):
            raise PydanticCustomError(found.kind, "keys that don't go together")
        return self

    def station_of(self) -> dict[str, str]:
        """Give the station of each scanner."""
        return {scanner: station.name for station in self.station for scanner in station.scanners}
