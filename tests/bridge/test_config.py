"""Configuration: the shipped sample is right, and every error names its key."""

import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yaoma_bridge.alihealth.options import AlihealthOptions
from yaoma_bridge.cli import app, main
from yaoma_bridge.config import BridgeConfig, DestinationTable, PaceTable, read_config, read_signer
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.routing import Route

SAMPLE = Path(__file__).parents[2] / "config" / "bridge.toml"


def test_the_sample_is_valid_and_its_paths_start_at_its_folder() -> None:
    """The shipped file is read as it stands."""
    config = read_config(SAMPLE)
    assert config.registry.folder == SAMPLE.parent / "boxes"
    assert config.store.path == Path("/var/lib/yaoma-bridge/bridge.db")
    assert config.broker.endpoint().tls is not None


def test_the_sample_names_every_key_with_its_default() -> None:
    """Each key of the models stands in the sample, and where there is a default it is the one shown."""
    shown = tomllib.loads(SAMPLE.read_text())
    for name, field in BridgeConfig.model_fields.items():
        assert name in shown
        table = field.annotation
        for key, inner in getattr(table, "model_fields", {}).items():
            if not inner.is_required() and inner.default is None:
                assert re.search(rf"^(# )?\[?({name}\.)?{key}\b", SAMPLE.read_text(), re.MULTILINE), f"{name}.{key}"
                continue
            assert key in shown[name], f"{name}.{key}"
            if not inner.is_required():
                assert shown[name][key] == inner.default


def test_the_sample_names_every_key_of_a_platform() -> None:
    """Taken out of its comments, the sample's platform is valid, and it names each key of route, pace and alihealth."""
    text = SAMPLE.read_text().partition("# ---- 码上放心 ----\n")[2].partition("# institutions/")[0]
    table = tomllib.loads("\n".join(line.removeprefix("#").strip() for line in text.splitlines()))["destination"][0]
    read = DestinationTable.model_validate(table)
    own = read.model_extra or {}
    AlihealthOptions.model_validate(own)
    assert set(own) == set(AlihealthOptions.model_fields)
    assert set(table["route"]) == set(Route.model_fields)
    assert set(table["pace"]) == set(PaceTable.model_fields)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("port = 8883", "port = 0", r"broker\.port"),
        ("port = 8883", "prot = 8883", r"broker\.prot"),
        ('host = "broker.example"', "", r"broker\.host"),
        ('untrusted = "hold"', 'untrusted = "S3CRET"', r"clock\.untrusted"),
        ("[clock]", "[clok]", "clok"),
        ('name = "file"', 'name = "S3CRET FILE"', r"destination\.0\.name"),
        ("port = 8883", "port = ", r"line \d+"),
    ],
)
def test_a_wrong_key_is_named_and_its_value_is_not_quoted(tmp_path: Path, old: str, new: str, said: str) -> None:
    """The error says which key and what was expected."""
    path = tmp_path / "bridge.toml"
    path.write_text(SAMPLE.read_text().replace(old, new))
    with pytest.raises(ConfigError) as refused:
        read_config(path)
    assert re.search(said, str(refused.value))
    assert "S3CRET" not in str(refused.value)


def test_a_signing_key_must_be_ed25519_in_pem(tmp_path: Path) -> None:
    """A missing or other file is refused with the command that makes a right one."""
    path = tmp_path / "bridge.toml"
    path.write_text(SAMPLE.read_text())
    keys = read_config(path).keys
    with pytest.raises(ConfigError, match="openssl genpkey"):
        read_signer(keys)
    keys.signing_key.parent.mkdir()
    keys.signing_key.write_text("no key")
    with pytest.raises(ConfigError, match="openssl genpkey"):
        read_signer(keys)


def test_every_command_has_help_with_an_example() -> None:
    """`--help` of each command shows how it is used."""
    for command in ("run", "status", "export", "boxes", "explain", "uploads", "retry", "hold", "revoke"):
        shown = CliRunner().invoke(app, [command, "--help"])
        assert shown.exit_code == 0
        assert f"Example: yaoma-bridge {command}" in shown.output


def test_trouble_ends_the_command_with_a_sentence_and_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No trace, but what is wrong and what to do next; exit code 78, so that systemd tries no more."""
    monkeypatch.setattr("sys.argv", ["yaoma-bridge", "status", "-c", str(tmp_path / "none.toml")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 78
    told = capsys.readouterr().err
    assert "No such file" in told
    assert "--config" in told
    assert "Traceback" not in told


def test_trouble_when_it_is_not_the_configuration_then_systemd_may_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that can't be opened now ends the command with exit code 1."""
    path = tmp_path / "bridge.toml"
    path.write_text(SAMPLE.read_text().replace("/var/lib/yaoma-bridge/bridge.db", str(tmp_path / "none" / "bridge.db")))
    monkeypatch.setattr("sys.argv", ["yaoma-bridge", "status", "-c", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1


def test_signing_key_when_it_is_missing_then_the_worker_ends_with_78(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that can't be used is as bad as a bad key of the file."""
    path = tmp_path / "bridge.toml"
    path.write_text(SAMPLE.read_text().replace("/var/lib/yaoma-bridge", str(tmp_path)))
    monkeypatch.setattr("sys.argv", ["yaoma-bridge", "run", "-c", str(path)])
    monkeypatch.setattr("yaoma_bridge.run_cli.log_to_journal_or_stderr", lambda *_, **__: None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 78
