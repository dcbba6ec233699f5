"""Somebody who asks for payloads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select

from ledger.ids import EntryId, PrincipalId, TenantId
from ledger.opening.disclosure import Asker, Disclosures
from ledger.storage.tables import Payload
from tests.ledger.world import World

REGULATOR = PrincipalId("prn_regulator")


def asker(tenant: TenantId, check: Callable[[Connection], Any] = lambda _: None) -> Asker:
    return Asker(tenant, REGULATOR, "case 1", check)


def disclosures(world: World) -> Disclosures:
    return Disclosures(world.ledger, world.database)


def openings(world: World, tenant: TenantId) -> list[EntryId]:
    """The entries that say that payloads were opened."""
    mine = select(Payload.entry_id).where(Payload.tenant_id == tenant, Payload.kind == "payload.opened")
    with world.database.read(tenant) as connection:
        return list(connection.execute(mine).scalars())
