"""Scenes with rules of their own: controlled drugs, emergency use, recall, control codes, practice, no network."""

from datetime import UTC, datetime

from demo.goods import CAPSULE, CONTROLLED, ID_CARD, LATE_NOTE, SYRUP, TABLET, code
from demo.stage import STATION, Stage
from fakes.county import SITE, wait_for
from yaoma.shell.operations import load_operations
from yaoma_tools.sheet import Cell, Person, Place, operations_sheet, operators_sheet

__all__ = ["control_codes", "controlled_drug", "emergency", "network_away", "practice", "recall"]

#: Practice codes of the policy: they stand on no pack and on no list.
_PRACTICE = ("81000000000000000001", "81000000000000000002")


def controlled_drug(stage: Stage) -> None:
    """It goes to a person whose identity was sealed."""
    stage.say("麻精药品：先登记身份", "A controlled drug: the identity comes first")
    stage.open("dispense", "--person", "--operator", "wang")
    stage.scan(code(CONTROLLED, 1), says="REVIEW identity_missing")
    stage.scan(ID_CARD, says="PASS person_sealed")
    stage.scan(code(CONTROLLED, 1))
    stage.close()


def emergency(stage: Stage) -> None:
    """It is used now and matched later."""
    pack = code(SYRUP, 7)
    stage.say("急抢救：上游信息还没到，先用后补，48 小时内补核对", "An emergency: used now, matched within 48 hours")
    stage.open("receive")
    stage.scan(pack, says="REVIEW")
    stage.yaoma("ticket", "override", STATION, "--emergency", "--operator", "wang", "--reason", "急抢救用药")
    stage.close()
    stage.open("dispense")
    stage.scan(pack, says="REVIEW")
    stage.yaoma("ticket", "override", STATION, "--emergency", "--operator", "wang", "--reason", "急抢救用药")
    stage.close()
    stage.yaoma("duty", "list")
    stage.say("后来发货单到了：自动核对，待办消失", "The despatch note comes later: it is matched, the duty is gone")
    stage.tell_box(LATE_NOTE)
    _wait_for_duties(stage, 0)
    stage.yaoma("duty", "list")


def recall(stage: Stage) -> None:
    """A new list denies what is in stock."""
    stage.say("召回：新名单通报示例糖浆，库里有三盒", "Recall: the new list denies the syrup, three packs are in stock")
    stage.centre.recall({f"cn20:{SYRUP}": "召回通知 2026-118"})
    stage.yaoma("update", "--from", str(stage.centre.repository))
    _wait_for_duties(stage, 3)
    stage.yaoma("duty", "list")
    stage.open("dispense")
    stage.scan(code(SYRUP, 1), says="STOP denied_recall")
    stage.cancel()
    stage.say("召回出库：待办随之了结", "The packs go back to the maker, and the duties are settled")
    stage.ticket("recall_out", *(code(SYRUP, number) for number in (1, 2, 3)))
    stage.yaoma("duty", "list")


def control_codes(stage: Stage) -> None:
    """The operator needs no keyboard."""
    place = Place(SITE, "", "", datetime.now(UTC).date())
    operations = load_operations()
    cells = operations_sheet({name: operations[name] for name in ("dispense", "receive")}, place).cells
    badge = operators_sheet([Person("li", "李药师")], place).cells[0]
    close, undo, _, dispense, _ = cells
    stage.say("操作卡：我是李药师；发药；撤销；完成", "Printed codes: I am Li; dispense; undo; close")
    _scan_cells(stage, badge, dispense)
    stage.scan(code(TABLET, 1), code(TABLET, 2))
    _scan_cells(stage, undo, close)
    stage.say("没有单据时扫了“撤销”", "The code for undo without a ticket")
    stage.scan(undo.text, says="FAULT control_refused")


def practice(stage: Stage) -> None:
    """New people practise; nothing of it counts."""
    stage.say("练习：练习码，不计数，不上传", "Practice: codes of its own, nothing counts or is sent on")
    stage.open("receive", "--training")
    stage.scan(*_PRACTICE)
    stage.scan(code(TABLET, 2), says="FAULT not_a_training_code")
    stage.close()
    stage.ticket("dispense", _PRACTICE[0], more={"training": True})
    stage.say("练习码用在业务里", "A practice code on a real ticket")
    stage.open("dispense")
    stage.scan(_PRACTICE[1], says="FAULT training_code")
    stage.cancel()


def network_away(stage: Stage) -> None:
    """The counter goes on without a line, and what waited is delivered by itself."""
    stage.say("网络断了：服务器没了，柜台照常", "The network goes: no broker, the counter goes on")
    stage.county.broker.kill()
    wait_for(lambda: not stage.box.ask()["uplink"]["is_connected"], "the box did not notice that the broker is gone")
    stage.ticket("dispense", code(CAPSULE, 17), code(CAPSULE, 18), code(TABLET, 3))
    stage.yaoma("status")
    stage.say("网络恢复：积压的记录自己送到", "The network is back: what waited is delivered by itself")
    stage.county.broker.start()
    wait_for(lambda: stage.box.ask()["uplink"]["is_connected"], "the box did not find the broker again")


def _scan_cells(stage: Stage, *cells: Cell) -> None:
    for cell in cells:
        stage.write(f"[操作卡 / printed code: {cell.caption}]\n")
        stage.scan(cell.text, says="PASS control_done")


def _wait_for_duties(stage: Stage, number: int) -> None:
    wait_for(lambda: len(stage.box.ask()["duties"]) == number, f"there are not {number} duties", 30)
