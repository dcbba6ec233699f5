"""JSON Web Signatures in compact form: what SD-JWTs, key bindings and status lists are signed as (RFC 7515, RFC 8725).

Rules
- The algorithm is one of `SCHEMES`, and the key is of that scheme: `none`, HMAC under a public key, and a key of
  another curve have nowhere to go.
- The key is found by who verifies, never taken from the header; `typ` must be what is expected (RFC 8725, 3.11).
- `crit` is refused: no extension is understood here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Protocol

from identity.encoding import base64url
from identity.encoding.strict_json import read_object, write_json
from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.jose.jwk import PublicKey
from identity.jose.signature import ED25519, P256, P384, P521, Scheme, verify
from identity.outcome import Check
from keys.signer import Algorithm

SCHEMES: Final[Mapping[str, Scheme]] = {
    "ES256": P256,
    "ES384": P384,
    "ES512": P521,
    "EdDSA": ED25519,
    "Ed25519": ED25519,
}
"""By JOSE name; Ed25519 has an old one (RFC 8037) and a new one (RFC 9864)."""

SEEN_HEADERS: Final = 64
"""Tokens of one issuer, and the bindings of all wallets of a kind, have the same header: so many are read once."""

MAX_SEEN_HEADER: Final = 512
"""Characters of such a header; one with certificates is longer."""

_PART: Final = "a part of the token"


class JwsSigner(Protocol):
    """What signs a token: any `keys.signer.Signer` does."""

    @property
    def algorithm(self) -> Algorithm: ...

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True)
class Jws:
    """A token that was read and not verified yet."""

    header: Mapping[str, object]
    payload: Mapping[str, object]
    signing_input: bytes
    signature: bytes


def read_jws(compact: str, *types: str | None) -> Jws:
    """Read a token of that type, or of one of those; None stands for none stated.

    Raises TokenUnreadableError, and TokenInvalidError for another type or algorithm.
    """
    parts = compact.split(".")
    if len(parts) != 3:
        raise TokenUnreadableError("a signed token is three parts with dots between them")
    header = (_seen_header if len(parts[0]) <= MAX_SEEN_HEADER else _read_header)(parts[0])
    if header.get("typ") not in types:
        raise TokenInvalidError(Check.TYPE, f"the token's typ is not {types[0]}")
    algorithm = header.get("alg")
    if not (isinstance(algorithm, str) and algorithm in SCHEMES):
        raise TokenInvalidError(Check.ALGORITHM, f"the token's alg is not one of {', '.join(SCHEMES)}")
    if "crit" in header:
        raise TokenInvalidError(Check.ALGORITHM, "the token demands an extension (crit) that is not understood here")
    payload, signature = base64url.decode(parts[1], _PART), base64url.decode(parts[2], _PART)
    signing_input = compact.rpartition(".")[0].encode()
    return Jws(header, read_object(payload, "the token's payload"), signing_input, signature)


def _read_header(text: str) -> Mapping[str, object]:
    """Never changed by anybody, as it may be seen again."""
    return MappingProxyType(read_object(base64url.decode(text, _PART), "the token's header"))


_seen_header = lru_cache(maxsize=SEEN_HEADERS)(_read_header)


def verify_jws(jws: Jws, key: PublicKey) -> None:
    """Raises TokenInvalidError unless `key` signed the token under the algorithm that it names."""
    verify(SCHEMES[str(jws.header["alg"])], key, jws.signature, jws.signing_input)


def sign_jws(signer: JwsSigner, header: Mapping[str, object], payload: Mapping[str, object]) -> str:
    """A token over `payload`, whose header names the signer's algorithm besides. Raises what the signer does."""
    members = {"alg": str(signer.algorithm), **header}
    signing_input = ".".join(base64url.encode(write_json(part)) for part in (members, payload))
    return f"{signing_input}.{base64url.encode(signer.sign(signing_input.encode()))}"
