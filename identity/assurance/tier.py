"""Risk tiers, and the kinds of evidence that lead to them."""

from __future__ import annotations

from enum import StrEnum


class Tier(StrEnum):
    """From nothing known to as much as anybody asks for."""

    NONE = "none"
    LOW = "low"
    """Somebody can be reached: an address or a number answers."""

    MEDIUM = "medium"
    """Somebody whom another service or issuer knows."""

    HIGH = "high"
    """Somebody whom a state, or a house that looked at a state's papers, knows by name. We do not."""

    def reaches(self, wanted: Tier) -> bool:
        """Whether this is enough where `wanted` is asked for."""
        return _ORDER.index(self) >= _ORDER.index(wanted)


_ORDER = tuple(Tier)


def highest(*tiers: Tier) -> Tier:
    """The best of them; NONE of none."""
    return max(tiers, key=_ORDER.index, default=Tier.NONE)


def lowest(*tiers: Tier) -> Tier:
    """The worst of them, of one at least."""
    return min(tiers, key=_ORDER.index)


class EvidenceKind(StrEnum):
    """What an account may show."""

    EMAIL = "email"
    PHONE = "phone"
    LOGIN = "login"
    """At an identity provider (OpenID Connect)."""

    PUBLIC_ACCOUNT = "public_account"
    """The same, at a service on which the account is known in public."""

    ATTESTATION = "attestation"
    DRIVING_LICENCE = "driving_licence"
    IDENTITY_DOCUMENT = "identity_document"
    PORTRAIT = "portrait"
    """The portrait in an identity document shows the same face as a selfie; nobody here saw the document."""

    KYC = "kyc"
    """A house that knows its customers vouches for them."""
