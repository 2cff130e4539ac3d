"""Files: what the configuration names and is not there, or can't be put there; notes, for the file has no mistake."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from yaoma.config.mistake import Notice
from yaoma.config.model import Config
from yaoma.config.positions import KeyPath, Position
from yaoma.config.said import Said

__all__ = ["missing_files"]

_MADE_ON_THE_BOX: Final = Said(
    "请在本盒上运行 yaoma keys new {site}/{box} {folder}", "make it on this box: yaoma keys new {site}/{box} {folder}"
)
_FROM_THE_CENTRE: Final = Said("请向中心索取并放到这里", "get it from the centre and put it here")
_LIST: Final = Said(
    "没有名单也能启动，但扫码按规则判为“复核”；请向中心索取",
    "the box starts without, but scans are judged without a list; get it from the centre",
)
_OUT_OF_REACH: Final = Said(
    "yaoma update 的服务只能写 {folder}，中心下发的规则放不到这里；请改为 {within}，或自行放置规则文件",
    "the service of yaoma update can write below {folder} only and can't put the centre's policy here; "
    "set {within}, or put the file in place yourself",
)
_ABSENT: Final = Said("没有文件 {path}；{todo}", "there is no file {path}; {todo}")
_UNSEEN: Final = Said(
    "当前用户看不到 {path}；请用 sudo 再检查一次", "this user can't look at {path}; check again with sudo"
)


def missing_files(config: Config, places: Mapping[KeyPath, Position]) -> list[Notice]:
    """Name every key, certificate and list that is configured and not there, and say what to do.

    A place for the policy that the sandboxed update can't write is named, too.

    Args:
        config: The configuration.
        places: Where its keys stand.
    """
    out = []
    for path, file, todo in _named(config):
        facts = {"site": config.site, "box": config.box, "folder": str(file.parent)}
        try:
            file.stat()
        except (FileNotFoundError, NotADirectoryError):
            said = _ABSENT.fill({"path": str(file), "todo": todo.fill(facts)})
        except OSError:
            said = _UNSEEN.fill({"path": str(file)})
        else:
            continue
        out.append(_notice(path, said, places))
    policy, folder = config.policy.file, config.state.folder
    if policy is not None and config.allowlist.url is not None and not policy.is_relative_to(folder):
        said = _OUT_OF_REACH.fill({"folder": str(folder), "within": str(folder / policy.name)})
        out.append(_notice(("policy", "file"), said, places))
    return out


def _notice(path: KeyPath, said: Said, places: Mapping[KeyPath, Position]) -> Notice:
    place = places.get(path)
    return Notice(".".join(str(part) for part in path), said, place.line if place else None)


def _named(config: Config) -> Iterator[tuple[KeyPath, Path, Said]]:
    keys, broker = config.keys, config.broker
    yield ("keys", "signing"), keys.signing, _MADE_ON_THE_BOX
    yield ("keys", "bridge"), keys.bridge, _FROM_THE_CENTRE
    yield ("keys", "list"), keys.list, _FROM_THE_CENTRE
    for number, file in enumerate(keys.seal):
        yield ("keys", "seal", number), file, _FROM_THE_CENTRE
    if keys.sheet is not None:
        yield ("keys", "sheet"), keys.sheet, _FROM_THE_CENTRE
    if keys.salt is not None:
        yield ("keys", "salt"), keys.salt, _MADE_ON_THE_BOX
    if not broker.plain:
        yield ("broker", "authority"), broker.authority, _FROM_THE_CENTRE
        yield ("broker", "certificate"), broker.certificate, _FROM_THE_CENTRE
        yield ("broker", "key"), broker.key, _FROM_THE_CENTRE
    yield ("allowlist", "file"), config.allowlist.file, _LIST
