"""JSON-LD to RDF, by PyLD, in which nothing of the document gets lost.

JSON-LD drops what it does not understand, and a signature over RDF covers what is left. So whatever would be dropped
is refused (VC Data Integrity 1.0 §2.4.1, "Securing Data Losslessly"): undefined terms, identifiers and types that are
no absolute IRIs, indexes, nodes of which only the name is known, and what verifiers look for by another name than they
do (`naming`). Text directions are kept as `i18n` datatypes, as the other implementations do.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from cachetools import LRUCache
from pyld.jsonld import JsonLdError, JsonLdProcessor

from identity.errors import DocumentError, MalformedDocumentError, RelativeIdentifierError, UndefinedTermError
from identity.jsonld.context_library import ContextLibrary
from identity.jsonld.document import check_document
from identity.jsonld.naming import check_spelling

Dataset = dict[str, list[dict[str, Any]]]
"""PyLD's: graph name → triples."""

_IRI: Final = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>"{}|^`\\\x7f-\xa0\u2028\u2029]*')
"""Absolute, and without what would end it early in N-Quads."""

_BLANK: Final = re.compile(r"_:[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LANGUAGE: Final = re.compile(r"[a-z]{1,8}(-[a-z0-9]{1,8})*")
_WRAPPERS: Final = frozenset({"@graph", "@list", "@included", "@reverse"})
_HOSTILE: Final = (
    JsonLdError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    Warning,
)
"""What PyLD answers a document that is no JSON-LD with."""


_INVERTING: Final = threading.Lock()


@dataclass(frozen=True)
class Expanded:
    """The expanded form of a document, in which nothing got lost."""

    items: list[Any]


def to_dataset(document: Mapping[str, object] | Expanded, contexts: ContextLibrary, skolem: str = "") -> Dataset:
    """The RDF of a document; with `skolem`, IRIs that begin so are blank nodes named by what follows it.

    Raises DocumentError's kinds.
    """
    if not isinstance(document, Expanded):
        check_document(document)
    dataset: Dataset = _guarded("to_rdf", contexts, document)
    if not any(dataset.values()):
        raise MalformedDocumentError("it says nothing")
    return _deskolemised(dataset, skolem) if skolem else dataset


def expand(document: Mapping[str, object], contexts: ContextLibrary) -> Expanded:
    """Raises DocumentError's kinds."""
    check_document(document)
    return Expanded(_guarded("expand", contexts, document))


def compact(expanded: list[Any], context: object, contexts: ContextLibrary) -> dict[str, Any]:
    """An expanded form as it is written under a context. Raises DocumentError's kinds."""
    compacted: dict[str, Any] = _guarded("compact", contexts, expanded, context, skipExpansion=True)
    return compacted


def _guarded(operation: str, contexts: ContextLibrary, *arguments: object, **more: object) -> Any:
    """One of PyLD's operations, in which nothing is fetched."""
    options = {
        "base": None,  # PyLD's own default would make every relative identifier absolute
        "contextResolver": contexts.resolver(),
        "documentLoader": contexts.load,
        "rdfDirection": "i18n-datatype",
        **more,
    }
    try:
        return getattr(_Lossless(contexts.scopes()), operation)(*arguments, options)
    except DocumentError:
        raise
    except _HOSTILE as error:
        raise _told(error) from error


def _deskolemised(dataset: Dataset, skolem: str) -> Dataset:
    for triples in dataset.values():
        for triple in triples:
            for place in (triple["subject"], triple["object"]):
                if place["type"] == "IRI" and place["value"].startswith(skolem):
                    place.update(type="blank node", value=_blank(place["value"], skolem))
    return {_blank(name, skolem) if name.startswith(skolem) else name: graph for name, graph in dataset.items()}


def _blank(iri: str, skolem: str) -> str:
    label = f"_:{iri.removeprefix(skolem)}"
    # PyLD takes a label of this kind for one that it has given itself.
    if not _BLANK.fullmatch(label) or label.startswith("_:c14n"):
        raise MalformedDocumentError(f"{iri!r} names no blank node")
    return label


class _Lossless(JsonLdProcessor):  # type: ignore[misc]
    def __init__(self, scopes: LRUCache[Any, Any]) -> None:
        super().__init__(_refuse_term)
        self._scopes = scopes

    def _process_context(self, active_ctx: Any, local_ctx: Any, options: Any, **how: Any) -> Any:
        """PyLD makes the context of a type anew wherever the type occurs, which is most of its work.

        Each context has its own `_uuid` and is never changed, so what comes of two of them is kept under both, the
        local one by identity: it is part of a context in the cache. Kept with it, it stays that one.
        """
        scope = (active_ctx.get("_uuid"), id(local_ctx), *sorted(how.items())) if "cycles" not in how else None
        if not how or not scope or not scope[0]:
            return super()._process_context(active_ctx, local_ctx, options, **how)
        if scope not in self._scopes:
            made = super()._process_context(active_ctx, local_ctx, options, **how)
            self._scopes[scope] = (active_ctx, local_ctx, made)
        return self._scopes[scope][2]

    def _get_inverse_context(self, active_ctx: Any) -> Any:
        with _INVERTING:  # what PyLD keeps there is shared by all threads
            return super()._get_inverse_context(active_ctx)

    def _expand_iri(self, active_ctx: Any, value: Any, base: Any = None, vocab: bool = False, **defining: Any) -> Any:
        """PyLD's own answer for a term that is defined, sooner: nearly all that it is asked for are."""
        if vocab and not defining and type(value) is str and not value.startswith("@"):
            mapping = active_ctx["mappings"].get(value)
            if mapping is not None:
                return mapping["@id"]
        return super()._expand_iri(active_ctx, value, base=base, vocab=vocab, **defining)

    def expand(self, input_: Any, options: dict[str, Any]) -> list[Any]:
        if isinstance(input_, Expanded):
            return input_.items
        expanded: list[Any] = super().expand(input_, options)
        _check(expanded)
        check_spelling(input_, expanded)
        return expanded

    def _expand(self, active_ctx: Any, active_property: Any, element: Any, options: Any, **place: Any) -> Any:
        expanded = super()._expand(active_ctx, active_property, element, options, **place)
        if expanded is None:
            raise UndefinedTermError("a value that stands alone would vanish from what is signed")
        return expanded


def _refuse_term(term: str | None) -> NoReturn:
    raise UndefinedTermError(f"no context defines {term!r}")


def _told(error: BaseException) -> DocumentError:
    """PyLD wraps what its loader and handlers raise; ours is somewhere below."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, DocumentError):
            return cause
        cause = cause.__cause__
    code = getattr(error.__cause__, "code", None) or getattr(error, "code", None) or type(error).__name__
    return MalformedDocumentError(f"not JSON-LD: {code}")


def _check(item: Any) -> None:
    """One item of the expanded form."""
    if isinstance(item, list):
        for each in item:
            _check(each)
    elif isinstance(item, dict) and "@value" in item:
        _check_literal(item)
    elif isinstance(item, dict):
        if "@set" in item or ("@list" in item and len(item) > 1):  # PyLD lets them pass beside a type
            raise UndefinedTermError("a node with a list or a set beside its properties would lose one or the other")
        for key, value in item.items():
            _check_member(key, value)


def _check_member(key: str, value: Any) -> None:
    if key == "@id":
        _check_identifier(value)
    elif key == "@type":
        for kind in value if isinstance(value, list) else [value]:
            _check_iri(kind)
    elif key == "@index":
        raise UndefinedTermError(f"the index {value!r} would vanish from what is signed")
    else:
        if key not in _WRAPPERS:
            _check_iri(key)
        if key == "@graph":
            _check_graph(value)
        _check(value)


def _check_graph(nodes: list[Any]) -> None:
    """What stands in a graph says nothing but the properties it has."""
    if any("@value" in node or "@list" in node or set(node) <= {"@id"} for node in nodes):
        raise UndefinedTermError("a node without properties would vanish from what is signed")


def _check_literal(item: dict[str, Any]) -> None:
    if "@index" in item:
        raise UndefinedTermError(f"the index {item['@index']!r} would vanish from what is signed")
    if "@type" in item and item["@type"] != "@json":
        _check_iri(item["@type"])
    if "@language" in item and not _LANGUAGE.fullmatch(item["@language"]):
        raise MalformedDocumentError(f"{item['@language']!r} is no language")


def _check_identifier(value: object) -> None:
    if not (isinstance(value, str) and _BLANK.fullmatch(value)):
        _check_iri(value)


def is_iri(value: object) -> bool:
    """Whether it is an absolute IRI that N-Quads can carry."""
    return isinstance(value, str) and _IRI.fullmatch(value) is not None


def _check_iri(value: object) -> None:
    if not is_iri(value):
        raise RelativeIdentifierError(f"{value!r} is no absolute IRI")
