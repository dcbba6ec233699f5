"""The consent receipt: what somebody agreed to, signed by this deployment, for them to keep.

Rules
- It is a JWT (`consent-receipt+jwt`) under the key that our DID names. Its `jti` is the ledger entry that says the same
  under seal, so it can be proven (`GET /v1/receipts/…`) for as long as the log stands, after a withdrawal, too.
- `index` names the index that the registration is matched in: the one that a proof of absence is about later.
- It says how the agreement is known. A platform's word is called *attested*, never a signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from identity.errors import TokenInvalidError
from identity.jose.jwk import PublicKey
from identity.jose.jws import read_jws, verify_jws
from identity.outcome import Check
from identity.registration.decisions import RegistrationMade
from ledger.ids import EntryId, TenantId

TYPE: Final = "consent-receipt+jwt"


def receipt_claims(tenant: TenantId, said: RegistrationMade, entry: EntryId, now: int) -> dict[str, Any]:
    """What it says besides its issuer; `now` in Unix milliseconds."""
    text = {"name": said.consent, "language": said.consent_language, "sha256": said.consent_sha256}
    return {
        "sub": said.registration,
        "index": tenant,
        "jti": entry,
        "iat": now // 1000,
        "account": said.account,
        "kind": said.kind,
        "place": said.place,
        "rules": {"name": said.rules, "sha256": said.rules_sha256},
        "refuses": list(said.refuses),
        "right": said.right,
        "consent": {"text": text, "known_by": said.consent_proof, "statement_sha256": said.statement_sha256},
        "lasts_until": said.expires_at,
    }


@dataclass(frozen=True)
class ConsentReceipt:
    """One that holds."""

    registration: str
    entry: str
    claims: dict[str, Any]


def read_receipt(token: str, issuer: str, key: PublicKey) -> ConsentReceipt:
    """A receipt of this issuer under its key. Raises TokenUnreadableError, TokenInvalidError."""
    jws = read_jws(token, TYPE)
    verify_jws(jws, key)
    claims = jws.payload
    if claims.get("iss") != issuer:
        raise TokenInvalidError(Check.TRUST, "the receipt is of another issuer")
    registration, entry = (claims.get(name) for name in ("sub", "jti"))
    if not isinstance(registration, str) or not isinstance(entry, str):
        raise TokenInvalidError(Check.STRUCTURE, "the receipt does not say which registration and which entry")
    return ConsentReceipt(registration, entry, dict(claims))
