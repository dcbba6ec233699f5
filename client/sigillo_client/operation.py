"""Who may do what here, keys that are revoked, and how the service is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from sigillo_client.answers import IssuedKey
from sigillo_client.connection import Connection
from sigillo_client.retries import NEVER


class Operation(Connection):
    """Who may do what here, keys that are revoked, and how the service is."""

    def issue_key(self, request: Mapping[str, Any]) -> IssuedKey:
        """A new API key; its token is in the answer and nowhere else."""
        return cast(IssuedKey, self._json("POST", "/v1/api-keys", json=request))

    def api_keys(self) -> list[dict[str, Any]]:
        """Every API key of the tenant."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/api-keys")["keys"]
        return found

    def revoke_key(self, key: str) -> None:
        """The key stops working at once."""
        self._send("DELETE", f"/v1/api-keys/{key}")

    def invite_staff(self, role: str) -> dict[str, Any]:
        """An invitation; its link is in the answer and nowhere else."""
        return self._json("POST", "/v1/staff", json={"role": role})

    def staff(self) -> list[dict[str, Any]]:
        """The tenant's staff, and invitations that wait."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/staff")["staff"]
        return found

    def remove_staff(self, staff: str) -> dict[str, Any]:
        """Take a role back, or an invitation."""
        return self._json("DELETE", f"/v1/staff/{staff}")

    def revoke_claim_key(self, key: str, reason: str, since: str = "") -> dict[str, Any]:
        """A version of the claim key (`sigillo-claim@2`) signs no more; what it signed since then is not trusted."""
        said = {"reason": reason, **({"since": since} if since else {})}
        return self._json("POST", f"/v1/keys/{quote(key, safe='')}/revocation", json=said)

    def revoke_issuer_key(self, key: str, reason: str) -> dict[str, Any]:
        """Nothing verifies any more with a version of the issuer's keys (`sigillo-issuer-p256@2`)."""
        return self._json("POST", f"/v1/issuer-keys/{quote(key, safe='')}/revocation", json={"reason": reason})

    def ready(self) -> dict[str, Any]:
        """Which part is ready, and why the others are not."""
        found: dict[str, Any] = self._answer("GET", "/readyz", NEVER).json()
        return found
