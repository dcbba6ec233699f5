"""Custody, told: is it intact, whose is it, through which hands, with which model, and the proof of each step.

Rules
- By id it is for the owner, and of the manifests: the file itself need no longer be kept. By file it is for anybody,
  and nothing of the file is kept.
- What manifests say was found by a worker, under the trust of now (`traces`); what was recorded is added to it, as far
  as whoever asks may know (`known`).
- A file without a manifest stays *absent*. What it may be a copy of is told beside it, with the custody of that:
  *recovered* is no verdict (`cases.recovery`).
- A verification is told where one is on record: that of an upload's earlier manifest, and that of a bundle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from cases.access import Caller
from cases.asset import Asset, AssetId, AssetState, subject_id
from cases.custody.decisions import EXPORTED, HANDED_OVER
from cases.custody.imported import verification
from cases.custody.known import Event, Known, Record, known
from cases.custody.trace_rows import TraceRows
from cases.custody.traces import Traces
from cases.decisions import ASSET_SIGNED
from cases.library import Library
from cases.recovery.eyes import Eyes
from cases.recovery.origins import Origins, Recovery
from detection.embedding.embed import Embedder
from detection.memfd import Memfd
from detection.metadata import Metadata
from detection.shares import Shares
from keys.clock import Clock
from ledger.forgetting.subjects import Subjects
from ledger.storage.database import Database
from provenance.confidence import judging
from provenance.confidence.evidence import Recovered
from provenance.confidence.score import Confidence
from provenance.custody.graph import (
    RELATION,
    Act,
    ActType,
    Custody,
    Edge,
    FileNode,
    Hand,
    file_node,
    made_from,
    stated_acts,
)
from provenance.descent import Descent
from provenance.lineage import Lineage, Traced
from provenance.report import VerificationReport
from provenance.summary import summarise, without_file, word
from provenance.trust import TrustPolicy
from provenance.validation import inspect, trace, trace_alone
from provenance.verdict import Verdict

ERASED: Final = "This was erased. Its ledger entries remain, which say nothing of what it was."
_TYPES: Final = {HANDED_OVER.name: ActType.HANDOVER, EXPORTED.name: ActType.HANDOVER}
"""Kinds that are no decision about an asset."""


@dataclass(frozen=True)
class Told:
    """Custody, and what goes with it."""

    custody: Custody
    confidence: Confidence | None = None
    """How sure we are of what the file says of its origin: of an asset, as it was signed; of a file, where asked."""

    origins: Origins | None = None
    """What a file without a manifest may have been made from; None of others."""

    custodies: tuple[Custody, ...] = ()
    """Of each of those origins: theirs, not the file's."""


@dataclass(frozen=True)
class Custodian:
    """Tells the custody of assets and of files. Safe to call from many threads."""

    library: Library
    database: Database
    subjects: Subjects
    recovery: Recovery
    workers: Shares
    embedder: Embedder | None
    """None where no encoder is set."""

    traces: Traces
    trace_rows: TraceRows
    clock: Clock

    def of_asset(self, by: Caller, asset: AssetId, trust: TrustPolicy) -> Told:
        """That of one of the caller's assets; of an erased one, what the ledger has. Raises AssetNotFoundError,
        SandboxError, KeyStoreUnavailableError.
        """
        found = self.library.find(by, asset)
        if found.state is AssetState.ERASED:
            tombstone = Lineage((Traced(found.id, None, None, None, ()),))
            absent = Descent(VerificationReport(Verdict.ABSENT, trust.digest), tombstone)
            return Told(self._custody(by, absent, trust, erased=found))
        descent = self.trace_rows.looked(by.tenant, subject_id(found.id), trust, lambda: self._look(found, trust))
        return Told(self._custody(by, descent, trust), found.details.confidence if found.details else None)

    def of_file(
        self,
        holder: str,
        by: Caller | None,
        file: Memfd,
        trust: TrustPolicy,
        sidecar: Memfd | None = None,
        *,
        confidence: bool = False,
    ) -> Told:
        """That of a file of any type that C2PA defines; a worker of the holder's share looks, with `confidence` at its
        metadata too. Raises as `provenance.validation.trace`, KeyStoreUnavailableError, KeyNotFoundError.
        """
        descent, metadata = self._look_at(holder, file, trust, sidecar, metadata=confidence)
        bare = descent.report.verdict is Verdict.ABSENT and sidecar is None
        eyes = Eyes(holder, self.workers.of(holder), self.embedder)
        origins = self.recovery.of(eyes, file, by, trust) if bare else None
        custody = self._custody(by, descent, trust, checked=True)
        return Told(
            custody,
            self._judged(descent.report, metadata, custody, origins) if metadata else None,
            origins,
            tuple(self._custody(by, one.descent, trust) for one in origins.origins) if origins else (),
        )

    def _look_at(
        self, holder: str, file: Memfd, trust: TrustPolicy, sidecar: Memfd | None, *, metadata: bool
    ) -> tuple[Descent, Metadata | None]:
        workers = self.workers.of(holder)
        if metadata:
            return inspect(workers, file, trust, sidecar)
        known = None if sidecar else self.traces.of(trust, _digest(file))
        return known or trace(workers, file, trust, sidecar), None

    def _judged(
        self, report: VerificationReport, metadata: Metadata, custody: Custody, origins: Origins | None
    ) -> Confidence:
        recovered = origins.level if origins else Recovered.UNSOUGHT
        return judging.of_report(report, metadata, self.clock(), recorded=bool(custody.hands), recovered=recovered)

    def _look(self, asset: Asset, trust: TrustPolicy) -> Descent:
        with Memfd.of([self.library.kept_manifest(asset)]) as store:
            return trace_alone(self.workers.of(asset.principal), store, trust)

    def _custody(
        self,
        by: Caller | None,
        descent: Descent,
        trust: TrustPolicy,
        *,
        checked: bool = False,
        erased: Asset | None = None,
    ) -> Custody:
        report, lineage = descent.report, descent.lineage
        telling = _Telling(known(self.database, self.subjects, by, lineage, erased), lineage, self.subjects)
        nodes = list(telling.nodes())
        edges = made_from(lineage) + tuple(telling.edges)
        messages = summarise(report) if checked else without_file(summarise(report))
        root = lineage.files[0].id if lineage.files else None
        record = telling.known.records.get(root) if root else None
        models = (node.model for node in nodes if isinstance(node, Act) and node.model)
        return Custody(
            verdict=report.verdict,
            ancestry=report.ancestry,
            content_checked=checked,
            sentence=ERASED if erased else word(messages),
            trust=report.trust,
            trust_lists=trust.lists,
            root=root,
            owner=record.asset.principal if record and record.own else None,
            hands=tuple(_hands(record)) if record else (),
            models=tuple(dict.fromkeys(models)),
            nodes=tuple(nodes),
            edges=edges,
            truncated=lineage.truncated,
        )


class _Telling:
    """One answer in the making."""

    def __init__(self, found: Known, lineage: Lineage, subjects: Subjects) -> None:
        self.known, self._lineage, self._subjects = found, lineage, subjects
        self.edges: list[Edge] = []
        self._made_from = {step.of: step.made for step in lineage.steps if step.relationship == "parentOf"}

    def nodes(self) -> Iterator[FileNode | Act]:
        """Each file, and after it what was done with it."""
        for traced in self._lineage.files:
            record = self.known.records.get(traced.id)
            yield _owned(file_node(traced), record)
            for act in self._acts(traced, record):
                self.edges.append(Edge(act.id, traced.id, RELATION[act.type]))
                yield act

    def _acts(self, traced: Traced, record: Record | None) -> Iterator[Act]:
        for act in stated_acts(traced):
            yield _recorded(act, record) if act.type is ActType.SIGNING else act
        if record and record.signed and not traced.signer:  # nothing is left of it but the ledger's word
            yield _recorded(Act(f"{ActType.SIGNING}:{traced.id}", ActType.SIGNING, ASSET_SIGNED.name), record)
        child = self.known.records.get(self._made_from.get(traced.id, ""))
        if child and child.own:
            yield from _verified(child)
        for brought in self.known.imports:
            same = brought.row["manifest_label"] == traced.id
            if same and (said := verification(self._subjects, brought.row, brought.time, traced.sha256)):
                yield said
        if record:
            yield from _decisions(record)


def _digest(file: Memfd) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return digest.hexdigest()


def _owned(node: FileNode, record: Record | None) -> FileNode:
    if record is None or not record.own:
        return node
    sha256 = record.described.signed_sha256 if record.described else None
    return replace(node, asset=record.asset.id, state=record.asset.state, sha256=sha256)


def _recorded(signing: Act, record: Record | None) -> Act:
    """The signature of a manifest, with the ledger's word for it where it was made here."""
    signed = record.signed if record else None
    if record is None or signed is None:
        return signing
    return replace(signing, by=_brought_by(record), **_proof(signed))


def _verified(child: Record) -> Iterator[Act]:
    """That the file which this one was uploaded from was looked at then."""
    finding, signed = child.described.parent if child.described else None, child.signed
    if finding and signed:
        yield Act(
            f"{ActType.VERIFICATION}:{signed.entry}",
            ActType.VERIFICATION,
            **_proof(signed),
            by=_brought_by(child),
            verdict=Verdict(finding.verdict),
            failures=finding.codes,
        )


def _decisions(record: Record) -> Iterator[Act]:
    handovers = {row["entry_id"]: row for row in record.handovers}
    for event in record.events:
        if event.entry == record.asset.entry:
            continue
        type_ = _TYPES.get(event.kind, ActType.DECISION)
        row = handovers.get(event.entry) if record.own else None
        by, to = (row["from_principal"], row["to_principal"]) if row else (None, None)
        yield Act(f"{type_}:{event.entry}", type_, **_proof(event), by=by, to=to)


def _proof(event: Event) -> dict[str, Any]:
    """What an act has of its entry."""
    receipt = f"/v1/receipts/{event.entry}"
    return {"kind": event.kind, "time": event.time, "entry": event.entry, "receipt": receipt}


def _brought_by(record: Record) -> str | None:
    return (record.asset.brought_by or record.asset.principal) if record.own else None


def _hands(record: Record) -> Iterator[Hand]:
    """From who uploaded it to who owns it; names for the owner alone."""
    times = {event.entry: event.time for event in record.events}
    yield Hand(_brought_by(record), times.get(record.asset.entry), record.asset.entry)
    for row in record.handovers:
        yield Hand(row["to_principal"] if record.own else None, times.get(row["entry_id"]), row["entry_id"])
