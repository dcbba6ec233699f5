"""Logs as they are published, kept in memory, with what was asked for."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from sqlalchemy import Connection, func, select

from ledger.payload import Draft
from ledger.publishing.export import export_log
from ledger.storage.tables import Entry, Tenant
from ledger.storage.tenancy import SystemSession
from ledger.tree.integrator import Integrator
from ledger.tree.log_key import LogKey
from tests.ledger.world import ACTOR, POLICY, NoteWritten, World, until_all_placed


@dataclass
class Published:
    """Files by path; calling it is to fetch one."""

    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    def __call__(self, path: str) -> bytes | None:
        self.asked.append(path)
        return self.files.get(path)


def grow(world: World, entries: int) -> None:
    """Bring a world's log to that many entries, all of them proven."""
    until_all_placed(world.database)
    with world.database.read(SystemSession.FSCK) as connection:
        tenant = connection.execute(select(Tenant.tenant_id)).scalar_one()
        have = connection.execute(select(func.count(Entry.index))).scalar_one()
    subject = world.ledger.subjects.system(tenant)
    drafts = [
        world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten(str(n))) for n in range(entries - have)
    ]

    def work(_: Connection) -> Sequence[Draft]:
        return drafts

    world.ledger.record(work, tenant)
    prove(world)


def prove(world: World) -> None:
    """Sign a checkpoint over all that is there, now."""
    Integrator(world.database, LogKey(world.database, world.keys)).step()


def publish(world: World, folder: Path) -> Published:
    """What the world's log publishes now."""
    export_log(world.database, folder)
    return Published({str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()})


Change: TypeAlias = Callable[[bytes], bytes]


def remade(
    bundle: bytes, changed: Mapping[str, Change | None], added: Mapping[str, bytes] = MappingProxyType({})
) -> bytes:
    """The bundle with some of its files changed, left out (None) or added."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            change = changed.get(name, bytes)
            if change is not None:
                new.writestr(name, change(old.read(name)))
        for name, content in added.items():
            new.writestr(name, content)
    return made.getvalue()
