"""The kinds of entry about registrations. All but `registration.refused` are sealed under the person's own key.

Payloads hold random ids, what was chosen, and digests of what was agreed to and of the files that came with it; nothing
of a face, no name, no contact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.payload import Kind

POLICY: Final = "registration@1"
"""The same for every place: which rules were applied would tell, in public, where somebody is."""


@dataclass(frozen=True)
class RegistrationMade:
    """Somebody registered. It protects from now on, unless `registration.held` follows."""

    registration: str
    account: str
    kind: str
    place: str
    rules: str
    rules_sha256: str
    refuses: tuple[str, ...]
    """Purposes; none: any likeness."""

    right: str
    tier: str
    assurance_policy: str
    consent: str
    consent_language: str
    consent_sha256: str
    consent_proof: str
    """How it is known that the person agreed; a platform's word is called that."""

    statement_sha256: str
    """Of the bytes agreed to (`consent.statement`)."""

    model: str
    """What describes the person or picture that is matched: name, version, digest."""

    given: tuple[str, ...]
    """SHA-256 of each photo in their order, or of the picture's fingerprint, hex."""

    expires_at: str


@dataclass(frozen=True)
class RegistrationHeld:
    """It protects nobody until a person has looked at it."""

    registration: str
    hold: str
    reasons: tuple[str, ...]
    alike: tuple[str, ...]
    """Registrations of others that look like this one."""


@dataclass(frozen=True)
class RegistrationReleased:
    """A person looked at a held registration, and lets it protect."""

    registration: str
    hold: str
    reason: str


@dataclass(frozen=True)
class RegistrationRefused:
    """A person looked at a held registration, and its key was destroyed. Sealed under the tenant's system subject."""

    registration: str
    hold: str
    reason: str


@dataclass(frozen=True)
class RegistrationRepeated:
    """The same request came again: another recovery code took the place of the first."""

    registration: str


@dataclass(frozen=True)
class WithdrawalAsked:
    """Somebody who has the recovery code wants to withdraw. What tells the person of it comes after this entry."""

    registration: str
    leaving_at: str
    """If nobody can be told: sooner, once they were."""


@dataclass(frozen=True)
class WithdrawalStopped:
    """The person stopped what was asked for with the recovery code."""

    registration: str


@dataclass(frozen=True)
class RegistrationWithdrawn:
    """Its key was destroyed, with what was matched, at the person's wish. Sealed under the tenant's system subject."""

    registration: str
    way: str
    """`person`, `credential`, `platform`, or `recovery`."""


@dataclass(frozen=True)
class RegistrationExpired:
    """The same, because its time was over."""

    registration: str
    expired_at: str


@dataclass(frozen=True)
class RegistrationRenewed:
    """It lasts longer, under the text that is in force."""

    registration: str
    consent: str
    consent_language: str
    consent_sha256: str
    consent_proof: str
    before: str
    expires_at: str


MADE: Final = Kind("registration.made", RegistrationMade)
HELD: Final = Kind("registration.held", RegistrationHeld)
RELEASED: Final = Kind("registration.released", RegistrationReleased)
REFUSED: Final = Kind("registration.refused", RegistrationRefused)

REPEATED: Final = Kind("registration.repeated", RegistrationRepeated)
WITHDRAWAL_ASKED: Final = Kind("registration.withdrawal_asked", WithdrawalAsked)
WITHDRAWAL_STOPPED: Final = Kind("registration.withdrawal_stopped", WithdrawalStopped)
WITHDRAWN: Final = Kind("registration.withdrawn", RegistrationWithdrawn)
EXPIRED: Final = Kind("registration.expired", RegistrationExpired)
RENEWED: Final = Kind("registration.renewed", RegistrationRenewed)

KINDS: Final = (
    *(MADE, HELD, RELEASED, REFUSED, REPEATED),
    *(WITHDRAWAL_ASKED, WITHDRAWAL_STOPPED, WITHDRAWN, EXPIRED, RENEWED),
)
"""What the composition root registers."""
