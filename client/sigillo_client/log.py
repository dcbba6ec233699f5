"""The ledger as anybody sees it, what its operator does with it, payloads opened, and legal holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

import httpx

from sigillo_client.answers import EntryPage
from sigillo_client.connection import Connection, waiting


class Log(Connection):
    """The ledger as anybody sees it, what its operator does with it, payloads opened, and legal holds."""

    def receipt(self, entry: str, wait: int = 0) -> str:
        """The receipt of a ledger entry; empty while it is durable but not yet proven, after `wait` seconds."""
        response = self._send("GET", f"/v1/receipts/{entry}", headers=waiting(wait))
        return response.text if response.status_code == httpx.codes.OK else ""

    def checkpoint(self) -> str:
        """The ledger's newest signed checkpoint."""
        return self._send("GET", "/ledger/checkpoint").text

    def log_key(self) -> str:
        """The verifier key of the ledger's checkpoints."""
        return self._send("GET", "/ledger/log.vkey").text

    def entries(self, **query: str) -> EntryPage:
        """A page of public entries: `kind`, `policy`, `from`, `to`, and as `cursor` the page before's `next`."""
        return cast(
            EntryPage,
            self._json("GET", "/v1/ledger/entries", params={name: value for name, value in query.items() if value}),
        )

    def ledger_recovery(self) -> dict[str, Any]:
        """How the ledger's database stands to what was signed."""
        return self._json("GET", "/v1/ledger/recovery")

    def recover_ledger(self, confirm: str) -> dict[str, Any]:
        """Have the ledger go on from an older database."""
        return self._json("POST", "/v1/ledger/recovery", json={"confirm": confirm})

    def ledger_stamps(self) -> dict[str, Any]:
        """The last time-stamp of a checkpoint, and how each authority has been doing."""
        return self._json("GET", "/v1/ledger/stamps")

    def disclose(self, entries: Sequence[str], reason: str) -> dict[str, Any]:
        """Have payloads opened; that, and why, goes on record first."""
        return self._json("POST", "/v1/ledger/disclosures", json={"entries": list(entries), "reason": reason})

    def search_payloads(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Have payloads looked through; that, and why, goes on record first."""
        return self._json("POST", "/v1/ledger/searches", json=question)

    def place_hold(self, name: str, assets: Sequence[str], reason: str) -> dict[str, Any]:
        """Keep assets from being erased and from expiring."""
        return self._json("POST", "/v1/holds", json={"name": name, "assets": list(assets), "reason": reason})

    def holds(self) -> list[dict[str, Any]]:
        """Every legal hold of the tenant."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/holds")["holds"]
        return found

    def release_hold(self, name: str, reason: str) -> dict[str, Any]:
        """End a hold for everything under it."""
        return self._json("POST", f"/v1/holds/{quote(name, safe='')}/release", json={"reason": reason})
