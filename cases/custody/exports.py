"""Custody that leaves the house: one file, with which another deployment sees whose an asset is and how that is known.

Rules
- Exporting is an entry of the asset's, and the bundle is made after it is proven: what the bundle says is bound by that
  entry, and goes along with it, so that nobody can change a word of it afterwards.
- It is for the owner, of what is given out. The graph goes as they see it, with the random ids of principals.
- Each is an export of its own, on record: asked twice, it left the house twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from cases.access import Caller, require_alive
from cases.asset import Asset, AssetId, asset_of, find_row, subject_id
from cases.custody.custodian import Custodian
from cases.custody.decisions import EXPORTED, POLICY, AssetExported
from cases.errors import AssetNotFoundError, CustodyTooLargeError
from cases.library import require_given_out
from ledger.canonical import canonical
from ledger.errors import NotProvenError
from ledger.ids import EntryId
from ledger.log import Ledger
from ledger.payload import Draft, committed
from provenance.custody.bundle import MAX_BUNDLE_BYTES, MAX_CUSTODY_BYTES, Export, digest_of, word_of, written
from provenance.custody.graph import MAX_EDGES, MAX_HANDS, MAX_NODES, Custody
from provenance.lineage import MAX_TRACED
from provenance.trust import TrustPolicy

PROOF_SECONDS = 10
"""Beyond what a proof takes if all is well: then whoever asked is told to ask again."""


@dataclass(frozen=True)
class Exports:
    """Makes custody bundles. Safe to call from many threads."""

    ledger: Ledger
    custodian: Custodian

    def bundle(self, by: Caller, asset: AssetId, trust: TrustPolicy, anchors: str) -> bytes:
        """The bundle of one of the caller's assets; `anchors` are the roots that this deployment signs under.

        Raises AssetNotFoundError, AssetGoneError, AssetHeldError, CustodyTooLargeError, NotProvenError where a proof
        takes longer than it should (nothing left the house, though it is on record), SandboxError.
        """
        found = self.custodian.library.find(by, asset)
        require_given_out(found)
        store = self.custodian.library.manifest(found)
        word = word_of(self._placed(by, found, trust), store, anchors)
        draft = self._draft(by, found, digest_of(word))

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            row = find_row(connection, found.tenant, found.id)
            if row["principal_id"] != by.principal:
                raise AssetNotFoundError(f"there is no asset {asset}")
            require_given_out(asset_of(row, None))
            return [draft]

        self.ledger.record(work, by.tenant)
        export = Export(draft.id, committed(draft).decode(), draft.salt.hex())
        receipts = self._receipts([*word.custody.entries, draft.id])
        return _within(written(word, export, self.ledger.vkey(), receipts))

    def _placed(self, by: Caller, asset: Asset, trust: TrustPolicy) -> Custody:
        """Its custody, in which every entry has its place in the log."""
        custody = self.custodian.of_asset(by, asset.id, trust).custody
        if custody.truncated or len(canonical(custody)) > MAX_CUSTODY_BYTES or _beyond(custody):
            raise CustodyTooLargeError(
                f"{MAX_TRACED} files, {MAX_HANDS} owners, {MAX_NODES} nodes, and {MAX_CUSTODY_BYTES} bytes of graph"
            )
        if not custody.placed:
            self._wait(custody.entries)
            custody = self.custodian.of_asset(by, asset.id, trust).custody
        return custody

    def _receipts(self, entries: Sequence[str]) -> Mapping[str, str]:
        self._wait(entries)
        return {str(entry): receipt for entry, receipt in self.ledger.receipts(map(EntryId, entries)).items()}

    def _wait(self, entries: Sequence[str]) -> None:
        """Until all are proven, the last of which was recorded last. Raises NotProvenError."""
        for entry in reversed(entries):
            if not self.ledger.wait_proven(EntryId(entry), self.ledger.proof_seconds + PROOF_SECONDS):
                raise NotProvenError(f"{entry} is durable, and no checkpoint covers it yet: ask again in a moment")

    def _draft(self, by: Caller, asset: Asset, word_sha256: str) -> Draft:
        subject = self.ledger.subjects.open(asset.tenant, subject_id(asset.id))
        said = AssetExported(asset.id, by.principal, word_sha256)
        return self.ledger.draft(EXPORTED.name, POLICY, by.principal, subject, said)


def _beyond(custody: Custody) -> bool:
    """Whether there is more of something than anybody reads; of entries there is one more, the export."""
    nodes = max(len(custody.nodes), len(custody.entries) + 1)
    return nodes > MAX_NODES or len(custody.hands) > MAX_HANDS or len(custody.edges) > MAX_EDGES


def _within(bundle: bytes) -> bytes:
    if len(bundle) > MAX_BUNDLE_BYTES:
        raise CustodyTooLargeError(f"{MAX_BUNDLE_BYTES} bytes")
    return bundle
