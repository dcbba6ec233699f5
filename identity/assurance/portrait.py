"""The portrait in an identity document against a selfie: that two pictures show the same face.

Rules
- A worker looks at each picture; what comes back is compared here, in memory, and dropped. Neither a picture nor a box,
  an embedding or a cosine is kept, recorded or answered: the verdict is.
- Nothing is said of the document, which nobody here has seen, nor of whether a living person was before the camera.
- It is asked for on record before anybody looks, which bounds how often; what comes of it is an entry, too: evidence,
  or that none was found.
- One picture sent twice shows nothing, and is refused where that shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from detection.faces.found import FACE_MODEL, Face
from detection.faces.look import look
from detection.faces.quality import PhotoRefusedError, judge
from detection.memfd import Memfd
from detection.shares import Workers
from detection.templates.thresholds import THRESHOLDS
from identity.alike import SAME_PICTURE, Alike, Likeness, likeness
from identity.assurance.account import Accounts, Actor
from identity.assurance.errors import EvidenceRefusedError
from identity.assurance.evidence import Found
from identity.assurance.grants import Granted, Grants
from identity.assurance.requests import Request, Requests, Wanted
from identity.assurance.tier import EvidenceKind
from ledger.ids import EntryId, SubjectId

LASTS: Final = timedelta(minutes=10)
"""Longer than two pictures may take."""

METHOD: Final = f"{FACE_MODEL} {THRESHOLDS.name}"
"""Who compared, by what thresholds."""


@dataclass(frozen=True)
class Compared:
    """What came of it."""

    verdict: Alike
    granted: Granted | None
    """Where it matches."""

    entry: EntryId


@dataclass(frozen=True)
class Portraits:
    """The adapter. Safe to call from many threads."""

    accounts: Accounts
    requests: Requests
    grants: Grants

    def compare(
        self, by: Actor, account: SubjectId, workers: Workers, pictures: tuple[Memfd, Memfd], country: str
    ) -> Compared:
        """Compare the portrait and the selfie, which the caller closes.

        Raises PhotoRefusedError, MediaError, SandboxError; EvidenceRefusedError for one picture sent twice;
        EvidenceUnknownError, TooManyRequestsError, AccountNotFoundError, and as `Grants.grant`.
        """
        wanted = Wanted(EvidenceKind.PORTRAIT, self.requests.policy.region_of(country))
        request = self.requests.begin(by, self.accounts.subject(by.tenant, account), wanted, LASTS)
        found = _likeness(workers, pictures)
        if found.verdict is not Alike.MATCHES:
            return Compared(found.verdict, None, self.requests.decline(by, request))
        granted = self._grant(by, request)
        return Compared(found.verdict, granted, granted.entry)

    def _grant(self, by: Actor, request: Request) -> Granted:
        def settle(connection: Connection) -> None:
            self.requests.complete(connection, request)

        shown = Found(EvidenceKind.PORTRAIT, METHOD, request.wanted.region, None, request.id)
        return self.grants.grant(by, request.account, shown, settle)


def _likeness(workers: Workers, pictures: tuple[Memfd, Memfd]) -> Likeness:
    portrait, selfie = (_judged(workers, *one) for one in zip(("the portrait", "the selfie"), pictures, strict=True))
    found = likeness(portrait, [selfie])
    if found.cosine >= SAME_PICTURE:
        raise EvidenceRefusedError("this is one picture twice: send the portrait, and a selfie that is taken now")
    return found


def _judged(workers: Workers, which: str, picture: Memfd) -> Face:
    try:
        return judge(look(workers, picture))
    except PhotoRefusedError as error:
        raise PhotoRefusedError(error.reason, which) from error
