"""What was found of a bundle that was brought here, as it is kept: sealed under the tenant's system subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from keys.clock import Entropy
from keys.sealing import seal, unseal
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import EntryId, TenantId
from provenance.custody.graph import Act, ActType
from provenance.report import Text
from provenance.verdict import Verdict


@dataclass(frozen=True)
class Imported:
    """Whose word about a file was brought here, and what it is worth."""

    entry: EntryId
    bundle_sha256: str
    origin: Text
    """The name of the log whose word it is."""

    verdict: Verdict
    """The worst of the three that follow."""

    log: Verdict
    """*trusted* where the log's key is known here, else *untrusted*."""

    file: Verdict
    ancestry: Verdict | None
    sentence: Text
    manifest_sha256: str | None = None
    """Of the box of the manifest that it is about; None of those from before that was kept, which are told of none."""


_IMPORTED: Final = TypeAdapter(Imported)


def sealed(system: Subject, found: Imported, entropy: Entropy) -> bytes:
    """The column of its row."""
    return seal(system.key, _IMPORTED.dump_json(found), _bound(system, found.entry), entropy)


def opened(system: Subject, row: RowMapping) -> Imported:
    """What a row holds."""
    entry = EntryId(row["entry_id"])
    return _IMPORTED.validate_json(unseal(system.key, row["found"], _bound(system, entry)))


def verification(subjects: Subjects, row: RowMapping, time: str | None, sha256: str | None) -> Act | None:
    """The same, recorded at that time, as somebody's verification of the file that the bundle was about; None where the
    manifest with this digest is another one, which has the label of that.
    """
    found = opened(subjects.system(TenantId(row["tenant_id"])), row)
    if found.manifest_sha256 is None or found.manifest_sha256 != sha256:
        return None
    return Act(
        f"{ActType.VERIFICATION}:{found.entry}",
        ActType.VERIFICATION,
        "custody.imported",
        time=time,
        by=row["principal_id"],
        verdict=found.verdict,
        origin=found.origin,
        entry=found.entry,
        receipt=f"/v1/receipts/{found.entry}",
    )


def _bound(system: Subject, entry: EntryId) -> bytes:
    return f"custody-import/v1/{system.tenant}/{entry}".encode()
