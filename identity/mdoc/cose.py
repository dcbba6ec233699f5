"""COSE, as far as mobile documents sign with it: COSE_Sign1 and public keys (RFC 9052, RFC 9053).

Rules
- The algorithm stands in the protected header, is one of `ALGORITHMS`, and is that of the key.
- Nothing is understood of `crit`, so it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cbor2

from identity.encoding import base64url
from identity.encoding.cbor import read_map
from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.jose.jwk import PublicKey, read_jwk
from identity.jose.signature import ED25519, P256, P384, P521, Scheme, verify
from identity.outcome import Check

ALGORITHMS: Final[Mapping[int, Scheme]] = {-7: P256, -35: P384, -36: P521, -8: ED25519}
"""ES256, ES384, ES512, EdDSA."""

_ALGORITHM, _CRITICAL, _CHAIN = 1, 2, 33
_CURVES: Final[Mapping[tuple[int, int], tuple[str, str]]] = {
    (2, 1): ("EC", "P-256"),
    (2, 2): ("EC", "P-384"),
    (1, 6): ("OKP", "Ed25519"),
}
"""Key type and curve (RFC 9053, section 7), as JOSE calls them."""


@dataclass(frozen=True)
class Sign1:
    """A signature that was read and not verified yet."""

    algorithm: Scheme
    protected: bytes
    payload: bytes | None
    """None where it is kept elsewhere."""

    signature: bytes
    chain: tuple[bytes, ...]
    """DER certificates, leaf first (`x5chain`, RFC 9360); empty where none came."""


def read_sign1(value: object) -> Sign1:
    """Raises TokenUnreadableError, and TokenInvalidError for an algorithm that is not taken."""
    match value:
        case [bytes(protected), dict(unprotected), bytes() | None as payload, bytes(signature)]:
            header = read_map(protected, "a protected header")
        case _:
            raise TokenUnreadableError("a signature is not a COSE_Sign1")
    algorithm = header.get(_ALGORITHM)
    if not (isinstance(algorithm, int) and algorithm in ALGORITHMS) or _CRITICAL in header:
        raise TokenInvalidError(Check.ALGORITHM, f"the algorithm is not one of {', '.join(map(str, ALGORITHMS))}")
    return Sign1(ALGORITHMS[algorithm], protected, payload, signature, _chain(unprotected.get(_CHAIN, [])))


def verify_sign1(sign1: Sign1, key: PublicKey, payload: bytes) -> None:
    """Raises TokenInvalidError unless `key` signed the payload, which is the signature's own or kept elsewhere."""
    signed = cbor2.dumps(["Signature1", sign1.protected, b"", payload])
    verify(sign1.algorithm, key, sign1.signature, signed)


def read_key(value: object) -> PublicKey:
    """The public key that a COSE_Key describes. Raises TokenUnreadableError."""
    match value:
        case {1: int(kind), -1: int(curve), **rest} if (kind, curve) in _CURVES and -4 not in rest:
            name, curve_name = _CURVES[kind, curve]
        case _:
            raise TokenUnreadableError("the key is not a public COSE_Key of a curve known here")
    coordinates = {"x": rest.get(-2), "y": rest.get(-3)}
    known = {name: base64url.encode(data) for name, data in coordinates.items() if isinstance(data, bytes)}
    return read_jwk({"kty": name, "crv": curve_name, **known})


def _chain(stated: object) -> tuple[bytes, ...]:
    """One certificate stands alone, several in a list (RFC 9360)."""
    listed = stated if isinstance(stated, list) else [stated]
    if not all(isinstance(one, bytes) for one in listed):
        raise TokenUnreadableError("x5chain does not hold certificates")
    return tuple(listed)
