"""Every C2PA validation code and the worst verdict it leaves possible.

Rules
- A code's effect is its own, whichever list it was filed under: a recorded failure may be filed as a success
  to hide it, since c2pa-rs drops from its own results whatever an ingredient already records.
- A failure that the table does not know makes the manifest *invalid*; an unknown success or remark, nothing.
- Names are matched whole. `cawg.identity.*` and `cawg.ica.*` are CAWG Identity Assertion 1.3.

The two that begin with `org.sigillo.` are ours.

Source: C2PA Technical Specification 2.4, "Standard status codes", and the constants of c2pa-rs 0.91.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from provenance.verdict import Verdict

SIGNATURE_VALIDATED: Final = "claimSignature.validated"
SIGNER_TRUSTED: Final = "signingCredential.trusted"
SIGNER_UNTRUSTED: Final = "signingCredential.untrusted"
SIGNER_EXPIRED: Final = "signingCredential.expired"
SIGNER_REVOKED: Final = "signingCredential.ocsp.revoked"
TIME_STAMP_TRUSTED: Final = "timeStamp.trusted"
TIME_STAMP_UNTRUSTED: Final = "timeStamp.untrusted"
TIME_STAMP_VALIDATED: Final = "timeStamp.validated"
MANIFEST_INACCESSIBLE: Final = "manifest.inaccessible"
GENERAL_ERROR: Final = "general.error"

BINDING_PARTIAL: Final = "org.sigillo.binding.partial"
BINDING_HOLLOW: Final = "org.sigillo.binding.hollow"
"""Our own: the hard binding leaves out some of the content, or most of it (`provenance.coverage`)."""

CONTENT_MISMATCH: Final = frozenset(
    f"assertion.{kind}Hash.mismatch" for kind in ("bmff", "boxes", "collection", "data", "multiAsset")
)
"""Some content is not the one that was signed."""

_NO_OBJECTION: Final = [
    "algorithm.deprecated",
    "assertion.accessible",
    "assertion.bmffHash.additionalExclusionsPresent",
    "assertion.bmffHash.match",
    "assertion.boxesHash.additionalExclusionsPresent",
    "assertion.boxesHash.match",
    "assertion.collectionHash.match",
    "assertion.dataHash.additionalExclusionsPresent",
    "assertion.dataHash.match",
    "assertion.hashedURI.match",
    "assertion.multiAssetHash.match",
    "cawg.ica.credential_valid",
    "cawg.ica.time_stamp.validated",
    "cawg.ica.untrusted_issuer",
    "cawg.identity.trusted",
    "cawg.identity.well-formed",
    "cawg.x509.credential.trusted",
    "cawg.x509.signature.validated",
    "claimSignature.insideValidity",
    "claimSignature.validated",
    "ingredient.claimSignature.validated",
    "ingredient.manifest.validated",
    "ingredient.unknownProvenance",
    "manifest.unknownProvenance",
    "manifest.unreferenced",
    "signingCredential.ocsp.inaccessible",
    "signingCredential.ocsp.notRevoked",
    "signingCredential.ocsp.skipped",
    "signingCredential.trusted",
    "timeOfSigning.insideValidity",
    "timeOfSigning.outsideValidity",
    "timeStamp.malformed",
    "timeStamp.mismatch",
    "timeStamp.outsideValidity",
    "timeStamp.trusted",
    "timeStamp.untrusted",
    "timeStamp.validated",
]

_UNTRUSTED: Final = [
    BINDING_PARTIAL,
    "cawg.x509.algorithm.unsupported",
    "cawg.x509.credential.invalid",
    "cawg.x509.credential.untrusted",
    "cawg.x509.signature.mismatch",
    "cawg.x509.signature.outside_validity",
    "signingCredential.ocsp.unknown",
    "signingCredential.untrusted",
]

_UNREADABLE: Final = ["ingredient.manifest.missing", "manifest.inaccessible"]

_INVALID: Final = [
    BINDING_HOLLOW,
    "algorithm.unsupported",
    "assertion.action.ingredientMismatch",
    "assertion.action.malformed",
    "assertion.action.redacted",
    "assertion.action.redactionMismatch",
    "assertion.action.softBindingMissing",
    "assertion.bmffHash.malformed",
    "assertion.bmffHash.mismatch",
    "assertion.boxesHash.malformed",
    "assertion.boxesHash.mismatch",
    "assertion.boxesHash.unknownBox",
    "assertion.cbor.invalid",
    "assertion.cloud-data.actions",
    "assertion.cloud-data.hardBinding",
    "assertion.cloud-data.labelMismatch",
    "assertion.cloud-data.malformed",
    "assertion.collectionHash.incorrectFileCount",
    "assertion.collectionHash.invalidURI",
    "assertion.collectionHash.malformed",
    "assertion.collectionHash.mismatch",
    "assertion.dataHash.malformed",
    "assertion.dataHash.mismatch",
    "assertion.dataHash.redacted",
    "assertion.external-reference.actions",
    "assertion.external-reference.created",
    "assertion.external-reference.hardBinding",
    "assertion.external-reference.malformed",
    "assertion.hardBinding.redacted",
    "assertion.hashedURI.mismatch",
    "assertion.inaccessible",
    "assertion.ingredient.malformed",
    "assertion.json.invalid",
    "assertion.metadata.disallowed",
    "assertion.missing",
    "assertion.multiAssetHash.malformed",
    "assertion.multiAssetHash.mismatch",
    "assertion.multiAssetHash.missingPart",
    "assertion.multipleHardBindings",
    "assertion.notRedacted",
    "assertion.outsideManifest",
    "assertion.required.missing",
    "assertion.selfRedacted",
    "assertion.timestamp.malformed",
    "assertion.undeclared",
    "cawg.ica.did_unavailable",
    "cawg.ica.invalid_alg",
    "cawg.ica.invalid_content_type",
    "cawg.ica.invalid_cose_sign1",
    "cawg.ica.invalid_did_document",
    "cawg.ica.invalid_issuer",
    "cawg.ica.invalid_verifiable_credential",
    "cawg.ica.signature_mismatch",
    "cawg.ica.signer_payload.mismatch",
    "cawg.ica.time_stamp.invalid",
    "cawg.ica.valid_from.invalid",
    "cawg.ica.valid_from.missing",
    "cawg.ica.valid_until.invalid",
    "cawg.identity.assertion.duplicate",
    "cawg.identity.assertion.mismatch",
    "cawg.identity.cbor.invalid",
    "cawg.identity.hard_binding_missing",
    "cawg.identity.pad.invalid",
    "cawg.identity.sig_type.unknown",
    "claim.cbor.invalid",
    "claim.hardBindings.missing",
    "claim.malformed",
    "claim.missing",
    "claim.multiple",
    "claim.required.missing",
    "claimSignature.mismatch",
    "claimSignature.missing",
    "claimSignature.outsideValidity",
    "com.adobe.prerelease",
    "general.error",
    "hashedURI.mismatch",
    "hashedURI.missing",
    "ingredient.claimSignature.mismatch",
    "ingredient.claimSignature.missing",
    "ingredient.hashedURI.mismatch",
    "ingredient.manifest.mismatch",
    "manifest.compressed.invalid",
    "manifest.multipleParents",
    "manifest.timestamp.invalid",
    "manifest.timestamp.wrongParents",
    "manifest.update.invalid",
    "manifest.update.wrongParents",
    "signingCredential.expired",
    "signingCredential.invalid",
    "signingCredential.ocsp.revoked",
]

EFFECTS: Final = MappingProxyType(
    dict.fromkeys(_NO_OBJECTION, Verdict.TRUSTED)
    | dict.fromkeys(_UNTRUSTED, Verdict.UNTRUSTED)
    | dict.fromkeys(_UNREADABLE, Verdict.UNREADABLE)
    | dict.fromkeys(_INVALID, Verdict.INVALID)
)


def effect(code: str, *, failed: bool) -> Verdict:
    """The worst verdict that `code` leaves possible; `failed` says that it stood among the failures."""
    known = EFFECTS.get(code)
    if known is None:
        return Verdict.INVALID if failed else Verdict.TRUSTED
    return Verdict.INVALID if failed and known is Verdict.TRUSTED else known
