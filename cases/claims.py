"""Claims over content that stays with its tool: signed unseen, under a certificate that says so, and recorded.

    spent before? → take apart (worker) → granted? → sign → time-stamp → one unit of work → answer

Rules
- The signature is given away once its entry is durable, and says no more than the tool may claim by its key.
- What is kept is the entry, whose payload has the signature: the same request made again is answered out of it.
- Each claim is a subject of its own, so that one can be erased.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from cases.access import Caller, require_alive
from cases.decisions import CLAIM_POLICY, CLAIM_SIGNED, ClaimSigned
from cases.idempotency import IdempotencyKey
from cases.revocation import Revocations
from detection.shares import Shares
from keys.clock import Clock
from keys.signer import KeyStore, Purpose, Signer
from ledger.entry import format_time
from ledger.errors import EpochClosedError
from ledger.ids import EntryId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from provenance.time_stamps import TimeStamps
from provenance.trust import TrustPolicy
from provenance.unseen.rules import check_claim
from provenance.unseen.signing import SignedClaim, UnsignedClaim, sign_claim

EPOCH_TRIES = 3


@dataclass(frozen=True)
class Answer:
    """What a tool gets back, and what it is on record as."""

    entry: EntryId
    said: ClaimSigned


@dataclass(frozen=True)
class Claims:
    """Signs claims for every tenant's tools. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    workers: Shares
    keys: KeyStore
    revocations: Revocations
    time_stamps: TimeStamps | None
    """None where no authority is set."""

    trust: Callable[[], TrustPolicy]
    clock: Clock

    def signer(self) -> Signer:
        """Whose chain a tool's protected header has to name. Raises KeyNotFoundError, KeyStoreUnavailableError,
        SigningSuspendedError.
        """
        signer = self.keys.signer(Purpose.CLAIM_UNSEEN)
        self.revocations.require_good(signer)
        return signer

    def sign(self, by: Caller, claim: UnsignedClaim, idempotency_key: str = "") -> Answer:
        """Sign one claim; made twice with one Idempotency-Key it is signed once.

        Raises ClaimInvalidError, ClaimRefusedError, IdempotencyConflictError, SandboxError, TimeStampUnavailableError,
        UnknownKeyError, LogBusyError, DatabaseUnavailableError, and as `signer`; then nothing was given away.
        """
        spent = self._spent(by, claim, idempotency_key)
        if spent and (before := self._winner(by, spent)):
            return before
        received_at, signer = milliseconds(self.clock()), self.signer()
        roots = self.trust().authorities
        signed = sign_claim(
            self.workers.of(by.principal),
            signer,
            claim,
            lambda found: check_claim(found, by.grant, self.clock()),
            self.time_stamps,
            roots,
        )
        said = _said(by, signed, received_at)
        return self._record(by, signer, said, spent)

    def _record(self, by: Caller, signer: Signer, said: ClaimSigned, spent: IdempotencyKey | None) -> Answer:
        subject = self.ledger.subjects.create(by.tenant)
        draft = self.ledger.draft(CLAIM_SIGNED.name, CLAIM_POLICY, by.principal, subject, said)
        now = milliseconds(self.clock())

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            self.revocations.require_unrevoked(signer)
            if spent and spent.winner(connection, now):
                return []
            self.ledger.subjects.insert(connection, subject)
            if spent:
                spent.spend(connection, draft.id, now)
            return [draft]

        for _ in range(EPOCH_TRIES):
            try:
                recorded = self.ledger.record(work, by.tenant)
                break
            except EpochClosedError:
                subject = self.ledger.subjects.rewrap(subject)
        else:
            raise EpochClosedError("epochs end faster than this claim can be wrapped")
        if not recorded.entries and spent and (winner := self._winner(by, spent)):
            return winner
        return Answer(draft.id, said)

    def _winner(self, by: Caller, spent: IdempotencyKey) -> Answer | None:
        with self.database.read(by.tenant) as connection:
            entry = spent.winner(connection, milliseconds(self.clock()))
        if entry is None:
            return None
        said: ClaimSigned = self.ledger.payloads.open(by.tenant, EntryId(entry)).payload
        return Answer(EntryId(entry), said)

    def _spent(self, by: Caller, claim: UnsignedClaim, key: str) -> IdempotencyKey | None:
        if not key:
            return None
        digest = hashlib.sha256(b"claim\0" + hashlib.sha256(claim.to_sign).digest() + claim.assertion_store).digest()
        return IdempotencyKey.of(self.ledger.subjects.system(by.tenant), by.principal, key, digest)


def _said(by: Caller, signed: SignedClaim, received_at: int) -> ClaimSigned:
    found = signed.found
    return ClaimSigned(
        actor=by.principal,
        received_at=format_time(received_at),
        tool=found.generator,
        tool_version=found.generator_version,
        claim_sha256=signed.claim_sha256,
        instance=found.instance,
        manifest=found.manifest,
        assertions=found.labels,
        actions=tuple(dict.fromkeys(found.actions)),
        source_types=found.source_types,
        models=found.models,
        binding_algorithm=found.binding_algorithm,
        binding_hash=found.binding_hash,
        key=str(signed.key),
        signature=base64.b64encode(signed.signature).decode(),
        time_stamp=base64.b64encode(signed.stamp.token).decode() if signed.stamp else "",
    )
