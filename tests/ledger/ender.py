"""A child process whose epochs end day after day while it stores and erases subjects, until it is killed.

It prints `kept <id>` and `erased <id>` once each is durable. Its keys are an embedded store on disk.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select

import ledger.forgetting.rewrapping
from keys.local import LocalKeyStore
from ledger.forgetting.rewrapping import Rewrapping
from ledger.forgetting.schedule import MIN_EPOCH_LIFETIME
from ledger.ids import TenantId, moment
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from ledger.storage.tables import Epoch, Tenant
from ledger.storage.tenancy import SystemSession
from tests.databases import url_of
from tests.ledger.world import HeldClock

KEPT_A_ROUND = 4
STEP = timedelta(hours=12)


class Ender:
    """A ledger over real files, with a clock that goes on where its rows say it stopped."""

    def __init__(self, folder: Path) -> None:
        self.clock = HeldClock()
        self.keys = LocalKeyStore.open(folder / "keys", embedded_profile=True)
        self.database = Database(url_of(folder / "ended.db"))
        self.ledger = Ledger(self.database, self.keys, (), clock=self.clock)
        self.ledger.start()
        with self.database.read(SystemSession.SETUP) as connection:
            found = connection.execute(select(Tenant.tenant_id)).scalar()
            newest = connection.execute(select(Epoch.opened_at).order_by(Epoch.opened_at.desc()).limit(1)).scalar()
        if newest is not None:
            self.clock.now = moment(newest)
        self.tenant = found or TenantId(self.ledger.create_tenant("first"))
        self.rewrapping = Rewrapping(
            self.ledger, self.database, self.clock, MIN_EPOCH_LIFETIME, lambda event, **facts: None
        )

    def close(self) -> None:
        self.ledger.close()
        self.database.close()

    def store(self) -> str:
        subject = self.ledger.subjects.create(self.tenant)

        def work(connection: Connection) -> Sequence[Draft]:
            self.ledger.subjects.insert(connection, subject)
            return []

        self.ledger.record(work, self.tenant)
        return subject.id

    def erase(self, subject: str) -> None:
        def work(connection: Connection) -> Sequence[Draft]:
            self.ledger.subjects.erase(connection, self.tenant, subject)  # type: ignore[arg-type]  # as it was printed
            return []

        self.ledger.record(work, self.tenant)

    def round(self) -> None:
        self.clock.move(STEP)
        self.rewrapping.round(lambda: False)


def main(folder: Path) -> None:
    ledger.forgetting.rewrapping.BATCH = 3
    ender = Ender(folder)
    while True:
        for _ in range(KEPT_A_ROUND):
            _say(f"kept {ender.store()}")
        gone = ender.store()
        ender.erase(gone)
        _say(f"erased {gone}")
        ender.round()


def _say(line: str) -> None:
    # One write per line: a kill may cut the last line, never mix two.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
