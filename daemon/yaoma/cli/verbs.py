"""Verbs: the commands of `yaoma`, in the order of its help."""

from typing import ClassVar

from yaoma_link.verb_group import Verb, VerbGroup

__all__ = ["Verbs"]


class Verbs(VerbGroup):
    """The verbs of the box: the daemon is one of them, and starts without the others."""

    VERBS: ClassVar = {
        "run": Verb(
            "yaoma.cli.run", "run", "Run the box: read scanners, judge, keep, show, deliver. Ends on SIGTERM or Ctrl-C."
        ),
        "status": Verb(
            "yaoma.cli.status",
            "status",
            "Ask the running daemon how it does: journal, uplink, scanners, stations, list, today's counts.",
        ),
        "scan": Verb(
            "yaoma.cli.scan",
            "scan",
            "Judge one code and explain the verdict. Nothing is recorded, and no daemon is needed.",
        ),
        "watch": Verb(
            "yaoma.cli.watch",
            "watch",
            "Print each scan as one line of JSON once it is kept; HIS or ERP needs no scanner of its own.",
        ),
        "doctor": Verb(
            "yaoma.cli.doctor",
            "doctor",
            "Check configuration, disk, keys, clock, scanners, broker, delivery, list and journal; "
            "say what to do first.",
        ),
        "ticket": Verb("yaoma.cli.ticket", "app", "Open, fill, close or cancel the ticket of a station."),
        "stock": Verb("yaoma.cli.stock", "app", "Goods that carry no trace code: what came, went and is left."),
        "duty": Verb("yaoma.cli.duty", "app", "What the site has to see to, the most urgent first."),
        "problem": Verb(
            "yaoma.cli.problem",
            "problem",
            "Report a problem; it is recorded, delivered to the centre, and stands in the reports.",
        ),
        "report": Verb(
            "yaoma.cli.site_report",
            "report",
            "Write a report: rates with their formula, the daily sheet, a recall, evidence, lists, an inspection pack.",
        ),
        "scanners": Verb(
            "yaoma.cli.scanners", "app", "Scanners: what is plugged in, pair a new one, test, watch, calibrate."
        ),
        "indicators": Verb(
            "yaoma.cli.indicators", "app", "Lamps, buzzers and loudspeakers, while the daemon does not run."
        ),
        "config": Verb("yaoma.cli.config", "app", "Make a configuration, check it, show what it amounts to."),
        "policy": Verb(
            "yaoma.cli.policy", "app", "Which rules count here and why; check a file of rules; explain a reason."
        ),
        "list": Verb("yaoma.cli.list", "app", "What the box may accept: the signed list."),
        "update": Verb(
            "yaoma.cli.update",
            "update",
            "Fetch the newest list that the centre has signed; what is forged, older or expired changes nothing.",
        ),
        "journal": Verb(
            "yaoma.cli.journal", "app", "Look at the journal, prove it, take it away. Works without the daemon."
        ),
        "person": Verb("yaoma.cli.person", "app", "Identities that the box holds sealed: how many, and erase them."),
        "keys": Verb("yaoma.cli.keys", "app", "The box's own keys: made on the box, never leaving it."),
        "enroll": Verb(
            "yaoma.cli.enroll", "app", "Join a centre: keys are made here, only a request and a public key leave."
        ),
    }
