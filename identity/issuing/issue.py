"""Issuing on record: a credential is signed, then its row, its place in a status list and its entry commit together,
and only then is it given away.

Rules
- What is slow comes first: drawing a place, signing. The unit of work touches only rows, and is the caller's too
  (`within`): a key that was revoked meanwhile, or an offer that somebody else took, and nothing was issued. What else
  is decided there has its entries before the credential's.
- Whoever is killed in between has given nothing away and taken no place. Whoever got no answer asks again.
- The row says nothing of what the credential says; the entry neither (`identity.issuing.decisions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection

from identity.errors import PlaceTakenError
from identity.issuing import issued
from identity.issuing.decisions import CREDENTIAL_ISSUED, ISSUE_POLICY, CredentialIssued
from identity.issuing.issued import CredentialId, IssuedCredential
from identity.issuing.issuer import Issuer
from identity.issuing.orders import Order, Signed, Slot, StatusClaims
from identity.jsonld.canonical import jcs
from identity.status.lists import StatusLists, standing, take
from keys.chain import rfc3339
from keys.clock import Clock, Entropy
from ledger.ids import EntryId, PrincipalId, TenantId, milliseconds, moment, new_id
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database

MAX_DRAWS: Final = 5
"""Of places, when others take what was drawn: a list gives no more once most of its places are taken."""


Within: TypeAlias = Callable[[Connection, Sequence[CredentialId]], Sequence[Draft] | None]
"""What else changes in the unit of work that issues credentials of these ids, and the entries that say so."""


@dataclass(frozen=True)
class Issued:
    """A credential that is on record, at the one moment it is here."""

    id: CredentialId
    credential: dict[str, Any] | str = field(repr=False)
    entry: EntryId


@dataclass(frozen=True)
class Issuing:
    """Issues for every tenant. Safe to use from many threads."""

    ledger: Ledger
    database: Database
    issuer: Callable[[], Issuer]
    lists: StatusLists
    status: StatusClaims
    origin: str
    """Under which our context and schemas are, such as `https://sigillo.example`."""

    clock: Clock
    entropy: Entropy

    def issue(
        self,
        tenant: TenantId,
        principal: PrincipalId,
        orders: Sequence[Order],
        within: Within = lambda _connection, _ids: None,
    ) -> tuple[Issued, ...]:
        """All of them, in one unit of work; `within` is called in it first, with their ids.

        Raises what `within` raises, CredentialRefusedError, DocumentError's kinds, SelectionError, ProofLimitError,
        KeyNotFoundError, KeyStoreUnavailableError, IssuerUnnamedError, and as `Ledger.record`.
        """
        for order in orders:
            order.check()
        for _ in range(MAX_DRAWS):
            slots = [self._slot(tenant, order) for order in orders]
            try:
                return self._record(tenant, principal, orders, slots, within)
            except PlaceTakenError as error:
                taken = error
        raise taken

    def again(
        self,
        tenant: TenantId,
        principal: PrincipalId,
        order: Order,
        credential: CredentialId,
        within: Callable[[Connection], Sequence[Draft] | None] = lambda _connection: None,
    ) -> Issued:
        """A credential that was issued for the same order, signed anew: with its id, its dates and its place, and with
        an entry of its own. Raises CredentialUnknownError, and as `issue`.
        """
        with self.database.read(tenant) as connection:
            before = issued.find(connection, tenant, credential)
            place = standing(connection, tenant, credential).place if order.revocable else None
        slot = Slot(before.id, moment(before.issued_at), place, self.status, self.origin)
        signed = order.sign(self.issuer(), slot)
        draft = self._draft(tenant, principal, order, slot, signed)

        def work(connection: Connection) -> Sequence[Draft]:
            return [*(within(connection) or ()), draft]

        self.ledger.record(work, tenant)
        return Issued(before.id, signed.credential, draft.id)

    def _slot(self, tenant: TenantId, order: Order) -> Slot:
        place = self.lists.draw(tenant) if order.revocable else None
        return Slot(CredentialId(new_id("crd", self.entropy)), self.clock(), place, self.status, self.origin)

    def _record(
        self,
        tenant: TenantId,
        principal: PrincipalId,
        orders: Sequence[Order],
        slots: Sequence[Slot],
        within: Within,
    ) -> tuple[Issued, ...]:
        issuer = self.issuer()
        made = [(order, slot, order.sign(issuer, slot)) for order, slot in zip(orders, slots, strict=True)]
        drafts = [self._draft(tenant, principal, *one) for one in made]
        rows = [_row(tenant, principal, *one, draft.id) for one, draft in zip(made, drafts, strict=True)]
        ids = [row.id for row in rows]

        def work(connection: Connection) -> Sequence[Draft]:
            others = within(connection, ids) or ()
            for slot, row in zip(slots, rows, strict=True):
                if slot.place:
                    take(connection, tenant, slot.place, row.id)
                issued.add(connection, row)
            return [*others, *drafts]

        self.ledger.record(work, tenant)
        return tuple(
            Issued(row.id, signed.credential, row.entry) for row, (_, _, signed) in zip(rows, made, strict=True)
        )

    def _draft(self, tenant: TenantId, principal: PrincipalId, order: Order, slot: Slot, signed: Signed) -> Draft:
        given = signed.credential
        digest = sha256(given.encode() if isinstance(given, str) else jcs(given)).hexdigest()
        ends = rfc3339(signed.ends) if signed.ends else ""
        said = CredentialIssued(slot.id, principal, order.type, order.format, signed.key, digest, ends)
        system = self.ledger.subjects.system(tenant)
        return self.ledger.draft(CREDENTIAL_ISSUED.name, ISSUE_POLICY, principal, system, said)


def _row(
    tenant: TenantId, principal: PrincipalId, order: Order, slot: Slot, signed: Signed, entry: EntryId
) -> IssuedCredential:
    return IssuedCredential(
        tenant,
        slot.id,
        principal,
        order.type,
        order.format,
        signed.key,
        milliseconds(slot.issued_at),
        milliseconds(signed.ends) if signed.ends else None,
        entry,
    )
