"""Config tables: the parts of the configuration that are about the centre itself: reports, metrics, the fleet."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from yaoma_link.local_address import LocalAddress

__all__ = ["FleetTable", "MetricsTable", "ReportTable", "Section", "resolved"]

_FILE = ".toml"


def resolved(value: Path | None, info: ValidationInfo) -> Path | None:
    """Read a relative path from the folder of the configuration."""
    context = info.context
    return context["folder"] / value if isinstance(context, dict) and value is not None else value


class Section(BaseModel):
    """A table of the file: unknown keys are refused, what stood there is never quoted."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ReportTable(Section):
    """`[report]`: by which policy rates are judged, in which language, with which font and keys pages are made."""

    policy: Annotated[str, Field(min_length=1, max_length=400)] = "default"
    language: Literal["zh-CN", "en"] = "zh-CN"
    font: Path | None = None
    font_face: Annotated[int, Field(ge=0, le=63)] = 0
    sealing_keys: Path | None = None

    _resolve = field_validator("font", "sealing_keys")(resolved)

    @field_validator("policy")
    @classmethod
    def _resolve_file(cls, value: str, info: ValidationInfo) -> str:
        return str(resolved(Path(value), info)) if value.endswith(_FILE) else value

    @property
    def chosen_policy(self) -> str | Path:
        """The id of a policy that ships, or the file of another one."""
        return Path(self.policy) if self.policy.endswith(_FILE) else self.policy


class MetricsTable(Section):
    """`[metrics]`: where programs on this host may ask for metrics and health."""

    listen: str

    @field_validator("listen")
    @classmethod
    def _is_local(cls, value: str) -> str:
        LocalAddress.parse(value)
        return value

    @property
    def address(self) -> LocalAddress:
        """The address in parts."""
        return LocalAddress.parse(self.listen)


class FleetTable(Section):
    """`[fleet]`: the authority that signs certificates of boxes; only the host that enrols needs it."""

    authority: Path
    token_hours: Annotated[int, Field(ge=1, le=720)] = 72
    command_hours: Annotated[int, Field(ge=1, le=720)] = 72

    _resolve = field_validator("authority")(resolved)
