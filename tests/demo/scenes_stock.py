"""Scenes of the store: opening count, a delivery with everything that can be wrong with one, goods without a code."""

from demo.goods import CAPSULE, CASE, CONTROLLED, GRANULE, HERBAL, NOTE, OTHER_LOT, SYRUP, TABLET, VACCINE, code
from demo.stage import STATION, Stage

__all__ = ["check_quarantine", "count_stock", "fetch_list", "receive_delivery", "store_without_code"]


def fetch_list(stage: Stage) -> None:
    """The list comes from the centre."""
    stage.say(
        "开门：从中心取签名名单，看本地规则", "Opening: the signed list from the centre, and the rules of the place"
    )
    stage.yaoma("update", "--from", str(stage.centre.repository))
    stage.yaoma("policy", "explain", "lot_mismatch")


def count_stock(stage: Stage) -> None:
    """What is on the shelves is counted once."""
    stage.say("期初盘点：从此每一盒都有来历", "Opening count: from here on every pack has a history")
    stage.open("count", "--opening", "--operator", "li")
    stage.scan(*(code(CAPSULE, number) for number in range(11, 17)), code(GRANULE, 11))
    stage.photograph(code(CAPSULE, 17), code(CAPSULE, 18))
    stage.close()
    stage.say("没有盘到、也没有收过的一盒", "A pack that was neither counted nor received")
    stage.open("dispense")
    stage.scan(code(GRANULE, 12), says="STOP no_receipt")
    stage.cancel()


def receive_delivery(stage: Stage) -> None:
    """A case, single packs, one too many, one missing, one of another lot."""
    stage.say(
        "到货：网桥送来发货单（大箱 > 中盒 > 小盒）",
        "A delivery: the bridge has sent the despatch note (case > box > pack)",
    )
    stage.tell_box(NOTE)
    stage.open_delivery(str(NOTE["id"]))
    stage.say("扫大箱：6 小盒一次入库", "The case is scanned: 6 packs come in at once")
    stage.scan(code(CASE, 1))
    stage.say("单盒；箱里的一盒又扫了一次", "Single packs; and a pack of the case once more")
    stage.scan(*(code(TABLET, number) for number in (1, 2, 3)))
    stage.scan(code(SYRUP, 1), code(SYRUP, 2), code(VACCINE, 1), code(CONTROLLED, 1))
    stage.scan(code(CAPSULE, 2), says="REPEAT on_ticket")
    stage.say("多来一盒；一盒批号与发货单不符", "One pack too many; one of another lot than the note says")
    stage.scan(code(TABLET, 9), says="REVIEW not_in_shipment")
    stage.scan(OTHER_LOT, says="REVIEW lot_mismatch")
    stage.say("验收完毕：示例片少一盒，差异已记录", "Done: one pack of tablets is missing, the difference is recorded")
    stage.close()
    stage.yaoma("report", "differences")


def check_quarantine(stage: Stage) -> None:
    """What was doubtful can't be sold until a person with a name has looked."""
    stage.say("隔离的一盒不能发", "A pack in quarantine can't be dispensed")
    stage.open("dispense")
    stage.scan(OTHER_LOT, says="STOP quarantined")
    stage.cancel()
    stage.say("验收放行要署名", "Releasing it takes a name")
    stage.yaoma("ticket", "open", STATION, "check_return", refused=True)
    stage.open("check_return", "--operator", "wang")
    stage.scan(OTHER_LOT)
    stage.close()
    stage.say("多来的一盒退回供货商", "The pack that was too many goes back to the supplier")
    stage.ticket("return_supplier", code(TABLET, 9))


def store_without_code(stage: Stage) -> None:
    """Goods without a code have a store of their own."""
    stage.say("无码药品：入无码库、出库、清点", "Goods without a code: in, out, counted")
    stage.yaoma("stock", "in", HERBAL, "20", "--lot", "H1", "--name", "示例中药饮片", "--reason", "中药饮片，无追溯码")
    stage.yaoma("stock", "out", HERBAL, "3", "--lot", "H1")
    stage.yaoma("stock", "out", HERBAL, "30", "--lot", "H1", refused=True)
    stage.yaoma("stock", "list")
