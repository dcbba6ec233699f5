"""Public keys as JSON Web Keys (RFC 7517; RFC 7518, section 6.2; RFC 8037).

Rules
- P-256, P-384, P-521 and Ed25519, each coordinate at its full length, the point on its curve.
- A key that holds its private part, or says that it is for something else than signatures, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurve
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey as CurveKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from identity.encoding import base64url
from identity.encoding.strict_json import write_json
from identity.errors import TokenUnreadableError

PublicKey = CurveKey | Ed25519PublicKey

CURVES: Final[Mapping[str, EllipticCurve]] = {"P-256": SECP256R1(), "P-384": SECP384R1(), "P-521": SECP521R1()}
"""By their JOSE names."""

ED25519: Final = "Ed25519"


def read_jwk(jwk: object) -> PublicKey:
    """The key that this JWK, parsed from JSON, describes. Raises TokenUnreadableError."""
    if not isinstance(jwk, dict):
        raise TokenUnreadableError("a JWK is a JSON object")
    if "d" in jwk or jwk.get("use", "sig") != "sig" or jwk.get("key_ops", ["verify"]) != ["verify"]:
        raise TokenUnreadableError("the JWK is not a public key for signatures")
    try:
        return _read(jwk)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TokenUnreadableError("the JWK is no point of its curve") from error


def _read(jwk: Mapping[str, object]) -> PublicKey:
    kind, curve = jwk.get("kty"), CURVES.get(str(jwk.get("crv")))
    if kind == "OKP" and jwk.get("crv") == ED25519:
        return Ed25519PublicKey.from_public_bytes(_coordinate(jwk, "x", 32))
    if kind != "EC" or curve is None:
        raise TokenUnreadableError(f"keys are {', '.join(CURVES)} and {ED25519}")
    octets = (curve.key_size + 7) // 8
    point = b"\x04" + _coordinate(jwk, "x", octets) + _coordinate(jwk, "y", octets)
    return CurveKey.from_encoded_point(curve, point)


def _coordinate(jwk: Mapping[str, object], name: str, octets: int) -> bytes:
    text = jwk.get(name)
    data = base64url.decode(text, "a JWK's coordinate") if isinstance(text, str) else b""
    if len(data) != octets:
        raise TokenUnreadableError(f"the JWK's {name!r} is not {octets} bytes")
    return data


def write_jwk(key: PublicKey) -> dict[str, str]:
    """The JWK of a key, public members only. Raises ValueError for another curve."""
    if isinstance(key, Ed25519PublicKey):
        return {"kty": "OKP", "crv": ED25519, "x": base64url.encode(key.public_bytes_raw())}
    numbers, octets = key.public_numbers(), (key.key_size + 7) // 8
    names = [name for name, curve in CURVES.items() if curve.name == key.curve.name]
    if not names:
        raise ValueError(f"{key.curve.name} has no place among our keys")
    x, y = (base64url.encode(value.to_bytes(octets)) for value in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": names[0], "x": x, "y": y}


def thumbprint(jwk: Mapping[str, str]) -> bytes:
    """SHA-256 of a key as `write_jwk` gives it (RFC 7638)."""
    return sha256(write_json(dict(sorted(jwk.items())))).digest()
