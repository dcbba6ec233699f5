"""Whom a file shows, of those who are registered: file → faces → near templates → what each of them refuses.

Rules
- Rules come first: where those of the service's own place, or of the place that the sender names, do not allow faces
  to be matched, no face is looked for, and the answer says so. The sender's word alone makes nobody of anybody: what it
  kept from being looked at is not known to show nobody (ADR 0035).
- Rules of a person's place are asked of each match; whom they do not allow to be found is not found.
- What could not be looked at is unknown (LikenessUnknownError), never nobody.
- Embeddings live as long as one call. What comes out are registrations, bands and stances, for this package alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Select, bindparam, select

from cases.errors import LikenessUnknownError
from cases.likeness.use import Stance, Use, stance
from detection.errors import MatchUnknownError, SandboxError, Unknown, WorkerError
from detection.faces.found import FACE_MODEL, Faces
from detection.faces.look import look
from detection.memfd import Memfd
from detection.shares import Workers
from detection.templates.matcher import MAX_FACES, Match, Matched, Matcher
from detection.templates.template import Embedding
from detection.templates.thresholds import THRESHOLDS, Band
from identity.registration.lookup import MAX_ASKED, Registrations
from identity.registration.record import PROTECTING, Details, Registration
from identity.registration.refusal import Right
from identity.registration.rules import Rulebook
from identity.registration.tables import RegistrationRow
from keys.errors import KeyStoreUnavailableError, SealBrokenError
from ledger.errors import SubjectErasedError
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import SubjectId, TenantId
from ledger.storage.database import Database

_ORDER: Final = {band: n for n, band in enumerate(Band)}


class Pool(Protocol):
    """Workers that look for faces, shared out."""

    def of(self, holder: str) -> Workers: ...


@dataclass(frozen=True)
class Sighted:
    """A registered person who may be shown, and what they say to it."""

    subject: Subject = field(repr=False)
    """The registration, its key opened: what is kept of this is sealed under it."""

    band: Band
    stance: Stance
    who: str
    """The same of whoever registers again and refuses the same: what was decided about them stands."""

    @property
    def sure(self) -> bool:
        """Whether it may have consequences by itself: look-alikes and twins are *possible*, and a person looks."""
        return self.band in (Band.LIKELY, Band.CERTAIN)


@dataclass(frozen=True)
class Looked:
    """What was found."""

    faces: int
    sighted: tuple[Sighted, ...] = ()
    skipped: tuple[str, ...] = ()
    """Rules, by name and version, that did not allow the whole file to be looked at, or somebody in it to be found."""

    unseen: int = 0
    """Faces beyond what is embedded of one picture, and templates of another face model: of them nothing is known."""

    whole: bool = True
    """Whether the file was looked at at all."""

    on_word: bool = False
    """Whether only its sender's word kept it from being looked at."""

    thresholds: str = THRESHOLDS.name
    model: str = str(FACE_MODEL)

    @property
    def unsure(self) -> bool:
        """Whether somebody may be in it of whom nothing is known."""
        return bool(self.unseen) or self.on_word


@dataclass(frozen=True)
class Matching:
    """Looks at files. Safe to call from many threads."""

    database: Database
    subjects: Subjects
    faces: Pool
    matcher: Matcher
    registrations: Registrations
    rulebook: Rulebook
    place: str
    """The service's own, as its operator says; empty where they do not."""

    def anyone(self, tenant: TenantId) -> bool:
        """Whether anybody is registered; where nobody is, nothing is looked at. One indexed read."""
        return self.database.look(tenant, _ANYONE, {"tenant": tenant}) is not None

    def look(
        self,
        holder: str,
        tenant: TenantId,
        file: Memfd,
        mime: str,
        use: Use,
        place: str,
        among: Collection[SubjectId] | None = None,
    ) -> Looked:
        """Whom a file shows, wanted for `use`; a worker of the holder's share looks. `place`: where it is from, as its
        sender says; empty where they do not. `among`: only these registrations are asked about.

        Raises LikenessUnknownError, MediaError, DatabaseUnavailableError.
        """
        place = place or self.place
        ours, here = self.rulebook.of(self.place), self.rulebook.of(place)
        if not ours.matching.allowed:
            return Looked(0, skipped=(ours.rules,), whole=False)
        if not here.matching.allowed:
            return Looked(0, skipped=(here.rules,), whole=False, on_word=True)
        found = self._faces(holder, file, mime)
        embeddings = [face.embedding for sighting in found.sightings for face in sighting.faces]
        more = sum(sighting.more for sighting in found.sightings)
        if not embeddings:
            return Looked(more, unseen=more)
        matches, others = self._matches(tenant, embeddings, among)
        sighted, skipped = self._known(tenant, matches, use, place)
        return Looked(len(embeddings) + more, sighted, skipped, more + others)

    def copied(self, tenant: TenantId, owners: Collection[SubjectId], use: Use) -> tuple[Sighted, ...]:
        """Of those whose picture a file may be a near copy of: who is registered now, and what they say to it. Never
        sure, so nothing follows from it alone. Raises LikenessUnknownError, DatabaseUnavailableError.
        """
        known = self._registered(tenant, owners)
        return tuple(
            Sighted(subject, Band.POSSIBLE, stance(details.refusal, use), who) for subject, details, who in known
        )

    def _faces(self, holder: str, file: Memfd, mime: str) -> Faces:
        try:
            return look(self.faces.of(holder), file, mime)
        except WorkerError as error:
            raise LikenessUnknownError("file", f"the file could not be looked at: {error}") from error
        except SandboxError as error:
            raise LikenessUnknownError("workers", str(error)) from error

    def _matches(
        self, tenant: TenantId, embeddings: Sequence[Embedding], among: Collection[SubjectId] | None
    ) -> tuple[list[Match], int]:
        """The best match of each registration over all faces, and how many templates could not be compared."""
        best: dict[SubjectId, Match] = {}
        others = 0
        try:
            for some in batched(embeddings, MAX_FACES):
                matched: Matched = self.matcher.match(tenant, some, among=among)
                others = matched.other_models
                for match in matched.matches:
                    if match.owner not in best or _ORDER[match.band] > _ORDER[best[match.owner].band]:
                        best[match.owner] = match
        except MatchUnknownError as error:
            raise LikenessUnknownError(error.reason, str(error)) from error
        return list(best.values()), others

    def _known(
        self, tenant: TenantId, matches: Sequence[Match], use: Use, place: str
    ) -> tuple[tuple[Sighted, ...], tuple[str, ...]]:
        """Of whom is registered now: what they say; and the rules that do not allow somebody to be found."""
        bands = {match.owner: match.band for match in matches}
        sighted: list[Sighted] = []
        skipped: set[str] = set()
        for subject, details, who in self._registered(tenant, bands):
            permission = self.rulebook.permitted(details.place, place)
            if permission.allowed:
                sighted.append(Sighted(subject, bands[subject.id], stance(details.refusal, use), who))
            else:
                skipped.update(permission.rules)
        return tuple(sighted), tuple(sorted(skipped))

    def _registered(self, tenant: TenantId, ids: Collection[SubjectId]) -> Iterator[tuple[Subject, Details, str]]:
        try:
            for some in batched(sorted(ids), MAX_ASKED):
                for one in self.registrations.active(tenant, some).values():
                    with suppress(SubjectErasedError):  # withdrawn since it was read
                        assert one.details is not None  # it protects
                        yield self.subjects.open(tenant, one.id), one.details, _who(one, one.details)
        except (KeyStoreUnavailableError, SealBrokenError) as error:
            raise LikenessUnknownError(
                Unknown.KEYS, f"what a registered person refuses cannot be read: {error}"
            ) from error


def still_protecting(connection: Connection, tenant: TenantId, ids: Iterable[SubjectId]) -> set[SubjectId]:
    """In a unit of work: which of these are registered yet."""
    wanted = list(ids)
    if not wanted:
        return set()
    mine = _protecting(tenant).where(RegistrationRow.id.in_(wanted))
    return set(connection.execute(mine).scalars())


def _who(one: Registration, details: Details) -> str:
    """An account's holder is the same person whichever their registration; for whom else it acts, nobody here knows."""
    person = one.account if details.right is Right.SELF else one.id
    return "\0".join([one.kind, person, *sorted(details.purposes)])


_ANYONE: Final = (
    select(RegistrationRow.id)
    .where(RegistrationRow.tenant_id == bindparam("tenant"), RegistrationRow.state.in_(PROTECTING))
    .limit(1)
)
"""Built once: each upload asks."""


def _protecting(tenant: TenantId) -> Select[Any]:
    return select(RegistrationRow.id).where(RegistrationRow.tenant_id == tenant, RegistrationRow.state.in_(PROTECTING))


_Item = TypeVar("_Item")


def batched(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """In pieces of at most `size` (Python 3.12 has `itertools.batched`)."""
    return (items[start : start + size] for start in range(0, len(items), size))
