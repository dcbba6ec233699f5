"""What revoked certificates make of the manifests signed with them. Runs in the worker.

Rules
- A signature of a revoked certificate is rejected, in the file's own manifest and in every ancestor's, unless a trusted
  time-stamp shows that it was there before the moment from which it is not to be trusted.
- A time-stamp proves that only if nothing speaks against it: of an ancestor's, neither what its recorder wrote down
  nor what was found now.
- c2pa-rs asks nobody, and would not hear an authority that answers for itself; so its code for it is given here.

C2PA Technical Specification 2.4, "Validate the credential revocation information": a revocation does not invalidate
what was signed before it; where a credential was revoked at the time of signing, the claim is rejected.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from keys.revocation import IssuerAndSerial, Reason, Revocation
from provenance.ancestry import Json, evidence_in, statuses_in
from provenance.codes import SIGNER_REVOKED, TIME_STAMP_TRUSTED, TIME_STAMP_VALIDATED

LISTS_KEPT: Final = 8

_GOOD: Final = {TIME_STAMP_TRUSTED, TIME_STAMP_VALIDATED}


def written(revocations: Iterable[Revocation]) -> str:
    """Revocations as a worker takes them, one a line in a fixed order; empty for none."""
    return "\n".join(sorted({_line(revocation) for revocation in revocations}))


@lru_cache(maxsize=LISTS_KEPT)
def parsed(revoked: str) -> Mapping[IssuerAndSerial, Revocation]:
    """The same by certificate; of several about one, that which reaches back furthest."""
    found: dict[IssuerAndSerial, Revocation] = {}
    for line in filter(None, revoked.split("\n")):
        serial, at, since, reason, issuer = line.split(" ", 4)
        certificate = IssuerAndSerial(json.loads(issuer), int(serial, 16))
        said = Revocation(certificate, _moment(at), _moment(since), Reason(reason))
        found[certificate] = min(said, found.get(certificate, said), key=lambda one: one.since)
    return found


def of_signer(signature: Json, revoked: str) -> Revocation | None:
    """The revocation of who made a signature, given as `Reader.crjson` describes it."""
    certificate = signature.get("certificateInfo") or {}
    issuer = certificate.get("issuer") or {}
    try:
        serial = int(str(certificate.get("serialNumber")), 16)
    except ValueError:
        return None
    return parsed(revoked).get(IssuerAndSerial(str(issuer.get("CN") or issuer.get("O") or ""), serial))


def enforced(store: Json, detail: Json, revoked: str) -> Json:
    """The store (`Reader.json`) with the signatures of revoked certificates among its failures; `detail` is
    `Reader.crjson`.
    """
    if not revoked:
        return store
    found, active = store.get("validation_results") or {}, str(store.get("active_manifest"))
    codes = _codes(store, active)
    results, deltas = dict(found.get("activeManifest") or {}), list(found.get("ingredientDeltas") or ())
    for manifest in detail.get("manifests") or ():
        label, signature = str(manifest.get("label")), manifest.get("signature") or {}
        revocation = of_signer(signature, revoked)
        if revocation is None or _seen_before(signature, codes.get(label, set()), revocation):
            continue
        status = {"code": SIGNER_REVOKED, "url": f"self#jumbf=/c2pa/{label}/c2pa.signature"}
        failure = {**status, "explanation": f"the signer's certificate was {revocation}"}
        if label == active:
            results["failure"] = [*(results.get("failure") or ()), failure]
        else:
            deltas.append({"ingredientAssertionURI": "", "validationDeltas": {"failure": [failure]}})
    return {**store, "validation_results": {**found, "activeManifest": results, "ingredientDeltas": deltas}}


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
    return f"{certificate.serial:x} {at} {since} {revocation.reason} {json.dumps(certificate.issuer)}"
