"""Platforms of the demonstration: simulators of 码上放心 and of the insurance platform, and how they are reached."""

from pathlib import Path

from demo.goods import CAPSULE, PRODUCTS
from fakes.county import SITE
from fakes.simulated import Simulated

__all__ = ["DemoPlatforms"]

_ROOT = Path(__file__).parents[2]

#: What the centre knows of the institution; everything in it is made up.
_INSTITUTION = """
kind = "medical"
name = "示例县医院"
credit_code = "91350000MA0000000X"

[alihealth]
ref_ent_id = "demo-ref"
ent_id = "demo-ent"
address = "示例路 1 号"
[alihealth.partners."示例医药公司"]
ref_ent_id = "demo-supplier-ref"
ent_id = "demo-supplier"

[nhsa]
code = "H35000000001"
area = "350100"
receiver = "YAOMA"
opter = "counter-1"
opter_name = "药码"
mac = "00:00:5e:00:53:01"
ip = "192.0.2.7"
[nhsa.fields]
pharmacist = "李药师"
pharmacist_licence = "Y3500001"
prescriber = "陈医生"
[nhsa.operators]
wang = "王药师"
li = "李药师"
"""

_FACTS = "key,rx_flag,price,maker,approval_no,buying_price"


class DemoPlatforms:
    """Both platforms, as programs of their own.

    Args:
        folder: An empty folder for what the bridge reads.
        products: The centre's products file.
    """

    def __init__(self, folder: Path, products: Path) -> None:
        self.trace = Simulated("alihealth", "--polls", "2")
        self.insurance = Simulated("nhsa")
        self._folder, self._products = folder, products
        (folder / "institutions").mkdir()
        (folder / "institutions" / f"{SITE}.toml").write_text(_INSTITUTION, "utf-8")
        (folder / "secret").write_text("helloworld\n")
        lines = [f"{product.key},1,12.5,示例制药,国药准字H20260001,8" for product in PRODUCTS]
        (folder / "facts.csv").write_text("\n".join([_FACTS, *lines]) + "\n", "utf-8")
        (folder / "lots.csv").write_text(f"key,lot,produced,expiry\ncn20:{CAPSULE},A0,2026-04-01,2028-03-31\n", "utf-8")

    def settings(self) -> str:
        """Give what the bridge's configuration says of them."""
        return f"""
[institutions]
folder = "{self._folder}/institutions"
[products]
table = "{self._products}"
facts = "{self._folder}/facts.csv"
lots = "{self._folder}/lots.csv"

[[destination]]
name = "alihealth"
kind = "alihealth"
url = "{self.trace.url}/router/rest"
app_key = "12345678"
app_secret_file = "{self._folder}/secret"
plain_http = true
[destination.route]
trace_platforms = ["alihealth"]
cn20_platform = "alihealth"
[destination.pace]
calls_per_s = 20
first_ask_s = 0.5

[[destination]]
name = "nhsa"
kind = "nhsa"
url = "{self.insurance.url}"
profile = "{_ROOT}/config/nhsa/national.toml"
plain_http = true
[destination.route]
payers = ["insurance", "injury"]
unknown_payer = "skip"
operations = ["dispense", "return_customer"]
[destination.pace]
calls_per_s = 20
first_ask_s = 0.5
"""

    def stop(self) -> None:
        """End both."""
        self.trace.stop()
        self.insurance.stop()
