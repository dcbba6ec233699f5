"""Names for what has none: each blank node of a document gets an IRI, so that a part of it can be recognised.

Rules
- Which objects are nodes only expansion knows: names are put into the expanded form, come back with compaction, and
  are then copied into the document as it was written, so that pointers mean what their author sees.
- The named document, its names taken out, says what the original says, or it is of no use. `statements` compares the
  canonical forms of both, which catches whatever does not survive the way there and back.

W3C vc-di-ecdsa: skolemizeCompactJsonLd, toDeskolemizedNQuads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from identity.jsonld.context_library import ContextLibrary
from identity.jsonld.expansion import Expanded, compact

PREFIX: Final = "urn:bnid:"

_NOT_NODES: Final = frozenset({"@value", "@list", "@set"})


def skolemise(document: Mapping[str, Any], expanded: Expanded, contexts: ContextLibrary) -> dict[str, Any]:
    """The document with an id, `urn:bnid:0` and on in the order of expansion, for every node that has none.

    Raises DocumentError's kinds.
    """
    named = compact(_name(expanded.items, {}), document.get("@context", {}), contexts)
    copied: dict[str, Any] = _copy_names(document, named)
    return copied


def _name(expanded: Any, names: dict[str | int, str]) -> Any:
    """`names` by blank node label, or by number for a node without one; filled here."""
    if isinstance(expanded, list):
        return [_name(item, names) for item in expanded]
    if not isinstance(expanded, dict) or "@value" in expanded:
        return expanded
    label = expanded.get("@id", len(names))
    named = {}
    if not expanded.keys() & _NOT_NODES and (isinstance(label, int) or label.startswith("_:")):
        named = {"@id": names.setdefault(label, f"{PREFIX}{len(names)}")}
    return {key: _name(value, names) for key, value in expanded.items()} | named


def _copy_names(original: Any, named: Any) -> Any:
    """Compaction folds arrays of one, and objects with nothing but an id; what else it changes gets no names."""
    if isinstance(original, list):
        items = named if isinstance(named, list) else [named]
        same = len(items) == len(original)
        return [_copy_names(*pair) for pair in zip(original, items, strict=True)] if same else original
    if not (isinstance(original, dict) and isinstance(named, dict)):
        return original
    copied = {key: _copy_names(value, named.get(key)) for key, value in original.items()}
    return copied | {key: value for key, value in named.items() if str(value).startswith(PREFIX)}
