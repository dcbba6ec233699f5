"""Until when a verdict stays what it is while the trust policy does: what is found of the same bytes changes with time
alone only as a certificate begins or ends, or as a moment comes that a time-stamp names. Runs in the worker.

Rules
- Every certificate of every signer and authority in the store counts, and every root: which of them a verdict turned
  on need not be known.
- Where something is there whose end is not known, nothing is promised: what an authority says of a certificate or a
  time beside the signature, a creator's own certificates, a chain or a time-stamp that cannot be read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from keys.profile import UNREADABLE
from provenance.ancestry import Json
from provenance.creator import CREATOR_LABEL
from provenance.signers import Headers, Signatures, Signers
from provenance.stamps import SKEW, Stamps, certificates_of, time_of

NEVER: Final = datetime.max.replace(tzinfo=UTC)

_OCSP: Final = "rVals"
_TIME_STAMPS: Final = ("sigTst", "sigTst2")
_WITH_ENDS_OF_THEIR_OWN: Final = (CREATOR_LABEL, "c2pa.certificate-status", "c2pa.time-stamp")
"""How the labels of assertions begin that a verdict may turn on, and whose certificates are not looked at here."""


def lasts_until(detail: Json, signatures: Signatures, signers: Signers, stamps: Stamps) -> datetime | None:
    """The next moment at which looking again may find something else; None where nobody can tell. `detail` is
    `Reader.crjson`.
    """
    manifests = detail.get("manifests") or ()
    labels = {str(label) for manifest in manifests for label in manifest.get("assertions") or ()}
    if any(label.startswith(_WITH_ENDS_OF_THEIR_OWN) for label in labels):
        return None
    if not signatures or not all(signers.chains.get(label) for label in signatures):
        return None
    if not all(_plain(found, stamps.answers.get(label, b"")) for label, found in signatures.items()):
        return None
    try:
        authorities = [one for answer in stamps.answers.values() if answer for one in certificates_of(answer)]
    except UNREADABLE:
        return None
    chains = [one for chain in signers.chains.values() for one in chain]
    moments = set(_of({*chains, *authorities, *signers.roots, *stamps.roots}))
    times = filter(None, (time_of(manifest.get("signature") or {}) for manifest in manifests))
    moments |= {moment for time in times for moment in (time - SKEW, time)}
    return min((moment for moment in moments if moment > stamps.now), default=NEVER)


def _plain(headers: Headers, answer: bytes) -> bool:
    """Whether a signature has one time-stamp, which was found, or none; and nothing of its certificate's standing."""
    if any(_OCSP in header for header in headers):
        return False
    found = [header[name] for header in headers for name in _TIME_STAMPS if name in header]
    return not found or (len(found) == 1 and bool(answer) and len(found[0]["tstTokens"]) == 1)


def _of(certificates: Iterable[x509.Certificate]) -> Iterator[datetime]:
    for one in certificates:
        yield one.not_valid_before_utc
        yield one.not_valid_after_utc
