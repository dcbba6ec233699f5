"""Who signed each manifest of a store: the certificates themselves, which c2pa-rs only describes. Runs in the worker.

Rules
- They are read from the store as c2pa-rs writes it out again: no format of files, no compression, no second reading of
  what is hostile.
- c2pa-rs trusts a chain whose certificates sign one another, up to a root, and are authorities. What those allow below
  them (how many, for which purposes, with which names) it does not ask, so it is asked here (`keys.path`).
- Who cannot be read here is not trusted.

ISO 19566-5 (JUMBF); RFC 9052 and RFC 9360 (`x5chain`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Self

import cbor2
import cryptography.hazmat.backends.openssl.backend  # noqa: F401 -- needed later, when a worker can import nothing
from cryptography import x509

from keys.errors import CertificateMismatchError
from keys.path import Purposes, led_to
from keys.profile import UNREADABLE
from provenance.ancestry import Json, granted, objected, withdrawn
from provenance.boxes import boxes, labelled
from provenance.codes import SIGNER_TRUSTED, SIGNER_UNTRUSTED

MAX_CHAIN: Final = 8
"""Certificates of one signer; the public authorities use three."""

POLICIES_KEPT: Final = 8
CHAINS_KEPT: Final = 64
"""Chains whose judgement is remembered: file after file comes from the same signer, and to check a path takes longer
than all else that is done here. A certificate never changes, and times are not asked, so nor does the answer.
"""

UNREADABLE_CERTIFICATE: Final = "the signer's certificate cannot be read"

_CHAIN: Final = (33, "x5chain")
_UNREADABLE: Final = (cbor2.CBORDecodeError, IndexError, KeyError, RecursionError, TypeError, *UNREADABLE)

Chain = Sequence[x509.Certificate]
Headers = Sequence[Mapping[Any, Any]]
"""Of a COSE_Sign1: the protected ones, then the others."""

Signatures = Mapping[str, Headers]
"""By the label of the manifest."""


@dataclass(frozen=True)
class Signers:
    """Those of one manifest store, under one policy."""

    chains: Mapping[str, Chain]
    """By the label of the manifest, leaf first."""

    roots: Chain = field(repr=False)
    purposes: Purposes
    """Extended key usages that are accepted; one will do."""

    @classmethod
    def of(cls, signatures: Signatures, anchors: str, usages: str) -> Self:
        """From a store's signatures, and the roots (PEM) and key usages of a trust policy."""
        chains = {label: _chain(headers) for label, headers in signatures.items()}
        return cls(chains, roots_of(anchors), frozenset(map(x509.ObjectIdentifier, usages.split())))

    def certificate(self, label: str) -> x509.Certificate | None:
        """The certificate that a manifest was signed with; None where it cannot be read."""
        return next(iter(self.chains.get(label, ())), None)

    def fault(self, label: str) -> str:
        """Why its signer is not to be trusted; empty where nothing speaks against it."""
        chain = self.chains.get(label, ())
        return _fault(tuple(chain), tuple(self.roots), self.purposes) if chain else UNREADABLE_CERTIFICATE


@lru_cache(maxsize=CHAINS_KEPT)
def _fault(chain: Chain, roots: Chain, purposes: Purposes) -> str:
    try:
        led_to(chain, roots, purposes)
    except CertificateMismatchError as error:
        return str(error)
    except UNREADABLE as error:
        return f"its certificates cannot be read [{error}]"
    return ""


@lru_cache(maxsize=POLICIES_KEPT)
def roots_of(anchors: str) -> Chain:
    """The certificates of a PEM text; of an empty one, none."""
    return x509.load_pem_x509_certificates(anchors.encode()) if anchors else []


def signatures_in(store: bytes) -> Signatures:
    """The headers of each manifest's COSE_Sign1 in a store; empty where the store cannot be read."""
    found: dict[str, Headers] = {}
    try:
        for label, parts in labelled(next(boxes(memoryview(store)))[1]):
            signature = next((part for name, part in labelled(parts) if name == "c2pa.signature"), None)
            if signature is not None:
                found[label] = _headers(next(data for kind, data in boxes(signature) if kind == b"cbor"))
    except (StopIteration, *_UNREADABLE):
        return {}  # what is not there cannot be trusted: see `Signers.fault`
    return found


def _headers(signature: memoryview) -> Headers:
    """Protected and unprotected; none where they cannot be read."""
    try:
        protected, unprotected = cbor2.loads(signature).value[:2]
        return cbor2.loads(protected) if protected else {}, unprotected
    except (AttributeError, ValueError, *_UNREADABLE):
        return ()


def _chain(headers: Headers) -> Chain:
    """Empty where there is none, more than one, or one that cannot be read."""
    try:
        (given,) = [header[name] for header in headers for name in _CHAIN if name in header]
        encoded = [given] if isinstance(given, bytes) else given[: MAX_CHAIN + 1]
        chain = [x509.load_der_x509_certificate(one) for one in encoded]
    except (AttributeError, *_UNREADABLE):
        return ()
    return chain if len(chain) <= MAX_CHAIN else ()


def held(store: Json, signers: Signers) -> Json:
    """The store (`Reader.json`) in which nobody is found trusted who is not to be, or was recorded so."""
    faults = {label: fault for label in granted(store, SIGNER_TRUSTED) if (fault := signers.fault(label))}
    return objected(withdrawn(store, SIGNER_TRUSTED, faults), SIGNER_UNTRUSTED, faults) if faults else store
