"""Pictures that everybody has, and that therefore nobody can have registered as theirs: the negative bank.

Rules
- What ships (`common.json`) is a test photograph and what is drawn by rule: gradients, test charts, chequerboards,
  ruled and blank forms; the tests draw it again. What else is common at a deployment its operator adds, with an entry.
- What was added is listed, and removed, by the entry that says so. What ships stays.
- It is asked when somebody registers, and again at every match: what turns out to be common then matches nobody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from detection.copies.fingerprint import REACH, Bits, Fingerprint, from_hex, nearest
from detection.copies.tables import CommonPicture
from detection.errors import FingerprintRefusedError
from ledger.ids import EntryId, TenantId
from ledger.storage.database import Database

PAGE: Final = 100
_COMMON: Final = (
    "this is a picture that many people have, so nobody can register it as theirs: choose another; where it shows you, "
    "register your face instead; if it is yours alone, tell whoever runs this service, who can take it off their list"
)


@cache
def shipped() -> dict[str, list[str]]:
    """Hashes by what each picture is."""
    found: dict[str, list[str]] = json.loads((files("detection.copies") / "common.json").read_text())
    return found


@cache
def _shipped_bits() -> Bits:
    return from_hex([one for hashes in shipped().values() for one in hashes])


@dataclass(frozen=True)
class Added:
    """What was added at once: a picture, mirrored and turned."""

    entry: EntryId
    hashes: tuple[str, ...]
    """Hex, in order."""


class CommonPictures:
    """What is common, for every tenant. Safe to call from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require_own(self, tenant: TenantId, fingerprint: Fingerprint) -> None:
        """Raises FingerprintRefusedError for a picture that everybody has, DatabaseUnavailableError."""
        if nearest(from_hex(list(fingerprint.forms)), self._known(tenant)) <= REACH:
            raise FingerprintRefusedError("common", _COMMON)

    def without(self, tenant: TenantId, probes: Bits) -> Bits:
        """Those of the hashes that are of no common picture. Raises DatabaseUnavailableError."""
        known = self._known(tenant)
        return probes[[nearest(probes[n : n + 1], known) > REACH for n in range(len(probes))]]

    def added(self, tenant: TenantId) -> list[str]:
        """What the operator added, in order. Raises DatabaseUnavailableError."""
        mine = select(CommonPicture.pdq).where(CommonPicture.tenant_id == tenant).order_by(CommonPicture.pdq)
        with self._database.read(tenant) as connection:
            return list(connection.execute(mine).scalars())

    def page(self, tenant: TenantId, after: str = "") -> list[Added]:
        """What the operator added, by entry, those after one; PAGE at most. Raises DatabaseUnavailableError."""
        mine = (CommonPicture.tenant_id == tenant, CommonPicture.entry_id > after)
        entries = select(CommonPicture.entry_id).where(*mine).distinct().order_by(CommonPicture.entry_id).limit(PAGE)
        with self._database.read(tenant) as connection:
            names = connection.execute(entries).scalars().all()
            return [Added(name, tuple(_hashes(connection, tenant, name))) for name in names]

    def hashes(self, tenant: TenantId, entry: EntryId) -> Sequence[str]:
        """Of what was added by this entry; none where nothing was. Raises DatabaseUnavailableError."""
        with self._database.read(tenant) as connection:
            return _hashes(connection, tenant, entry)

    def _known(self, tenant: TenantId) -> Bits:
        return np.concatenate([_shipped_bits(), from_hex(self.added(tenant))])


def insert_common(connection: Connection, tenant: TenantId, fingerprint: Fingerprint, entry: EntryId) -> Sequence[str]:
    """In a unit of work; the hashes that were not there before."""
    wanted = list(dict.fromkeys(fingerprint.forms))
    mine = (CommonPicture.tenant_id == tenant, CommonPicture.pdq.in_(wanted))
    before = set(connection.execute(select(CommonPicture.pdq).where(*mine)).scalars())
    new = [one for one in wanted if one not in before]
    if new:
        rows = [{"tenant_id": tenant, "pdq": one, "entry_id": entry} for one in new]
        connection.execute(insert(CommonPicture), rows)
    return new


def remove_common(connection: Connection, tenant: TenantId, entry: EntryId) -> bool:
    """In a unit of work: what was added by this entry is not known any more; whether it was."""
    mine = (CommonPicture.tenant_id == tenant, CommonPicture.entry_id == entry)
    return connection.execute(delete(CommonPicture).where(*mine)).rowcount > 0


def _hashes(connection: Connection, tenant: TenantId, entry: EntryId) -> Sequence[str]:
    mine = (CommonPicture.tenant_id == tenant, CommonPicture.entry_id == entry)
    return connection.execute(select(CommonPicture.pdq).where(*mine).order_by(CommonPicture.pdq)).scalars().all()
