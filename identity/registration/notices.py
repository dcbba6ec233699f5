"""Notices to registered people: written with what they tell of, sent once that is durable, again until it went.

Rules
- A notice names a registration by its random id and says what, and by when; nothing of what is refused, or of a face.
- The address is sealed with the registration, and goes with it: who has left is told nothing any more.
- Who left no address is told nothing; their own view of the registration shows the same.
- Reminders are notices that are due later, from the unit of work that fixes the end of a term: nobody goes through the
  registrations to find whom to remind. One of a term that was renewed tells nobody anything.
- It is sent at least once: a crash after sending and before that is noted sends it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from identity.assurance.account import Accounts
from identity.assurance.errors import CodeNotSentError, SenderAbsentError
from identity.assurance.senders import Carrier
from identity.registration.errors import RegistrationEndedError, RegistrationNotFoundError
from identity.registration.lookup import Registrations
from identity.registration.record import Registration, become, find_row
from identity.registration.tables import NoticeRow
from keys.errors import SealBrokenError
from ledger.entry import format_time
from ledger.ids import SubjectId, TenantId
from ledger.storage.tenancy import SystemSession

BATCH: Final = 100
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=6)
"""Between two tries, which grow apart."""

_MILLISECOND: Final = timedelta(milliseconds=1)


class About(StrEnum):
    """What a notice tells of."""

    WITHDRAWAL_ASKED = "withdrawal_asked"
    """With the recovery code. `until`: when it takes effect, unless it is stopped."""

    ENDS_IN_A_MONTH = "ends_in_a_month"
    ENDS_IN_A_WEEK = "ends_in_a_week"
    """`until`: when it ends, unless it is renewed."""


REMINDERS: Final = {About.ENDS_IN_A_MONTH: timedelta(days=30), About.ENDS_IN_A_WEEK: timedelta(days=7)}
"""How long before the end of a term."""


@dataclass(frozen=True)
class Notices:
    """What is to be sent. Safe to call from many threads; two processes at once may send one twice."""

    accounts: Accounts
    registrations: Registrations
    carrier: Carrier
    delay: timedelta
    """That a withdrawal by recovery code waits from when it was told."""

    def round(self) -> int:
        """Send what is due; how many were due. Call until it answers 0. Raises KeyStoreUnavailableError."""
        now = self.accounts.now()
        due = select(NoticeRow.__table__).where(NoticeRow.due_at <= now).order_by(NoticeRow.due_at).limit(BATCH)
        with self.accounts.database.read(SystemSession.SWEEP) as connection:
            rows = connection.execute(due).mappings().all()
        for row in rows:
            self._send(row, now)
        return len(rows)

    def _send(self, row: RowMapping, now: int) -> None:
        try:
            found, _ = self.registrations.kept(row["tenant_id"], row["registration_id"])
        except (RegistrationEndedError, RegistrationNotFoundError):  # since the round read it
            self._note(row, due_at=None)
            return
        except SealBrokenError:  # of one damaged row; the others are told, and everything after this round goes on
            self._later(row, now)
            return
        contact = found.details.contact if found.details else ""
        asked = row["about"] == About.WITHDRAWAL_ASKED
        overtaken = found.leaving_at is None if asked else found.expires_at != row["about_at"]
        if not contact or overtaken:  # nobody to tell; or it was stopped, or renewed
            self._note(row, due_at=None)
            return
        until = now + self.delay // _MILLISECOND if asked else found.expires_at
        try:
            self.carrier.deliver(
                f"{row['registration_id']}.{row['about']}", _content(found, row["about"], until, contact)
            )
        except (CodeNotSentError, SenderAbsentError):
            self._later(row, now)
            return
        if asked:
            self._bring_forward(row["tenant_id"], row["registration_id"], until)
        self._note(row, due_at=None, sent_at=now)

    def _bring_forward(self, tenant: TenantId, registration: SubjectId, until: int) -> None:
        """Once the person is told, the shorter delay counts."""

        def work(connection: Connection) -> tuple[()]:
            leaving = find_row(connection, tenant, registration)["leaving_at"]
            if leaving is not None and leaving > until:
                become(connection, tenant, registration, leaving_at=until)
            return ()

        self.accounts.ledger.record(work, tenant)

    def _later(self, row: RowMapping, now: int) -> None:
        pause = min(FIRST_PAUSE * 2 ** min(row["tries"], 16), LONGEST_PAUSE)
        self._note(row, due_at=now + pause // _MILLISECOND, tries=row["tries"] + 1)

    def _note(self, row: RowMapping, **values: object) -> None:
        mine = (
            NoticeRow.tenant_id == row["tenant_id"],
            NoticeRow.registration_id == row["registration_id"],
            NoticeRow.about == row["about"],
            NoticeRow.about_at == row["about_at"],
        )
        self.accounts.database.write(
            lambda connection: connection.execute(update(NoticeRow).where(*mine).values(values))
        )


def insert_notice(
    connection: Connection, tenant: TenantId, registration: SubjectId, about: About, at: int, due: int = 0
) -> None:
    """With what it tells of, which happens at `at`; once, and sent with the first round once it is due."""
    names = {"tenant_id": tenant, "registration_id": registration, "about": about, "about_at": at}
    there = select(NoticeRow.tries).filter_by(**names)
    if connection.execute(there).scalar() is None:
        connection.execute(insert(NoticeRow), names | {"due_at": due, "tries": 0, "sent_at": None})


def insert_reminders(connection: Connection, tenant: TenantId, registration: SubjectId, ends: int) -> None:
    """Of a term, in the unit of work that begins it."""
    for about, lead in REMINDERS.items():
        insert_notice(connection, tenant, registration, about, ends, ends - lead // _MILLISECOND)


def _content(found: Registration, about: str, until: int, contact: str) -> dict[str, object]:
    return {"notice": about, "to": contact, "registration": found.id, "until": format_time(until)}
