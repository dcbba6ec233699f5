"""The upload's one path through the house: from bytes of a stranger to a signed asset in the ledger.

    spent before? → granted? → examine (worker) → parent policy → embed (worker) → sign (worker, claim signed here)
    → time-stamp (fetched here, written by a worker) → registry (worker) → kept (`cases.keeping`): media sealed, one
    unit of work with subject key, asset, blob, idempotency, entry → answer

Rules
- Several files of one caller go that way one after the other, and are kept together: what one of them is refused for
  keeps none of the others.
- The parent process never parses media: it streams, hashes, signs claim bytes and seals.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import Self

from cases.access import Caller
from cases.asset import Asset, AssetId
from cases.creators import Creators
from cases.decisions import ParentFinding
from cases.errors import IdempotencyConflictError, OtherHistoryError, ParentRefusedError
from cases.idempotency import IdempotencyKey, winners
from cases.keeping import Keeping, Kept
from cases.likeness.at_upload import AtUpload
from cases.likeness.findings import Circumstances, because
from cases.likeness.tokens import Tokens
from cases.recognition import Recognition
from cases.revocation import Revocations
from cases.signing import Signing, Submission, content
from detection.copies.fingerprint import recognisable
from detection.embedding.embed import Embedder
from detection.embedding.embedding import Embedding
from detection.examination import Examination
from detection.memfd import Memfd
from detection.shares import Shares, Workers
from keys.clock import Clock, Entropy
from keys.signer import KeyStore, Purpose, Signer
from ledger.forgetting.subjects import Subject
from ledger.ids import milliseconds
from ledger.log import Ledger
from ledger.storage.database import Database
from provenance.errors import ClaimRefusedError
from provenance.manifest import define
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


@dataclass(frozen=True)
class Taken:
    """An upload that is an asset. Close it."""

    id: AssetId
    asset: Asset | None = None
    """As it was committed; None of what its Idempotency-Key had made before, and of what may be held."""

    content: Memfd | None = None
    """The signed file, where the asset is known."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.content:
            self.content.close()


@dataclass(frozen=True)
class Intake:
    """Takes uploads in. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    keeping: Keeping
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

    trust: Callable[[], TrustPolicy]
    generator: Tool
    clock: Clock
    entropy: Entropy

    def take(self, caller: Caller, submission: Submission) -> Taken:
        """Sign one upload; its asset once it is durable.

        What is made or altered and may show somebody who refuses that is signed and held (`cases.likeness`).

        Raises MediaError, ClaimRefusedError, LikenessTokenError, PasskeyError, ParentRefusedError, OtherHistoryError,
        IdempotencyConflictError, AccountNotFoundError, SandboxError, ManifestBuildError, KeyStoreUnavailableError,
        SigningSuspendedError, TimeStampUnavailableError, LogBusyError, DatabaseUnavailableError, and what opening the
        original raises; then nothing was kept.
        """
        (taken,) = self.take_all(caller, [submission])
        if isinstance(taken, Exception):
            raise taken
        return taken

    def take_all(self, caller: Caller, submissions: Sequence[Submission]) -> Sequence[Taken | Exception]:
        """Sign several, one after the other, and keep those together that can be signed: of each what became of it, the
        asset or what `take` raises. Where they have Idempotency-Keys, each has its own.

        Raises what keeps the rest of them from being kept, as `take` does; sent again, those that were are the same.
        """
        keys = self._keys(caller, submissions)
        made = self._made(caller, [key for key in keys if key])
        standing = cache(self._standing)
        outcomes = list[Signing | Taken | Exception]()
        with ExitStack() as unfinished:
            for submission, key in zip(submissions, keys, strict=True):
                outcomes.append(self._outcome(caller, submission, made.get(key.key) if key else None, standing))
                if isinstance(outcomes[-1], Signing):
                    unfinished.enter_context(outcomes[-1].signed.content)
            pairs = zip(outcomes, keys, strict=True)
            signed = [(one, _examined(key, one.found)) for one, key in pairs if isinstance(one, Signing)]
            kept = iter(list(self._kept(caller, signed)))
            taken = [_taken(one, next(kept)) if isinstance(one, Signing) else one for one in outcomes]
            unfinished.pop_all()
        return taken

    def _outcome(
        self,
        caller: Caller,
        submission: Submission,
        made: str | IdempotencyConflictError | None,
        standing: Callable[[], tuple[Signer, TrustPolicy]],
    ) -> Signing | Taken | Exception:
        """One file signed, or why it is not: another's failure is not its own."""
        try:
            check_request(submission.claim, self.clock())
            check_grant(submission.claim, caller.grant)
            if submission.original:
                check_change(submission.claim)
            if made:
                return Taken(AssetId(made)) if isinstance(made, str) else made
            with submission.original.open() if submission.original else nullcontext() as parent:
                return self._sign(caller, submission, parent, *standing())
        except Exception as error:  # noqa: BLE001 -- told to whoever sent this file
            return error

    def _kept(
        self, caller: Caller, signed: Sequence[tuple[Signing, IdempotencyKey | None]]
    ) -> Iterator[Kept | IdempotencyConflictError]:
        """Keep them together; but whom a file shows is on record before the next is looked at, or a limit on how often
        somebody may be met (`cases.likeness.limits`) would not hold among them.
        """
        registered = bool(signed) and self.likeness.anyone(caller.tenant)
        waiting = list[tuple[Signing, IdempotencyKey | None]]()
        for signing, key in signed:
            upload = signing.submission.content
            finding = self.likeness.find(caller, upload, signing.found, signing.circumstances) if registered else None
            waiting.append((replace(signing, finding=finding), key))
            if finding and finding.looked and finding.looked.sighted:
                yield from self.keeping.keep(waiting)
                waiting = []
        yield from self.keeping.keep(waiting)

    def _standing(self) -> tuple[Signer, TrustPolicy]:
        """Who signs, and whom we trust: one for all files of a request, and none where nothing is signed."""
        signer = self.keys.signer(Purpose.CLAIM)
        self.revocations.require_good(signer)
        # The signer first: the roots asked for after it cover its chain.
        return signer, self.trust()

    def _sign(
        self, caller: Caller, submission: Submission, made_from: Parent | None, signer: Signer, trust: TrustPolicy
    ) -> Signing:
        received_at = milliseconds(self.clock())
        token, tool = submission.likeness_check, caller.grant.tool
        check = self.tokens.read(token, tool) if token else None
        if submission.creator:
            claim = replace(submission.claim, creator=self.creators.cosigned(submission.creator))
            submission = replace(submission, claim=claim)
        workers = self.workers.of(caller.principal)
        found, history, metadata = examine(workers, submission.content, submission.declared_mime, trust)
        check_creator(submission.claim, found.sha256, self.clock())
        if made_from:
            history = self._instead_of(history, workers, made_from, trust)
        parent = self._parent(caller, submission, history)
        _require_own(submission, parent)
        circumstances = Circumstances(submission.use, submission.place, because(submission.claim, history))
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
            history,
            metadata,
            self.clock(),
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
        if self.keeping.policy.refuse_broken_parents and not worst <= PASSING_PARENTS:
            raise ParentRefusedError(history.verdict, history.failures)
        ours = submission.original.asset if submission.original else self._recognised(caller, submission, history)
        return ParentFinding(history.label, history.verdict, history.ancestry, history.failures, history.sentence, ours)

    def _recognised(self, caller: Caller, submission: Submission, history: History) -> AssetId | None:
        if history.verdict is not Verdict.TRUSTED or not history.label:
            return None
        return self.recognition.own(caller, history.label, submission.content)

    def _keys(self, caller: Caller, submissions: Sequence[Submission]) -> Sequence[IdempotencyKey | None]:
        if not any(one.idempotency_key for one in submissions):
            return [None] * len(submissions)
        system = self.ledger.subjects.system(caller.tenant)
        claims = {id(one.claim): one.claim for one in submissions}  # mostly one claim of all
        stated = {key: json.dumps(asdict(claim), default=str, sort_keys=True) for key, claim in claims.items()}
        return [
            _key(system, caller, one, stated[id(one.claim)]) if one.idempotency_key else None for one in submissions
        ]

    def _made(self, caller: Caller, keys: Sequence[IdempotencyKey]) -> Mapping[str, str | IdempotencyConflictError]:
        if not keys:
            return {}
        with self.database.read(caller.tenant) as connection:
            return winners(connection, keys, milliseconds(self.clock()))


def _taken(signing: Signing, kept: Kept | IdempotencyConflictError) -> Taken | Exception:
    if isinstance(kept, Kept) and kept.asset:
        return Taken(kept.id, kept.asset, signing.signed.content)
    signing.signed.content.close()
    return Taken(kept.id) if isinstance(kept, Kept) else kept


def _key(system: Subject, caller: Caller, submission: Submission, claim: str) -> IdempotencyKey:
    made_from = submission.original.asset if submission.original else ""
    what = f"{claim}\0{submission.visibility}\0{submission.declared_mime}\0{made_from}\0"
    what += f"{submission.use}\0{submission.place}\0{submission.likeness_check}\0"
    what += f"{submission.account}\0"
    if submission.creator:
        what += f"{submission.creator.statement}\0{submission.creator.asserted.signature.hex()}\0"
    key, file = submission.idempotency_key, partial(_sha256, submission.content)
    return IdempotencyKey.of(system, caller.principal, key, what.encode(), submission.part, file)


def _sha256(content: Memfd) -> str:
    digest = hashlib.sha256()
    for chunk in content.chunks():
        digest.update(chunk)
    return digest.hexdigest()


def _examined(key: IdempotencyKey | None, found: Examination) -> IdempotencyKey | None:
    """Of a file that a worker has digested: the entry says the same of it."""
    return replace(key, file=lambda: found.sha256) if key else None


def _require_own(submission: Submission, parent: ParentFinding | None) -> None:
    """That nobody redacts what others said. Raises ClaimRefusedError."""
    if submission.claim.redaction and (parent is None or parent.asset is None):
        detail = "only of an asset of yours, uploaded as it was signed here, can assertions be redacted"
        raise ClaimRefusedError("redact", "not-own", detail)
