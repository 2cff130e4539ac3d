"""A vendor's system that takes signed CloudEvents, for tests; it drops repeats by their id and counts every delivery.

Own faults: `wrong_signature`, `refused`.
"""

import argparse
import base64
import hashlib
import hmac

from simulators.faulty_server import FaultySimulator, Request, Response, run

_NEEDED = ("specversion", "id", "source", "type", "time", "datacontenttype", "data")


class Webhook(FaultySimulator):
    """The vendor's system."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.secret = options.secret.encode()
        self.ids: set[str] = set()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.ids.clear()

    def answer(self, request: Request, fault: str) -> Response:
        """Take an event."""
        if not request.headers.get("content-type", "").startswith("application/cloudevents+json"):
            return Response.of(415, {"detail": "content type"})
        signed = f"{request.headers.get('webhook-id', '')}.{request.headers.get('webhook-timestamp', '')}.".encode()
        mac = hmac.new(self.secret, signed + request.body, hashlib.sha256).digest()
        given = request.headers.get("webhook-signature", "").split()
        if fault == "wrong_signature" or f"v1,{base64.b64encode(mac).decode()}" not in given:
            return Response.of(401, {"detail": "signature"})
        event = request.json
        missing = [name for name in _NEEDED if name not in event]
        if fault == "refused" or missing or event["specversion"] != "1.0":
            return Response.of(422, {"detail": f"unknown bill 110105194912310026 {missing}"})
        if event["id"] != request.headers["webhook-id"]:
            return Response.of(422, {"detail": "id"})
        is_new = event["id"] not in self.ids
        self.ids.add(event["id"])
        if is_new:
            self.taken(event)
        return Response.of(200 if is_new else 208, {})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--secret", required=True)
    run(Webhook, parser)
