"""Does a custody bundle hold, and whose word is it? Runs in the worker: what it reads is anybody's.

Rules
- What does not hold together is refused, whoever says it: a receipt that does not verify, an entry that is not the one
  the graph names, a word that its export does not commit to, a graph that is not that of the manifests.
- What holds together is worth what its makers are: *trusted* only where the log's key is known here, and the manifests
  are under the trust of whoever reads; else *untrusted*, or what speaks against it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from ledger.commitment import commitment
from ledger.errors import CheckpointError, ReceiptError
from ledger.receipt import ProvenEntry, verify_receipt
from ledger.tree.checkpoint import VerifierKey
from provenance.boxes import manifest_digests
from provenance.custody.bundle import Read
from provenance.custody.graph import RELATION, Custody, made_from
from provenance.custody.imported import BundleReport
from provenance.errors import BundleInvalidError
from provenance.lineage import Lineage
from provenance.report import VerificationReport
from provenance.verdict import Verdict

EXPORTED = "asset.exported"


def verified(found: Read, logs: Sequence[str], report: VerificationReport, lineage: Lineage) -> BundleReport:
    """What a bundle is worth to whoever knows these logs (verifier keys). `report` and `lineage` are of its manifests.

    Raises BundleInvalidError.
    """
    bundle = found.bundle
    entries = {name: _proven(name, text, bundle.log) for name, text in bundle.receipts.items()}
    exported = _require_export(found, entries)
    _require_shape(bundle.word.custody)
    _require_entries(bundle.word.custody, entries)
    _require_graph(bundle.word.custody, found.store, lineage)
    return BundleReport(
        sha256=found.sha256,
        origin=exported.origin,
        vkey=bundle.log,
        exported=exported.entry.id,
        exported_at=exported.entry.time,
        log=Verdict.TRUSTED if bundle.log in logs else Verdict.UNTRUSTED,
        report=report,
        custody=bundle.word.custody,
    )


def _proven(name: str, receipt: str, vkey: str) -> ProvenEntry:
    try:
        VerifierKey.parse(vkey)
        proven = verify_receipt(receipt, vkey)
    except CheckpointError as error:
        raise BundleInvalidError("log", f"the log's key cannot be read ({error})") from error
    except ReceiptError as error:
        raise BundleInvalidError("receipt", f"that of {name}: {error}") from error
    if proven.entry.id != name:
        raise BundleInvalidError("receipt", f"that of {name} is of {proven.entry.id}")
    return proven


def _require_export(found: Read, entries: Mapping[str, ProvenEntry]) -> ProvenEntry:
    export = found.bundle.export
    exported = entries.get(export.entry)
    if exported is None or exported.entry.kind != EXPORTED:
        raise BundleInvalidError("export", "no receipt shows that its log recorded the export")
    payload = export.payload.encode("utf-8", "surrogatepass")
    if commitment(bytes.fromhex(export.salt), payload) != exported.entry.commit:
        raise BundleInvalidError("export", "what is said to be the export's payload is not what its entry commits to")
    if _said(payload) != found.word_sha256:
        raise BundleInvalidError("word", "what it says is not what its log recorded of it: it was changed since")
    return exported


def _said(payload: bytes) -> object:
    try:
        return json.loads(payload)["data"]["word_sha256"]
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise BundleInvalidError("export", "the export's payload is not of its form") from error


def _require_shape(custody: Custody) -> None:
    """Each node is there once, and each act leads to a file, by what such an act is called: nothing is shown of a graph
    that was not held against the manifests or the log.
    """
    files, acts = {file.id for file in custody.files}, {act.id: act for act in custody.acts}
    if len(files | acts.keys()) != len(custody.nodes):
        raise BundleInvalidError("graph", "a node of its graph is there twice")
    for edge in custody.edges:
        act = acts.get(edge.source)
        if edge.target not in files or not (edge.source in files or (act and edge.type == RELATION[act.type])):
            raise BundleInvalidError("graph", "an edge of its graph leads from or to what is not there")


def _require_entries(custody: Custody, entries: Mapping[str, ProvenEntry]) -> None:
    """Each entry that the graph names is proven, and is what the graph says it is."""
    for entry, kind, time in _named(custody):
        proven = entries.get(entry)
        if proven is None:
            raise BundleInvalidError("receipt", f"there is none of {entry}, which the graph names")
        if (proven.entry.kind if kind is None else kind, time) != (proven.entry.kind, proven.entry.time):
            raise BundleInvalidError(
                "graph", f"{entry} is {proven.entry.kind} of {proven.entry.time}, not what it says"
            )


def _named(custody: Custody) -> Iterator[tuple[str, str | None, str | None]]:
    """Entry, kind and time; no kind where the graph gives none."""
    yield from ((act.entry, act.kind, act.time) for act in custody.acts if act.entry)
    yield from ((hand.entry, None, hand.since) for hand in custody.hands)


def _require_graph(custody: Custody, store: bytes, lineage: Lineage) -> None:
    """The graph's files are the manifests that came with it, and were made from one another as these say."""
    try:
        digests = manifest_digests(store)
    except ValueError as error:
        raise BundleInvalidError("graph", f"the manifests cannot be read ({error})") from error
    files = {file.id: file.manifest_sha256 for file in custody.files}
    traced = {one.id: digests.get(one.id) for one in lineage.files}
    steps = {(edge.source, edge.target, edge.type) for edge in custody.edges if edge.source in files}
    ours = {(edge.source, edge.target, edge.type) for edge in made_from(lineage)}
    root = lineage.files[0].id if lineage.files else None
    if (files, steps, custody.root) != (traced, ours, root) or root is None or lineage.truncated:
        raise BundleInvalidError("graph", "its files are not those of the manifests that came with it")
