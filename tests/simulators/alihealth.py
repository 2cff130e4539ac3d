"""码上放心 as DOMAIN.md 3 describes it, for tests: signature, uploads, two-level results, processing, queries.

What public material does not say is decided here openly: a bill fails as a whole, `process_info` names the code at
fault, a bill is processed after `--polls` status queries. The control port also takes `{"data": {...}}`: `codes` (what
is wrong with a code), `companies` (name to ids), `despatches` (bill to its detail), `despatch_of` (code to bill),
`details` (code to what `codedetail` says) and `inside` (code to its container).

Own faults: `app_call_limited`, `session_lost`, `wrong_signature`, `remote_error`, `duplicate` (taken, and answered as
if it had been there), `inner_fail`, `sold`, `accepted_then_failed`, `not_listed`.
"""

import argparse
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl

from simulators.faulty_server import FaultySimulator, Request, Response, run

_PREFIX = "alibaba.alihealth.drugtrace.top."
_MOST_CODES = 3500
_PERSON = {"321", "322", "323", "116"}
_BILL_TYPES = {
    "lsyd": {
        "uploadretail": {"321", "322", "116"},
        "uploadinoutbill": {
            *("102", "103", "104", "107", "108", "110", "111", "112", "113", "201", "202", "203", "204", "205", "206"),
            *("207", "209", "211", "212", "214", "215", "216", "217", "237"),
        },
    },
    "yljg": {
        "uploadretail": {"323", "322", "116"},
        "uploadinoutbill": {"102", "103", "107", "202", "205", "206", "209"},
    },
}
_NEEDED = {
    "uploadretail": ["trace_codes", "bill_code", "bill_time", "bill_type", "physic_type", "ref_user_id"],
    "uploadinoutbill": [
        *("trace_codes", "bill_code", "bill_time", "bill_type", "physic_type", "ref_user_id"),
        *("from_user_id", "to_user_id", "client_type"),
    ],
}
_WRONG = {"not_activated": "追溯码{}未激活", "check_digits": "追溯码{}未通过码制校验", "cancelled": "追溯码{}已注销"}
_GATEWAY = {
    "app_call_limited": {"code": 7, "msg": "App Call Limited", "sub_code": "accesscontrol.limited-by-app-access-count"},
    "session_lost": {"code": 27, "msg": "Invalid Session", "sub_code": "invalid-sessionkey"},
    "wrong_signature": {"code": 25, "msg": "Invalid Signature"},
    "remote_error": {"code": 15, "msg": "Remote service error", "sub_code": "isp.remote-service-timeout"},
}


class Alihealth(FaultySimulator):
    """The platform behind its gateway."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options
        self.bills: dict[str, dict[str, Any]] = {}
        self.sold: set[str] = set()
        self.data: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.bills.clear()
        self.sold.clear()
        self.data.clear()
        self.calls.clear()

    def control(self, request: Request) -> Response:
        """Serve the control port: `data` and `GET /calls` besides."""
        if request.path == "/calls":
            with self.lock:
                return Response.of(200, {"calls": self.calls})
        data = request.json.get("data")
        if data is None:
            return super().control(request)
        with self.lock:
            for name, entries in data.items():
                self.data.setdefault(name, {}).update(entries)
        return Response.of(200, {})

    def answer(self, request: Request, fault: str) -> Response:
        """Answer a call."""
        fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        method = fields.get("method", "")
        self.calls.append(method.removeprefix(_PREFIX))
        if fault in _GATEWAY:
            return Response.of(200, {"error_response": {**_GATEWAY[fault], "request_id": "r1"}})
        if not self._is_signed(fields):
            return Response.of(200, {"error_response": _GATEWAY["wrong_signature"]})
        if not method.startswith(_PREFIX):
            return Response.of(200, {"error_response": {"code": 22, "msg": "Invalid Method"}})
        family, _, name = method.removeprefix(_PREFIX).partition(".")
        serve = {
            "query.billstatus": self._status,
            "query.getentinfo": self._company,
            "query.codedetail": self._codes,
            "query.relation": self._relation,
            "query.upbillcode": self._despatch_of,
            "listupout.detail": self._despatch,
            "listupout": self._despatches,
        }.get(name)
        if name in _NEEDED:
            result = self._upload(family, name, fields, fault)
        elif serve is not None:
            result = serve(fields) if fault != "not_listed" else _good({"total_num": 0, "result_list": {}})
        else:
            return Response.of(200, {"error_response": {"code": 22, "msg": "Invalid Method"}})
        wrapper = f"{method.replace('.', '_')}_response"
        return Response.of(200, {wrapper: {"result": result, "request_id": "r1"}})

    def _is_signed(self, fields: dict[str, str]) -> bool:
        given = fields.pop("sign", "")
        secret = self.options.secret.encode()
        text = b"".join((name + fields[name]).encode() for name in sorted(fields))
        made = {
            "md5": lambda: hashlib.md5(secret + text + secret).hexdigest(),
            "hmac": lambda: hmac.new(secret, text, "md5").hexdigest(),
            "hmac-sha256": lambda: hmac.new(secret, text, "sha256").hexdigest(),
        }.get(fields.get("sign_method", ""))
        return made is not None and made().upper() == given

    def _upload(self, family: str, name: str, fields: dict[str, str], fault: str) -> dict[str, Any]:
        codes = [code for code in fields.get("trace_codes", "").split(",") if code]
        problem = self._problem(family, name, fields, codes)
        if problem:
            return _failed("FAIL", problem)
        number = fields["bill_code"]
        if number in self.bills:
            return _failed("BILL_FILE_NAME_DUPLICATE_UPLOAD", "该单据号已存在")
        if fault == "sold":
            return _failed("ALI_HEALTH_ALREADY_SALE_ECODE", f"存在已出售的码:{codes[0]}")
        if fault == "inner_fail":
            return {**_good({"msg_code": "FAIL", "msg_info": "单据解析失败"}), "msg_code": "SUCCESS"}
        self.bills[number] = {"fields": fields, "codes": codes, "polls": 0, "fails": fault == "accepted_then_failed"}
        self.taken({"method": name, "number": number, "type": fields["bill_type"], "codes": codes, "fields": fields})
        if fault == "duplicate":
            return _failed("BILL_FILE_NAME_DUPLICATE_UPLOAD", "该单据号已存在")
        return _good({})

    def _problem(self, family: str, name: str, fields: dict[str, str], codes: list[str]) -> str:
        lacking = [one for one in _NEEDED[name] if not fields.get(one)]
        if lacking:
            return f"缺少参数 {lacking[0]}"
        inside = self.data.get("inside", {})
        rules = (
            (fields["bill_type"] in _BILL_TYPES.get(family, {}).get(name, set()), "单据类型不正确"),
            (0 < len(codes) <= _MOST_CODES, "追溯码数量不正确"),
            (len(set(codes)) == len(codes), "单据中存在重复的码"),
            (all(len(code) == 20 and code.isdigit() and code[0] == "8" for code in codes), "追溯码格式不正确"),
            (not any(inside.get(code) in codes for code in codes), "单据中同时存在父码和子码"),
        )
        return next((said for is_kept, said in rules if not is_kept), "")

    def _status(self, fields: dict[str, str]) -> dict[str, Any]:
        bill = self.bills.get(fields.get("bill_code", ""))
        if bill is None:
            return _good({"total_num": 0, "result_list": {}})
        bill["polls"] += 1
        state, said = "0", ""
        if bill["polls"] >= self.options.polls:
            state, said = self._processed(bill)
        row = {"bill_code": fields["bill_code"], "result_type": state, "process_info": said}
        return _good({"total_num": 1, "result_list": {"bill_deal_status_search_do": [row]}})

    def _processed(self, bill: dict[str, Any]) -> tuple[str, str]:
        if "result" in bill:
            state, said = bill["result"]
            return state, said
        wrong = self.data.get("codes", {})
        said = next((_WRONG[wrong[code]].format(code) for code in bill["codes"] if wrong.get(code) in _WRONG), "")
        is_sale = bill["fields"]["bill_type"] in _PERSON - {"116"}
        sold = [code for code in bill["codes"] if code in self.sold or wrong.get(code) == "sold"] if is_sale else []
        if sold:
            said = f"存在已出售的码:{','.join(sold)}"
        if bill["fails"]:
            said = "系统处理失败"
        if not said:
            self.sold.update(bill["codes"] if is_sale else ())
            if not is_sale:
                self.sold.difference_update(bill["codes"])
        result = ("4", said) if said else ("3", "")
        bill["result"] = result
        return result

    def _company(self, fields: dict[str, str]) -> dict[str, Any]:
        found = self.data.get("companies", {}).get(fields.get("ent_name", ""))
        return _good(found) if found else _failed("FAIL_BIZ_NO_PAT_INFO", "信息不存在")

    def _codes(self, fields: dict[str, str]) -> dict[str, Any]:
        known = self.data.get("details", {})
        found = [known[code] for code in fields.get("codes", "").split(",") if code in known]
        return {**_good({}), "model_list": {"code_full_info_dto": found}}

    def _relation(self, fields: dict[str, str]) -> dict[str, Any]:
        code = fields.get("code", "")
        children = [child for child, parent in self.data.get("inside", {}).items() if parent == code]
        rows = [{"code": child, "parent_code": code, "code_pack_level": "1"} for child in children]
        return {**_good({}), "model_list": {"code_relation_dto": [{"code": code, "code_relation_list": rows}]}}

    def _despatch_of(self, fields: dict[str, str]) -> dict[str, Any]:
        found = self.data.get("despatch_of", {}).get(fields.get("code", ""))
        rows = [found] if found else []
        return {"success": True, "msg_code": "SUCCESS", "model_list": {"bill_upstream_dto": rows}}

    def _despatches(self, fields: dict[str, str]) -> dict[str, Any]:
        known = self.data.get("despatches", {})
        rows = [{"bill_code": bill, "from_ref_user_id": one["ent_send_id"]} for bill, one in known.items()]
        return _good({"total_num": len(rows), "result_list": {"bill_up_out_dto": rows}})

    def _despatch(self, fields: dict[str, str]) -> dict[str, Any]:
        found = self.data.get("despatches", {}).get(fields.get("bill_code", ""))
        return _good(found) if found else _failed("FAIL_BIZ_NO_PAT_INFO", "信息不存在")


def _good(model: dict[str, Any]) -> dict[str, Any]:
    return {"response_success": True, "msg_code": "SUCCESS", "msg_info": "调用成功", "model": model}


def _failed(code: str, sentence: str) -> dict[str, Any]:
    return {"response_success": False, "msg_code": code, "msg_info": sentence}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--secret", default="helloworld")
    parser.add_argument("--polls", type=int, default=1)
    run(Alihealth, parser)
