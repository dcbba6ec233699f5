"""Our own did:web and the document it leads to (W3C DID 1.0; Controlled Identifiers 1.0, Multikey).

Rules
- Every version that ever signed stays, so that what it signed verifies; one that is revoked stays by name, with the
  moment, and may assert nothing.
- A version's place in the document is its name in the key store: no two versions share one, ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from identity.did.methods import VerificationKey, multikey, read_multikey
from keys.issuer_keys import IssuerKey
from keys.signer import KeyRef

CONTEXTS: Final = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1")
PATH: Final = "/.well-known/did.json"
HISTORY_PATH: Final = "/.well-known/did-history.json"
_PREFIX: Final = "sigillo-issuer-"


@dataclass(frozen=True)
class Method:
    """A version of one of the issuer's keys, as the document lists it."""

    ref: KeyRef
    multikey: str
    revoked: str = ""
    """Since when it asserts nothing, RFC 3339; empty while it may."""

    @classmethod
    def of(cls, ref: KeyRef, key: VerificationKey) -> Method:
        """Of a key."""
        return cls(ref, multikey(key))

    @property
    def fragment(self) -> str:
        """Such as `p256-2`."""
        return f"{self.ref.name.removeprefix(_PREFIX)}-{self.ref.version}"

    @property
    def key(self) -> VerificationKey:
        """What verifies."""
        return read_multikey(self.multikey)


def did_web(origin: str) -> str:
    """The did:web whose document lies under that address, such as `https://sigillo.example`."""
    return f"did:web:{quote(urlsplit(origin).netloc, safe='.-')}"


def did_document(did: str, methods: Iterable[Method]) -> dict[str, Any]:
    """The document of a DID with these keys."""
    listed = list(methods)
    return {
        "@context": list(CONTEXTS),
        "id": did,
        "verificationMethod": [_written(did, method) for method in listed],
        "assertionMethod": [f"{did}#{method.fragment}" for method in listed if not method.revoked],
    }


def methods_in(document: Mapping[str, Any]) -> tuple[Method, ...]:
    """What `did_document` was given."""
    return tuple(
        Method(_ref(stated["id"]), stated["publicKeyMultibase"], stated.get("revoked", ""))
        for stated in document["verificationMethod"]
    )


def _written(did: str, method: Method) -> dict[str, str]:
    stated = {
        "id": f"{did}#{method.fragment}",
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": method.multikey,
    }
    return stated | ({"revoked": method.revoked} if method.revoked else {})


def _ref(method: str) -> KeyRef:
    name, _, version = method.partition("#")[2].rpartition("-")
    return KeyRef(IssuerKey(_PREFIX + name), int(version))
