"""A document as its statements, in the order and under the labels that issuer, holder and verifier share.

A statement is one canonical N-Quad. Canonical labels (`c14n0`) depend on all that the document says, also on what is
hidden later; so a secret of the issuer's gives each blank node another label, under which the statements are sorted.

Rules
- A holder names each statement by its index in this order, and shows or hides it as a whole.
- What a pointer selects is found again among the statements, or the selection is refused: in an ordered list, in half a
  JSON literal, or where compaction leaves another document, pointers would not mean what their author sees.

W3C vc-di-ecdsa: labelReplacementCanonicalizeJsonLd, selectCanonicalNQuads, canonicalizeAndGroup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from identity.errors import MalformedDocumentError, SelectionError
from identity.jsonld.canonical import Canonical, canonicalise
from identity.jsonld.context_library import ContextLibrary
from identity.jsonld.expansion import expand
from identity.selective.pointers import select
from identity.selective.skolem import PREFIX, skolemise

Labels = Mapping[str, str]
"""Blank node label → another one, both without `_:`."""

Labelling = Callable[[Iterable[str]], Labels]
"""Gives canonical labels others."""

_QUAD: Final = re.compile(r'(\S+) (\S+) (_:\S+|<\S+>|".*"\S*) (?:(\S+) )?\.\n')
"""Subject, predicate, object, graph. A literal may hold what looks like a label."""


@dataclass(frozen=True)
class Selection:
    """What pointers select."""

    indexes: tuple[int, ...]
    """Of the statements, rising."""

    labels: Labels
    """Canonical label in the selected part → shared label."""


@dataclass(frozen=True)
class Statements:
    """All that a document says."""

    nquads: tuple[str, ...]
    """Sorted under the shared labels."""

    labels: Labels
    """Of each node by its number in `named`."""

    named: Mapping[str, Any]
    contexts: ContextLibrary

    def selection(self, pointers: Sequence[str]) -> Selection:
        """Raises SelectionError, DocumentError's kinds."""
        if not pointers:
            return Selection((), {})
        selected = canonicalise(select(self.named, pointers), contexts=self.contexts, skolem=PREFIX)
        places = {line: index for index, line in enumerate(self.nquads)}
        try:
            labels = {label: self.labels[number] for number, label in _bare(selected).items()}
            return Selection(tuple(sorted(places[line] for line in relabel(selected.nquads, labels))), labels)
        except KeyError as error:
            raise SelectionError("a pointer selects a part of one statement: select all of it") from error


@dataclass(frozen=True)
class Prepared:
    """A document of whose parts pointers can be sure."""

    named: Mapping[str, Any]
    """With a name for every node (`skolem`)."""

    canonical: tuple[str, ...]
    """Its statements, sorted under the canonical labels."""

    nodes: Labels
    """Canonical label of each node by its number in `named`; in the order in which the document names them."""

    contexts: ContextLibrary

    def under(self, labelling: Labelling) -> Statements:
        """Its statements under the labels that issuer, holder and verifier share."""
        shared = labelling(self.nodes.values())
        labels = {number: shared[label] for number, label in self.nodes.items()}
        return Statements(relabel(self.canonical, shared), labels, self.named, self.contexts)


def prepare(document: Mapping[str, Any], contexts: ContextLibrary) -> Prepared:
    """Raises DocumentError's kinds; SelectionError for a document from which pointers cannot select."""
    expanded = expand(document, contexts)
    named = skolemise(document, expanded, contexts)
    canonical = canonicalise(named, contexts=contexts, skolem=PREFIX)
    nodes = _bare(canonical)
    if canonical.nquads != canonicalise(expanded, contexts=contexts).nquads or not all(map(str.isdecimal, nodes)):
        raise SelectionError(
            "pointers cannot select from this document: it has ordered lists or is not in compact form"
        )
    in_order = {number: nodes[number] for number in sorted(nodes, key=int)}
    return Prepared(named, canonical.nquads, in_order, contexts)


def relabel(nquads: Iterable[str], labels: Labels) -> tuple[str, ...]:
    """Sorted under other labels, twins once. Raises KeyError for a label that has none, MalformedDocumentError."""
    return tuple(sorted({_relabelled(line, labels) for line in nquads}))


def _relabelled(line: str, labels: Labels) -> str:
    quad = _QUAD.fullmatch(line)
    if quad is None:
        raise MalformedDocumentError("a statement is no N-Quad")
    terms = [f"_:{labels[term[2:]]}" if term.startswith("_:") else term for term in quad.groups() if term]
    return " ".join([*terms, ".\n"])


def _bare(canonical: Canonical) -> Labels:
    return {given.removeprefix("_:"): label.removeprefix("_:") for given, label in canonical.labels.items()}
