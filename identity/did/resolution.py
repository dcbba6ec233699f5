"""DID resolution: the document of a DID, or the method in it that a fragment names; what goes wrong has its own words
(W3C DID Resolution; W3C CCG did:key, section 3.1).

Rules
- A document is made of what the name says (did:key, did:jwk), or is the one that was fetched, which must be about that
  DID (did:web). Nothing is added to a fetched one.
- Keys are written as Multikey, a did:jwk's as JsonWebKey; another `publicKeyFormat` is an error and not another key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from identity.did.methods import BlsKey, VerificationMethod, method_of, multikey, resolve
from identity.did.web import MAX_DID, PREFIX, Fetch, document_url, read_whole
from identity.errors import DidError, DidKeyLengthError, DidUnreachableError, DidUnsupportedError
from identity.jose.jwk import write_jwk

DID_CONTEXT: Final = "https://www.w3.org/ns/did/v1"
KEY_CONTEXTS: Final = {
    "Multikey": "https://w3id.org/security/multikey/v1",
    "JsonWebKey": "https://w3id.org/security/jwk/v1",
}

EXPERIMENTAL_FORMATS: Final = frozenset({"Ed25519VerificationKey2018", "X25519KeyAgreementKey2019"})
"""Of did:key, known and not written."""

_DID_URL: Final = re.compile(r"did:[a-z0-9]+:[A-Za-z0-9._:%-]+(#[A-Za-z0-9._~:-]+)?")
_SCHEME: Final = re.compile(r"did:[a-z0-9]+:")


class ResolutionFault(StrEnum):
    """Errors by their names in DID Resolution and did:key."""

    INVALID_DID = "invalidDid"
    INVALID_DID_URL = "invalidDidUrl"
    NOT_FOUND = "notFound"
    METHOD_NOT_SUPPORTED = "methodNotSupported"
    REPRESENTATION_NOT_SUPPORTED = "representationNotSupported"
    INVALID_KEY_LENGTH = "invalidPublicKeyLength"
    INVALID_KEY_TYPE = "invalidPublicKeyType"
    UNSUPPORTED_KEY_TYPE = "unsupportedPublicKeyType"


@dataclass(frozen=True)
class Resolution:
    """What came of a DID or a DID URL."""

    content: Mapping[str, Any] | None
    """The document, or the method that a fragment names; None where something went wrong."""

    is_url: bool
    """It has a fragment, path or query: it was dereferenced and not resolved."""

    fault: ResolutionFault | None = None
    detail: str = ""


def resolve_did(name: str, key_format: str | None, fetch: Fetch) -> Resolution:
    """Never raises over what the name says; `key_format` is did:key's option `publicKeyFormat`."""
    did, _, fragment = name.partition("#")
    is_url = bool(fragment) or any(sign in name for sign in "/?")
    fault = _form_fault(name, is_url) or _format_fault(key_format)
    if fault:
        return Resolution(None, is_url, *fault)
    try:
        document = _document(did, fetch)
    except DidError as error:
        return Resolution(None, is_url, _fault_of(error), str(error))
    if not fragment:
        return Resolution(document, is_url)
    found = [
        each for each in document.get("verificationMethod", []) if isinstance(each, dict) and each.get("id") == name
    ]
    if len(found) != 1:
        return Resolution(None, is_url, ResolutionFault.NOT_FOUND, f"the document has no method {name!r}")
    return Resolution({"@context": document.get("@context", DID_CONTEXT), **found[0]}, is_url)


def _form_fault(name: str, is_url: bool) -> tuple[ResolutionFault, str] | None:
    if len(name) <= MAX_DID and _DID_URL.fullmatch(name):
        return None
    looks_so = is_url and _SCHEME.match(name)
    return (
        ResolutionFault.INVALID_DID_URL if looks_so else ResolutionFault.INVALID_DID,
        f"write a DID of at most {MAX_DID} characters, with a fragment or without; paths and queries are not read",
    )


def _format_fault(key_format: str | None) -> tuple[ResolutionFault, str] | None:
    if key_format in {None, "Multikey"}:
        return None
    known = key_format in EXPERIMENTAL_FORMATS
    return (
        ResolutionFault.INVALID_KEY_TYPE if known else ResolutionFault.UNSUPPORTED_KEY_TYPE,
        "keys are written as Multikey",
    )


def _fault_of(error: DidError) -> ResolutionFault:
    for kind, fault in _FAULTS.items():
        if isinstance(error, kind):
            return fault
    return ResolutionFault.INVALID_DID


_FAULTS: Final[Mapping[type[DidError], ResolutionFault]] = {
    DidKeyLengthError: ResolutionFault.INVALID_KEY_LENGTH,
    DidUnreachableError: ResolutionFault.NOT_FOUND,
    DidUnsupportedError: ResolutionFault.METHOD_NOT_SUPPORTED,
}


def _document(did: str, fetch: Fetch) -> dict[str, Any]:
    """Raises DidError's kinds."""
    if not did.startswith(PREFIX):
        return document_of(resolve(method_of(did)))
    content = fetch(document_url(did))
    if content is None:
        raise DidUnreachableError(f"the document of {did!r} cannot be had now")
    return dict(read_whole(did, content))


def document_of(method: VerificationMethod) -> dict[str, Any]:
    """The document of a DID whose name is its one key: a did:key, or a did:jwk with a key that JWK has."""
    key: dict[str, object]
    if method.controller.startswith("did:jwk:") and not isinstance(method.key, BlsKey):
        kind, key = "JsonWebKey", {"publicKeyJwk": write_jwk(method.key)}
    else:
        kind, key = "Multikey", {"publicKeyMultibase": multikey(method.key)}
    return {
        "@context": [DID_CONTEXT, KEY_CONTEXTS[kind]],
        "id": method.controller,
        "verificationMethod": [{"id": method.id, "type": kind, "controller": method.controller, **key}],
        **{purpose: [method.id] for purpose in sorted(method.purposes)},
    }
