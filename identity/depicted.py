"""Whether a reporter is who a picture shows: the verdict, what it rests on and when, and nothing that it rests on.

Rules
- Compared is with a selfie of the reporter's, or with the faces that they registered as their own, whose credential
  they may show over the picture: of both, and of the picture, nothing is kept. `picture` is an HMAC of its SHA-256
  under the account's key: who has the picture and may open the account's entries can tell that it is this one, and
  nobody else.
- The verdict is told; the band that it comes of is in the sealed entry, and the cosine nowhere.
- A document is neither asked for nor named: who vouches for the account is its standing (`identity.assurance`).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from detection.errors import MatchUnknownError, Unknown
from detection.faces.found import FACE_MODEL, Face, Faces
from detection.templates.matcher import MAX_FACES, Match, Matcher
from detection.templates.thresholds import THRESHOLDS, Band
from identity.alike import VERDICTS, Alike, likeness
from identity.assurance.account import Accounts, Actor, require_account
from identity.decisions import DEPICTION_JUDGED, DepictionJudged
from identity.registration.errors import RegistrationNotFoundError
from identity.registration.lookup import Registrations
from identity.registration.record import PROTECTING, Registration
from identity.registration.refusal import Kind as Registered
from identity.registration.refusal import Right
from keys.sealing import derive
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, SubjectId, TenantId, new_id
from ledger.payload import Draft

POLICY: Final = "depiction@1"


class Basis(StrEnum):
    """What a verdict rests on."""

    SELFIE = "selfie"
    REGISTRATION = "registration"
    """A face that the account's holder registered as their own."""

    CREDENTIAL = "credential"
    """The same, by the registration whose credential its holder showed, over this picture."""


@dataclass(frozen=True)
class Pictured:
    """A picture or film that somebody may be in: what was found in it, and its SHA-256."""

    faces: Faces = field(repr=False)
    digest: bytes = field(repr=False)

    @property
    def all(self) -> list[Face]:
        """Every face at every moment."""
        return [face for sighting in self.faces.sightings for face in sighting.faces]


@dataclass(frozen=True)
class Shower:
    """Who showed a registration's credential, over what is judged; not settled yet."""

    tenant: TenantId
    registration: SubjectId
    settle: Callable[[Connection], None]
    """In the unit of work."""


@dataclass(frozen=True)
class Judged:
    """The verdict, on record."""

    id: str
    verdict: Alike
    basis: Basis
    band: Band = field(repr=False)
    """For a case, in this process: no caller is told."""

    at: int
    entry: EntryId


@dataclass(frozen=True)
class _Finding:
    band: Band
    basis: Basis
    registration: Registration | None = None
    settle: Callable[[Connection], None] = lambda _connection: None


@dataclass(frozen=True)
class Depictions:
    """Safe to call from many threads."""

    accounts: Accounts
    registrations: Registrations
    matcher: Matcher

    def by_selfie(self, by: Actor, account: SubjectId, picture: Pictured, selfie: Face) -> Judged:
        """Whether the face of a selfie is in the picture. Raises AccountNotFoundError, KeyStoreUnavailableError."""
        return self._record(by, account, picture, _Finding(likeness(selfie, picture.all).band, Basis.SELFIE))

    def by_registration(self, by: Actor, account: SubjectId, picture: Pictured, shower: Shower | None = None) -> Judged:
        """Whether a face that the account's holder registered as their own is in the picture; of the registration whose
        credential was shown, where one was.

        Raises RegistrationNotFoundError where there is none that protects; MatchUnknownError, AccountNotFoundError,
        KeyStoreUnavailableError, and what `shower.settle` raises.
        """
        own = {one.id: one for one in self.registrations.of_account(by.tenant, account) if _is_own(one)}
        if shower:
            own = {name: one for name, one in own.items() if (by.tenant, name) == (shower.tenant, shower.registration)}
        if not own:
            raise RegistrationNotFoundError
        match = self._best(by.tenant, picture.all, own)
        band = match.band if match else Band.NO_MATCH
        named = own[match.owner] if match else None
        if shower is None:
            return self._record(by, account, picture, _Finding(band, Basis.REGISTRATION, named))
        named = own[shower.registration]
        return self._record(by, account, picture, _Finding(band, Basis.CREDENTIAL, named, shower.settle))

    def _best(self, tenant: TenantId, faces: Sequence[Face], own: dict[SubjectId, Registration]) -> Match | None:
        found: list[Match] = []
        for begin in range(0, len(faces), MAX_FACES):
            probes = [face.embedding for face in faces[begin : begin + MAX_FACES]]
            matched = self.matcher.match(tenant, probes, among=own.keys())
            if matched.other_models:
                raise MatchUnknownError(Unknown.INDEX, "the face was registered with another model: register it again")
            found += matched.matches
        return max(found, key=lambda match: match.cosine, default=None)

    def _record(self, by: Actor, account: SubjectId, picture: Pictured, found: _Finding) -> Judged:
        subject, now = self.accounts.subject(by.tenant, account), self.accounts.now()
        verdict, name = VERDICTS[found.band], new_id("dpc", self.accounts.entropy)
        said = DepictionJudged(
            account=account,
            depiction=name,
            picture=picture_mark(subject, picture.digest),
            verdict=verdict,
            basis=found.basis,
            band=found.band,
            registration=found.registration.id if found.registration else "",
            credential=(found.registration.credential or "") if found.registration else "",
            model=str(FACE_MODEL),
            thresholds=THRESHOLDS.name,
        )
        draft = self.accounts.draft(DEPICTION_JUDGED, POLICY, by.principal, subject, said)

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            found.settle(connection)
            require_account(connection, by.tenant, account)
            return [draft]

        self.accounts.ledger.record(work, by.tenant)
        return Judged(name, verdict, found.basis, found.band, now, draft.id)


def picture_mark(account: Subject, digest: bytes) -> str:
    """By which somebody with the picture and the account's key tells it again, hex."""
    return hmac.digest(derive(account.key, "depiction/v1/picture"), digest, "sha256").hex()


def _is_own(registration: Registration) -> bool:
    details = registration.details
    its = registration.kind is Registered.FACE and registration.state in PROTECTING
    return its and details is not None and details.right is Right.SELF
