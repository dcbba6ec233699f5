"""The upload's one path through the house: from bytes of a stranger to a signed asset in the ledger.

    spent before? → granted? → examine (worker) → parent policy → registry (worker) → embed (worker)
    → sign (worker, claim signed here) → time-stamp (fetched here, written by a worker) → seal the media
    → one unit of work: subject key, asset, blob, idempotency, entry → answer

Rules
- Everything random or slow is fixed before the unit of work; inside it only rows are touched.
- Nothing is acknowledged before it is durable. What fails on the way leaves no row, and its blob is removed.
- The parent process never parses media: it streams, hashes, signs claim bytes and seals.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection, insert

from cases.access import Caller, require_alive
from cases.asset import (
    Asset,
    AssetDetails,
    AssetId,
    AssetState,
    SealedColumns,
    insert_asset,
    new_asset_id,
    subject_id,
)
from cases.creators import Creators
from cases.custody.tables import TraceRow
from cases.custody.traces import Traces, of_file, of_store
from cases.decisions import ASSET_SIGNED, INTAKE_POLICY, ParentFinding
from cases.errors import OtherHistoryError, ParentRefusedError
from cases.idempotency import IdempotencyKey
from cases.likeness.at_upload import AtUpload
from cases.likeness.consequences import Consequences
from cases.likeness.findings import Circumstances, because
from cases.likeness.tokens import Tokens
from cases.media import blob_size, insert_blob
from cases.recognition import Recognition
from cases.revocation import Revocations
from cases.signing import Judged, Signing, Submission, content, decision, details
from detection.copies.fingerprint import recognisable
from detection.embedding.embed import Embedder
from detection.embedding.embedding import Embedding
from detection.examination import Examination
from detection.shares import Shares, Workers
from identity.assurance.account import require_account
from keys.clock import Clock, Entropy
from keys.signer import KeyStore, Purpose
from ledger.errors import EpochClosedError, LedgerError
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, SubjectId, TenantId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.blobs import Blob, BlobStore
from ledger.storage.database import Database
from provenance.errors import ClaimRefusedError
from provenance.manifest import SIDECAR_TYPES, define
from provenance.report import History
from provenance.request import Tool
from provenance.rules import check_change, check_creator, check_grant, check_request
from provenance.sign import Parent, sign
from provenance.summary import in_brief
from provenance.time_stamps import TimeStamps
from provenance.trust import TrustPolicy
from provenance.validation import examine, verify
from provenance.verdict import Verdict

PASSING_PARENTS = frozenset({Verdict.ABSENT, Verdict.TRUSTED})
EPOCH_TRIES = 3
"""An epoch ends once a day at most: to meet its end twice in one upload would be a fault, not bad luck."""


@dataclass(frozen=True)
class IntakePolicy:
    """What the deployment decided about uploads."""

    refuse_broken_parents: bool
    retention: timedelta

    @property
    def name(self) -> str:
        """Its version in public entries."""
        return INTAKE_POLICY.format(parents="refuse" if self.refuse_broken_parents else "record")


@dataclass(frozen=True)
class Intake:
    """Takes uploads in. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    blobs: BlobStore
    recognition: Recognition
    workers: Shares
    embedder: Embedder | None
    """None where no encoder is set."""

    keys: KeyStore
    revocations: Revocations
    likeness: AtUpload
    tokens: Tokens
    creators: Creators
    time_stamps: TimeStamps | None
    """None where no authority is set."""

    traces: Traces
    trust: Callable[[], TrustPolicy]
    policy: IntakePolicy
    generator: Tool
    clock: Clock
    entropy: Entropy

    def take(self, caller: Caller, submission: Submission) -> AssetId:
        """Sign one upload and return its asset once it is durable.

        What is made or altered and may show somebody who refuses that is signed and held (`cases.likeness`).

        Raises MediaError, ClaimRefusedError, LikenessTokenError, PasskeyError, ParentRefusedError, OtherHistoryError,
        IdempotencyConflictError, AccountNotFoundError, SandboxError, ManifestBuildError, KeyStoreUnavailableError,
        SigningSuspendedError, TimeStampUnavailableError, LogBusyError, DatabaseUnavailableError, and what opening the
        original raises; then nothing was kept.
        """
        check_request(submission.claim, self.clock())
        check_grant(submission.claim, caller.grant)
        if submission.original:
            check_change(submission.claim)
        spent = self._idempotency(caller, submission)
        if spent is not None:
            with self.database.read(caller.tenant) as connection:
                if winner := spent.winner(connection, milliseconds(self.clock())):
                    return AssetId(winner)
        with submission.original.open() if submission.original else nullcontext() as parent:
            signing = self._sign(caller, submission, parent)
        with signing.signed.content:
            return self._commit(signing, spent)

    def _sign(self, caller: Caller, submission: Submission, made_from: Parent | None) -> Signing:
        received_at, signer = milliseconds(self.clock()), self.keys.signer(Purpose.CLAIM)
        token, tool = submission.likeness_check, caller.grant.tool
        check = self.tokens.read(token, tool) if token else None
        if submission.creator:
            claim = replace(submission.claim, creator=self.creators.cosigned(submission.creator))
            submission = replace(submission, claim=claim)
        workers = self.workers.of(caller.principal)
        self.revocations.require_good(signer)
        # The signer first: the roots asked for after it cover its chain.
        trust = self.trust()
        found, history, metadata = examine(workers, submission.content, submission.declared_mime, trust)
        check_creator(submission.claim, found.sha256, self.clock())
        if made_from:
            history = self._instead_of(history, workers, made_from, trust)
        parent = self._parent(caller, submission, history)
        _require_own(submission, parent)
        circumstances = Circumstances(submission.use, submission.place, because(submission.claim, history))
        finding = self.likeness.find(caller, submission.content, found, circumstances)
        embedding = self._embedded(caller, submission, found)
        mime = submission.original.mime if submission.original else ""
        definition = define(
            submission.claim, content(found), history.verdict, self.generator, mime, check, history.label or ""
        )
        signed = sign(
            workers,
            signer,
            submission.content,
            definition,
            trust,
            parent=made_from,
            time_stamps=self.time_stamps,
            entropy=self.entropy,
        )
        judged = Judged.of(submission.claim, found, history, metadata, signed.time_stamp, self.clock())
        return Signing(
            caller,
            submission,
            received_at,
            found,
            parent,
            signed,
            signer,
            circumstances,
            trust,
            finding,
            judged,
            embedding,
        )

    def _embedded(self, caller: Caller, submission: Submission, found: Examination) -> Embedding | None:
        """What the encoder makes of it, so that its copies are found. Raises SandboxError: a picture that was signed
        without could never be found by it.
        """
        if self.embedder is None or not recognisable(found.content):
            return None
        return self.embedder.embed(caller.principal, submission.content, begun=True)

    def _instead_of(self, brought: History, workers: Workers, original: Parent, trust: TrustPolicy) -> History:
        """The original's history; the upload may bring what its tool left of it, and nothing else.

        Raises OtherHistoryError.
        """
        history = in_brief(verify(workers, original.content, trust, original.beside))
        if brought.verdict is not Verdict.ABSENT and brought.label != history.label:
            raise OtherHistoryError
        return history

    def _parent(self, caller: Caller, submission: Submission, history: History) -> ParentFinding | None:
        """What is known of the parent's manifest, judged by policy. Raises ParentRefusedError."""
        if history.verdict is Verdict.ABSENT:
            return None
        worst = {history.verdict, history.ancestry or history.verdict}
        if self.policy.refuse_broken_parents and not worst <= PASSING_PARENTS:
            raise ParentRefusedError(history.verdict, history.failures)
        ours = submission.original.asset if submission.original else self._recognised(caller, submission, history)
        return ParentFinding(history.label, history.verdict, history.ancestry, history.failures, history.sentence, ours)

    def _recognised(self, caller: Caller, submission: Submission, history: History) -> AssetId | None:
        if history.verdict is not Verdict.TRUSTED or not history.label:
            return None
        return self.recognition.own(caller, history.label, submission.content)

    def _commit(self, signing: Signing, spent: IdempotencyKey | None) -> AssetId:
        """Seal the media, then commit asset and entry together; what did not come to be leaves no blob."""
        tenant = signing.caller.tenant
        asset_id = new_asset_id(self.entropy)
        subject = self.ledger.subjects.create(tenant, subject_id(asset_id))
        blob = self.blobs.put(subject, signing.signed.content.chunks())
        try:
            kept = self._record(signing, subject, blob, spent)
        except BaseException:  # whatever ended it, a blob that nobody owns must not stay
            self._drop(blob, tenant)
            raise
        if kept != asset_id:
            self.blobs.delete(blob.id)
            return kept
        if found := signing.signed.descent:
            beside = signing.found.mime in SIDECAR_TYPES
            self.traces.keep(of_store(kept) if beside else of_file(blob.sha256.hex()), kept, found)
        return kept

    def _record(self, signing: Signing, subject: Subject, blob: Blob, spent: IdempotencyKey | None) -> AssetId:
        """One unit of work; wrapped again when its epoch ends under it. The asset that is now in the ledger."""
        known = details(signing, blob)
        columns = SealedColumns.of(subject, known, signing.signed.manifest_store, self.entropy)
        entry = self._entry(signing, subject, known)
        asset = self._asset(signing, subject, blob, entry.id)
        now = milliseconds(self.clock())
        trace = self.traces.rows.row(subject, signing.signed.descent)
        follows, made_by = self._follows(signing, subject, entry.id), SubjectId(signing.submission.account)

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, signing.caller)
            if made_by:
                require_account(connection, asset.tenant, made_by)
            self.revocations.require_unrevoked(signing.signer)
            if spent and spent.winner(connection, now):
                return []
            self.ledger.subjects.insert(connection, subject)
            insert_blob(connection, subject, blob, asset.expires_at)
            insert_asset(connection, asset, columns)
            if trace:
                connection.execute(insert(TraceRow), trace)
            if spent:
                spent.spend(connection, asset.id, now)
            return [entry, *(follows.write(connection) if follows else ())]

        for _ in range(EPOCH_TRIES):
            try:
                self.ledger.record(work, asset.tenant)
                break
            except EpochClosedError:
                subject = self.ledger.subjects.rewrap(subject)
        else:
            raise EpochClosedError("epochs end faster than this upload can be wrapped")
        if spent is None:
            return asset.id
        with self.database.read(asset.tenant) as connection:
            return AssetId(spent.winner(connection, now) or asset.id)

    def _follows(self, signing: Signing, subject: Subject, entry: EntryId) -> Consequences | None:
        if signing.finding is None:
            return None
        return self.likeness.consequences(signing.caller, signing.finding, subject, entry)

    def _drop(self, blob: Blob, tenant: TenantId) -> None:
        """Remove the blob of an upload that failed, unless its row is there after all (a commit whose answer was
        lost); where that cannot be told now, a later sweep tells.
        """
        try:
            with self.database.read(tenant) as connection:
                kept = blob_size(connection, tenant, blob.id) is not None
        except LedgerError:
            return
        if not kept:
            self.blobs.delete(blob.id)

    def _entry(self, signing: Signing, subject: Subject, known: AssetDetails) -> Draft:
        said = decision(signing, AssetId(subject.id), known, self._expiry(signing))
        return self.ledger.draft(ASSET_SIGNED.name, self.policy.name, signing.caller.principal, subject, said)

    def _asset(self, signing: Signing, subject: Subject, blob: Blob, entry: EntryId) -> Asset:
        parent = signing.parent.asset if signing.parent else None
        return Asset(
            id=AssetId(subject.id),
            tenant=subject.tenant,
            principal=signing.caller.principal,
            state=AssetState.SIGNED,
            visibility=signing.submission.visibility,
            created_at=signing.received_at,
            expires_at=self._expiry(signing),
            entry=entry,
            ended_entry=None,
            parent=AssetId(parent) if parent else None,
            blob=blob.id,
            manifest_label=signing.signed.label,
            details=None,
        )

    def _expiry(self, signing: Signing) -> int:
        return signing.received_at + self.policy.retention // timedelta(milliseconds=1)

    def _idempotency(self, caller: Caller, submission: Submission) -> IdempotencyKey | None:
        if not submission.idempotency_key:
            return None
        claim = json.dumps(asdict(submission.claim), default=str, sort_keys=True)
        made_from = submission.original.asset if submission.original else ""
        what = f"{claim}\0{submission.visibility}\0{submission.declared_mime}\0{made_from}\0"
        what += f"{submission.use}\0{submission.place}\0{submission.likeness_check}\0"
        what += f"{submission.account}\0"
        if submission.creator:
            what += f"{submission.creator.statement}\0{submission.creator.asserted.signature.hex()}\0"
        digest = hashlib.sha256(what.encode())
        for chunk in submission.content.chunks():
            digest.update(chunk)
        system = self.ledger.subjects.system(caller.tenant)
        key = submission.idempotency_key
        return IdempotencyKey.of(system, caller.principal, key, digest.digest(), submission.part)


def _require_own(submission: Submission, parent: ParentFinding | None) -> None:
    """That nobody redacts what others said. Raises ClaimRefusedError."""
    if submission.claim.redaction and (parent is None or parent.asset is None):
        detail = "only of an asset of yours, uploaded as it was signed here, can assertions be redacted"
        raise ClaimRefusedError("redact", "not-own", detail)
