"""Enveloped credentials and presentations: a signed token as a `data:` URL, in an object that says what it is
(VCDM 2.0 §4.13.1, §4.13.2; RFC 2397).

The token is of VC-JOSE-COSE, or, under the media type that every JWT has, in the form that VCDM 1.1 gave it.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

from identity.enveloping.secured import SHORT, Form, Secured, read_secured
from identity.errors import TokenUnreadableError
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.legacy.token import read_legacy_jwt
from identity.vcdm import CREDENTIAL, PRESENTATION, listed, url_read

TYPES: Final[Mapping[str, str]] = {
    CREDENTIAL: "EnvelopedVerifiableCredential",
    PRESENTATION: "EnvelopedVerifiablePresentation",
}

_URL: Final = re.compile(
    r"data:application/(?P<short>vc|vp)\+(?P<form>jwt|sd-jwt|cose)(?P<base64>;base64)?,(?P<token>.+)"
)

_OLDER: Final = "data:application/jwt,"


def is_enveloped(document: Mapping[str, object], kind: str) -> bool:
    """Whether it says so."""
    return isinstance(document, dict) and TYPES[kind] in listed(document.get("type"))


def open_envelope(document: Mapping[str, object], kind: str) -> Secured:
    """What is in it, not verified yet. Raises TokenUnreadableError, TokenInvalidError."""
    url = _url_in(document, kind)
    if url.startswith(_OLDER):
        return read_legacy_jwt(url.removeprefix(_OLDER), kind, CREDENTIALS_V2)
    return read_secured(*_token_of(url, kind), kind)


def token_in(document: Mapping[str, object], kind: str) -> tuple[bytes, Form]:
    """The token of an envelope, unread, and its form. Raises TokenUnreadableError."""
    return _token_of(_url_in(document, kind), kind)


def _url_in(document: Mapping[str, object], kind: str) -> str:
    """The URL that an envelope is. Raises TokenUnreadableError."""
    named = listed(document.get("type")) == [TYPES[kind]] and document.keys() <= {"@context", "id", "type"}
    if not named or document.get("@context") not in (CREDENTIALS_V2, [CREDENTIALS_V2]):
        raise TokenUnreadableError(f"an envelope has the context {CREDENTIALS_V2}, the type {TYPES[kind]}, and an id")
    url = url_read(document.get("id"))
    return url if isinstance(url, str) else ""


def _token_of(url: str, kind: str) -> tuple[bytes, Form]:
    found = _URL.fullmatch(url)
    if not found or found["short"] != SHORT[kind]:
        raise TokenUnreadableError(f"an envelope's id is data:application/{SHORT[kind]}+… with a signed token")
    form, is_base64 = Form(found["form"]), found["base64"] is not None
    if is_base64 is not (form is Form.COSE):
        raise TokenUnreadableError("COSE is base64 in a data: URL, JWT and SD-JWT are not")
    return (read_base64(found["token"]) if is_base64 else found["token"].encode()), form


def envelop(token: str | bytes, form: Form, kind: str) -> dict[str, object]:
    """The object around a token."""
    written = f";base64,{b64encode(token).decode()}" if isinstance(token, bytes) else f",{token}"
    return {
        "@context": CREDENTIALS_V2,
        "id": f"data:application/{SHORT[kind]}+{form}{written}",
        "type": TYPES[kind],
    }


def read_base64(text: str) -> bytes:
    """With padding or without. Raises TokenUnreadableError."""
    try:
        data = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise TokenUnreadableError("what follows is not base64") from error
    return data
