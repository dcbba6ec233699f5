"""When somebody registers, what was kept before is looked at, too: the tenant's retained media, one after another.

Rules
- What is to be looked at is a row from the unit of work that registers on. A round is begun by housekeeping for each
  that is not finished and whose registration protects: whether it was just made, a person released it, or the service
  was not there. So what is finished costs nothing, however many are registered.
- Embeddings are computed again and dropped. What follows of a match is what follows at upload, and is told once.
- A round goes from one asset id to the next. How far it is moves in the unit of work that writes what follows, so an
  asset has its consequences once, however often its turn is taken.
- Withdrawing ends it with the registration's key: nothing more is looked at, and what was found is not written.
- What was kept is what came until the first turn, and not until somebody registered: until then, and as long as a
  person looks at a registration, uploads are compared without it.
- An upload may be on its way at the first turn. So those that came shortly before are looked at once more, when all of
  them have arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select, update

from cases.asset import WITH_MEDIA, AssetId, AssetRow, subject_id
from cases.durable import Next
from cases.errors import AssetGoneError, AssetNotFoundError, LikenessUnknownError
from cases.library import Library
from cases.likeness.consequences import Arrival, Consequences, Following
from cases.likeness.findings import UNKNOWN_CIRCUMSTANCES, Finding
from cases.likeness.lines import asker_of
from cases.likeness.matching import Matching
from cases.likeness.tables import RetroactiveRow, UncheckedRow
from detection.errors import MediaError
from detection.memfd import Memfd
from identity.registration.errors import RegistrationEndedError, RegistrationNotFoundError
from identity.registration.lookup import Registrations
from identity.registration.record import PROTECTING, Registration
from identity.registration.tables import RegistrationRow
from keys.clock import Clock
from ledger.errors import BlobError, SubjectErasedError
from ledger.ids import SubjectId, TenantId, milliseconds
from ledger.payload import Draft
from ledger.storage.tenancy import SystemSession

AT_ONCE: Final = 8
"""Assets of one turn: some seconds of a worker."""

BEGUN_AT_ONCE: Final = 4
"""Registrations whose rounds go on beside each other, the oldest ones first: they share a worker."""

UNDER_WAY: Final = timedelta(minutes=10)
"""Longer than any upload is on its way."""

HOLDER: Final = "retroactive"
"""Whose share of workers it is: one, so that uploads have the others."""

FILE: Final = "file"
"""Why a file could not be looked at that never will be."""


class Round(StrEnum):
    """Which media."""

    ALL = "all"
    LATE = "late"
    """Those that may have been on their way."""


class Stage(StrEnum):
    """How far the first round is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    NEVER = "never"
    """The registration is of a picture: what was kept before is not looked at."""


@dataclass(frozen=True)
class Progress:
    """What the registered person may see of it. Times in Unix milliseconds."""

    stage: Stage
    media: int = 0
    """Of the tenant, when it began."""

    looked: int = 0
    found: int = 0
    """In how many they may be; each is a line of their log."""

    unseen: int = 0
    """That could not be looked at."""

    began_at: int | None = None
    ended_at: int | None = None


@dataclass(frozen=True)
class UnderWay:
    """What is not looked at yet, of all tenants together."""

    registrations: int
    """Whose rounds are not finished."""

    media: int
    """Of those that have begun."""

    looked: int
    """Of those media."""


@dataclass(frozen=True)
class Retroactive:
    """Looks at what was kept. Safe to call from many threads."""

    library: Library
    matching: Matching
    following: Following
    registrations: Registrations
    clock: Clock

    def due(self) -> list[tuple[str, ...]]:
        """Tenant, registration and round, as `turn` takes them, of what is not finished. Raises
        DatabaseUnavailableError.
        """
        until = {Round.ALL: self._now(), Round.LATE: self._now() - UNDER_WAY // timedelta(milliseconds=1)}
        with self.library.database.read(SystemSession.MATCHING) as connection:
            return [
                (row.tenant_id, row.registration_id, which)
                for which, moment in until.items()
                for row in connection.execute(_unfinished(which, moment))
            ]

    def turn(self, words: tuple[str, ...]) -> Next:
        """Look at the next few assets. Raises LikenessUnknownError, KeyStoreUnavailableError, DatabaseUnavailableError:
        then it is to be taken again.
        """
        tenant, registration, which = TenantId(words[0]), SubjectId(words[1]), Round(words[2])
        try:
            whose, _ = self.registrations.kept(tenant, registration, PROTECTING)
        except (RegistrationEndedError, RegistrationNotFoundError):
            return Next.DONE
        if (begun := self._begun(tenant, whose, which)) is None:
            return Next.DONE
        row, until = begun
        assets = self._page(tenant, which, until, row["cursor"])
        for asset in assets:
            if not self._asset(tenant, whose, which, asset):
                return Next.MORE  # it ended meanwhile, or another turn was quicker: the next one sees
        if not assets:
            self._write(lambda connection: _end(connection, tenant, registration, which, until, self._now()))
        return Next.MORE if assets else Next.DONE

    def progress(self, tenant: TenantId, registration: SubjectId) -> Progress:
        """How far it is. Raises RegistrationNotFoundError, DatabaseUnavailableError."""
        with self.library.database.read(tenant) as connection:
            row = _row(connection, tenant, registration, Round.ALL)
        if row is None:
            self.registrations.find(tenant, registration)
            return Progress(Stage.NEVER)
        if row["began_at"] is None:
            return Progress(Stage.WAITING)
        stage = Stage.RUNNING if row["ended_at"] is None else Stage.DONE
        counts = {name: row[name] for name in ("media", "looked", "found", "unseen", "began_at", "ended_at")}
        return Progress(stage, **counts)

    def under_way(self) -> UnderWay:
        """How much is left to do, for whoever runs the service. Raises DatabaseUnavailableError."""
        seen = RetroactiveRow.looked + RetroactiveRow.unseen
        counted = (func.count(RetroactiveRow.registration_id), func.sum(RetroactiveRow.media), func.sum(seen))
        unfinished = select(*counted).where(RetroactiveRow.ended_at.is_(None), RetroactiveRow.round == Round.ALL)
        with self.library.database.read(SystemSession.MATCHING) as connection:
            registrations, media, looked = connection.execute(unfinished).one()
        return UnderWay(registrations, int(media or 0), int(looked or 0))

    def _begun(self, tenant: TenantId, whose: Registration, which: Round) -> tuple[RowMapping, int] | None:
        """The round's row, begun with its first turn; and when the first round began: later uploads are compared with
        the registration as they come. None where it is done.
        """
        now = self._now()
        with self.library.database.read(tenant) as connection:
            row = _row(connection, tenant, whose.id, which)
            if row is None or row["ended_at"] is not None:
                return None
            if row["began_at"] is not None:
                return row, row["began_at"] if which is Round.ALL else row["since"]
            until = now if which is Round.ALL else row["since"]
            media = connection.execute(select(func.count(AssetRow.id)).where(*self._kept(tenant, which, until)))
            begun = {"began_at": now, "media": media.scalar_one()}
        new = update(RetroactiveRow).where(*_mine(tenant, whose.id, which), RetroactiveRow.began_at.is_(None))
        self.library.database.write(lambda connection: connection.execute(new.values(**begun)) and None)
        return self._begun(tenant, whose, which)

    def _page(self, tenant: TenantId, which: Round, until: int, after: str) -> Sequence[AssetId]:
        kept = (*self._kept(tenant, which, until), AssetRow.id > after)
        page = select(AssetRow.id).where(*kept).order_by(AssetRow.id).limit(AT_ONCE)
        with self.library.database.read(tenant) as connection:
            return [AssetId(name) for name in connection.execute(page).scalars()]

    def _kept(self, tenant: TenantId, which: Round, until: int) -> tuple[ColumnElement[bool], ...]:
        """Media that came until then; those that housekeeping looks at anyway (`unfinished`) are its."""
        waiting = select(UncheckedRow.asset_id).where(UncheckedRow.tenant_id == tenant)
        since = until - UNDER_WAY // timedelta(milliseconds=1) if which is Round.LATE else 0
        return (
            AssetRow.tenant_id == tenant,
            AssetRow.state.in_(WITH_MEDIA),
            AssetRow.created_at.between(since, until),
            AssetRow.expires_at > self._now(),
            AssetRow.id.not_in(waiting),
        )

    def _asset(self, tenant: TenantId, whose: Registration, which: Round, asset: AssetId) -> bool:
        """Look at one; whether its turn was this one's."""
        try:
            follows = self._follows(tenant, whose, asset)
        except (AssetGoneError, AssetNotFoundError, SubjectErasedError):
            return self._write(lambda connection: _move(connection, tenant, whose.id, which, asset))
        except (MediaError, BlobError):
            return self._write(lambda connection: _move(connection, tenant, whose.id, which, asset, unseen=1))
        except LikenessUnknownError as error:
            if error.reason != FILE:
                raise
            return self._write(lambda connection: _move(connection, tenant, whose.id, which, asset, unseen=1))
        if follows is None:
            return self._write(lambda connection: _move(connection, tenant, whose.id, which, asset, looked=1))
        moved = False

        def work(connection: Connection) -> Sequence[Draft]:
            nonlocal moved
            moved = _move(connection, tenant, whose.id, which, asset, looked=1, found=int(bool(follows.lines)))
            return follows.write(connection) if moved else []

        self.library.ledger.record(work, tenant)
        return moved

    def _follows(self, tenant: TenantId, whose: Registration, asset: AssetId) -> Consequences | None:
        """What follows of an asset; None where it does not show them, as far as all its faces could be seen."""
        kept = self.library.opened(tenant, asset)
        if kept.details is None:
            raise AssetGoneError(kept.state)
        circumstances = kept.details.circumstances or UNKNOWN_CIRCUMSTANCES
        with Memfd.of(self.library.kept(kept)) as file:
            how = (kept.details.upload.mime, circumstances.use, circumstances.place)
            looked = self.matching.look(HOLDER, tenant, file, *how, among=[whose.id])
        if not looked.sighted and not (circumstances.because and looked.unsure):
            return None
        subjects = self.library.ledger.subjects
        arrival = Arrival(
            subjects.open(tenant, subject_id(asset)),
            kept.entry,
            asker_of(subjects.system(tenant), kept.principal),
            self.library.ledger.system_principal(tenant),
            "later",
        )
        return self.following.of(Finding(circumstances, looked), arrival, self._now())

    def _write(self, change: Callable[[Connection], bool]) -> bool:
        return self.library.database.write(change)

    def _now(self) -> int:
        return milliseconds(self.clock())


def begin_rounds(connection: Connection, tenant: TenantId, registration: SubjectId, now: int) -> None:
    """In the unit of work that registers a face: what was kept is to be looked at."""
    connection.execute(insert(RetroactiveRow), _due(tenant, registration, Round.ALL, now))


def end_rounds(connection: Connection, tenant: TenantId, registration: SubjectId) -> None:
    """In the unit of work that destroys a registration's key."""
    mine = (RetroactiveRow.tenant_id == tenant, RetroactiveRow.registration_id == registration)
    connection.execute(delete(RetroactiveRow).where(*mine))


def _due(tenant: TenantId, registration: SubjectId, which: Round, since: int) -> dict[str, Any]:
    key = {"tenant_id": tenant, "registration_id": registration, "round": which}
    counts = dict.fromkeys(("media", "looked", "found", "unseen"), 0)
    return key | counts | {"since": since, "cursor": "", "began_at": None, "ended_at": None}


def _unfinished(which: Round, until: int) -> Any:
    """Due by then, the oldest first."""
    its = (RetroactiveRow.tenant_id == RegistrationRow.tenant_id) & (
        RetroactiveRow.registration_id == RegistrationRow.id
    )
    due = (RetroactiveRow.ended_at.is_(None), RetroactiveRow.round == which, RetroactiveRow.since <= until)
    oldest = select(RetroactiveRow.tenant_id, RetroactiveRow.registration_id).join(RegistrationRow, its)
    return oldest.where(*due, RegistrationRow.state.in_(PROTECTING)).order_by(RetroactiveRow.since).limit(BEGUN_AT_ONCE)


def _end(connection: Connection, tenant: TenantId, registration: SubjectId, which: Round, until: int, now: int) -> bool:
    """The round is over; after the first one comes that for what was on its way."""
    mine = (*_mine(tenant, registration, which), RetroactiveRow.ended_at.is_(None))
    ended = bool(connection.execute(update(RetroactiveRow).where(*mine).values(ended_at=now)).rowcount)
    if ended and which is Round.ALL:
        connection.execute(insert(RetroactiveRow), _due(tenant, registration, Round.LATE, until))
    return ended


def _row(connection: Connection, tenant: TenantId, registration: SubjectId, which: Round) -> RowMapping | None:
    mine = _mine(tenant, registration, which)
    return connection.execute(select(RetroactiveRow.__table__).where(*mine)).mappings().one_or_none()


def _move(
    connection: Connection, tenant: TenantId, registration: SubjectId, which: Round, asset: AssetId, **more: int
) -> bool:
    """Go on to this asset, unless that was done, or the registration has ended."""
    counts = {name: getattr(RetroactiveRow, name) + number for name, number in more.items()}
    mine = (*_mine(tenant, registration, which), RetroactiveRow.cursor < asset)
    return bool(connection.execute(update(RetroactiveRow).where(*mine).values(cursor=asset, **counts)).rowcount)


def _mine(tenant: TenantId, registration: SubjectId, which: Round) -> tuple[ColumnElement[bool], ...]:
    return (
        RetroactiveRow.tenant_id == tenant,
        RetroactiveRow.registration_id == registration,
        RetroactiveRow.round == which,
    )
