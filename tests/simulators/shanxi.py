"""A provincial receiver as DB14/T 3290 is described in public: HTTPS, JSON, SM3 on both sides, a GUID per event.

The names of fields are made up for the test: the standard's are not public. Protocol fields are checked before the
business ones, as the standard says. SM3 comes from OpenSSL through `hashlib`; the secret follows the bytes.

Own faults: `wrong_signature` (of the answer), `signature_refused`, `duplicate`, `busy`, `refused`,
`accepted_then_failed`.
"""

import argparse
import hashlib
import json
import re
from typing import Any

from simulators.faulty_server import FaultySimulator, Request, Response, run

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Shanxi(FaultySimulator):
    """The receiver."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.secret = options.secret.encode()
        self.ids: set[str] = set()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.ids.clear()

    def answer(self, request: Request, fault: str) -> Response:
        """Take a message."""
        message = request.json
        if fault == "signature_refused" or request.headers.get("x-sign") != self._sm3(request.body):
            return self._said("E02", "签名", fault)
        if not _GUID.fullmatch(str(message.get("eventID", ""))) or not message.get("sender"):
            return self._said("E01", "协议字段", fault)
        data: dict[str, Any] = message.get("data") or {}
        if fault in {"refused", "accepted_then_failed"} or not data.get("lines"):
            return self._said("E10", "业务数据", fault)
        if fault == "busy":
            return self._said("E90", "繁忙", fault)
        if message["eventID"] in self.ids or fault == "duplicate":
            return self._said("E20", "已存在", fault)
        self.ids.add(message["eventID"])
        self.taken(message)
        return self._said("0", "", fault)

    def _said(self, code: str, text: str, fault: str) -> Response:
        body = json.dumps({"code": code, "msg": text}, ensure_ascii=False).encode()
        value = "0" * 64 if fault == "wrong_signature" else self._sm3(body)
        return Response(200, body, {"Content-Type": "application/json", "X-Sign": value})

    def _sm3(self, body: bytes) -> str:
        return hashlib.new("sm3", body + self.secret).hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--secret", required=True)
    run(Shanxi, parser)
