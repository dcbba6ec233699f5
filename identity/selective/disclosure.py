"""What a holder shows, and what a verifier makes of it: the part that ecdsa-sd-2023 and bbs-2023 share.

Of all statements, some are mandatory: shown always, and signed as one hash. The others are signed so that each can be
shown by itself. A holder shows a document with some of them, and tells the verifier the shared labels of its blank
nodes and which statements are mandatory; hidden statements leave gaps in the order, so indexes are told relative to
what is shown, or to what is not mandatory.

W3C vc-di-ecdsa and vc-di-bbs: createDisclosureData, createVerifyData.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from identity.errors import ProofInvalidError, SelectionError
from identity.jsonld.canonical import canonical_nquads, canonicalise
from identity.jsonld.context_library import ContextLibrary
from identity.selective.pointers import select
from identity.selective.statements import Labelling, Labels, Statements, prepare, relabel


@dataclass(frozen=True)
class Grouped:
    """Statements in their order, apart by whether they are mandatory."""

    mandatory: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def mandatory_hash(self) -> bytes:
        """SHA-256 of the mandatory ones, one after the other."""
        return sha256("".join(self.mandatory).encode()).digest()


@dataclass(frozen=True)
class Disclosure:
    """What a holder shows."""

    document: dict[str, Any]
    """The revealed document, without a proof."""

    labels: Labels
    """Canonical label in `document` → shared label."""

    mandatory: tuple[int, ...]
    """Indexes of the mandatory statements among those shown."""

    shown: tuple[int, ...]
    """Indexes of the other statements that are shown among all that are not mandatory."""

    grouped: Grouped
    """All statements of the whole document."""


def group(said: Statements, mandatory_pointers: Sequence[str]) -> Grouped:
    """Raises SelectionError, DocumentError's kinds."""
    return _grouped(said.nquads, said.selection(mandatory_pointers).indexes)


def disclose(
    document: Mapping[str, Any],
    labelling: Labelling,
    mandatory_pointers: Sequence[str],
    selective_pointers: Sequence[str],
    contexts: ContextLibrary,
) -> Disclosure:
    """Raises SelectionError, DocumentError's kinds."""
    said = prepare(document, contexts).under(labelling)
    pointers = [*mandatory_pointers, *selective_pointers]
    if not pointers:
        raise SelectionError("nothing is mandatory and nothing is selected: there would be nothing to show")
    mandatory = said.selection(mandatory_pointers).indexes
    shown = said.selection(pointers)
    others = sorted(set(range(len(said.nquads))) - set(mandatory))
    return Disclosure(
        document=select(document, pointers),
        labels=shown.labels,
        mandatory=_places(mandatory, shown.indexes),
        shown=_places(set(shown.indexes) & set(others), others),
        grouped=_grouped(said.nquads, mandatory),
    )


def recover(document: Mapping[str, Any], labels: Labels, mandatory: Sequence[int], contexts: ContextLibrary) -> Grouped:
    """The shown statements as the issuer signed them. Raises ProofInvalidError, DocumentError's kinds."""
    canonical = canonicalise(document, contexts=contexts)
    if labels.keys() != {label[2:] for label in canonical.labels.values()}:
        raise ProofInvalidError("the proof labels other blank nodes than the document has")
    nquads = relabel(canonical.nquads, labels)
    if mandatory and mandatory[-1] >= len(nquads):
        raise ProofInvalidError(f"the proof calls statement {mandatory[-1]} mandatory, and {len(nquads)} are shown")
    return _grouped(nquads, mandatory)


def proof_hash(document: Mapping[str, Any], proof: Mapping[str, Any], contexts: ContextLibrary) -> bytes:
    """SHA-256 of the canonical proof configuration, in the document's context.

    Raises ProofInvalidError for a proof with another context of its own, DocumentError's kinds.
    """
    if proof.get("@context", document.get("@context")) != document.get("@context"):
        raise ProofInvalidError("the proof was made under other contexts")
    configuration = {key: value for key, value in proof.items() if key != "proofValue"}
    nquads = canonical_nquads(configuration | {"@context": document.get("@context")}, contexts=contexts)
    return sha256("".join(nquads).encode()).digest()


def _grouped(nquads: Sequence[str], mandatory: Iterable[int]) -> Grouped:
    chosen = set(mandatory)
    return Grouped(
        mandatory=tuple(line for index, line in enumerate(nquads) if index in chosen),
        others=tuple(line for index, line in enumerate(nquads) if index not in chosen),
    )


def _places(wanted: Iterable[int], among: Sequence[int]) -> tuple[int, ...]:
    places = {index: place for place, index in enumerate(among)}
    return tuple(sorted(places[index] for index in wanted))
