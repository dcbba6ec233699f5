"""Handing an asset over: its owner offers it to another principal of the tenant, who accepts, and owns it from then on.

Rules
- Nothing changes before the receiver accepts: nobody is given what they do not want. Until then the owner may take the
  offer back, and the receiver decline it.
- Offering, ending an offer and accepting are entries of the asset's. One offer at a time: a later one takes its place.
- Asked again, what was done is answered again: the same offer, the same hand-over.
- An offer counts while its owner has a key: who stole one does not have it accepted after it was revoked.
- A held asset is not handed over, nor one that was erased. Whoever uploaded it still does not review it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from cases.access import Caller, keyless, require_alive
from cases.asset import Asset, AssetId, AssetState, asset_of, find_row, mark_handed_over, subject_id
from cases.custody.decisions import (
    HANDED_OVER,
    OFFER_ENDED,
    OFFERED,
    POLICY,
    AssetHandedOver,
    AssetOffered,
    OfferEnded,
)
from cases.custody.handover_rows import (
    drop_offer,
    handed_over,
    insert_offer,
    mark_accepted,
    offered_to,
    open_offer,
)
from cases.errors import AssetGoneError, HandoverNotFoundError, PrincipalNotFoundError
from cases.library import Library, require_given_out
from keys.clock import Clock
from ledger.errors import SubjectErasedError
from ledger.ids import EntryId, PrincipalId, TenantId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft, Kind
from ledger.storage.database import Database
from ledger.storage.tables import Principal, PrincipalKind

PAGE = 100


@dataclass(frozen=True)
class Offer:
    """An asset that is offered to somebody."""

    id: EntryId
    """The entry that says so."""

    asset: AssetId
    owner: PrincipalId
    to: PrincipalId
    offered_at: int
    """Unix milliseconds."""

    title: str


@dataclass(frozen=True)
class Handovers:
    """The hand-overs of every tenant. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    library: Library
    clock: Clock

    def offer(self, by: Caller, asset: AssetId, to: PrincipalId) -> EntryId:
        """Offer one of the caller's assets. Raises AssetNotFoundError, AssetGoneError, AssetHeldError,
        PrincipalNotFoundError.
        """
        found, now = self._owned(by, asset), milliseconds(self.clock())
        with self.database.read(by.tenant) as connection:
            _require_receiver(connection, by, to)
            before = open_offer(connection, by.tenant, asset)
        if before and before["to_principal"] == to:
            return EntryId(before["offer_id"])
        draft = self._draft(OFFERED, by, found, AssetOffered(asset, by.principal, to))
        row = {"tenant_id": by.tenant, "offer_id": draft.id, "asset_id": asset, "offered_at": now}
        offer: dict[str, object] = {**row, "from_principal": by.principal, "to_principal": to}

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            _require_owned(connection, by.tenant, asset, by.principal)
            if replaced := open_offer(connection, by.tenant, asset):
                drop_offer(connection, by.tenant, replaced["offer_id"])
            insert_offer(connection, offer)
            return [draft]

        self.ledger.record(work, by.tenant)
        return draft.id

    def accept(self, by: Caller, asset: AssetId) -> EntryId:
        """Take over what is offered to the caller; the entry that says so. Raises HandoverNotFoundError,
        and as `require_given_out`.
        """
        with self.database.read(by.tenant) as connection:
            offer = _offer_to(connection, by, asset)
            if offer is None:
                return _accepted_before(connection, by, asset)
        said = AssetHandedOver(asset, offer["from_principal"], by.principal, offer["offer_id"])
        draft = self._draft(HANDED_OVER, by, self._offered(by.tenant, asset), said)
        now = milliseconds(self.clock())

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            still = _offer_to(connection, by, asset)
            if still is None or still["offer_id"] != offer["offer_id"]:
                raise HandoverNotFoundError
            _require_owned(connection, by.tenant, asset, offer["from_principal"])
            if keyless(connection, by.tenant, offer["from_principal"]):
                raise HandoverNotFoundError
            mark_handed_over(connection, by.tenant, asset, by.principal)
            mark_accepted(connection, by.tenant, offer["offer_id"], draft.id, now)
            return [draft]

        self.ledger.record(work, by.tenant)
        return draft.id

    def end(self, by: Caller, asset: AssetId) -> EntryId:
        """Withdraw the caller's offer, or decline the one made to them. Raises HandoverNotFoundError."""
        with self.database.read(by.tenant) as connection:
            offer = _offer_of(connection, by, asset)
        ended_by = "owner" if offer["from_principal"] == by.principal else "receiver"
        said = OfferEnded(asset, offer["offer_id"], ended_by)
        draft = self._draft(OFFER_ENDED, by, self._offered(by.tenant, asset), said)

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            if _offer_of(connection, by, asset)["offer_id"] != offer["offer_id"]:
                raise HandoverNotFoundError
            drop_offer(connection, by.tenant, offer["offer_id"])
            return [draft]

        self.ledger.record(work, by.tenant)
        return draft.id

    def offered(self, by: Caller, after: str = "") -> list[Offer]:
        """A page of what waits for the caller's answer, those after an offer's id."""
        with self.database.read(by.tenant) as connection:
            rows = offered_to(connection, by.tenant, by.principal, after, PAGE)
        return [self._told(by.tenant, row) for row in rows]

    def _told(self, tenant: TenantId, row: RowMapping) -> Offer:
        try:
            details = self.library.opened(tenant, AssetId(row["asset_id"])).details
        except SubjectErasedError:  # since the row was read
            details = None
        title = details.title if details else ""
        return Offer(
            row["offer_id"],
            AssetId(row["asset_id"]),
            row["from_principal"],
            row["to_principal"],
            row["offered_at"],
            title,
        )

    def _owned(self, by: Caller, asset: AssetId) -> Asset:
        found = self.library.find(by, asset)
        require_given_out(found)
        if found.state is AssetState.ERASED:
            raise AssetGoneError(found.state)
        return found

    def _offered(self, tenant: TenantId, asset: AssetId) -> Asset:
        try:
            return self.library.opened(tenant, asset)
        except SubjectErasedError as error:
            raise HandoverNotFoundError from error

    def _draft(self, kind: Kind, by: Caller, asset: Asset, payload: object) -> Draft:
        subject = self.ledger.subjects.open(asset.tenant, subject_id(asset.id))
        return self.ledger.draft(kind.name, POLICY, by.principal, subject, payload)


def _require_receiver(connection: Connection, by: Caller, to: PrincipalId) -> None:
    theirs = (Principal.tenant_id == by.tenant, Principal.id == to, Principal.kind == PrincipalKind.KEY)
    if to == by.principal or connection.execute(select(Principal.id).where(*theirs)).scalar() is None:
        raise PrincipalNotFoundError(f"there is no other principal {to} that holds API keys in this tenant")


def _require_owned(connection: Connection, tenant: TenantId, asset: AssetId, owner: PrincipalId) -> None:
    """Inside a unit of work. Raises HandoverNotFoundError, and as `require_given_out`."""
    row = find_row(connection, tenant, asset)
    if row["principal_id"] != owner or row["state"] == AssetState.ERASED:
        raise HandoverNotFoundError
    require_given_out(asset_of(row, None))


def _offer_to(connection: Connection, by: Caller, asset: AssetId) -> RowMapping | None:
    offer = open_offer(connection, by.tenant, asset)
    return offer if offer and offer["to_principal"] == by.principal else None


def _offer_of(connection: Connection, by: Caller, asset: AssetId) -> RowMapping:
    """The open offer that the caller made, or that was made to them. Raises HandoverNotFoundError."""
    offer = open_offer(connection, by.tenant, asset)
    if offer is None or by.principal not in (offer["from_principal"], offer["to_principal"]):
        raise HandoverNotFoundError
    return offer


def _accepted_before(connection: Connection, by: Caller, asset: AssetId) -> EntryId:
    """Raises HandoverNotFoundError unless the caller owns it by the last hand-over."""
    last = next(reversed(handed_over(connection, by.tenant, [asset])), None)
    if last is None or last["to_principal"] != by.principal:
        raise HandoverNotFoundError
    return EntryId(last["entry_id"])
