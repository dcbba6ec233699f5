"""Whom this deployment believes about ages: the operator's authorities for each kind of document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from cryptography import x509

from api.outside.sources import Sources
from api.settings import Settings
from identity.did.web import resolver
from identity.issuing.record import IssuerRecord
from identity.openid4vp.believed import Believed
from identity.openid4vp.presentations import Presentations
from identity.openid4vp.request import RequestSigner
from identity.openid4vp.sessions import Sessions
from identity.openid4vp.word import Word
from keys.clock import Clock, Entropy
from ledger.log import Ledger
from ledger.storage.database import Database
from provenance.errors import TrustPolicyError


def presentations_of(
    settings: Settings,
    ledger: Ledger,
    database: Database,
    sources: Sources,
    record: IssuerRecord,
    clock: Clock,
    entropy: Entropy,
) -> Presentations:
    """The verifier of wallets' answers, who believes our own issuer and those that the operator names.

    Raises OSError and TrustPolicyError for the operator's files.
    """
    believed = Believed(
        authorities(settings.age_anchors),
        sources.issuers,
        resolver(sources.did_documents.content),
        record.contexts,
        sources.status_lists.content,
    )
    sessions = Sessions(database, ledger.subjects, clock, entropy)
    signer = partial(_signer, record)
    return Presentations(sessions, lambda: believed, settings.origin, clock, entropy, signer)


def _signer(record: IssuerRecord) -> RequestSigner:
    return record.issuer().p256


def authorities(files: Mapping[Word, Path]) -> Mapping[Word, Sequence[x509.Certificate]]:
    """The certificates in the operator's files. Raises OSError, TrustPolicyError."""
    return {word: _certificates(file) for word, file in files.items()}


def _certificates(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError as error:
        raise TrustPolicyError(f"{file} holds no certificates (PEM) of authorities") from error
