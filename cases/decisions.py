"""The kinds of entry this package records, each with the payload that its commitment binds.

Payloads hold random ids, never names. They are sealed under the entry's subject: `asset.signed` and
`asset.expired` under the asset, so erasing it erases them; `claim.signed` under a subject of its own;
`asset.erased`, holds, access and revocations under the tenant's system subject, because an erasure must not be
sealed under the key it destroys.
"""

from __future__ import annotations

from dataclasses import dataclass

from cases.custody import decisions as custody
from cases.likeness import decisions as likeness
from detection.copies import decisions as copies
from detection.generations import decisions as generations
from detection.templates import decisions as templates
from identity import decisions as identity
from identity.assurance import decisions as assurance
from identity.issuing import decisions as issuing
from identity.passkeys import decisions as passkeys
from identity.registration import decisions as registration
from identity.status import decisions as status
from ledger.payload import Kind
from provenance.confidence.score import Confidence
from provenance.marking import Marking
from provenance.report import TimeStamp
from provenance.trust import ListInForce
from provenance.trust_list import Anchor

INTAKE_POLICY = "intake.{parents}@1"
"""Names the policy version in the public entry; `parents` is the parent policy in force."""

RETENTION_POLICY = "retention@1"
ERASURE_POLICY = "erasure@1"
HOLD_POLICY = "hold@1"
CLAIM_POLICY = "claim.unseen@1"
ACCESS_POLICY = "access@1"
REVOCATION_POLICY = "revocation@1"
CLAIM_KEY_POLICY = "claimkey@1"
TRUST_POLICY = "trust@1"
STAFF_POLICY = "staff@1"


@dataclass(frozen=True)
class ParentFinding:
    """What was found of the manifest a file arrived with."""

    manifest: str | None
    """The C2PA manifest label; None when it could not be read."""

    verdict: str
    ancestry: str | None
    """The worst verdict among its ancestors; None when it has none."""

    codes: tuple[str, ...]
    """C2PA validation codes of failures, verbatim."""

    sentence: str
    """The same in plain words."""

    asset: str | None
    """The parent's asset id when it is one of the caller's own."""


@dataclass(frozen=True)
class AssetSigned:
    """A creation tool's upload was signed."""

    asset: str
    actor: str
    received_at: str
    inputs: dict[str, object]
    """What the examination found: MIME, bytes, SHA-256, content hash, measures, frame and window hashes, decoder."""

    claim: dict[str, object]
    """Tool, model, source types, training-mining choice, visibility."""

    parent: ParentFinding | None
    manifest: str
    signed_sha256: str
    key: str
    expires_at: str
    outcome: str
    reasons: tuple[str, ...]
    time_stamp: TimeStamp | None = None
    """Over the claim's signature. None in entries from before there were any, too."""

    trust: str = ""
    """The digest of the trust policy that the earlier manifest was judged under."""

    trust_lists: tuple[ListInForce, ...] = ()
    """The lists that it was made of."""

    confidence: Confidence | None = None
    """How sure we were of it, with a reason for each signal. None in entries from before, as the next."""

    marking: Marking | None = None
    """Whether it is marked as made or altered by AI, and what was to be shown beside it."""


@dataclass(frozen=True)
class AssetExpired:
    """Retention ended: the media were deleted, the record stays."""

    asset: str
    expires_at: str


@dataclass(frozen=True)
class AssetErased:
    """The asset's key and ciphertext were destroyed at someone's request."""

    asset: str
    actor: str
    requested_at: str


@dataclass(frozen=True)
class HoldPlaced:
    """Assets were put under a legal hold: neither erased nor expired until it is released."""

    hold: str
    subjects: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class HoldReleased:
    """A legal hold ended."""

    hold: str
    subjects: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class KeyIssued:
    """An API key was given to a principal."""

    api_key: str
    principal: str
    scopes: tuple[str, ...]
    tool: str
    source_types: tuple[str, ...]
    models: tuple[str, ...]
    assertions: tuple[str, ...]


@dataclass(frozen=True)
class ClaimSigned:
    """A claim was signed whose content nobody here saw."""

    actor: str
    received_at: str
    tool: str
    tool_version: str
    claim_sha256: str
    """Of the claim as it stands in the file: whoever has that can tell that it is this one."""

    instance: str
    manifest: str
    """Its label, where the claim says it; else empty."""

    assertions: tuple[str, ...]
    actions: tuple[str, ...]
    source_types: tuple[str, ...]
    models: tuple[str, ...]
    binding_algorithm: str
    binding_hash: str
    """Of its hard binding, hexadecimal, where that is one hash; else empty."""

    key: str
    signature: str
    """Base64; for the tool that asks again."""

    time_stamp: str
    """Its token, likewise; empty for none."""


@dataclass(frozen=True)
class KeyRevoked:
    """An API key stopped working."""

    api_key: str
    principal: str


@dataclass(frozen=True)
class StaffInvited:
    """A link to a role was made, for a principal who is not there yet."""

    staff: str
    principal: str
    role: str


@dataclass(frozen=True)
class StaffJoined:
    """Somebody came with the link, and has the role from now on."""

    staff: str
    principal: str


@dataclass(frozen=True)
class StaffSignedIn:
    """One of the staff signed in to a browser."""

    staff: str
    principal: str
    way: str
    """`passkey`, or the name of the identity provider."""


@dataclass(frozen=True)
class StaffRemoved:
    """A role, or the invitation to it, was taken back."""

    staff: str
    principal: str


@dataclass(frozen=True)
class OperatorAppointed:
    """A principal stands for whoever runs the deployment."""

    principal: str


@dataclass(frozen=True)
class ClaimKeyRevoked:
    """The certificate of a version of our claim key was revoked, or is now known to have been so for longer."""

    key: str
    issuer: str
    serial: str
    """Hexadecimal."""

    revoked_at: str
    since: str
    """What it signed from here on is not trusted."""

    reason: str
    """By its name in RFC 5280."""

    told_by: str
    """`operator`, or `issuer`."""


@dataclass(frozen=True)
class ClaimKeyChanged:
    """The claim key is not what it was: what signs now, and what signs no more. An operator decided it, in the key
    store; the service says what it sees.
    """

    key: str
    """The version that signs now."""

    algorithm: str
    certificate_sha256: str
    ends: str
    """Of its certificate, RFC 3339."""

    retired: tuple[str, ...]
    """Every version that signs no more."""

    reasons: tuple[str, ...]
    """Of `key.first`, `key.rotated`, `certificate.renewed`, `key.retired`, `key.restored` (it may sign again)."""


@dataclass(frozen=True)
class TrustUpdated:
    """An operator put a trust list in force, or dropped one. Files are judged by it from then on."""

    list: str
    issued: str
    """When its publisher published it, RFC 3339; empty where it is dropped, as the next."""

    digest: str
    """SHA-256 of the file."""

    replaces: str
    """The digest of the one before; empty for none."""

    added: tuple[Anchor, ...]
    removed: tuple[Anchor, ...]
    warnings: tuple[str, ...]


ASSET_SIGNED = Kind("asset.signed", AssetSigned, {"outcome": ("outcome",), "model": ("claim", "model", "name")})
CLAIM_SIGNED = Kind("claim.signed", ClaimSigned)
ASSET_EXPIRED = Kind("asset.expired", AssetExpired)
ASSET_ERASED = Kind("asset.erased", AssetErased)
HOLD_PLACED = Kind("hold.placed", HoldPlaced)
HOLD_RELEASED = Kind("hold.released", HoldReleased)
KEY_ISSUED = Kind("apikey.issued", KeyIssued)
KEY_REVOKED = Kind("apikey.revoked", KeyRevoked)
OPERATOR_APPOINTED = Kind("operator.appointed", OperatorAppointed)
STAFF_INVITED = Kind("staff.invited", StaffInvited)
STAFF_JOINED = Kind("staff.joined", StaffJoined)
STAFF_SIGNED_IN = Kind("staff.signedin", StaffSignedIn)
STAFF_REMOVED = Kind("staff.removed", StaffRemoved)

CLAIM_KEY_REVOKED = Kind("claimkey.revoked", ClaimKeyRevoked)
CLAIM_KEY_CHANGED = Kind("claimkey.changed", ClaimKeyChanged)
TRUST_UPDATED = Kind("trust.updated", TrustUpdated)

KINDS = (
    ASSET_SIGNED,
    CLAIM_SIGNED,
    ASSET_EXPIRED,
    ASSET_ERASED,
    HOLD_PLACED,
    HOLD_RELEASED,
    KEY_ISSUED,
    KEY_REVOKED,
    OPERATOR_APPOINTED,
    STAFF_INVITED,
    STAFF_JOINED,
    STAFF_SIGNED_IN,
    STAFF_REMOVED,
    CLAIM_KEY_REVOKED,
    CLAIM_KEY_CHANGED,
    TRUST_UPDATED,
    *custody.KINDS,
    *generations.KINDS,
    *templates.KINDS,
    *copies.KINDS,
    *likeness.KINDS,
    *assurance.KINDS,
    *passkeys.KINDS,
    *identity.KINDS,
    *issuing.KINDS,
    *status.KINDS,
    *registration.KINDS,
)
"""What the composition root registers with the ledger, which knows none by name."""
