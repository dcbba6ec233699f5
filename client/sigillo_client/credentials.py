"""Credentials issued, offered to wallets, revoked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from sigillo_client.answers import IssuedCredential
from sigillo_client.connection import Connection


class Credentials(Connection):
    """Credentials issued, offered to wallets, revoked."""

    def issue_credential(self, request: Mapping[str, Any], idempotency_key: str = "") -> IssuedCredential:
        """A credential of one of our types; it is in the answer and nowhere else."""
        return cast(
            IssuedCredential,
            self._json("POST", "/v1/credentials", json=request, headers=self._retries.keyed(idempotency_key)),
        )

    def offer_credential(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """An offer for somebody's wallet, whose secrets are in the answer and nowhere else."""
        return self._json("POST", "/v1/credentials/offers", json=request)

    def change_credential(self, credential: str, purpose: str, reason: str, *, holds: bool) -> dict[str, Any]:
        """Revoke (`revocation`), suspend or reinstate (`suspension`) a credential."""
        stated = {"type": "BitstringStatusListEntry", "statusPurpose": purpose}
        said = {"credentialId": credential, "credentialStatus": stated, "status": not holds, "reason": reason}
        return self._json("POST", "/credentials/status", json=said)

    def credential_status(self, credential: str) -> dict[str, Any]:
        """How a credential of ours stands."""
        return self._json("GET", f"/v1/credentials/{quote(credential, safe='')}/status")

    def did_document(self) -> dict[str, Any]:
        """The DID document of this server as an issuer."""
        return self._json("GET", "/.well-known/did.json")

    def published(self, path: str) -> bytes:
        """What anyone can fetch from there, such as a status list."""
        return self._send("GET", path).content
