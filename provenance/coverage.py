"""How much of a file its hard binding leaves out: what C2PA lets a signer exclude, and what that is worth here.

Rules
- Whoever signs chooses what is hashed, so one signature can be made to fit any content. Its own place in the file has
  to be left out and a little around it; where more is, nobody may call the file unchanged.
- A list of boxes that breaks off before the picture's end leaves out what follows, and c2pa-rs says nothing of it.
- Where bytes are left out beyond that, the manifest is *untrusted*: it holds, and does not say what we would be read as
  saying. Where that is most of the file, it is *invalid*: it holds for next to nothing.

C2PA Technical Specification 2.4, "Hard bindings": there further exclusions are no more than a remark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from provenance.codes import BINDING_HOLLOW, BINDING_PARTIAL

C2PA_BOX: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The type of the `uuid` box that a manifest store is in."""

UNHASHED_BOXES: Final = frozenset({"/ftyp", "/mfra", "/free", "/skip"})
"""Boxes of an ISO base media file that may be left out whole: the first two C2PA itself leaves out, the others hold
nothing, and c2pa-rs leaves them out in every file.
"""

STORE_BOX: Final = "C2PA"
"""What a general box hash calls the manifest store."""

CARRIAGE: Final = 100
CARRIAGE_SHARE: Final = 200
"""Bytes that a store takes in a file beyond its own: some, and one in so many (a GIF needs one in 255)."""

PICTURES: Final = {"SOI": ("SOS", "EOI"), "PNGh": ("IDAT", "IEND"), "IHDR": ("IDAT", "IEND"), "GIF89a": ("2C", "3B")}
"""By the first box of a JPEG, a PNG (whose first a list may pass over) or a GIF, as a general box hash calls them: what
its picture is in, and what it ends with.
"""

HOLLOW_SHARE: Final = 2
"""One in so many bytes of content left out, and the binding is worth nothing."""


def room(store_bytes: int) -> int:
    """How many bytes a manifest store of that size can take in a file, with its carriage and with what points at it."""
    return store_bytes + store_bytes // CARRIAGE_SHARE + CARRIAGE


def in_base64(size: int) -> int:
    """How many characters so many bytes are: as a text file carries its store."""
    return (size + 2) // 3 * 4


def objection(assertions: Mapping[str, Any], store_bytes: int, file_bytes: int | None) -> str | None:
    """The code that stands against a manifest whose binding leaves too much out; None where nothing does.

    `assertions` are the manifest's, by label; `file_bytes` is None where the file is not there.
    """
    found = {
        _left_out(label, said, store_bytes, file_bytes)
        for label, said in assertions.items()
        if label.startswith("c2pa.hash.")
    }
    return next((code for code in (BINDING_HOLLOW, BINDING_PARTIAL) if code in found), None)


def _left_out(label: str, said: Any, store_bytes: int, file_bytes: int | None) -> str | None:
    if not isinstance(said, dict):
        return BINDING_PARTIAL
    if label.startswith("c2pa.hash.bmff"):
        return None if all(map(harmless, said.get("exclusions") or ())) else BINDING_PARTIAL
    if label.startswith("c2pa.hash.boxes"):
        return _of_boxes(said.get("boxes") or ())
    return _of_bytes(list(_lengths(said.get("exclusions") or ())), room(store_bytes), file_bytes)


def _of_boxes(entries: Any) -> str | None:
    if not has_picture(entries):
        return BINDING_HOLLOW
    return None if all(map(whole, entries)) and ends(entries) else BINDING_PARTIAL


def _of_bytes(lengths: list[int], own: int, file_bytes: int | None) -> str | None:
    """`own`: how many bytes the store itself may take."""
    beyond = sum(lengths) - own
    if beyond <= 0:
        return None
    hollow = file_bytes is not None and beyond * HOLLOW_SHARE > file_bytes - own
    return BINDING_HOLLOW if hollow else BINDING_PARTIAL


def _lengths(exclusions: Any) -> Iterator[int]:
    for one in exclusions:
        length = one.get("length") if isinstance(one, dict) else None
        yield length if isinstance(length, int) else 0


def harmless(exclusion: Any) -> bool:
    """Whether an exclusion of a box hash for ISO base media files leaves out no content."""
    if not isinstance(exclusion, dict):
        return False
    said = {name: value for name, value in exclusion.items() if value is not None}
    if said.keys() == {"xpath"}:
        return said["xpath"] in UNHASHED_BOXES
    match said:
        case {"xpath": "/uuid", "data": [{"offset": 8, "value": value, **more}], **rest} if not more and not rest:
            return isinstance(value, bytes | list) and bytes(value) == C2PA_BOX
    return False


def whole(entry: Any) -> bool:
    """Whether an entry of a general box hash leaves out nothing but the manifest store."""
    if not isinstance(entry, dict):
        return False
    return entry.get("names") == [STORE_BOX] or not (entry.get("excluded") or entry.get("exclusions"))


def has_picture(entries: Any) -> bool:
    """Whether a general box hash names what the picture is in, or is of a kind whose boxes are not known here."""
    names = _names(entries)
    return bool(names) and (names[0] not in PICTURES or PICTURES[names[0]][0] in names)


def ends(entries: Any) -> bool:
    """Whether a general box hash goes on to the picture's end: readers take one that breaks off for a whole one."""
    names = _names(entries)
    return bool(names) and names[0] in PICTURES and names[-1] == PICTURES[names[0]][1]


def _names(entries: Any) -> list[Any]:
    """Of all its boxes, in their order; those of a reader that follows it match the file's one by one."""
    listed = [entry.get("names") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [name for names in listed if isinstance(names, list) for name in names if isinstance(name, str)]
