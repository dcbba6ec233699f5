"""Our own signers' certificates: which are revoked, since when, and whether the one in force may sign.

Rules
- A revocation is a decision: its row and its ledger entry commit together, when this service learns of it, from the
  operator or from the issuer. Learnt again, it changes only if it now reaches further back. It is never taken back:
  whoever needs to sign again rotates.
- A revoked certificate signs nothing. One of which nobody has said for longer than `grace` after the last answer's
  end that it is good signs nothing either. Whoever was named to say so must speak for its issuer: another's list is no
  answer. Where nobody was named, it signs.
- Who learns in mid-upload is in time: the unit of work that would commit the upload asks again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography import x509
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from cases.access import Caller
from cases.decisions import CLAIM_KEY_REVOKED, REVOCATION_POLICY, ClaimKeyRevoked
from cases.errors import ClaimKeyNotFoundError, RevocationUnknownError, SignerRevokedError, SigningSuspendedError
from cases.grace import GRACE
from keys.chain import rfc3339
from keys.clock import Clock
from keys.errors import KeyNotFoundError, KeyStoreUnavailableError
from keys.revocation import IssuerAndSerial, Reason, Revocation, authority
from keys.signer import KeyRef, KeyStore, Purpose, Signer
from keys.versions import Version, chains, claim_versions
from ledger.ids import TenantId, milliseconds, moment
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from ledger.storage.tables import TENANT, Base
from ledger.storage.tenancy import SystemSession
from provenance.revocation import written
from provenance.revocation_watch import Watch

_UNHEARD: Final = (
    "nothing was heard from {} of certificates that {!r} issued: name that authority's own list or responder (an "
    "outside CA's in SIGILLO_REVOCATION_LISTS or SIGILLO_OCSP_URL), or see why it does not answer"
)


class RevocationRow(Base):
    """One certificate of ours that is revoked; of the home tenant."""

    __tablename__ = "revocation"
    __table_args__ = ({"info": TENANT},)
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(primary_key=True)
    serial: Mapped[str] = mapped_column(primary_key=True)
    issuer_key: Mapped[str] = mapped_column(primary_key=True)
    revoked_at: Mapped[int]
    since: Mapped[int]
    reason: Mapped[str]


@dataclass
class Revocations:
    """Learns of revocations, records our own, and says who may sign. Safe to use from many threads."""

    ledger: Ledger
    database: Database
    keys: KeyStore
    watch: Watch
    operator: Callable[[], Caller]
    clock: Clock
    grace: timedelta = GRACE
    reason: str = field(default="", init=False)
    """Why nothing is signed; empty while it is. As of the last round."""

    until: datetime | None = field(default=None, init=False)
    """When the last word on our certificate no longer lets us sign; None where none is asked for, or known."""

    revoked: str = field(default="", init=False)
    """All that are known, ours and others', as a trust policy takes them."""

    _own: tuple[Revocation, ...] = field(default=(), init=False)
    """As in the rows, and what is on its way there; replaced whole, by whoever holds `_changing`."""

    _changing: threading.RLock = field(default_factory=threading.RLock, init=False)

    def __post_init__(self) -> None:
        self._learn()

    def require_unrevoked(self, signer: Signer) -> None:
        """By what is known. Raises SignerRevokedError."""
        certificate = IssuerAndSerial.of(_leaf(signer.chain))
        if found := _of(certificate, (*self._own, *self.watch.revocations())):
            raise SignerRevokedError(str(signer.ref), found)

    def require_good(self, signer: Signer) -> None:
        """The same, and somebody's word that it is so; may have to ask for it.

        Raises SignerRevokedError, RevocationUnknownError.
        """
        self.require_unrevoked(signer)
        if self._lapsed(signer.chain):
            self.watch.refresh()  # whoever is due: an outage that is over need not wait for the next round
            self.require_unrevoked(signer)
            if why := self._lapsed(signer.chain):
                raise RevocationUnknownError(str(signer.ref), why)

    def revoke(self, by: Caller, key: str, reason: Reason, since: datetime | None = None) -> Revocation:
        """Revoke the certificate of a version of a claim key (`sigillo-claim@2`), for what it signed from `since` on.

        A stolen key of which nobody knows since when is not trusted with anything it signed. Gives what is in force
        now: an earlier one may reach further back. Raises ClaimKeyNotFoundError, KeyStoreUnavailableError.
        """
        ref, chain = self._certified(key)
        leaf = _leaf(chain)
        now = self.clock()
        if since is None:
            since = leaf.not_valid_before_utc if reason is Reason.KEY_COMPROMISE else now
        revocation = Revocation(IssuerAndSerial.of(leaf), now, min(since, now), reason)
        self._record(by, ref, revocation, "operator")
        return _of(revocation.certificate, self._own) or revocation

    def round(self) -> None:
        """Ask who is due and record what is new about our own. Raises KeysError, LedgerError."""
        self.watch.refresh()
        self._learn()
        told = sorted(self.watch.revocations(), key=lambda one: one.since)
        for ref, chain in chains(claim_versions(self.keys)).items() if told else ():
            ours = IssuerAndSerial.of(_leaf(chain))
            found = next((replace(one, certificate=ours) for one in told if one.certificate.names(ours)), None)
            if found is not None and _reaches_further(found, self._own):
                self._record(self.operator(), ref, found, "issuer")
        with suppress(KeyStoreUnavailableError, KeyNotFoundError):  # the key store's own part tells of that
            signer = self.keys.signer(Purpose.CLAIM)
            self.reason = self._suspended(signer)
            good_until = self.watch.good_until(_leaf(signer.chain))
            self.until = good_until and good_until + self.grace

    def left_seconds(self) -> float:
        """Until then."""
        return (self.until - self.clock()).total_seconds() if self.until else math.inf

    def _record(self, by: Caller, ref: KeyRef, revocation: Revocation, told_by: str) -> None:
        """In force at once, then durable: what commits after it must have seen it."""
        said = _decision(ref, revocation, told_by)
        system = self.ledger.subjects.system(by.tenant)
        draft = self.ledger.draft(CLAIM_KEY_REVOKED.name, REVOCATION_POLICY, by.principal, system, said)

        def work(connection: Connection) -> Sequence[Draft]:
            if not _reaches_further(revocation, _rows(connection, by.tenant)):
                return []
            _replace(connection, by.tenant, revocation)
            return [draft]

        with self._changing:
            self._own = (*self._own, revocation)
            try:
                self.ledger.record(work, by.tenant)
            finally:
                self._learn()

    def _learn(self) -> None:
        """Bring what is known up to date with the rows and the sources."""
        with self._changing:
            self._own = recorded(self.database)
            self.revoked = written((*self._own, *self.watch.revocations()))

    def _suspended(self, signer: Signer) -> str:
        try:
            self.require_good(signer)
        except SigningSuspendedError as error:
            return str(error)
        return ""

    def _lapsed(self, chain: str) -> str:
        """Why nobody's word on its certificate counts any more; empty while it does, or nobody's is wanted."""
        leaf = _leaf(chain)
        good_until = self.watch.good_until(leaf)
        if good_until is None:
            return (
                _UNHEARD.format(", ".join(silent), authority(leaf.issuer))
                if (silent := self.watch.silent(leaf))
                else ""
            )
        if self.clock() < good_until + self.grace:
            return ""
        return f"the last answer was good until {rfc3339(good_until)}, and none has come since"

    def _certified(self, key: str) -> tuple[KeyRef, str]:
        known = chains(claim_versions(self.keys)).items()
        found = next(((ref, chain) for ref, chain in known if str(ref) == key), None)
        if found is None:
            raise ClaimKeyNotFoundError(key)
        return found


@lru_cache(maxsize=64)
def _leaf(chain: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(chain.encode())


def recorded(database: Database) -> tuple[Revocation, ...]:
    """Our own certificates' revocations. Raises DatabaseUnavailableError."""
    with database.read(SystemSession.REVOCATION) as connection:
        return _rows(connection)


def revoked_versions(versions: Sequence[Version], known: Sequence[Revocation]) -> dict[KeyRef, Revocation]:
    """Those of these versions whose certificates are among these revocations."""
    found = {ref: _of(IssuerAndSerial.of(_leaf(chain)), known) for ref, chain in chains(versions).items()}
    return {ref: one for ref, one in found.items() if one}


def _of(certificate: IssuerAndSerial, known: Sequence[Revocation]) -> Revocation | None:
    return next((one for one in known if one.certificate.names(certificate)), None)


def _reaches_further(revocation: Revocation, known: Sequence[Revocation]) -> bool:
    return all(one.since > revocation.since for one in known if one.certificate.names(revocation.certificate))


def _rows(connection: Connection, tenant: TenantId | None = None) -> tuple[Revocation, ...]:
    statement = select(RevocationRow.__table__)
    if tenant is not None:
        statement = statement.where(RevocationRow.tenant_id == tenant)
    return tuple(
        Revocation(
            IssuerAndSerial(row["issuer"], int(row["serial"], 16), row["issuer_key"]),
            moment(row["revoked_at"]),
            moment(row["since"]),
            Reason(row["reason"]),
        )
        for row in connection.execute(statement).mappings()
    )


def _replace(connection: Connection, tenant: TenantId, revocation: Revocation) -> None:
    certificate = revocation.certificate
    named = {
        "issuer": certificate.issuer,
        "serial": f"{certificate.serial:x}",
        "issuer_key": certificate.issuer_key,
    }
    mine = (
        RevocationRow.tenant_id == tenant,
        *(getattr(RevocationRow, name) == value for name, value in named.items()),
    )
    connection.execute(delete(RevocationRow).where(*mine))
    said = {"revoked_at": milliseconds(revocation.at), "since": milliseconds(revocation.since)}
    row = {"tenant_id": tenant, **named, **said, "reason": revocation.reason}
    connection.execute(insert(RevocationRow).values(row))


def _decision(ref: KeyRef, revocation: Revocation, told_by: str) -> ClaimKeyRevoked:
    certificate = revocation.certificate
    return ClaimKeyRevoked(
        key=str(ref),
        issuer=certificate.issuer,
        serial=f"{certificate.serial:x}",
        revoked_at=rfc3339(revocation.at),
        since=rfc3339(revocation.since),
        reason=revocation.reason,
        told_by=told_by,
    )
