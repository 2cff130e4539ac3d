"""A worker's uploader as a process of its own, to be killed: `python -m fakes.upload_child FOLDER URL STORE`."""

import sys
import time
from pathlib import Path

from fakes.box import receipt_signer
from yaoma_bridge.alihealth.options import AlihealthOptions
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.destinations.alihealth import AlihealthDestination
from yaoma_bridge.platform import Pace
from yaoma_bridge.routing import Route
from yaoma_bridge.store import Store, is_postgres
from yaoma_bridge.uploading import Upload, Uploader

_OPEN = "SELECT COUNT(*) FROM parcel WHERE fate NOT IN ('accepted', 'refused')"


def main(folder: Path, url: str, place: str) -> None:
    """Serve the platform until everything is through."""
    options = AlihealthOptions(
        url=url,
        app_key="1",
        app_secret_file=folder / "secret",
        plain_http=True,
        answer_s=2,
        verify_wait_s=0.5,
    )
    platform = AlihealthDestination("alihealth", options)
    pace = Pace(at_once=4, first_ask_s=0.05, longest_ask_s=0.2)
    with Store.open(place if is_postgres(place) else Path(place)) as store:
        uploader = Uploader(
            store,
            Upload(platform, Route(), pace),
            CentreFacts(institutions=folder / "sites"),
            signer=receipt_signer(),
            owner=f"child-{time.time_ns()}",
            hold_ms=300,
            now_ms=lambda: time.time_ns() // 1_000_000,
            lease_ms=700,
        )
        while True:
            _, is_more = uploader.step()
            with store.reading() as tx:
                is_open = tx.execute(_OPEN).fetchone()[0] or not tx.execute("SELECT 1 FROM parcel").fetchone()
            if not is_open:
                break
            if not is_more:
                uploader.wait(0.02)
        uploader.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
