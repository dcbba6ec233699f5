"""Documents inside signed tokens: JWT, SD-JWT and COSE_Sign1 (W3C VC-JOSE-COSE 1.0).

Rules
- A token says in `typ` what it is, and is read as that and nothing else; a content type that it states besides fits.
- The payload is the document itself: with the claims `vc` or `vp`, which put it elsewhere, it is refused.
- What the registered claims say of issuer, holder and time must not contradict the document. They are no part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

import cbor2

from identity.encoding.cbor import read_cbor, read_map
from identity.encoding.strict_json import read_object, write_json
from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.jose.jwk import PublicKey
from identity.jose.jws import JwsSigner, read_jws, sign_jws, verify_jws
from identity.jose.lifetime import check_lifetime
from identity.mdoc.cose import ALGORITHMS, read_sign1, verify_sign1
from identity.outcome import Check
from identity.sd_jwt.concealing import conceal
from identity.sd_jwt.disclosure import reveal
from identity.vcdm import CREDENTIAL, PRESENTATION, party
from keys.clock import Entropy

SHORT: Final[Mapping[str, str]] = {CREDENTIAL: "vc", PRESENTATION: "vp"}
"""Of each kind, what media types call it."""

AUTHOR: Final[Mapping[str, str]] = {CREDENTIAL: "issuer", PRESENTATION: "holder"}
"""Of each kind, the member that names who signs."""

CLAIMS: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "cnf"})
"""Of the token, not of the document in it."""

DOCUMENT_CLAIMS: Final = frozenset({"vc", "vp"})
"""In which an older form has the document (VC-JOSE-COSE 1.0 §3.1.3 forbids them)."""

TOKENS_OWN: Final = CLAIMS | DOCUMENT_CLAIMS
"""Names that no member of a document has."""

_SIGN1_TAG: Final = b"\xd2"
"""CBOR's tag 18 (RFC 9052, section 2)."""

_ALGORITHM, _CONTENT_TYPE, _KEY_ID, _CWT_CLAIMS, _TYPE = 1, 3, 4, 15, 16
"""COSE headers (RFC 9052, section 3.1; RFC 9597; RFC 9596)."""

_CWT: Final[Mapping[object, str]] = {1: "iss", 2: "sub", 3: "aud", 4: "exp", 5: "nbf", 6: "iat"}
"""Claims of a COSE header, by their names in a JWT (RFC 8392, section 4)."""


class Form(StrEnum):
    """How a document is secured: what follows `application/vc+` or `application/vp+`."""

    JWT = "jwt"
    SD_JWT = "sd-jwt"
    COSE = "cose"


@dataclass(frozen=True)
class Secured:
    """A document in a token that was read and not verified yet."""

    document: Mapping[str, object]
    claims: Mapping[str, object]
    kid: str | None
    verify: Callable[[PublicKey], None]
    """Raises TokenInvalidError unless that key signed the token."""


def read_secured(token: bytes, form: Form, kind: str) -> Secured:
    """A document of that kind in a token of that form. Raises TokenUnreadableError, TokenInvalidError."""
    secured = _READERS[form](token, SHORT[kind])
    if DOCUMENT_CLAIMS & secured.document.keys():
        raise TokenInvalidError(
            Check.STRUCTURE, "the token has a claim 'vc' or 'vp': its payload is the document itself"
        )
    author = party(secured.document.get(AUTHOR[kind]))
    if "iss" in secured.claims and secured.claims["iss"] != author:
        raise TokenInvalidError(Check.AUTHOR, f"the token's iss is not the {AUTHOR[kind]} of its document")
    return secured


def check_times(secured: Secured, now: datetime) -> None:
    """Raises TokenInvalidError where the token has ended or has not begun. When it was signed decides nothing."""
    check_lifetime({name: secured.claims[name] for name in ("nbf", "exp") if name in secured.claims}, now)


def _read_jwt(token: bytes, short: str) -> Secured:
    jws = read_jws(_text(token), f"{short}+{Form.JWT}")
    _check_content_type(jws.header.get("cty", short), short)
    return _secured(jws.payload, jws.header.get("kid"), partial(verify_jws, jws))


def _read_sd_jwt(token: bytes, short: str) -> Secured:
    compact, *disclosures, last = _text(token).split("~") if b"~" in token else [_text(token), ""]
    if last:
        raise TokenUnreadableError("the token has a proof of its holder's key, for which nobody asked")
    jws = read_jws(compact, f"{short}+{Form.SD_JWT}")
    _check_content_type(jws.header.get("cty", short), short)
    return _secured(reveal(jws.payload, disclosures).claims, jws.header.get("kid"), partial(verify_jws, jws))


def _read_cose(token: bytes, short: str) -> Secured:
    sign1 = read_sign1(read_cbor(token.removeprefix(_SIGN1_TAG), "the token"))
    header = read_map(sign1.protected, "a protected header")
    if header.get(_TYPE) not in {f"application/{short}+cose", f"{short}+cose"}:
        raise TokenInvalidError(Check.TYPE, f"the token's typ is not application/{short}+cose")
    _check_content_type(header.get(_CONTENT_TYPE, short), short)
    if sign1.payload is None:
        raise TokenUnreadableError("the token's payload is kept elsewhere")
    kid, payload = header.get(_KEY_ID), sign1.payload
    name = kid.decode(errors="replace") if isinstance(kid, bytes) else kid
    said, stated = read_object(payload, "the token's payload"), _header_claims(header.get(_CWT_CLAIMS, {}))
    if any(said.get(claim, value) != value for claim, value in stated.items()):
        raise TokenInvalidError(Check.STRUCTURE, "the claims in the token's header are not those in its payload")
    return _secured({**said, **stated}, name, lambda key: verify_sign1(sign1, key, payload))


def _header_claims(stated: object) -> dict[str, object]:
    """Claims of a COSE header (RFC 9597), as a payload has them."""
    if not isinstance(stated, dict):
        raise TokenUnreadableError("the claims in the token's header are no map")
    return {_CWT[number]: value for number, value in stated.items() if number in _CWT}


_READERS: Final[Mapping[Form, Callable[[bytes, str], Secured]]] = {
    Form.JWT: _read_jwt,
    Form.SD_JWT: _read_sd_jwt,
    Form.COSE: _read_cose,
}


def _secured(payload: Mapping[str, object], kid: object, verify: Callable[[PublicKey], None]) -> Secured:
    if not isinstance(kid, str | None):
        raise TokenUnreadableError("the token's kid is no text")
    document = {name: value for name, value in payload.items() if name not in CLAIMS}
    return Secured(document, {name: payload[name] for name in CLAIMS & payload.keys()}, kid, verify)


def _check_content_type(stated: object, short: str) -> None:
    if stated not in {short, f"application/{short}"}:
        raise TokenInvalidError(Check.TYPE, f"the token's content type is not {short}")


def _text(token: bytes) -> str:
    try:
        return token.decode("ascii")
    except UnicodeDecodeError as error:
        raise TokenUnreadableError("a signed token is ASCII") from error


def sign_jwt(document: Mapping[str, object], kind: str, signer: JwsSigner, kid: str) -> str:
    """A document of that kind as a JWT; `kid` is the id of the signer's verification method. Raises as the signer."""
    short = SHORT[kind]
    return sign_jws(signer, {"typ": f"{short}+{Form.JWT}", "cty": short, "kid": kid}, document)


def sign_sd_jwt(document: Mapping[str, object], kind: str, signer: JwsSigner, kid: str, entropy: Entropy) -> str:
    """The same as an SD-JWT with every disclosure; of `document` what is `Disclosable` may be left out.

    Raises CredentialRefusedError for what cannot be, and as the signer.
    """
    payload, disclosures = conceal(document, entropy)
    short = SHORT[kind]
    token = sign_jws(signer, {"typ": f"{short}+{Form.SD_JWT}", "cty": short, "kid": kid}, payload)
    return "~".join([token, *disclosures, ""])


def sign_cose(
    document: Mapping[str, object], kind: str, algorithm: int, sign: Callable[[bytes], bytes], kid: str
) -> bytes:
    """A document of that kind as a tagged COSE_Sign1, under one of `cose.ALGORITHMS`. Raises as `sign`."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"{algorithm} is no algorithm here")
    media = f"application/{SHORT[kind]}"
    header = {_ALGORITHM: algorithm, _CONTENT_TYPE: media, _KEY_ID: kid.encode(), _TYPE: f"{media}+cose"}
    protected, payload = cbor2.dumps(header), write_json(document)
    signature = sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    return _SIGN1_TAG + cbor2.dumps([protected, {}, payload, signature])
