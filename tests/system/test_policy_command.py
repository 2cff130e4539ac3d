"""`yaoma policy` as users type it: what counts, what is wrong, what a reason means."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from fakes.county import BoxProcess, County, wait_for
from yaoma.cli.main import app
from yaoma.cli.policy_lines import RELATED, explained
from yaoma.cli.report import CommandError
from yaoma.config.reference import EXAMPLE, render
from yaoma.core.note import Signer
from yaoma.core.policy import InstitutionKind
from yaoma.core.policy_rule import RULES
from yaoma.core.reason import CLASSES
from yaoma.shell.catalogue import LANGUAGES, load_catalogue
from yaoma.shell.policy_file import PolicyRefusal
from yaoma.shell.policy_holder import PolicyHolder
from yaoma.shell.resources import config_file

CENTRE = Signer("county/list", Ed25519PrivateKey.from_private_bytes(b"c" * 32))
STRANGER = Signer("county/list", Ed25519PrivateKey.from_private_bytes(b"s" * 32))
FUJIAN = config_file("policies/fujian.toml")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A hospital's box in Fujian with a hold-off of its own."""
    keys = tmp_path / "list.vkey"
    keys.write_text(f"{CENTRE.verifier()}\n")
    values = {
        **EXAMPLE,
        "policy": {"id": "fujian", "institution": "hospital", "hold_off_ms": 5000},
        "keys": {"list": str(keys)},
        "state": {"folder": str(tmp_path / "state")},
    }
    path = tmp_path / "yaoma.toml"
    path.write_text(render(values))
    return path


def run(*arguments: object) -> Result:
    """Run a command that ends by itself."""
    return CliRunner().invoke(app, ["policy", *map(str, arguments)], prog_name="yaoma")


def said(*arguments: object) -> str:
    """What a command prints."""
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.row("S2-01")
@pytest.mark.row("S4-01")
def test_list_names_every_policy_that_ships() -> None:
    """With title and notice."""
    lines = said("list")
    found = json.loads(said("list", "--json"))

    assert "fujian  第 1 版 / version 1  闽药监规〔2026〕5号" in lines
    assert found[0]["id"] == "default"
    assert len(found) == 6


def test_show_tells_of_every_rule_what_counts_and_who_says_so(config: Path) -> None:
    """The box's own configuration, the province and the default are told apart."""
    lines = said("show", "--config", config).splitlines()
    found = json.loads(said("show", "--config", config, "--json"))
    by_name = {rule["name"]: rule for rule in found["rules"]}

    assert "hold_off_ms = 5000  ← 本盒配置 / this box's configuration" in lines
    assert "emergency_hours = 48  ← fujian  S2-14" in lines
    assert 'uncoded_until = "none"  ← default  S4-13' in lines
    assert (found["id"], found["institution"], found["is_signed"], found["refusal"]) == (
        "fujian", "hospital", False, None,
    )  # fmt: skip
    assert set(RULES) <= by_name.keys()
    assert by_name["starts"]["value"]["pharmacy"] == "2026-07-01"
    assert by_name["hold_off_ms"]["source"] == "config"


def test_show_when_another_policy_is_asked_for_then_the_box_does_not_matter(config: Path) -> None:
    """A regulator compares provinces on any box."""
    found = json.loads(said("show", "--config", config, "--policy", "fujian", "--institution", "pharmacy", "--json"))
    by_name = {rule["name"]: rule["value"] for rule in found["rules"]}

    assert (by_name["emergency_hours"], by_name["hold_off_ms"]) == (0, 10_000)
    with pytest.raises(CommandError, match="did you mean fujian"):
        CliRunner().invoke(app, ["policy", "show", "--policy", "fujan"], catch_exceptions=False)


def test_show_when_a_signed_policy_is_refused_then_it_says_why_and_what_to_do(config: Path, tmp_path: Path) -> None:
    """And nothing is written by looking."""
    signed = tmp_path / "policy.signed"
    signed.write_text(STRANGER.sign(FUJIAN.read_text("utf-8")))
    config.write_text(config.read_text().replace('id = "fujian"', f'id = "fujian"\nfile = "{signed}"'))

    assert "规则签名无效，未使用；请从中心重新获取规则" in said("show", "--config", config)
    signed.write_text(CENTRE.sign(FUJIAN.read_text("utf-8")))
    assert json.loads(said("show", "--config", config, "--json"))["is_signed"]
    assert not (tmp_path / "state").exists()


def test_check_when_a_file_is_good_then_exit_is_0(config: Path, tmp_path: Path) -> None:
    """Signed or not yet."""
    signed = tmp_path / "policy.signed"
    signed.write_text(CENTRE.sign(FUJIAN.read_text("utf-8")))

    for file in (*FUJIAN.parent.glob("*.toml"), signed):
        assert "可以使用 / can be used" in said("check", file, "--config", config)


def test_check_when_a_file_has_mistakes_then_all_are_listed_and_exit_is_78(config: Path, tmp_path: Path) -> None:
    """Each with its line; a wrong signature is one of them."""
    text = FUJIAN.read_text("utf-8").replace("= 48", "= -1", 1).replace('"S2-09"', '"S2-99"')
    bad = tmp_path / "bad"
    bad.write_text(STRANGER.sign(text))
    done = run("check", bad, "--config", config, "--json")
    mistakes = {one["key"]: one for one in json.loads(done.stdout)["mistakes"]}

    assert done.exit_code == 78
    assert set(mistakes) == {"", "rule.headquarters_receipts.rows.0", "rule.emergency_hours.by_institution.hospital"}
    line = mistakes["rule.emergency_hours.by_institution.hospital"]["line"]
    assert text.splitlines()[line - 1] == "by_institution.hospital = -1"
    assert "3 处错误 / mistakes" in run("check", bad, "--config", config).stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = \n", "right TOML"),
        (b"\xff", "not UTF-8"),
        (b"", "yaoma/policy/v1"),
        (FUJIAN.read_bytes().replace(b'"default"', b'"nowhere"'), "no policy nowhere ships"),
    ],
)
def test_check_when_a_file_is_no_policy_at_all_then_that_is_said(tmp_path: Path, content: bytes, words: str) -> None:
    """No traceback, whatever it is."""
    bad = tmp_path / "bad"
    bad.write_bytes(content)
    done = run("check", bad, "--config", tmp_path / "none")

    assert done.exit_code == 78
    assert words in done.stdout
    assert run("check", tmp_path / "nowhere").exit_code == 78


def test_explain_tells_of_every_reason_its_class_and_what_decides() -> None:
    """Also of those that leave no choice."""
    holder, catalogues = PolicyHolder("fujian", InstitutionKind.HOSPITAL), [load_catalogue("zh-CN")]
    for reason, classes in CLASSES.items():
        found = explained(reason, holder)
        assert found.here in found.possible
        assert classes == set(found.possible)
        assert found.lines(catalogues)[0] == f"{reason}  {found.here.value}"
        if len(classes) > 1:
            assert found.rules[0].why.zh
            assert found.rules[0].value in {found.here, True, False}


def test_explain_prints_what_a_program_reads(config: Path) -> None:
    """Reason, class, rules and texts, of the box's own policy."""
    found = json.loads(said("explain", "not_smallest", "--config", config, "--json"))

    assert (found["policy"], found["class"], found["possible"]) == ("fujian", "STOP", ["REVIEW", "STOP"])
    assert [rule["name"] for rule in found["rules"]] == [
        "severity.not_smallest", "smallest_only_operations", "controlled_smallest_only_operations",
    ]  # fmt: skip
    assert set(found["text"]) == {"zh-CN", "en"}


def test_explain_quotes_the_notice_that_makes_it_so() -> None:
    """A pharmacy in Fujian learns why a delivery without the supplier's data stops."""
    lines = said("explain", "no_shipment", "--policy", "fujian", "--institution", "pharmacy")

    assert lines.startswith("no_shipment  STOP\n")
    assert "“严禁将追溯信息与实物不相符的药品上架”" in lines
    assert 'receive_without_shipment = "STOP"  ← fujian  S2-08' in lines


def test_explain_when_nobody_knows_the_reason_then_the_nearest_is_named() -> None:
    """A slip of the finger is helped."""
    with pytest.raises(CommandError, match="did you mean not_in_list"):
        CliRunner().invoke(app, ["policy", "explain", "not_in_lst"], catch_exceptions=False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_has_a_title_for_every_rule_and_a_way_out_of_every_refusal(language: str) -> None:
    """Nothing is shown as a bare id only."""
    catalogue = load_catalogue(language)

    assert [name for name in RULES if f"policy_rule.{name}" not in catalogue.templates] == []
    assert all(catalogue.text("policy_refused", reason.value).todo for reason in PolicyRefusal)
    assert {name for names in RELATED.values() for name in names} <= RULES.keys()


def counted(box: BoxProcess) -> list[tuple[object, object, object]]:
    """Which versions of the policy its records name as counting, in order, and whether each came signed."""
    fields = [one.fields for one in box.records() if one.kind == "applied" and one.fields["what"] == "fujian"]
    return [(one["what"], one["version"], one["signed"]) for one in fields]


def test_daemon_when_older_rules_are_put_back_and_the_kept_copy_is_gone_then_the_journal_refuses_them(
    new_county: Callable[..., County],
) -> None:
    """The journal knows which signed policy counted; what ships stands in until one as new as that comes."""
    county = new_county()
    file = county.folder / "policy.signed"
    box = county.add_box(settings={"policy": f'id = "fujian"\ninstitution = "pharmacy"\nfile = "{file}"'})
    shipped = FUJIAN.read_text("utf-8")

    def put(version: int) -> None:
        lines = [f"version = {version}" if line.startswith("version = ") else line for line in shipped.splitlines()]
        file.write_text(county.list_signer.sign("\n".join(lines) + "\n"))

    put(700)
    box.start()
    wait_for(lambda: counted(box) == [("fujian", 700, True)], "the policy was not recorded")
    box.program.stop()
    (box.state / "policy.kept").unlink()
    put(699)
    box.start()
    wait_for(lambda: len(counted(box)) > 1, "the policy that stands in was not recorded")
    assert counted(box)[1][2] is False
    put(700)
    wait_for(lambda: counted(box)[2:] == [("fujian", 700, True)], "the policy was not taken up again")
