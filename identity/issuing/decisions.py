"""The kinds of entry that issuing makes.

What becomes of the issuer's keys is sealed under the home tenant's system subject, a credential's issuing under that of
its tenant. Payloads say nothing of what a credential says: the digest is of all of it with its signature, which nobody
guesses, and which of a bbs-2023 credential nobody is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.payload import Kind

KEYS_POLICY: Final = "issuerkey@1"
ISSUE_POLICY: Final = "credential.issue@1"


@dataclass(frozen=True)
class IssuerKeyChanged:
    """The issuer's DID document, or what signs under it, is not what it was. An operator decided it: in the key store,
    by revoking, or by another address.
    """

    did: str
    document_sha256: str
    signing: tuple[str, ...]
    """The version of each key that signs now."""

    retired: tuple[str, ...]
    """Every version that signs no more. What it signed verifies."""

    revoked: tuple[str, ...]
    """Every version that nothing verifies with any more."""

    reasons: tuple[str, ...]
    """Of `key.first`, `key.rotated`, `key.retired`, `key.restored`, `key.revoked: …`, `did.changed`."""


@dataclass(frozen=True)
class CredentialIssued:
    """A credential was issued."""

    credential: str
    """Our name for it: what status changes name. Nothing that anybody is shown."""

    actor: str
    type: str
    format: str
    """A cryptosuite, or `dc+sd-jwt`."""

    key: str
    """The version that signed, such as sigillo-issuer-p256@2."""

    sha256: str
    """Of what the holder was given: RFC 8785 JSON of a document with its proof, or a token with its disclosures."""

    ends: str
    """RFC 3339."""


ISSUER_KEY_CHANGED: Final = Kind("issuerkey.changed", IssuerKeyChanged)
CREDENTIAL_ISSUED: Final = Kind("credential.issued", CredentialIssued, {"type": ("type",)})
KINDS: Final = (ISSUER_KEY_CHANGED, CREDENTIAL_ISSUED)
