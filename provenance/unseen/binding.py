"""The hard binding of a claim over content that nobody here sees: held to binding all of it. Runs in the worker.

Rules
- What a binding leaves out is the manifest store's own place and what C2PA's libraries write around it, and no more:
  else one signature would fit any content (`provenance.coverage`).
- Every digest is of SHA-2, and whole; members that are not known here are refused: one of them might say that a hash is
  of something else.

C2PA Technical Specification 2.4, "Hard bindings".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from provenance.coverage import STORE_BOX, ends, harmless, has_picture, in_base64, room, whole
from provenance.errors import ClaimInvalidError
from provenance.manifest import MAX_MANIFEST_STORE_BYTES

DIGESTS: Final = {"sha256": 32, "sha384": 48, "sha512": 64}
"""Bytes of a digest, by C2PA's name of the algorithm."""

MAX_OWN_BYTES: Final = 64 * 1024
"""What the claim's own manifest takes beyond its assertions and its claim: a signature, its chain and time-stamps, and
room kept for them.
"""

POINTER_BYTES: Final = 8
"""A TIFF leaves out how long its store is: 4 bytes, or 8 in a BigTIFF."""

_MEMBERS: Final = {
    "data": {"exclusions", "alg", "hash", "name", "pad", "pad2"},
    "bmff": {"exclusions", "alg", "hash", "name"},
    "boxes": {"alg", "boxes"},
    "collection": {"alg", "uris", "zip_central_directory_hash"},
}
_OF_BOX: Final = {"names", "alg", "hash", "pad", "excluded"}
_OF_FILE: Final = {"uri", "hash", "size", "dc:format", "data_types"}


def check_binding(label: str, said: Mapping[str, Any], algorithm: str, own_bytes: int, *, history: bool) -> None:
    """Hold a hard binding to leaving out no content. Raises ClaimInvalidError.

    `algorithm` is the claim's; `own_bytes` the size of claim and assertions; `history` says that an ingredient may
    bring manifests of its own, which are not here.
    """
    kind = label.split(".")[2]
    if kind not in _MEMBERS or not said.keys() <= _MEMBERS[kind]:
        raise ClaimInvalidError(f"its {label[:100]!r} has members that are not known here, or is no hard binding")
    chosen = said.get("alg") or algorithm
    store = MAX_MANIFEST_STORE_BYTES if history else own_bytes + MAX_OWN_BYTES
    _CHECKS[kind](said, chosen, room(in_base64(store)))


def _data(said: Mapping[str, Any], algorithm: str, own: int) -> None:
    _require_digest(said.get("hash"), algorithm)
    ranges = sorted(map(_range, _list(said.get("exclusions", []))))
    lengths = sorted(length for _, length in ranges)
    if any(start + length > after for (start, length), (after, _) in pairwise(ranges)):
        raise ClaimInvalidError("two exclusions of its hard binding overlap")
    if len(lengths) > len(("pointer", "store")) or any(length > POINTER_BYTES for length in lengths[:-1]):
        raise ClaimInvalidError("its hard binding leaves out more than the place of its manifest store")
    if lengths and lengths[-1] > own:
        raise ClaimInvalidError(f"its hard binding leaves out more than its manifest store can take ({own} bytes)")


def _bmff(said: Mapping[str, Any], algorithm: str, _own: int) -> None:
    _require_digest(said.get("hash"), algorithm)
    if not all(map(harmless, _list(said.get("exclusions")))):
        raise ClaimInvalidError("its hard binding leaves out boxes that C2PA does not leave out")


def _boxes(said: Mapping[str, Any], algorithm: str, _own: int) -> None:
    entries = _list(said.get("boxes"))
    for entry in entries:
        if not isinstance(entry, dict) or not entry.keys() <= _OF_BOX or not whole(entry):
            raise ClaimInvalidError("its hard binding leaves out boxes other than that of its manifest store")
        if entry.get("names") != [STORE_BOX]:
            _require_digest(entry.get("hash"), entry.get("alg") or algorithm)
    if not has_picture(entries) or not ends(entries):
        raise ClaimInvalidError("its hard binding breaks off before the picture's end, or is of boxes not known here")


def _collection(said: Mapping[str, Any], algorithm: str, _own: int) -> None:
    entries = _list(said.get("uris"))
    for entry in entries:
        if not isinstance(entry, dict) or not entry.keys() <= _OF_FILE:
            raise ClaimInvalidError("its hard binding names a file with members that are not known here")
        _require_digest(entry.get("hash"), algorithm)
    if not entries:
        raise ClaimInvalidError("its hard binding hashes nothing")


_CHECKS: Final[Mapping[str, Callable[[Mapping[str, Any], str, int], None]]] = {
    "data": _data,
    "bmff": _bmff,
    "boxes": _boxes,
    "collection": _collection,
}


def _range(one: Any) -> tuple[int, int]:
    match one:
        case {"start": int(start), "length": int(length), **more} if not more and start >= 0 and length >= 0:
            return start, length
    raise ClaimInvalidError("an exclusion of its hard binding is no range of bytes")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ClaimInvalidError("its hard binding is not of its form")
    return value


def _require_digest(value: Any, algorithm: Any) -> None:
    if not isinstance(algorithm, str) or algorithm not in DIGESTS:
        raise ClaimInvalidError("its hard binding is hashed with an algorithm that C2PA does not allow")
    if not isinstance(value, bytes) or len(value) != DIGESTS[algorithm]:
        raise ClaimInvalidError("its hard binding has no whole digest")
