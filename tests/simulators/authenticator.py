"""An authenticator and the browser in front of it, in software: P-256, attestation `none` or its own, flags and counter
to choose, and a browser that may be of any page.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from identity.encoding import base64url

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
ORIGIN = "http://localhost:8080"
"""Of a deployment that was not told where others reach it."""


@dataclass
class Stored:
    """A passkey inside the authenticator."""

    id: bytes
    key: EllipticCurvePrivateKey
    rp_id: str
    user: bytes
    count: int = 0


@dataclass
class Authenticator:
    """One device of somebody's."""

    origin: str = ORIGIN
    flags: int = PRESENT | VERIFIED
    step: int = 1
    """How far the counter goes with each use; 0 for one that does not count."""

    attestation: str = "none"
    algorithm: int = -7
    rp_id: str = ""
    """That it says, whatever the page asks for."""

    client: dict[str, Any] = field(default_factory=dict)
    """Members of the client data that are not what they should be."""

    passkeys: list[Stored] = field(default_factory=list)

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """`navigator.credentials.create({publicKey})`, as JSON."""
        rp_id = self.rp_id or options["rp"]["id"]
        user = base64url.decode(options["user"]["id"], "the user")
        made = Stored(secrets.token_bytes(32), generate_private_key(SECP256R1()), rp_id, user)
        self.passkeys.append(made)
        data = self._data(made, self.flags | ATTESTED) + bytes(16) + len(made.id).to_bytes(2) + made.id
        data += cbor2.dumps(self._public(made))
        client = self._client("webauthn.create", options["challenge"])
        statement: dict[str, Any] = {}
        if self.attestation == "packed":
            signed = data + hashlib.sha256(client).digest()
            statement = {"alg": -7, "sig": made.key.sign(signed, ECDSA(SHA256()))}
        attested = cbor2.dumps({"fmt": self.attestation, "attStmt": statement, "authData": data})
        return self._answer(made, {"clientDataJSON": client, "attestationObject": attested})

    def get(self, options: dict[str, Any], passkey: Stored | None = None) -> dict[str, Any]:
        """`navigator.credentials.get({publicKey})`, as JSON: with this passkey, or the newest that will do."""
        allowed = {one["id"] for one in options.get("allowCredentials", [])}
        fit = [one for one in self.passkeys if not allowed or base64url.encode(one.id) in allowed]
        used = passkey or fit[-1]
        used.count += self.step
        data = self._data(used, self.flags)
        client = self._client("webauthn.get", options["challenge"])
        signature = used.key.sign(data + hashlib.sha256(client).digest(), ECDSA(SHA256()))
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signature, "userHandle": used.user}
        return self._answer(used, parts)

    def clone(self) -> Authenticator:
        """Another device with the same keys and counters."""
        return replace(self, passkeys=[replace(one) for one in self.passkeys])

    def _data(self, passkey: Stored, flags: int) -> bytes:
        named = self.rp_id or passkey.rp_id
        return hashlib.sha256(named.encode()).digest() + bytes([flags]) + passkey.count.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | self.client).encode()

    def _public(self, passkey: Stored) -> dict[int, Any]:
        numbers = passkey.key.public_key().public_numbers()
        return {1: 2, 3: self.algorithm, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}

    def _answer(self, passkey: Stored, parts: dict[str, bytes]) -> dict[str, Any]:
        named = base64url.encode(passkey.id)
        response = {name: base64url.encode(value) for name, value in parts.items()}
        return {"id": named, "rawId": named, "type": "public-key", "response": response, "clientExtensionResults": {}}
