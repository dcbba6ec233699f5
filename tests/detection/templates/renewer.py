"""A child process that renews a rotation key, a few templates at a time, until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy import select

from detection.templates import renewing
from detection.templates.tables import FaceBank
from ledger.ids import TenantId
from ledger.storage.tenancy import SystemSession
from tests.detection.templates.registered import on_disk

BATCH = 3


def main(folder: Path) -> None:
    renewing.BATCH = BATCH  # type: ignore[misc]  # so that there are many
    with on_disk(folder) as house:
        with house.database.read(SystemSession.MATCHING) as connection:
            tenant = TenantId(connection.execute(select(FaceBank.tenant_id)).scalar_one())
        house.begin_renewal(tenant)
        house.renewing.round(_moved)


def _moved() -> bool:
    sys.stdout.write("moved\n")
    sys.stdout.flush()
    return False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
