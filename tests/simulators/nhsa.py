"""An insurance platform (两定接口) that follows the published rules, for tests: envelope, 9001, 3501-3507, 3512, 3513.

What public material does not say is decided here openly: rows with a `fixmedins_bchno` that was there before are taken
again (so a double upload shows), queries answer in `output.data`, and codes of errors are small negative numbers.

Own faults: `session_lost`, `busy`, `wrong_signature`, `duplicate`, `sold_elsewhere`, `refused`, `refuse_row` (of a
batch, the first), `no_result`.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from simulators.faulty_server import FaultySimulator, Request, Response, run

_CHINA = timezone(timedelta(hours=8))

#: Name, longest, whether needed.
_ENVELOPE = [
    ("infno", 5, True),
    ("msgid", 30, True),
    ("mdtrtarea_admvs", 6, True),
    ("insuplc_admdvs", 6, False),
    ("recer_sys_code", 10, True),
    ("dev_no", 100, False),
    ("cainfo", 1024, False),
    ("signtype", 10, False),
    ("infver", 6, True),
    ("opter_type", 3, True),
    ("opter", 30, True),
    ("opter_name", 50, True),
    ("inf_time", 19, True),
    ("fixmedins_code", 12, True),
    ("fixmedins_name", 200, True),
    ("sign_no", 30, False),
]
_DRUG = "med_list_codg:50 fixmedins_hilist_id:30 fixmedins_hilist_name:200 fixmedins_bchno:30 rx_flag:3"
#: Per transaction: node, batch node, needed fields with their lengths.
_PURCHASE = "purc_retn_cnt:17 purc_retn_stoin_time:19 purc_retn_opter_name:50 manu_date:10 expy_end:10 spler_name:200"
_SALE = "manu_lotnum:30 manu_date:10 trdn_flag:3 sel_retn_cnt:17 sel_retn_time:19 sel_retn_opter_name:50 mdtrt_sn:30"
_TABLES: dict[str, tuple[str, str, str]] = {
    "3501": ("invinfo", "invinfoDetail", f"{_DRUG} invdate:10 inv_cnt:17 manu_date:10 expy_end:10"),
    "3502": ("invinfo", "invinfoDetail", f"{_DRUG} inv_chg_type:6 pric:17 cnt:17 inv_chg_time:19 trdn_flag:2"),
    "3503": ("purcinfo", "purcinfoDetail", f"{_DRUG} {_PURCHASE} manu_lotnum:30 prdr_name:200 aprvno:100"),
    "3504": ("purcinfo", "purcinfoDetail", f"{_DRUG} {_PURCHASE} purc_invo_no:50"),
    "3505": (
        "selinfo",
        "selinfoDetail",
        f"{_DRUG} {_SALE} prsc_dr_name:50 phar_name:50 phar_prac_cert_no:50 rtal_docno:40",
    ),
    "3506": ("selinfo", "selinfoDetail", f"{_DRUG} {_SALE}"),
}
_MSGID = re.compile(r"[0-9A-Z]{12}[0-9]{14}[0-9]{4}")
_OWN = {
    "session_lost": "该操作员未签到",
    "busy": "系统繁忙，请稍后再试",
    "wrong_signature": "验签失败",
    "duplicate": "该批次流水号已存在",
    "sold_elsewhere": "追溯码已销售，身份证110105194912310026",
    "refused": "目录编码不存在",
}


class Nhsa(FaultySimulator):
    """The platform."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options
        self.signed_in: dict[str, str] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.msgids: set[str] = set()

    def reset(self) -> None:
        """Forget everything but who has signed in."""
        super().reset()
        self.rows.clear()

    def answer(self, request: Request, fault: str) -> Response:
        """Answer a call."""
        envelope = request.json
        problem = self._envelope_problem(envelope) or self._signature_problem(request, envelope)
        if problem:
            return _said("-1", problem)
        if envelope["infno"] == "9001":
            return self._sign_in(envelope)
        if not self.options.no_sign_in and envelope.get("sign_no") != self.signed_in.get(envelope["fixmedins_code"]):
            return _said("-2", _OWN["session_lost"])
        if fault == "session_lost":
            self.signed_in.clear()
        return _said("-3", _OWN[fault]) if fault in _OWN else self._transaction(envelope, fault)

    def _transaction(self, envelope: dict[str, Any], fault: str) -> Response:
        given = envelope["input"]
        content = json.loads(given) if isinstance(given, str) else given
        if envelope["infno"] in {"3512", "3513"}:
            return self._query(content["data"])
        if envelope["infno"] in {"3507", "3507A"}:
            return self._delete(content)
        return self._rows(envelope["infno"], content, fault)

    def _envelope_problem(self, envelope: dict[str, Any]) -> str:
        for name, longest, needed in _ENVELOPE:
            text = envelope.get(name, "")
            if not isinstance(text, str) or len(text) > longest or (needed and not text):
                return f"报文头 {name}"
        if not _MSGID.fullmatch(envelope["msgid"]) or envelope["msgid"][:12] != envelope["fixmedins_code"].ljust(
            12, "0"
        ):
            return "报文头 msgid"
        if envelope["msgid"] in self.msgids:
            return "msgid 重复"
        self.msgids.add(envelope["msgid"])
        given = envelope.get("input")
        if self.options.text_input != isinstance(given, str):
            return "input 格式"
        if (
            len(given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, separators=(",", ":")))
            > 40000
        ):
            return "input 超长"
        return ""

    def _signature_problem(self, request: Request, envelope: dict[str, Any]) -> str:
        headers = request.headers
        match self.options.signing:
            case "csb":
                names = ("_api_access_key", "_api_name", "_api_timestamp", "_api_version")
                text = "&".join(f"{name}={headers.get(name, '')}" for name in names)
                mac = hmac.new(self.options.secret.encode(), text.encode(), "sha1").digest()
                is_good = base64.b64encode(mac).decode() == headers.get("_api_signature")
            case "tif":
                time_s = headers.get("x-tif-timestamp", "")
                text = f"{time_s}{self.options.secret}{headers.get('x-tif-nonce', '')}{time_s}"
                is_good = hashlib.sha256(text.encode()).hexdigest() == headers.get("x-tif-signature")
            case "sm2":
                is_good = _sm2_verifies(self.options.sm2_public, envelope)
            case _:
                is_good = True
        return "" if is_good else _OWN["wrong_signature"]

    def _sign_in(self, envelope: dict[str, Any]) -> Response:
        given = envelope["input"]
        content = json.loads(given) if isinstance(given, str) else given
        asked = content.get("signIn", {})
        if not all(asked.get(name) for name in ("opter_no", "mac", "ip")):
            return _said("-4", "signIn")
        number = f"S{len(self.msgids):09d}"
        self.signed_in[envelope["fixmedins_code"]] = number
        return _good({"signinoutb": {"sign_time": "2026-11-22 08:00:00", "sign_no": number}})

    def _rows(self, infno: str, content: dict[str, Any], fault: str) -> Response:
        base = infno.removesuffix("A")
        if base not in _TABLES:
            return _said("-5", "无此交易")
        node, batch_node, needed = _TABLES[base]
        given = content.get(batch_node if infno.endswith("A") else node)
        rows = given if isinstance(given, list) else [given] if isinstance(given, dict) else []
        if not rows:
            return _said("-6", "节点缺失")
        if fault == "no_result":
            return _good({})
        if fault == "accepted_then_failed":
            return _good({"result": {"retRslt": "0", "msgRslt": "业务处理失败"}})
        errors: list[dict[str, str]] = []
        for number, row in enumerate(rows):
            problem = _row_problem(row, needed)
            if problem or (fault == "refuse_row" and number == 0):
                errors.append(
                    {
                        "fixmedins_bchno": row.get("fixmedins_bchno", ""),
                        "retRslt": "0",
                        "msgRslt": problem or "追溯码错误",
                    }
                )
                continue
            codes = [one["drug_trac_codg"] for one in row.get("drugtracinfo", [])]
            self.rows[row["fixmedins_bchno"]] = {"infno": base, "row": row, "codes": codes}
            self.taken({"infno": infno, "number": row["fixmedins_bchno"], "codes": codes, "row": row})
        if not infno.endswith("A"):
            said = errors[0]["msgRslt"] if errors else "受理成功"
            return _good({"result": {"retRslt": "0" if errors else "1", "msgRslt": said}})
        error_node = batch_node.replace("Detail", "ErrDetail")
        return _good({"result": {"retRslt": "1", "msgRslt": ""}, **({error_node: errors} if errors else {})})

    def _query(self, data: dict[str, Any]) -> Response:
        row = self.rows.get(data.get("fixmedins_bchno", ""))
        codes = row["codes"] if row else []
        number = data.get("fixmedins_bchno", "")
        return _good({"data": [{"fixmedins_bchno": number, "drug_trac_codg": code} for code in codes]})

    def _delete(self, content: dict[str, Any]) -> Response:
        kinds = {"3501": "1", "3502": "2", "3503": "3", "3504": "3", "3505": "4", "3506": "4"}
        for one in content.get("goodDetail") or [content["data"]]:
            row = self.rows.get(one["fixmedins_bchno"])
            if row is None or kinds[row["infno"]] != one["inv_data_type"]:
                return _good({"result": {"retRslt": "0", "msgRslt": "未找到数据"}})
            del self.rows[one["fixmedins_bchno"]]
            self.taken({"infno": "3507", "number": one["fixmedins_bchno"], "codes": [], "row": one})
        return _good({"result": {"retRslt": "1", "msgRslt": ""}})


def _row_problem(row: dict[str, Any], needed: str) -> str:
    for entry in needed.split():
        name, _, longest = entry.partition(":")
        text = row.get(name, "")
        if not isinstance(text, str) or not text or len(text) > int(longest):
            return f"必填缺失: {name}"
    codes = row.get("drugtracinfo", [])
    if not isinstance(codes, list) or not all(1 <= len(one.get("drug_trac_codg", "")) <= 100 for one in codes):
        return "drugtracinfo"
    if row.get("mdtrt_setl_type") == "1" and not row.get("setl_id"):
        return "医保结算时 setl_id 必填"
    return ""


def _sm2_verifies(public: Path, envelope: dict[str, Any]) -> bool:
    """Verify with OpenSSL's own program."""
    text = "&".join(f"{name}={envelope[name]}" for name in sorted(envelope) if name not in {"cainfo", "input"})
    raw = bytes.fromhex(envelope.get("cainfo") or "00")
    if len(raw) != 64:
        return False
    numbers = [b"\x02" + bytes([len(n)]) + n for n in (_signed(raw[:32]), _signed(raw[32:]))]
    der = b"\x30" + bytes([sum(map(len, numbers))]) + b"".join(numbers)
    with tempfile.NamedTemporaryFile() as signature:
        signature.write(der)
        signature.flush()
        done = subprocess.run(
            ["openssl", "dgst", "-sm3", "-verify", str(public), "-signature", signature.name, "-sigopt",
             "distid:1234567812345678"],
            input=text.encode(),
            capture_output=True,
            check=False,
        )  # fmt: skip
    return done.returncode == 0


def _signed(number: bytes) -> bytes:
    bare = number.lstrip(b"\0") or b"\0"
    return b"\0" + bare if bare[0] & 0x80 else bare


def _good(output: dict[str, Any]) -> Response:
    return _answer("0", "", output)


def _said(code: str, text: str) -> Response:
    return _answer(code, text, None)


def _answer(code: str, text: str, output: dict[str, Any] | None) -> Response:
    now = datetime.now(_CHINA).strftime("%Y%m%d%H%M%S000")
    return Response.of(
        200,
        {
            "infcode": code,
            "inf_refmsgid": f"140000{now[:14]}0000000001",
            "refmsg_time": now,
            "respond_time": now,
            "err_msg": text,
            "output": output,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--signing", default="plain")
    parser.add_argument("--secret", default="")
    parser.add_argument("--sm2-public", type=Path)
    parser.add_argument("--text-input", action="store_true")
    parser.add_argument("--no-sign-in", action="store_true")
    run(Nhsa, parser)
