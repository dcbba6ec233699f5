"""Proofs that a wallet has the keys to which credentials are to be bound (OpenID4VCI 1.0, appendix F.1).

Rules
- The key is the one in the proof's header, as a JWK or as a did:key or did:jwk: what is proven is that the wallet has
  it, nothing about whose it is. No private member, no symmetric key, no certificate.
- A proof is for us (`aud`), of now (`iat`), over a nonce of ours, and by the wallet that has the token (`iss`).
- One key for each credential: two under one key could be linked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.did.methods import BlsKey, resolve
from identity.errors import DidError, TokenError, WalletRefusedError
from identity.jose.jwk import PublicKey, read_jwk
from identity.jose.jws import Jws, read_jws, verify_jws
from identity.jose.lifetime import check_lifetime, seconds
from identity.openid4vci.faults import Fault

TYPE: Final = "openid4vci-proof+jwt"
PROOF_SECONDS: Final = 300
"""How old a proof may be."""

MAX_PROOFS: Final = 10
"""In one request: as many credentials as one asks for at once."""

MAX_CHARACTERS: Final = 4096
"""Of one proof."""


@dataclass(frozen=True)
class Expected:
    """What a proof must say."""

    audience: str
    """Our credential issuer identifier."""

    client: str
    """The wallet's client_id; empty where its token was given to nobody by name."""


@dataclass(frozen=True)
class ProvenKeys:
    """Keys that a wallet has shown to hold."""

    keys: tuple[PublicKey, ...]
    nonce: str
    """That all proofs were made over, not looked up yet."""


def proven_keys(proofs: Sequence[str], expected: Expected, now: datetime) -> ProvenKeys:
    """The key of each proof, in their order. Raises WalletRefusedError."""
    if not 0 < len(proofs) <= MAX_PROOFS:
        raise _refused(f"send 1 to {MAX_PROOFS} proofs")
    try:
        keys, nonces = zip(*(_proven(proof, expected, now) for proof in proofs), strict=True)
    except TokenError as error:
        raise _refused(f"a proof does not hold: {error}") from error
    if len(set(nonces)) > 1:
        raise _refused("all proofs of a request are made over one nonce")
    if len({key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in keys}) < len(keys):
        raise _refused("each proof is by a key of its own: credentials under one key could be linked")
    return ProvenKeys(keys, nonces[0])


def _proven(proof: str, expected: Expected, now: datetime) -> tuple[PublicKey, str]:
    if len(proof) > MAX_CHARACTERS:
        raise _refused(f"a proof has at most {MAX_CHARACTERS} characters")
    jws = read_jws(proof, TYPE)
    key = _key(jws.header)
    verify_jws(jws, key)
    return key, _check_claims(jws, expected, now)


def _key(header: Mapping[str, object]) -> PublicKey:
    named = [name for name in ("jwk", "kid", "x5c") if name in header]
    if named == ["jwk"]:
        return read_jwk(header["jwk"])
    if named == ["kid"] and isinstance(kid := header["kid"], str):
        try:
            key = resolve(kid).key
        except DidError as error:
            raise _refused("kid of a proof is the verification method of a did:key or did:jwk") from error
        if not isinstance(key, BlsKey):
            return key
    raise _refused("the header of a proof names one key: jwk, or the did:key or did:jwk of a key that signs as kid")


def _check_claims(jws: Jws, expected: Expected, now: datetime) -> str:
    """The nonce."""
    said = jws.payload
    if said.get("aud") != expected.audience:
        raise _refused("aud of a proof is our credential issuer identifier")
    if "iss" in said and (not expected.client or said["iss"] != expected.client):
        raise _refused("iss of a proof is the client_id that the token was given to; left out where there was none")
    check_lifetime(said, now, "iat")
    issued = seconds(said, "iat")
    if issued is None or issued + PROOF_SECONDS < now.timestamp():
        raise _refused(f"a proof is at most {PROOF_SECONDS} seconds old (iat)")
    nonce = said.get("nonce")
    if not isinstance(nonce, str) or not nonce:
        raise _refused("a proof is made over a nonce of the nonce endpoint")
    return nonce


def _refused(why: str) -> WalletRefusedError:
    return WalletRefusedError(Fault.INVALID_PROOF, why)
