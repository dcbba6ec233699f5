"""Whose word on ages counts, by kind of document.

Rules
- Each kind has authorities of its own, so that who certifies licences cannot certify births.
- A status is looked up in a list by who issued the document; one that cannot be had leaves it *unchecked*.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509

from identity.did.methods import Resolver, resolve
from identity.jose.certified import MDL_DOCUMENT_SIGNER
from identity.jsonld.context_library import PUBLISHED, ContextLibrary
from identity.mdoc.document import VerifiedMdoc
from identity.openid4vp.documents import DOCUMENTS, AgeDocument
from identity.openid4vp.word import Word
from identity.sd_jwt.credential import VerifiedCredential
from identity.sd_jwt.issuers import IssuerKey, certified, resolved
from identity.status.token_lookup import Fetch, token_status

PURPOSES: Final = frozenset({MDL_DOCUMENT_SIGNER})


def _not_fetched(_url: str) -> None:
    return None


@dataclass(frozen=True)
class Believed:
    """Whose word counts here."""

    anchors: Mapping[Word, Sequence[x509.Certificate]] = field(default_factory=dict)
    issuers: Collection[str] = frozenset()
    """Of age attestations, by DID."""

    resolve: Resolver = resolve
    contexts: ContextLibrary = PUBLISHED
    fetch: Fetch = _not_fetched
    """Status lists."""

    def documents(self) -> tuple[str, ...]:
        """Kinds of documents of which at least somebody is believed."""
        return tuple(name for name, one in DOCUMENTS.items() if self.anchors.get(one.word) or self._by_did(one))

    def issuer_key(self, document: AgeDocument, now: datetime) -> IssuerKey:
        """Of SD-JWTs of that kind."""
        if document.word is Word.OURS:
            return resolved(self.issuers, self.resolve)
        return certified(self.anchors.get(document.word, ()), PURPOSES, now)

    def check_status(self, document: AgeDocument, shown: VerifiedCredential | VerifiedMdoc, now: datetime) -> None:
        """In a list by who issued it. Raises CheckFailedError."""
        status = shown.claims.get("status") if isinstance(shown, VerifiedCredential) else shown.status
        issuer_key = self.issuer_key(document, now)
        named = shown.issuer if document.word is Word.OURS else None
        if status is not None:
            token_status(self.fetch, lambda header: issuer_key(named, header).key, now)(status)

    def _by_did(self, document: AgeDocument) -> bool:
        return document.word is Word.OURS and bool(self.issuers)
