"""Answers of the insurance platform: two levels of success, row by row, and everything that is no answer at all."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.bills import NOON_MS, ROOT
from yaoma.core.canonical import Json
from yaoma_bridge.nhsa import gateway
from yaoma_bridge.nhsa.gateway import CallFailedError, MsgIds, Reply
from yaoma_bridge.nhsa.institution import NhsaSite
from yaoma_bridge.nhsa.profile import read_profile
from yaoma_bridge.nhsa.rows import Row
from yaoma_bridge.nhsa.verdicts import RowFates, arrived, sent
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_bridge.said import shown_sentence
from yaoma_bridge.web_call import UnreadableError, WebReply

NATIONAL = read_profile(ROOT / "config/nhsa/national.toml")
SELL, WORDS = NATIONAL.transaction["sell"], NATIONAL.answers
ROWS = [Row("N1", (0,), ("cn20:1", "cn20:2"), "2"), Row("N2", (1,), ("cn20:3",), "1")]


def _reply(output: dict[str, Json] | None = None, code: str = "0", text: str = "") -> Reply:
    return Reply(code, text, output or {}, output)


def _sent(reply: Reply) -> Answer:
    return sent(reply, SELL, ROWS, RowFates({}), WORDS)


def _read(body: bytes, status: int = 200) -> Reply:
    return gateway._read(WebReply(status, {}, body))


def test_answer_when_both_levels_are_good_then_all_is_accepted() -> None:
    """An infcode of 0 and a retRslt of 1 mean processed (DOMAIN.md 2.3)."""
    answer = _sent(_reply({"result": {"retRslt": "1", "msgRslt": ""}}))
    assert (AnswerState.ACCEPTED, {}) == (answer.state, answer.codes)


def test_answer_when_only_the_first_level_is_good_then_it_is_unknown() -> None:
    """An infcode of 0 alone is not success: without a result nobody knows."""
    answer = _sent(_reply({}))
    assert (AnswerState.UNKNOWN, "answer_incomplete") == (answer.state, answer.reason)


def test_answer_when_the_second_level_is_bad_then_it_is_refused() -> None:
    """A business refusal comes with infcode 0 and retRslt 0."""
    answer = _sent(_reply({"result": {"retRslt": "0", "msgRslt": "目录编码不存在"}}))
    assert (AnswerState.REFUSED, "insurance_refused", "目录编码不存在") == (answer.state, answer.reason, answer.said)


def test_answer_when_one_row_of_a_batch_failed_then_its_codes_alone_are_refused() -> None:
    """The lists of errors of the A variants name rows; the others counted."""
    failed: Json = [{"fixmedins_bchno": "N1", "retRslt": "0", "msgRslt": "该追溯码已销售"}]
    answer = _sent(_reply({"result": {"retRslt": "1"}, "selinfoErrDetail": failed}))
    assert AnswerState.ACCEPTED is answer.state
    assert {
        "cn20:1": (AnswerState.REFUSED, "sold_elsewhere"),
        "cn20:2": (AnswerState.REFUSED, "sold_elsewhere"),
        "cn20:3": (AnswerState.ACCEPTED, ""),
    } == answer.codes


def test_answer_when_a_bad_batch_lists_some_rows_then_the_others_are_unknown_and_asked_for() -> None:
    """Whether a batch that failed as a whole kept its good rows is not public, so it is asked."""
    failed: Json = [{"fixmedins_bchno": "N1", "retRslt": "0", "msgRslt": ""}]
    answer = _sent(_reply({"result": {"retRslt": "0"}, "selinfoErrDetail": failed}))
    assert AnswerState.UNKNOWN is answer.state
    fates = RowFates(answer.facts)
    assert [ROWS[1]] == fates.open_rows(ROWS)
    assert {"cn20:1", "cn20:2"} == answer.codes.keys()


@pytest.mark.parametrize(
    ("text", "state", "reason"),
    [
        ("该操作员未签到", AnswerState.WAITING, "sign_in_lost"),
        ("系统繁忙", AnswerState.WAITING, "rate_limited"),
        ("验签失败", AnswerState.HELD, "credentials"),
        ("批次流水号已存在", AnswerState.UNKNOWN, "maybe_there"),
        ("追溯码已销售", AnswerState.REFUSED, "sold_elsewhere"),
        ("anything else", AnswerState.REFUSED, "insurance_refused"),
    ],
)
def test_answer_when_the_first_level_is_bad_then_its_sentence_decides_by_the_provinces_words(
    text: str, state: AnswerState, reason: str
) -> None:
    """No list of infcode is public, so pieces of sentences are data."""
    answer = _sent(_reply(None, "-1", text))
    assert (state, reason) == (answer.state, answer.reason)


def test_sentence_when_it_quotes_an_identity_or_a_code_then_it_is_masked() -> None:
    """A platform may repeat what it was sent; what is kept of its sentence has no long number and is short."""
    said = shown_sentence("身份证110105194912310026的码83003850000000131888已销售\x00" + "长" * 500)
    assert not re.search(r"[0-9]{7}", said)
    assert (200, True) == (len(said), said.isprintable())


def test_query_when_all_codes_of_the_row_are_in_it_then_the_row_is_there() -> None:
    """The output tables of 3512 and 3513 are not public: codes are looked for wherever they stand."""
    output: dict[str, Json] = {"anything": [{"deep": {"drug_trac_codg": "1"}}, {"drug_trac_codg": "2"}]}
    assert arrived(_reply(output), ROWS[0], ["1", "2"]) is True
    assert arrived(_reply({"data": []}), ROWS[0], ["1", "2"]) is False
    assert arrived(_reply({"data": [{"x": "1"}]}), ROWS[0], ["1", "2"]) is None
    assert arrived(_reply({"data": [{"fixmedins_bchno": "N1"}]}), ROWS[0], ["1", "2"]) is None
    assert arrived(_reply(None, "-1"), ROWS[0], ["1"]) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "answer_empty"),
        (b"<html>login</html>", "answer_html"),
        (b"{", "answer_unreadable"),
        (b"[1]", "answer_unreadable"),
        (b"{}", "answer_incomplete"),
        (b'{"infcode": true}', "answer_incomplete"),
        (b'{"infcode": 0, "output": "<html>"}', "answer_html"),
        (b"[" * 100_000, "answer_unreadable"),
        (b"\xff\xfe\xfa", "answer_unreadable"),
    ],
)
def test_answer_when_it_is_none_then_it_has_a_reason(body: bytes, reason: str) -> None:
    """What can't be read leaves the parcel unknown, with a reason that an operator may read."""
    with pytest.raises(UnreadableError) as caught:
        _read(body)
    assert reason == caught.value.reason


def test_answer_when_it_comes_in_gbk_and_output_is_a_text_then_it_is_read() -> None:
    """Some gateways write GBK against their own header, and `output` as a text of JSON."""
    body = {"infcode": 0, "err_msg": "成功", "output": '{"result": {"retRslt": "1"}}'}
    reply = _read(json.dumps(body, ensure_ascii=False).encode("gbk"))
    assert (True, "成功", {"result": {"retRslt": "1"}}) == (reply.is_taken, reply.text, reply.output)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_NODES = st.sampled_from(["result", "selinfoErrDetail", "retRslt", "fixmedins_bchno", "data"])


@given(
    st.binary(max_size=300)
    | st.builds(
        lambda code, text, output: json.dumps({"infcode": code, "err_msg": text, "output": output}).encode(),
        _JSON,
        _JSON,
        st.dictionaries(_NODES, _JSON, max_size=4) | _JSON,
    ),
    st.integers(200, 599),
)
def test_answer_when_anything_comes_then_it_is_read_or_has_a_reason_and_is_never_taken_for_success(
    body: bytes, status: int
) -> None:
    """No bytes break the reader; only infcode 0 with retRslt 1 makes a row count."""
    try:
        reply = _read(body, status)
    except (UnreadableError, CallFailedError):
        return
    answer = _sent(reply)
    arrived(reply, ROWS[0], ["1"])
    assert answer.state in AnswerState
    result = reply.output.get("result")
    is_good = isinstance(result, dict) and str(result.get("retRslt")) == "1"
    listed = reply.output.get("selinfoErrDetail")
    if answer.state is AnswerState.ACCEPTED and not isinstance(listed, list):
        assert reply.is_taken
        assert is_good


def test_msgid_when_ten_thousand_are_made_in_a_second_then_they_differ_and_have_the_published_form() -> None:
    """A msgid is institution (12), yyyyMMddHHmmss, four digits; the next second is taken when a second is full."""
    ids = MsgIds()
    made = [ids.make("H1400", NOON_MS) for _ in range(10_001)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"H14000000000[0-9]{18}", one) for one in made)
    assert ("20261122120000", "20261122120001") == (made[0][12:26], made[-1][12:26])
    assert ids.make("H1400", NOON_MS - 60_000) not in made, "a clock set backwards makes no id twice"


class _Wire:
    """Keeps what is sent, and answers that it was taken."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def post(self, url: str, body: bytes, headers: object) -> WebReply:
        """Keep a request."""
        self.bodies.append(body)
        return WebReply(200, {}, b'{"infcode": "0", "output": {"result": {"retRslt": "1"}}}')


@given(
    st.builds(
        dict,
        code=st.text(max_size=14),
        receiver=st.text(max_size=12),
        opter=st.text(max_size=22),
        opter_name=st.text(max_size=55),
        dev_no=st.text(max_size=110),
        name=st.text(max_size=210),
    )
)
def test_envelope_when_a_site_is_described_in_any_words_then_it_fits_or_nothing_is_sent(words: dict[str, str]) -> None:
    """Whatever stands in a site's file, no field leaves that is longer than the published table says."""
    try:
        site = NhsaSite.model_validate({"area": "140400", **words})
    except ValueError:
        return
    wire = _Wire()
    national = NATIONAL.model_copy(update={"gateway": NATIONAL.gateway.model_copy(update={"sign_in": False})})
    calls = gateway.NhsaGateway(
        site=site,
        url="https://gateway.example",
        profile=national,
        signings=(),
        caller=wire,  # type: ignore[arg-type]  # what the gateway needs of it
        msg_ids=MsgIds(),
    )
    failures = []
    try:
        calls.call("3505", {"selinfo": {}}, NOON_MS)
    except CallFailedError as failed:
        failures.append(failed.answer.state)
    assert [AnswerState.HELD] * (1 - len(wire.bodies)) == failures
    if failures:
        return
    envelope = json.loads(wire.bodies[0])
    longest = {rule.name: rule.length for rule in national.gateway.envelope if rule.length}
    assert all(len(envelope[name]) <= length for name, length in longest.items() if name in envelope)
    assert re.fullmatch(r"[0-9A-Za-z]{12}[0-9]{18}", envelope["msgid"])
