"""What revoked certificates make of the manifests signed with them. Runs in the worker.

Rules
- A signature of a revoked certificate is rejected, in the file's own manifest and in every ancestor's, unless a trusted
  time-stamp shows that it was there before the moment from which it is not to be trusted.
- A time-stamp proves that only if nothing speaks against it: of an ancestor's, neither what its recorder wrote down
  nor what was found now.
- c2pa-rs asks nobody, and would not hear an authority that answers for itself; so its code for it is given here.
- A revocation is of one certificate: two authorities may have one name, and count alike. Whose certificate cannot be
  read is trusted by nobody (`provenance.signers`), so nobody need ask whether it is revoked.

C2PA Technical Specification 2.4, "Validate the credential revocation information": a revocation does not invalidate
what was signed before it; where a credential was revoked at the time of signing, the claim is rejected.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from keys.profile import UNREADABLE
from keys.revocation import IssuerAndSerial, Reason, Revocation
from provenance.ancestry import Json, evidence_in, objected, statuses_in
from provenance.codes import SIGNER_REVOKED, TIME_STAMP_TRUSTED, TIME_STAMP_VALIDATED

if TYPE_CHECKING:  # it reads CBOR, and the service's own process asks here, too
    from provenance.signers import Signers

LISTS_KEPT: Final = 8

_GOOD: Final = {TIME_STAMP_TRUSTED, TIME_STAMP_VALIDATED}


def written(revocations: Iterable[Revocation]) -> str:
    """Revocations as a worker takes them, one a line in a fixed order; empty for none."""
    return "\n".join(sorted({_line(revocation) for revocation in revocations}))


@lru_cache(maxsize=LISTS_KEPT)
def parsed(revoked: str) -> Mapping[int, Sequence[Revocation]]:
    """The same by serial number."""
    found: defaultdict[int, list[Revocation]] = defaultdict(list)
    for line in filter(None, revoked.split("\n")):
        serial, key, at, since, reason, issuer = line.split(" ", 5)
        certificate = IssuerAndSerial(json.loads(issuer), int(serial, 16), key)
        found[certificate.serial].append(Revocation(certificate, _moment(at), _moment(since), Reason(reason)))
    return found


def of_signer(certificate: x509.Certificate | None, revoked: str) -> Revocation | None:
    """The revocation of a signer's certificate; of several, that which reaches back furthest."""
    if certificate is None or not revoked:
        return None
    try:
        name = IssuerAndSerial.of(certificate)
    except UNREADABLE:  # trusted by nobody: see the rules
        return None
    told = [one for one in parsed(revoked).get(name.serial, ()) if one.certificate.names(name)]
    return min(told, key=lambda one: one.since, default=None)


def enforced(store: Json, detail: Json, revoked: str, signers: Signers) -> Json:
    """The store (`Reader.json`) with the signatures of revoked certificates among its failures; `detail` is
    `Reader.crjson`.
    """
    if not revoked:
        return store
    codes, failures = _codes(store, str(store.get("active_manifest"))), {}
    for manifest in detail.get("manifests") or ():
        label, signature = str(manifest.get("label")), manifest.get("signature") or {}
        revocation = of_signer(signers.certificate(label), revoked)
        if revocation is not None and not _seen_before(signature, codes.get(label, set()), revocation):
            failures[label] = f"the signer's certificate was {revocation}"
    return objected(store, SIGNER_REVOKED, failures)


def _codes(store: Json, active: str) -> dict[str, set[str]]:
    """Every code that was recorded or found about each manifest."""
    results = (store.get("validation_results") or {}).get("activeManifest") or {}
    ancestors = {
        str(label): {code for code, _ in about.recorded | about.found} for label, about in evidence_in(store).items()
    }
    return {**ancestors, active: {code for code, _, _ in statuses_in(results)}}


def _seen_before(signature: Json, codes: set[str], revocation: Revocation) -> bool:
    """Whether a trusted time-stamp shows that the signature was there in time."""
    about: set[str] = {code for code in codes if code.startswith("timeStamp.")}
    if TIME_STAMP_TRUSTED not in about or about - _GOOD:
        return False
    stamp: Mapping[str, Any] = signature.get("timeStampInfo") or {}
    try:
        return datetime.fromisoformat(str(stamp.get("timestamp"))) < revocation.since
    except (ValueError, TypeError):  # TypeError: a time without a zone
        return False


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _line(revocation: Revocation) -> str:
    """Times in whole seconds, as in certificates. The name comes last, for it may hold spaces, and as JSON, for it may
    hold anything.
    """
    certificate = revocation.certificate
    at, since = (math.floor(moment.timestamp()) for moment in (revocation.at, revocation.since))
    name = f"{certificate.serial:x} {certificate.issuer_key}"
    return f"{name} {at} {since} {revocation.reason} {json.dumps(certificate.issuer)}"
