"""Putting a time-stamp into a claim that is signed already. Runs in the worker; what it reads is hostile.

Rules
- An answer is verified before it is used (`keys.time_stamps`).
- Nothing moves: the token takes the place of padding, so every length stays, and every hash, for a manifest store is
  excluded from its own hard binding.
- A store lies in a file in one form, once: whole, as in most kinds, or cut as its kind demands. Where it is found in
  no such form, or twice, the file is not touched.

C2PA Technical Specification 2.4, "Time-stamps" (`sigTst2`) and "Embedding manifests"; RFC 3161; RFC 9052, section 4.4.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import cbor2

from detection.outlines.outline import Bytes
from provenance.errors import TimeStampRefusedError

_SIGN1: Final = 18
"""CBOR tag of a COSE_Sign1 (RFC 9052, section 2)."""

_CONTENT: Final = re.compile(rb"cbor\xd2\x84")
"""How the box of a signature begins, behind its length: JUMBF's type, then tag 18 on an array of four."""

_PREFIX_BYTES: Final = 6
"""How much the padding's own length prefix can change: five bytes, and one to spare."""

_JPEG_SEGMENT: Final = 64_000
"""What c2pa-rs puts of a store into one APP11 segment."""

_BOX_HEAD: Final = 8
_GIF_BLOCK: Final = 255
"""What a data sub-block holds (GIF89a, section 15)."""


@dataclass(frozen=True)
class Signature:
    """The COSE_Sign1 of a store's active manifest."""

    start: int
    """Where in the store it begins; it reaches to the end."""

    protected: bytes
    unprotected: dict[Any, Any]
    payload: bytes | None
    signature: bytes

    @classmethod
    def of(cls, store: bytes) -> Self:
        """c2pa-rs writes the active manifest last, and its signature at the end of it. Raises ValueError elsewhere."""
        boxes = [found.end() - 2 for found in _CONTENT.finditer(store)]
        reaching = (at for at in reversed(boxes) if int.from_bytes(store[at - 8 : at - 4]) == len(store) - at + 8)
        start = next(reaching, None)
        if start is None:
            raise ValueError("the manifest store does not end with a signature")
        try:
            tag = cbor2.loads(store[start:])
        except cbor2.CBORDecodeError as error:
            raise ValueError("the signature is not CBOR") from error
        if cbor2.dumps(tag) != store[start:]:
            raise ValueError("the signature is not in the form in which it would be written again")
        protected, unprotected, payload, signature = tag.value
        return cls(start, protected, unprotected, payload, signature)

    @property
    def countersigned(self) -> bytes:
        """What a time-stamp is over: a Sig_structure around the signature."""
        return cbor2.dumps(["CounterSignature", self.protected, b"", cbor2.dumps(self.signature)])

    def stamped(self, store: bytes, token: bytes) -> bytes:
        """The store, as long as before, with the token in place of padding. Raises TimeStampRefusedError."""
        header = {**self.unprotected, "sigTst2": {"tstTokens": [{"val": token}]}}
        room = len(store) - self.start - len(self._written({**header, "pad": b""}))
        for padding in range(max(room, 0), max(room - _PREFIX_BYTES, -1), -1):
            written = self._written({**header, "pad": bytes(padding)})
            if len(written) == len(store) - self.start:
                return store[: self.start] + written
        raise TimeStampRefusedError(f"its token of {len(token)} bytes does not fit the room for it")

    def _written(self, header: dict[Any, Any]) -> bytes:
        return cbor2.dumps(cbor2.CBORTag(_SIGN1, [self.protected, header, self.payload, self.signature]))


def last_manifest(store: bytes) -> bytes:
    """A store that holds its last manifest alone, the active one (ISO/IEC 19566-5: boxes, each its length and type).

    Raises ValueError where it is not of boxes.
    """
    boxes, at = [], _BOX_HEAD
    while at < len(store):
        length = int.from_bytes(store[at : at + 4])
        if not _BOX_HEAD <= length <= len(store) - at:
            raise ValueError("the manifest store is not of boxes")
        boxes.append(store[at : at + length])
        at += length
    if len(boxes) < 2:
        raise ValueError("the manifest store holds no manifest")
    kept = boxes[0] + boxes[-1]
    return (len(kept) + _BOX_HEAD).to_bytes(4) + store[4:_BOX_HEAD] + kept


def place(file: Bytes, mime: str, store: bytes) -> int:
    """Where in a file its manifest store begins, in the form of `carried`.

    Raises ValueError when it is not there, or twice.
    """
    form = carried(store, mime)
    start = file.find(form)
    if start < 0 or file.find(form, start + 1) >= 0:
        raise ValueError("the file does not carry this manifest store once, in one piece")
    return start


def carried(store: bytes, mime: str) -> bytes:
    """A manifest store in the form in which files of that type carry it; as long as any other that is as long."""
    return _FORMS.get(mime, bytes)(store)


def _jpeg(store: bytes) -> bytes:
    """APP11 segments, each with the length and type of the box (ISO/IEC 19566-5, annex D)."""
    segments = []
    for number, piece in enumerate(_cut(store, _JPEG_SEGMENT), 1):
        content = b"JP\x02\x11" + number.to_bytes(4) + (store[:8] if number > 1 else b"") + piece
        segments.append(b"\xff\xeb" + (len(content) + 2).to_bytes(2) + content)
    return b"".join(segments)


def _png(store: bytes) -> bytes:
    """A chunk's name and content, and the checksum of both (PNG, section 5.3)."""
    named = b"caBX" + store
    return named + zlib.crc32(named).to_bytes(4)


def _gif(store: bytes) -> bytes:
    """Data sub-blocks, each with its length."""
    return b"".join(len(piece).to_bytes() + piece for piece in _cut(store, _GIF_BLOCK))


def _cut(store: bytes, size: int) -> Iterator[bytes]:
    return (store[start : start + size] for start in range(0, len(store), size))


_FORMS: Final[Mapping[str, Callable[[bytes], bytes]]] = {"image/jpeg": _jpeg, "image/png": _png, "image/gif": _gif}
