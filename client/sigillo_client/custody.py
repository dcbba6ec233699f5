"""Through which hands a file went, in this service or another; and handing an asset over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sigillo_client.connection import Connection
from sigillo_client.upload import bundle, stated


class Custody(Connection):
    """Through which hands a file went, in this service or another; and handing an asset over."""

    def custody(self, asset: str) -> dict[str, Any]:
        """The custody of an asset of ours: a graph."""
        return self._json("GET", f"/v1/assets/{asset}/custody")

    def custody_of(
        self, file: Path, anchors: str = "", manifest: Path | None = None, *, confidence: bool = False
    ) -> dict[str, Any]:
        """The same of any file, with its `manifest` if that is kept beside it; `anchors` (PEM) widen the trust; with
        `confidence`, how sure the server is, and why. Of a file without a manifest, also of what it may be a copy of.
        """
        return self._examine("/v1/custody", file, manifest, {"anchors": anchors}, None, confidence=confidence)

    def export_custody(self, asset: str) -> bytes:
        """The custody of an asset of ours as a bundle; that it was exported goes on record."""
        return self._send("POST", f"/v1/assets/{asset}/custody/bundle").content

    def look_at_bundle(self, file: Path, log_keys: str = "", anchors: str = "") -> dict[str, Any]:
        """What a custody bundle is worth; `log_keys` are logs that you know, `anchors` roots that you trust."""
        parts = {"file": bundle(file), **stated({"log_keys": log_keys, "anchors": anchors})}
        return self._json("POST", "/v1/custody/bundles", safe=True, files=parts)

    def import_custody(self, file: Path, idempotency_key: str = "") -> dict[str, Any]:
        """Bring a custody bundle: verified, and recorded whose word it is."""
        headers = self._retries.keyed(idempotency_key)
        return self._json("POST", "/v1/custody/imports", files={"file": bundle(file)}, headers=headers)

    def offer_asset(self, asset: str, to: str) -> dict[str, Any]:
        """Offer an asset of ours to another principal."""
        return self._json("POST", f"/v1/assets/{asset}/handover", json={"to": to})

    def accept_asset(self, asset: str) -> dict[str, Any]:
        """Take over an asset that is offered to us."""
        return self._json("POST", f"/v1/assets/{asset}/handover/acceptance")

    def end_offer(self, asset: str) -> dict[str, Any]:
        """Decline an offer, or take our own back."""
        return self._json("DELETE", f"/v1/assets/{asset}/handover")

    def offered_assets(self, cursor: str = "") -> dict[str, Any]:
        """A page of what is offered to us."""
        return self._json("GET", "/v1/handovers", params={"cursor": cursor} if cursor else {})
