"""did:web: a DID whose document lies on a web server. Where it lies, and which keys it gives; fetching is the caller's.

Rules
- Only names, no addresses: who fetches still has to refuse private addresses, redirects, and anything but https. Named
  by a port of this machine is a deployment that nobody else reaches, over plain http: that is for development.
- The document is about this DID, and so are its keys: one under another controller is not this DID's.
- A key may be used for what the document lists it under, and for nothing else.

W3C CCG, did:web method; Controlled Identifiers 1.0 §2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from identity.did.methods import (
    ED25519_PREFIX,
    SIGNING_PURPOSES,
    Resolver,
    VerificationKey,
    VerificationMethod,
    read_multikey,
    resolve,
)
from identity.encoding import multibase
from identity.encoding.strict_json import read_object
from identity.errors import DidUnreachableError, DidUnreadableError, TokenUnreadableError
from identity.jose.jwk import read_jwk

PREFIX: Final = "did:web:"
MAX_DID: Final = 512
MAX_BYTES: Final = 64 * 1024
"""Of a DID document."""

MAX_METHODS: Final = 64

_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}(%|$))({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?(%3A[1-9][0-9]{{0,4}})?")
"""A name of two labels or more whose last begins with a letter: no address can be written so."""

_HERE: Final = re.compile(r"(localhost|127\.0\.0\.1)%3A[1-9][0-9]{0,4}")
_SEGMENT: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]+")

Fetch = Callable[[str], bytes | None]
"""From a URL to what lies there; None where it cannot be had now."""


def document_url(did: str) -> str:
    """Where the document of a did:web lies. Raises DidUnreadableError."""
    host, *path = did.removeprefix(PREFIX).split(":")
    here = _HERE.fullmatch(host)
    well_formed = did.startswith(PREFIX) and len(did) <= MAX_DID and (here or _HOST.fullmatch(host))
    if not well_formed or not all(map(_SEGMENT.fullmatch, path)):
        raise DidUnreadableError(f"{did[:MAX_DID]!r} is no did:web with a host name")
    name, _, port = host.partition("%3A")
    return f"{'http' if here else 'https'}://{name}{port and ':' + port}/{'/'.join(path or ['.well-known'])}/did.json"


def resolver(fetch: Fetch) -> Resolver:
    """Resolves did:web through `fetch`, and other DIDs as `identity.did.resolve` does."""

    def resolve_with_web(method: str) -> VerificationMethod:
        if not method.startswith(PREFIX):
            return resolve(method)
        did = method.partition("#")[0]
        content = fetch(document_url(did))
        if content is None:
            raise DidUnreachableError(f"the document of {did!r} cannot be had now")
        return read_document(did, content, method)

    return resolve_with_web


def read_document(did: str, content: bytes, method: str) -> VerificationMethod:
    """The verification method of that id in a DID's document. Raises DidError's kinds."""
    document = read_whole(did, content)
    stated = [each for _, each in _stated(did, document) if each.get("id") == method]
    if len(stated) != 1:
        raise DidUnreadableError(f"the document of {did!r} has {len(stated)} methods {method!r}, not one")
    if stated[0].get("controller") != did:
        raise DidUnreadableError(f"{method!r} has another controller than {did!r}")
    return VerificationMethod(method, did, _key(stated[0]), _purposes(did, document, method))


def read_whole(did: str, content: bytes) -> Mapping[str, object]:
    """A DID's document as it was fetched. Raises DidUnreadableError."""
    if len(content) > MAX_BYTES:
        raise DidUnreadableError(f"the document of {did!r} is larger than {MAX_BYTES} bytes")
    try:
        document = read_object(content, "the DID document")
    except TokenUnreadableError as error:
        raise DidUnreadableError(str(error)) from error
    if document.get("id") != did:
        raise DidUnreadableError(f"what lies where {did!r} leads is not its document")
    return document


def _stated(did: str, document: Mapping[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Every method written out, with the member it stands in; its id made absolute."""
    count = 0
    for member in ("verificationMethod", *sorted(SIGNING_PURPOSES)):
        for each in _listed(document, member):
            count += 1
            if count > MAX_METHODS:
                raise DidUnreadableError(f"the document of {did!r} has more than {MAX_METHODS} methods")
            if isinstance(each, dict):
                yield member, {**each, "id": _absolute(did, each.get("id"))}


def _purposes(did: str, document: Mapping[str, object], method: str) -> frozenset[str]:
    named = {
        purpose
        for purpose in SIGNING_PURPOSES
        for each in _listed(document, purpose)
        if isinstance(each, str) and _absolute(did, each) == method
    }
    return (
        frozenset(named | {member for member, each in _stated(did, document) if each["id"] == method})
        & SIGNING_PURPOSES
    )


def _listed(document: Mapping[str, object], member: str) -> list[object]:
    value = document.get(member, [])
    if not isinstance(value, list):
        raise DidUnreadableError(f"{member!r} of a DID document is a list")
    return value


def _absolute(did: str, reference: object) -> object:
    return did + reference if isinstance(reference, str) and reference.startswith("#") else reference


def _key(method: Mapping[str, object]) -> VerificationKey:
    """Raises DidError's kinds."""
    given = [name for name in _KEYS if method.get(name) is not None]
    if len(given) != 1:
        raise DidUnreadableError(f"a verification method has one of {', '.join(_KEYS)}")
    if "revoked" in method or "expires" in method:
        raise DidUnreadableError("a verification method that ends is not taken")
    return _KEYS[given[0]](method)


def _multikey(method: Mapping[str, object]) -> VerificationKey:
    return read_multikey(str(method["publicKeyMultibase"]))


def _jwk(method: Mapping[str, object]) -> VerificationKey:
    try:
        return read_jwk(method["publicKeyJwk"])
    except TokenUnreadableError as error:
        raise DidUnreadableError(str(error)) from error


def _base58(method: Mapping[str, object]) -> VerificationKey:
    """Of the days of Ed25519Signature2018: an Ed25519 key without what says that it is one."""
    if method.get("type") != "Ed25519VerificationKey2018":
        raise DidUnreadableError("publicKeyBase58 is read of an Ed25519VerificationKey2018 alone")
    try:
        octets = multibase.decode(f"z{method['publicKeyBase58']}")
    except ValueError as error:
        raise DidUnreadableError(str(error)) from error
    return read_multikey(multibase.encode(ED25519_PREFIX + octets))


_KEYS: Final[Mapping[str, Callable[[Mapping[str, object]], VerificationKey]]] = {
    "publicKeyMultibase": _multikey,
    "publicKeyJwk": _jwk,
    "publicKeyBase58": _base58,
}
"""Members that give a key, and how each is read."""
