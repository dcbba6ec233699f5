"""Whom this service trusts."""

from __future__ import annotations

from typing import Any

from sigillo_client.connection import Connection


class Trust(Connection):
    """Whom this service trusts."""

    def anchors(self) -> str:
        """PEM roots under which this server's signatures chain."""
        return self._send("GET", "/v1/trust/anchors.pem").text

    def trust_lists(self) -> dict[str, Any]:
        """The trust lists in force."""
        return self._json("GET", "/v1/trust/lists")

    def trust_list(self, name: str) -> dict[str, Any]:
        """One of them, with everybody on it."""
        return self._json("GET", f"/v1/trust/lists/{name}")

    def compare_trust_list(self, name: str, text: str, dated: str = "") -> dict[str, Any]:
        """What a list would change; nothing is kept."""
        query = {"dated": dated} if dated else {}
        return self._json("POST", f"/v1/trust/lists/{name}/comparison", params=query, content=text.encode())

    def update_trust_list(self, name: str, text: str, dated: str = "", replaces: str = "") -> dict[str, Any]:
        """Put a list in force; `replaces` is the digest of the one it was compared with."""
        query = {"replaces": replaces, **({"dated": dated} if dated else {})}
        return self._json("PUT", f"/v1/trust/lists/{name}", params=query, content=text.encode())

    def drop_trust_list(self, name: str, replaces: str) -> dict[str, Any]:
        """Trust nobody for being on it any more."""
        return self._json("DELETE", f"/v1/trust/lists/{name}", params={"replaces": replaces})
