"""Passkeys as they are kept, and opened: one row each, its key sealed under the account's.

Rules
- Tenant, account and passkey are bound as associated data.
- The counter (section 6.1.1): once an authenticator counts, each use counts higher than the one before; one that does
  not is refused, for two authenticators have that passkey. Of two uses at once, the row decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, insert, select, update

from identity.encoding import base64url
from identity.passkeys.errors import PasskeyClonedError, PasskeyNotFoundError
from identity.passkeys.responses import NewKey, Use
from identity.passkeys.tables import PasskeyRow
from keys.clock import Entropy
from keys.sealing import seal, unseal
from ledger.forgetting.subjects import Subject


@dataclass(frozen=True)
class Detail:
    """What is sealed of it; bytes as base64url."""

    credential: str
    public_key: str = field(repr=False)
    aaguid: str
    backup_eligible: bool
    name: str = ""
    """What its owner calls it."""


@dataclass(frozen=True)
class Passkey:
    """One row, opened."""

    id: str
    detail: Detail
    backed_up: bool
    bound_at: int


_DETAIL = TypeAdapter(Detail)


def sealed_row(
    account: Subject, passkey: str, made: NewKey, mark: str, now: int, entropy: Entropy
) -> dict[str, object]:
    """The row of a new passkey, before the unit of work that inserts it."""
    credential, key = base64url.encode(made.credential), base64url.encode(made.public_key)
    detail = Detail(credential, key, made.aaguid, made.backup_eligible)
    sealed = _sealed(account, passkey, detail, entropy)
    return {
        "tenant_id": account.tenant,
        "id": passkey,
        "account_id": account.id,
        "mark": mark,
        "sign_count": made.sign_count,
        "backed_up": made.backed_up,
        "bound_at": now,
        "sealed": sealed,
    }


def insert_passkey(connection: Connection, row: dict[str, object]) -> None:
    """In a unit of work."""
    connection.execute(insert(PasskeyRow).values(row))


def passkeys_of(connection: Connection, account: Subject) -> list[Passkey]:
    """All of an account's, oldest first. Raises SealBrokenError."""
    mine = (PasskeyRow.tenant_id == account.tenant, PasskeyRow.account_id == account.id)
    rows = select(PasskeyRow.__table__).where(*mine).order_by(PasskeyRow.bound_at, PasskeyRow.id)
    return [_opened(account, row) for row in connection.execute(rows).mappings()]


def call(connection: Connection, account: Subject, passkey: Passkey, name: str, entropy: Entropy) -> None:
    """In a unit of work: its owner calls it so. Raises PasskeyNotFoundError."""
    sealed = _sealed(account, passkey.id, replace(passkey.detail, name=name), entropy)
    mine = (PasskeyRow.tenant_id == account.tenant, PasskeyRow.id == passkey.id)
    if not connection.execute(update(PasskeyRow).where(*mine).values(sealed=sealed)).rowcount:
        raise PasskeyNotFoundError


def used(connection: Connection, account: Subject, passkey: str, use: Use) -> None:
    """In the unit of work of what it is used for: it counts on. Raises PasskeyNotFoundError, PasskeyClonedError."""
    counts_on = PasskeyRow.sign_count < use.sign_count if use.sign_count else PasskeyRow.sign_count == 0
    mine = (PasskeyRow.tenant_id == account.tenant, PasskeyRow.id == passkey)
    said = {"sign_count": use.sign_count, "backed_up": use.backed_up}
    if connection.execute(update(PasskeyRow).where(*mine, counts_on).values(said)).rowcount:
        return
    if connection.execute(select(PasskeyRow.id).where(*mine)).scalar() is None:
        raise PasskeyNotFoundError
    raise PasskeyClonedError


def _opened(account: Subject, row: RowMapping) -> Passkey:
    detail = _DETAIL.validate_json(unseal(account.key, row["sealed"], _bound(account, row["id"])))
    return Passkey(row["id"], detail, row["backed_up"], row["bound_at"])


def _sealed(account: Subject, passkey: str, detail: Detail, entropy: Entropy) -> bytes:
    return seal(account.key, _DETAIL.dump_json(detail), _bound(account, passkey), entropy)


def _bound(account: Subject, passkey: str) -> bytes:
    return f"passkey/v1/{account.tenant}/{account.id}/{passkey}".encode()
