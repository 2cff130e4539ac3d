"""UploadingBridge: a stepped bridge that serves one platform."""

import json
from pathlib import Path
from typing import Any

from fakes.stepped_bridge import SteppedBridge
from yaoma_bridge.billing import bill_feed
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.platform import Platform
from yaoma_bridge.routing import Route
from yaoma_bridge.store import Store
from yaoma_bridge.uploading import Upload, Uploader

__all__ = ["UploadingBridge"]


class UploadingBridge(SteppedBridge):
    """A bridge in a folder with one platform; the clock moves by `pass_s` only."""

    def __init__(
        self, folder: Path, platform: Platform, *, route: Route | None = None, facts: CentreFacts | None = None
    ) -> None:
        super().__init__(folder)
        self.platform = platform
        self.route = route or Route()
        self.facts = facts or CentreFacts()
        self.upload_store = Store.open(self.place)
        self.uploader = self.make_uploader("one")

    def make_uploader(self, owner: str, platform: Platform | None = None) -> Uploader:
        """Make another worker's uploader, or one of another platform."""
        platform = platform or self.platform
        upload = Upload(platform, self.route, platform.pace)
        return Uploader(
            self.upload_store,
            upload,
            self.facts,
            signer=self.signer,
            owner=owner,
            hold_ms=1000,
            now_ms=lambda: self.now_ms,
            now_s=lambda: self.now_ms / 1000,
            draw=lambda: 0.5,
        )

    def close(self) -> None:
        """Stop in order; safe to call again."""
        if self.is_open:
            self.uploader.close()
            self.upload_store.close()
        super().close()

    def bill(self) -> None:
        """Verify, settle, and make bills."""
        self.follow()
        while bill_feed(self.upload_store, self.now_ms):
            pass

    def upload(self, passing_s: float = 0) -> list[Any]:
        """Let time pass, then do what there is to do until nothing more happens; give the receipts."""
        self.now_ms += round(passing_s * 1000)
        made, more = self.uploader.step()
        while more or self.uploader._calls:
            for call in list(self.uploader._calls):
                call.answer.exception()  # waits
            again, more = self.uploader.step()
            made += again
        return self.opened(made)

    def fates(self) -> dict[str, tuple[str, str]]:
        """Give fate and reason of each record at the platform, by the code it holds."""
        rows = self.rows(
            "SELECT record.body, fate, reason FROM upload JOIN event ON event.n=upload.n "
            "JOIN record USING (log_id, seq)"
        )
        return {json.loads(body)["code"]: (fate, reason) for body, fate, reason in rows}

    def parcels(self) -> list[tuple[str, str]]:
        """Give fate and reason of each parcel, in order."""
        return [(fate, reason) for fate, reason in self.rows("SELECT fate, reason FROM parcel ORDER BY id")]

    def moves(self) -> list[str]:
        """Give the causes of all moves, in order."""
        return [cause for (cause,) in self.rows("SELECT cause FROM parcel_move ORDER BY id")]
