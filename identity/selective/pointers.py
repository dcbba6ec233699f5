"""What JSON pointers select of a compact JSON-LD document.

Rules
- A pointer names something that is there, or the selection is refused: what is left out by mistake stays secret, but
  what is meant to be mandatory and is not would be forgeable.
- Whatever lies on the way to it is selected by its id and type alone.
- Items of an array keep their order.

RFC 6901; W3C vc-di-ecdsa: jsonPointerToPaths, createInitialSelection, selectPaths, selectJsonLd.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Final, TypeAlias

from identity.errors import SelectionError

MAX_POINTERS: Final = 256

_TOKEN = re.compile(r"(?:[^~]|~[01])*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_NAMING: Final = ("id", "type", "@id", "@type")
"""Members that say what an object is, wherever it is selected from."""

_Tree: TypeAlias = "dict[str, _Tree]"
"""Pointers by their tokens; an empty one selects all."""


def select(document: Mapping[str, object], pointers: Sequence[str]) -> dict[str, object]:
    """What the pointers name, with the document's context; empty without pointers. Raises SelectionError."""
    if len(pointers) > MAX_POINTERS:
        raise SelectionError(f"at most {MAX_POINTERS} pointers select at once, not {len(pointers)}")
    if not pointers:
        return {}
    selected = _select(document, _tree(pointers))
    assert isinstance(selected, dict)
    return {"@context": document["@context"], **selected} if "@context" in document else selected


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """Its tokens. Raises SelectionError."""
    if pointer == "":
        return ()
    first, *tokens = pointer.split("/")
    if first or not all(_TOKEN.fullmatch(token) for token in tokens):
        raise SelectionError(f"{pointer!r} is no JSON pointer: it begins with / and writes ~ as ~0, / as ~1")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens)


def _tree(pointers: Sequence[str]) -> _Tree:
    root: _Tree = {}
    for path in sorted({parse_pointer(pointer) for pointer in pointers}, key=len, reverse=True):
        node = root
        for token in path:
            node = node.setdefault(token, {})
        node.clear()  # Shorter ones come later: all of it is more than a part of it.
    return root


def _select(source: object, tree: _Tree) -> object:
    if not tree:
        return deepcopy(source)
    if isinstance(source, list):
        return [_select(source[index], tree[str(index)]) for index in _indexes(source, tree)]
    if not isinstance(source, dict):
        raise SelectionError(f"the document has no {next(iter(tree))!r} where a pointer leads")
    missing = tree.keys() - source.keys()
    if missing:
        raise SelectionError(f"the document has no {min(missing)!r} where a pointer leads")
    named = {key: deepcopy(source[key]) for key in _NAMING if key in source}
    return named | {key: _select(source[key], below) for key, below in tree.items()}


def _indexes(source: Sequence[object], tree: _Tree) -> list[int]:
    wrong = [token for token in tree if not (_INDEX.fullmatch(token) and int(token) < len(source))]
    if wrong:
        raise SelectionError(f"{wrong[0]!r} is no index of the array where a pointer leads")
    return sorted(map(int, tree))
