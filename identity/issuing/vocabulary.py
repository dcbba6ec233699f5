"""What we publish about our own types: the context that their terms come from, and a JSON Schema for each.

Each file is pinned by its SHA-256, as other people's contexts are, and never changes: another text gets another
address. Terms and types are URNs, the same at every deployment; only the addresses are a deployment's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from identity.did.web import document_url
from identity.errors import DidError, UnknownContextError
from identity.issuing.credential_types import TYPES, CredentialType
from identity.issuing.did_document import PATH as DID_PATH
from identity.jsonld.context_library import PUBLISHED, ContextLibrary

CONTEXT_PATH: Final = "/contexts/credentials/v1"
SCHEMA_PATH: Final = "/schemas/{slug}/v1"
SCHEMA_KIND: Final = "JsonSchema"
"""Of a credential's `credentialSchema` (W3C VC JSON Schema)."""

CONTEXT_FILE: Final = "contexts/credentials-v1.jsonld"
PINNED: Final[Mapping[str, str]] = {
    CONTEXT_FILE: "ba85fec4cb7889954dce1085aeb0d1551c5055ae5251185cb243f0c9334a9e62",
    "schemas/age-attestation-v1.json": "88943eecd7b9a478d84f53d2f703aeefe7820766f5e42ec88ac2f29c96c77769",
    "schemas/do-not-generate-registration-v1.json": "5f4742aa1477374cf862907243a7abe2f76e6f67b7df956e4c269ca21bdbdb2e",
    "schemas/account-assurance-v1.json": "064eb3c05d202131a70168d5d8d7a41154c035cab7ea288cf7b201db09047fab",
    "schemas/verified-creator-v1.json": "14da811542e3219a759cb6197dba9f8cc3cb4de2ed0d7ab8f11b4f8757b57192",
}
"""File under `identity/issuing` → its SHA-256."""


def context() -> bytes:
    """The context of our types, as it is served at CONTEXT_PATH."""
    return _pinned(CONTEXT_FILE)


def schema(slug: str) -> bytes | None:
    """The JSON Schema of the type with that slug, as it is served at SCHEMA_PATH; None for no type of ours."""
    return _pinned(_file(slug)) if slug in {one.slug for one in TYPES.values()} else None


def contexts_at(origin: str) -> ContextLibrary:
    """What a deployment under that address issues with: what the W3C published, and our own context."""
    return PUBLISHED.including({origin + CONTEXT_PATH: context()})


def contexts_under(dids: Iterable[str]) -> dict[str, bytes]:
    """Our own context under the address of each did:web: its text is the same wherever Sigillo runs. By its URL."""
    found = {}
    for did in dids:
        with suppress(DidError):  # of another method, or of none
            found[document_url(did).removesuffix(DID_PATH) + CONTEXT_PATH] = context()
    return found


def schema_entry(origin: str, of: CredentialType) -> dict[str, str]:
    """A credential's `credentialSchema`."""
    return {"id": origin + SCHEMA_PATH.format(slug=of.slug), "type": SCHEMA_KIND}


def written(of: CredentialType) -> dict[str, Any]:
    """The schema of a whole credential of that type, made of its subject's: what the file says."""
    subject = of.subject.json_schema()
    definitions = subject.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": of.name,
        "linkable": of.revocable,
        "type": "object",
        "required": ["@context", "type", "issuer", "validFrom", "validUntil", "credentialSubject", "credentialSchema"]
        + (["id", "credentialStatus"] if of.revocable else []),
        "properties": {
            "type": {"type": "array", "prefixItems": [{"const": "VerifiableCredential"}, {"const": of.name}]},
            "credentialSubject": subject,
            **({} if of.revocable else {"id": False, "credentialStatus": False}),
        },
        **({"$defs": definitions} if definitions else {}),
    }


def _file(slug: str) -> str:
    return f"schemas/{slug}-v1.json"


def _pinned(name: str) -> bytes:
    content = (files("identity.issuing") / name).read_bytes()
    if sha256(content).hexdigest() != PINNED[name]:
        raise UnknownContextError(f"{name} is not what this version publishes: install Sigillo again")
    return content
