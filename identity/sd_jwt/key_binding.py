"""The holder's proof that a credential is theirs, and shown to this verifier now (RFC 9901, sections 4.3 and 7.3).

Rules
- It is signed by the key that the issuer put into the credential (`cnf`), over everything in front of it (`sd_hash`).
- Nonce and audience are the verifier's own words, compared whole; a proof is worth something for BINDING_SECONDS.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from identity.errors import TokenInvalidError
from identity.jose.jwk import read_jwk
from identity.jose.jws import JwsSigner, read_jws, sign_jws, verify_jws
from identity.jose.lifetime import check_lifetime, seconds
from identity.outcome import Check

TYPE: Final = "kb+jwt"
BINDING_SECONDS: Final = 300
"""How old a proof may be: the time in which a person agrees and a phone answers."""


@dataclass(frozen=True)
class Binding:
    """What a holder must sign, to show that the credential is theirs and meant for us now."""

    audience: str
    nonce: str


def sign_binding(holder: JwsSigner, binding: Binding, bound_to: str, now: datetime) -> str:
    """The proof. `bound_to` is the digest of all that comes in front of it. Raises what the signer raises."""
    payload = {
        "iat": int(now.timestamp()),
        "aud": binding.audience,
        "nonce": binding.nonce,
        "sd_hash": bound_to,
    }
    return sign_jws(holder, {"typ": TYPE}, payload)


def check_binding(proof: str, confirmation: object, expected: Binding, bound_to: str, now: datetime) -> None:
    """Verify a proof under the credential's `cnf`. Raises TokenInvalidError, TokenUnreadableError."""
    if not proof:
        raise TokenInvalidError(Check.BINDING, "the holder did not prove their key")
    if not (isinstance(confirmation, dict) and "jwk" in confirmation):
        raise TokenInvalidError(Check.BINDING, "the credential names no key of its holder (cnf.jwk)")
    jws = read_jws(proof, TYPE)
    verify_jws(jws, read_jwk(confirmation["jwk"]))
    for check, name, value in (
        (Check.NONCE, "nonce", expected.nonce),
        (Check.AUDIENCE, "aud", expected.audience),
        (Check.BINDING, "sd_hash", bound_to),
    ):
        said = jws.payload.get(name)
        if not (isinstance(said, str) and hmac.compare_digest(said.encode(), value.encode())):
            raise TokenInvalidError(check, f"the holder's proof is for another {name}")
    check_lifetime(jws.payload, now, "iat")
    issued = seconds(jws.payload, "iat")
    if issued is not None and issued + BINDING_SECONDS < now.timestamp():
        raise TokenInvalidError(Check.VALIDITY, f"the holder's proof is older than {BINDING_SECONDS} seconds")
