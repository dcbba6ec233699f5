"""When somebody registers, what was kept before is looked at, too: the tenant's retained media, one after another.

Rules
- A round is begun by housekeeping for every registration that protects and whose media were not all looked at: whether
  it was just made, a person released it, or the service was not there.
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
from identity.registration.refusal import Kind
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
        arrived = self._now() - UNDER_WAY // timedelta(milliseconds=1)
        rounds = {Round.ALL: (), Round.LATE: (_began_before(arrived),)}
        with self.library.database.read(SystemSession.MATCHING) as connection:
            return [
                (row.tenant_id, row.id, which)
                for which, when in rounds.items()
                for row in connection.execute(_unfinished(which).where(*when))
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
        row, until = self._begun(tenant, whose, which)
        assets = self._page(tenant, which, until, row["cursor"])
        for asset in assets:
            if not self._asset(tenant, whose, which, asset):
                return Next.MORE  # it ended meanwhile, or another turn was quicker: the next one sees
        if not assets:
            self._write(lambda connection: _change(connection, tenant, registration, which, ended_at=self._now()))
        return Next.MORE if assets else Next.DONE

    def progress(self, tenant: TenantId, registration: SubjectId) -> Progress:
        """How far it is. Raises RegistrationNotFoundError, DatabaseUnavailableError."""
        with self.library.database.read(tenant) as connection:
            row = _row(connection, tenant, registration, Round.ALL)
        if row is None:
            kind = self.registrations.find(tenant, registration).kind
            return Progress(Stage.WAITING if kind is Kind.FACE else Stage.NEVER)
        stage = Stage.RUNNING if row["ended_at"] is None else Stage.DONE
        counts = {name: row[name] for name in ("media", "looked", "found", "unseen", "began_at", "ended_at")}
        return Progress(stage, **counts)

    def _begun(self, tenant: TenantId, whose: Registration, which: Round) -> tuple[RowMapping, int]:
        """The round's row, made with its first turn; and when the first round began: later uploads are compared with
        the registration as they come.
        """
        now = self._now()
        with self.library.database.read(tenant) as connection:
            there, first = (_row(connection, tenant, whose.id, one) for one in (which, Round.ALL))
            until = first["began_at"] if first else now
            if there is not None:
                return there, until
            media = select(func.count(AssetRow.id)).where(*self._kept(tenant, which, until))
            counts = {"media": connection.execute(media).scalar_one(), "looked": 0, "found": 0, "unseen": 0}
        key = {"tenant_id": tenant, "registration_id": whose.id, "round": which}
        new = key | counts | {"cursor": "", "began_at": now, "ended_at": None}

        def begin(connection: Connection) -> RowMapping | None:
            if _row(connection, tenant, whose.id, which) is None:
                connection.execute(insert(RetroactiveRow), new)
            return _row(connection, tenant, whose.id, which)

        row = self.library.database.write(begin)
        assert row is not None
        return row, until

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
            moved = _move(connection, tenant, whose.id, which, asset, looked=1, found=1)
            return follows.write(connection) if moved else []

        self.library.ledger.record(work, tenant)
        return moved

    def _follows(self, tenant: TenantId, whose: Registration, asset: AssetId) -> Consequences | None:
        """What follows of an asset; None where it does not show them."""
        kept = self.library.opened(tenant, asset)
        if kept.details is None:
            raise AssetGoneError(kept.state)
        circumstances = kept.details.circumstances or UNKNOWN_CIRCUMSTANCES
        with Memfd.of(self.library.kept(kept)) as file:
            how = (kept.details.upload.mime, circumstances.use, circumstances.place)
            looked = self.matching.look(HOLDER, tenant, file, *how, among=[whose.id])
        if not looked.sighted:
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


def end_rounds(connection: Connection, tenant: TenantId, registration: SubjectId) -> None:
    """In the unit of work that destroys a registration's key."""
    mine = (RetroactiveRow.tenant_id == tenant, RetroactiveRow.registration_id == registration)
    connection.execute(delete(RetroactiveRow).where(*mine))


def _unfinished(which: Round) -> Any:
    its = (RetroactiveRow.tenant_id == RegistrationRow.tenant_id, RetroactiveRow.registration_id == RegistrationRow.id)
    whole = (RetroactiveRow.round == which, RetroactiveRow.ended_at.is_not(None))
    ended = select(RetroactiveRow.round).where(*its, *whole).exists()
    protect = (RegistrationRow.state.in_(PROTECTING), RegistrationRow.kind == Kind.FACE)
    oldest = select(RegistrationRow.tenant_id, RegistrationRow.id).order_by(RegistrationRow.created_at)
    return oldest.where(*protect, ~ended).limit(BEGUN_AT_ONCE)


def _began_before(moment: int) -> ColumnElement[bool]:
    """Of registrations: whether their first round began by then."""
    its = (RetroactiveRow.tenant_id == RegistrationRow.tenant_id, RetroactiveRow.registration_id == RegistrationRow.id)
    first = (RetroactiveRow.round == Round.ALL, RetroactiveRow.began_at <= moment)
    return select(RetroactiveRow.round).where(*its, *first).exists()


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


def _change(connection: Connection, tenant: TenantId, registration: SubjectId, which: Round, **values: Any) -> bool:
    mine = _mine(tenant, registration, which)
    return bool(connection.execute(update(RetroactiveRow).where(*mine).values(**values)).rowcount)


def _mine(tenant: TenantId, registration: SubjectId, which: Round) -> tuple[ColumnElement[bool], ...]:
    return (
        RetroactiveRow.tenant_id == tenant,
        RetroactiveRow.registration_id == registration,
        RetroactiveRow.round == which,
    )
