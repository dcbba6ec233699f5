"""The one sequence of bytes of a document: RDFC-1.0 for what is signed as RDF, JCS for what is signed as JSON.

RDFC-1.0 differs from PyLD's URDNA2015 in how control characters are written, and `identity.document` refuses those.
Telling blank nodes apart can take factorial time: the work is bounded, and what exceeds it refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from c14n import canonicalize
from pyld.canon import URDNA2015
from pyld.nquads import serialize_nquads

from identity.errors import DocumentLimitError, PoisonGraphError
from identity.jsonld.context_library import PUBLISHED, ContextLibrary
from identity.jsonld.document import check_document
from identity.jsonld.expansion import Expanded, to_dataset

if TYPE_CHECKING:
    from hashlib import _Hash

MAX_BLANK_NODES: Final = 1024
MAX_COMPARISONS: Final = 256
"""Calls of Hash N-Degree Quads (RDFC-1.0 §4.8): honest credentials need none or a few."""


class Digest(StrEnum):
    """By hashlib's name."""

    SHA256 = "sha256"
    SHA384 = "sha384"


@dataclass(frozen=True)
class Canonical:
    """A canonical dataset."""

    nquads: tuple[str, ...]
    """Sorted, each with its newline."""

    labels: Mapping[str, str]
    """Blank node as it was named → as it is named now, both with `_:`."""


def canonical_nquads(
    document: Mapping[str, object], *, digest: Digest = Digest.SHA256, contexts: ContextLibrary = PUBLISHED
) -> tuple[str, ...]:
    """Sorted N-Quads of a JSON-LD document, each with its newline. Raises DocumentError's kinds."""
    return canonicalise(document, digest=digest, contexts=contexts).nquads


def canonicalise(
    document: Mapping[str, object] | Expanded,
    *,
    digest: Digest = Digest.SHA256,
    contexts: ContextLibrary = PUBLISHED,
    skolem: str = "",
) -> Canonical:
    """As `canonical_nquads`, with the labels: those on the left are `to_nquads`'s. Raises DocumentError's kinds."""
    dataset = to_dataset(document, contexts, skolem)
    algorithm = _Bounded(digest)
    text = algorithm.main(dataset, {"format": "application/n-quads"})
    return Canonical(_lines(text), algorithm.canonical_issuer.existing)


def to_nquads(
    document: Mapping[str, object], *, contexts: ContextLibrary = PUBLISHED, skolem: str = ""
) -> tuple[str, ...]:
    """N-Quads of a JSON-LD document before canonicalisation, each with its newline. Raises DocumentError's kinds.

    Blank nodes are `_:b0`, `_:b1`… in no promised order. With `skolem`, identifiers that begin so are blank nodes
    too, named by what follows it: how selective disclosure keeps hold of them across documents.
    """
    return _lines(serialize_nquads(to_dataset(document, contexts, skolem)))


def jcs(document: Mapping[str, object]) -> bytes:
    """RFC 8785 JSON. Raises DocumentLimitError, UnsignableValueError, MalformedDocumentError."""
    check_document(document)
    encoded: bytes = canonicalize(document)
    return encoded


def _lines(text: str) -> tuple[str, ...]:
    """Not `splitlines`: a literal may hold other line separators."""
    return tuple(line + "\n" for line in text.split("\n")[:-1])


class _Bounded(URDNA2015):  # type: ignore[misc]
    def __init__(self, digest: Digest) -> None:
        super().__init__()
        self._digest = digest
        self._left = MAX_COMPARISONS

    def create_hash(self) -> _Hash:
        return hashlib.new(self._digest)

    def modify_first_degree_component(self, id_: str, component: dict[str, str], _key: str) -> dict[str, str]:
        """As PyLD's, which copies deeply what is flat."""
        if component["type"] != "blank node":
            return component
        return {**component, "value": "_:a" if component["value"] == id_ else "_:z"}

    def hash_n_degree_quads(self, id_: str, issuer: Any) -> Any:
        if len(self.blank_node_info) > MAX_BLANK_NODES:
            raise DocumentLimitError(f"more than {MAX_BLANK_NODES} blank nodes")
        self._left -= 1
        if self._left < 0:
            raise PoisonGraphError("too many blank nodes that look alike")
        return super().hash_n_degree_quads(id_, issuer)
