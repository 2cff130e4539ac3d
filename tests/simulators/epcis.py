"""An EPCIS 2.0 repository's capture interface, for tests: jobs, events by id, and the errors of the standard.

It checks what the standard's text says of a document without the published schema; that is for another test. Events
with an id that is there are taken again, so that a double capture shows.

Own faults: `accepted_then_failed` (the job fails), `duplicate` (409), `wrong_signature` (401), `refused` (400).
"""

import argparse
import re
from typing import Any
from urllib.parse import unquote

from simulators.faulty_server import FaultySimulator, Request, Response, run

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class Epcis(FaultySimulator):
    """The repository."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.token = options.token
        self.base = options.base
        self.jobs: dict[str, dict[str, Any]] = {}
        self.events: dict[str, dict[str, Any]] = {}

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.jobs.clear()
        self.events.clear()

    def answer(self, request: Request, fault: str) -> Response:
        """Answer a call."""
        if fault == "wrong_signature" or (
            self.token and request.headers.get("authorization") != f"Bearer {self.token}"
        ):
            return _problem(401, "Unauthorised")
        path = request.path.removeprefix(self.base)
        if request.method == "POST" and path == "/capture":
            return self._capture(request, fault)
        if path.startswith("/capture/"):
            job = self.jobs.get(path.removeprefix("/capture/"))
            return Response.of(200, job) if job else _problem(404, "No such job")
        if path.startswith("/events/"):
            event = self.events.get(unquote(path.removeprefix("/events/")))
            return Response.of(200, event) if event else _problem(404, "No such event")
        return _problem(404, "No such resource")

    def _capture(self, request: Request, fault: str) -> Response:
        document = request.json
        problem = _document_problem(request, document)
        if problem or fault == "refused":
            return _problem(400, problem or "Not valid")
        if fault == "duplicate":
            return _problem(409, "Exists")
        number = f"job{len(self.jobs) + 1}"
        if fault == "accepted_then_failed":
            errors = [{"type": "epcisException:ValidationException", "title": "Not valid", "detail": "epcList"}]
            self.jobs[number] = {"captureID": number, "running": False, "success": False, "errors": errors}
        else:
            self.jobs[number] = {"captureID": number, "running": False, "success": True, "errors": []}
            for event in document["epcisBody"]["eventList"]:
                self.events[event["eventID"]] = event
                self.taken(event)
        return Response(202, b"", {"Location": f"{self.base}/capture/{number}"})


def _document_problem(request: Request, document: dict[str, Any]) -> str:
    if request.headers.get("content-type") not in {"application/json", "application/ld+json"}:
        return "content type"
    if request.headers.get("gs1-epcis-version", "2.0.0") != "2.0.0":
        return "version"
    if document.get("type") != "EPCISDocument" or document.get("schemaVersion") != "2.0" or "@context" not in document:
        return "document"
    for event in document.get("epcisBody", {}).get("eventList", []):
        if event.get("type") != "ObjectEvent" or event.get("action") not in {"ADD", "OBSERVE", "DELETE"}:
            return "event"
        if not all(_URI.fullmatch(one) for one in [event.get("eventID", ""), *event.get("epcList", [""])]):
            return "URI"
    return ""


def _problem(status: int, title: str) -> Response:
    return Response.of(status, {"type": "epcisException:ValidationException", "title": title, "status": status})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--token", default="")
    parser.add_argument("--base", default="")
    run(Epcis, parser)
