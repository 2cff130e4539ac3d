"""Scenes with the platforms: what the bridge uploads, and what comes back to the counter."""

from typing import Any

from demo.goods import CAPSULE, code
from demo.stage import Stage
from fakes.county import wait_for

__all__ = ["insured_sale", "sold_elsewhere"]

_INSURED, _SOLD = code(CAPSULE, 11), code(CAPSULE, 12)


def insured_sale(stage: Stage) -> None:
    """Both platforms have it: the trace platform the pack, the insurance platform the sale."""
    stage.say("参保人购药：追溯平台和医保平台都要收到", "An insured person's sale goes to both platforms")
    more = {
        "payer": "insurance",
        "operator": "wang",
        "bill": "XS-1122-7",
        "facts": {
            "visit": "MZ1122007",
            "prescription": "CF1122007",
            "fee_settlement": "local",
            "settlement": "JS1122007",
        },
    }
    stage.ticket("dispense", _INSURED, more=more)
    wait_for(lambda: _told(stage, _INSURED) == {"accepted"}, "the platforms have not accepted the sale")
    stage.bridge("explain", _INSURED)
    if [_INSURED] not in [one["codes"] for one in stage.platforms.insurance.received()]:
        stage.faults.append("the insurance platform does not have the insured sale")


def sold_elsewhere(stage: Stage) -> None:
    """The trace platform knows of another sale; within seconds the counter hears of it."""
    stage.say("追溯平台说：这一码已在别处售出", "The trace platform says: this pack was sold elsewhere")
    stage.platforms.trace.fail("sold", only=_SOLD)
    stage.ticket("dispense", _SOLD)
    wait_for(lambda: _refused(stage), "the counter did not hear of the refusal")
    stage.yaoma("duty", "list")
    stage.bridge("explain", _SOLD)
    wait_for(lambda: _denied(stage), "the counter was not told to hold the pack")
    stage.say("再扫它：红灯", "Whoever scans it again sees red")
    stage.open("dispense")
    stage.scan(_SOLD, says="STOP denied_sold_elsewhere")
    stage.cancel()
    (task,) = _refused(stage)
    settled = ("duty", "settle", str(task["id"]), "--how", "已联系平台核实", "--operator", "wang")
    stage.yaoma(*settled)
    stage.yaoma("duty", "list")


def _told(stage: Stage, pack: str) -> set[str]:
    """Give what the platforms said of a pack's records, as the bridge explains it."""
    explained = stage.county.bridges[0].explain(pack)
    return {str(upload["state"]) for record in explained for upload in record["uploads"] if record["kind"] == "scan"}


def _refused(stage: Stage) -> list[dict[str, Any]]:
    return [task for task in stage.box.ask().get("tasks", ()) if task["reason"] == "sold_elsewhere"]


def _denied(stage: Stage) -> bool:
    return "sold_elsewhere" in stage.box.command("list", "check", _SOLD, "--json").stdout
