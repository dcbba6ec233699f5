"""A tool's side: finishing a file that its C2PA SDK signed provisionally.

An SDK that builds a manifest asks its signer for a signature over the claim's bytes, and hands over nothing else; what
the claim hashes stays inside, salted, so that nobody can make it again. So the SDK signs a *draft*: with our chain, and
any 64 bytes for a signature. The draft's manifest store then holds the claim and what it hashes, and the signature that
comes back takes the place of the one that is none.

Rules
- Nothing moves: a signature, and a time-stamp, take as much room as what was there.
- A draft is *invalid* to every reader until it is finished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import cbor2

from provenance.stamping import Signature, carried, place
from provenance.unseen.jumbf import ASSERTIONS_TYPE, CLAIM_TYPE, STORE_TYPE, SUPERBOX, Box, JumbfError

SIGNATURE_BYTES: Final = 64


class DraftError(ValueError):
    """It is no draft: it carries no manifest store that could be found, or another's."""


@dataclass(frozen=True)
class Draft:
    """The active manifest of a file's store, to be signed."""

    store: bytes
    to_sign: bytes
    assertion_store: bytes

    @classmethod
    def of(cls, store: bytes) -> Self:
        """Raises DraftError."""
        try:
            manifest = Box.parse(store).children[-1]
            signature = Signature.of(store)
        except (JumbfError, ValueError) as error:
            raise DraftError(f"its manifest store cannot be read: {error}") from error
        claim, assertions = manifest.child(CLAIM_TYPE), manifest.child(ASSERTIONS_TYPE)
        if claim is None or assertions is None or claim.label != "c2pa.claim.v2":
            raise DraftError("its manifest holds no claim of version 2: let the SDK make one")
        to_sign = cbor2.dumps(["Signature1", signature.protected, b"", claim.children[-1].content])
        whole = (len(assertions.content) + 8).to_bytes(4) + SUPERBOX + assertions.content
        return cls(store, to_sign, whole)

    @classmethod
    def in_file(cls, file: bytes, mime: str) -> Self:
        """Of a file that carries it. Raises DraftError."""
        return cls.of(_store_in(file, mime))

    def finished(self, signature: bytes, token: bytes = b"") -> bytes:
        """The store, as long as before, with the signature, and the time-stamp's `token` where there is one.

        Raises DraftError, TimeStampRefusedError.
        """
        if len(signature) != SIGNATURE_BYTES or len(Signature.of(self.store).signature) != SIGNATURE_BYTES:
            raise DraftError("its signature takes another number of bytes than ours")
        signed = self.store[:-SIGNATURE_BYTES] + signature
        return Signature.of(signed).stamped(signed, token) if token else signed

    def put(self, file: bytes, mime: str, finished: bytes) -> bytes:
        """The file with the finished store. Raises DraftError."""
        try:
            start = place(file, mime, self.store)
        except ValueError as error:
            raise DraftError(str(error)) from error
        form = carried(finished, mime)
        return file[:start] + form + file[start + len(form) :]


def is_store(content: bytes) -> bool:
    """Whether these are a manifest store, and no file with one in it."""
    return content[_BEFORE_TYPE : _BEFORE_TYPE + len(STORE_TYPE)] == STORE_TYPE and content[4:8] == SUPERBOX


def _store_in(file: bytes, mime: str) -> bytes:
    """The manifest store that a file carries; `place` makes sure later. Raises DraftError."""
    found = _APART.get(mime, bytes)(file)
    at = found.find(STORE_TYPE) - _BEFORE_TYPE
    size = int.from_bytes(found[at : at + 4]) if at >= 0 else 0
    if not size or found[at + 4 : at + 8] != SUPERBOX or at + size > len(found):
        raise DraftError("no manifest store can be found in it: is it what the SDK wrote?")
    return found[at : at + size]


def _jpeg(file: bytes) -> bytes:
    """What its APP11 segments hold of boxes (ISO/IEC 19566-5, annex D)."""
    pieces, at = [], 2
    while file[at : at + 1] == b"\xff" and file[at + 1] != _SCAN:
        size = int.from_bytes(file[at + 2 : at + 4])
        content = file[at + 4 : at + 2 + size]
        if file[at + 1] == _APP11 and content.startswith(b"JP"):
            pieces.append(content[8:] if int.from_bytes(content[4:8]) == 1 else content[16:])
        at += 2 + size
    return b"".join(pieces)


def _gif(file: bytes) -> bytes:
    """What the data sub-blocks of C2PA's extension hold."""
    pieces, at = [], file.find(_GIF_EXTENSION) + len(_GIF_EXTENSION)
    while at >= len(_GIF_EXTENSION) and file[at : at + 1] not in (b"", b"\0"):
        pieces.append(file[at + 1 : at + 1 + file[at]])
        at += 1 + file[at]
    return b"".join(pieces)


_APART: Final[Mapping[str, Callable[[bytes], bytes]]] = {"image/jpeg": _jpeg, "image/gif": _gif}
_SCAN: Final = 0xDA
_APP11: Final = 0xEB
_GIF_EXTENSION: Final = b"\x21\xff\x0bC2PA_GIF\x01\x00\x00"
_BEFORE_TYPE: Final = 16
"""Bytes of a store before the type in its description: two lengths and two types."""
