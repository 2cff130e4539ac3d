"""Scenes of the counter: dispensing by a till's lines, returns, loose units, and whatever else is done with a pack."""

from demo.goods import CAPSULE, EAN_13, GRANULE, ID_CARD, MIDDLE, TABLET, VACCINE, code
from demo.stage import STATION, Stage

__all__ = ["dispense", "look_alikes", "other_operations", "return_and_check", "sell_units"]


def dispense(stage: Stage) -> None:
    """The till says what is wanted."""
    stage.say("发药：收银台要 2 盒示例胶囊", "Dispensing: the till wants 2 packs of capsules")
    stage.open("dispense", "--line", f"ean:{EAN_13}=2", "--bill", "S-1001", "--payer", "insurance")
    stage.scan(code(CAPSULE, 1))
    stage.say("拿成了别的药（串换）", "Another drug was taken instead")
    stage.scan(code(TABLET, 1), says="STOP other_drug")
    stage.say("同一盒扫了两次；扫了中盒的码", "The same pack twice; the code of a box of packs")
    stage.scan(code(CAPSULE, 1), says="REPEAT")
    stage.scan(code(MIDDLE, 2), says="STOP not_smallest")
    stage.scan(code(CAPSULE, 4))
    stage.say("多扫一盒，撤销", "One pack too many; it is taken off again")
    stage.scan(code(CAPSULE, 5), says="REVIEW line_full")
    stage.yaoma("ticket", "undo", STATION)
    stage.say("能不能医保结算；小票上的追溯码", "May insurance settle it; what the receipt says")
    stage.yaoma("ticket", "release", STATION)
    stage.close()
    stage.yaoma("ticket", "receipt", stage.last_ticket())
    stage.say("下一位：刚卖出的一盒又来了", "The next customer: a pack that was just sold comes again")
    stage.open("dispense")
    stage.scan(code(CAPSULE, 4), says="STOP sold_here")
    stage.cancel()


def look_alikes(stage: Stage) -> None:
    """What people scan by mistake."""
    stage.say(
        "误扫：商品条码、没扫全的码、身份证、名单里没有的码",
        "By mistake: the commodity barcode, a cut-off code, an ID card, a code that no list has",
    )
    stage.scan(EAN_13, says="FAULT lookalike_ean13")
    stage.scan(code(CAPSULE, 6)[:13], says="FAULT lookalike_cut_off")
    stage.scan(ID_CARD, says="FAULT lookalike_id_number")
    stage.scan("81990000000000099999", says="REVIEW product_unknown")


def return_and_check(stage: Stage) -> None:
    """A customer brings a pack back."""
    stage.say("顾客退回一盒；验收前不能再卖", "A customer brings a pack back; it can't be sold before somebody looked")
    stage.ticket("return_customer", code(CAPSULE, 4))
    stage.open("dispense")
    stage.scan(code(CAPSULE, 4), says="STOP returned_unchecked")
    stage.cancel()
    stage.open("check_return", "--operator", "wang")
    stage.scan(code(CAPSULE, 4))
    stage.close()


def sell_units(stage: Stage) -> None:
    """A pack is opened and its units are sold until none is left."""
    pack = code(GRANULE, 11)
    stage.say("拆零：打开一盒示例颗粒（4 袋）", "Loose units: a pack of granules with 4 sachets is opened")
    stage.ticket("split", pack)
    for units, left in ((3, 1), (1, 0)):
        stage.say(f"发 {units} 袋，余 {left} 袋", f"Sachets handed out: {units}; left: {left}")
        stage.open("dispense", "--line", f"cn20:{GRANULE}=0+{units}")
        stage.scan(pack)
        if left:
            stage.yaoma("status")
        stage.close()
    stage.say("已经发完了", "None is left")
    stage.open("dispense", "--line", f"cn20:{GRANULE}=0+1")
    stage.scan(pack, says="STOP")
    stage.cancel()


def other_operations(stage: Stage) -> None:
    """Everything else that is done with a pack."""
    stage.say("接种", "Vaccination")
    stage.ticket("vaccinate", code(VACCINE, 1))
    stage.say("移库、调出、赠出、抽检、损坏、销毁", "Move, transfer out, gift out, sampling, damage, destruction")
    for operation, number in (("move", 11), ("transfer_out", 12), ("gift_out", 13), ("sample", 14)):
        stage.ticket(operation, code(CAPSULE, number))
    for operation, number in (("damage", 15), ("destroy", 16)):
        stage.ticket(operation, code(CAPSULE, number))
    stage.say("调出的又调回；收到赠品", "What was transferred comes back; a gift comes in")
    stage.ticket("transfer_in", code(CAPSULE, 12))
    stage.ticket("gift_in", code(TABLET, 8))
    stage.say("没有单据：只核验", "No ticket: only verified")
    stage.scan(code(CAPSULE, 17))
