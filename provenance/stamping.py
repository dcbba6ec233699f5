"""Putting a time-stamp into a claim that is signed already. Runs in the worker; what it reads is hostile.

Rules
- An answer is verified before it is used: granted, over this signature, with our nonce, by a certificate for
  time-stamping alone, under the operator's roots.
- Nothing moves: the token takes the place of padding, so every length stays, and every hash, for a manifest store is
  excluded from its own hard binding.

C2PA Technical Specification 2.4, "Time-stamps" (`sigTst2`); RFC 3161; RFC 9052, section 4.4.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

import cbor2
from cryptography import x509
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from detection.kinds import Kind
from detection.outlines import jpeg, png, webp
from provenance.errors import TimeStampRefusedError
from provenance.report import legible

_SIGN1: Final = 18
"""CBOR tag of a COSE_Sign1 (RFC 9052, section 2)."""

_CONTENT: Final = re.compile(rb"cbor\xd2\x84")
"""How the box of a signature begins, behind its length: JUMBF's type, then tag 18 on an array of four."""

_PREFIX_BYTES: Final = 6
"""How much the padding's own length prefix can change: five bytes, and one to spare."""

_APP11: Final = 0xEB
_JPEG_HEADER: Final = 8
"""Of an APP11 segment: `JP`, box instance, sequence number. What follows begins with the length and type of the box,
eight bytes, in every segment (ISO/IEC 19566-5, annex D)."""


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


def verified(response: bytes, nonce: int, message: bytes, roots: str) -> bytes:
    """The token of an authority's answer about `message`; `roots` is PEM. Raises TimeStampRefusedError."""
    authorities = x509.load_pem_x509_certificates(roots.encode())
    try:
        answer = decode_timestamp_response(response)
        VerifierBuilder(roots=authorities, nonce=nonce).build().verify_message(answer, message)
        return answer.time_stamp_token()
    except (VerificationError, ValueError) as error:
        raise TimeStampRefusedError(legible(str(error))) from error


def restored(file: bytes, mime: str, before: bytes, after: bytes) -> bytearray:
    """The file with its manifest store `before` replaced by one as long.

    Raises ValueError when that store is not in it.
    """
    changed, position = bytearray(file), 0
    for start, end in _runs(file, mime, before):
        if file[start:end] != before[position : position + end - start]:
            raise ValueError("the file carries another manifest store")
        changed[start:end] = after[position : position + end - start]
        position += end - start
        if mime == Kind.PNG.mime:  # a chunk ends with the checksum of its name and content (PNG, section 5.3)
            changed[end : end + 4] = zlib.crc32(changed[start - 4 : end]).to_bytes(4)
    if position != len(before) or len(before) != len(after):
        raise ValueError("the file does not carry the whole manifest store")
    return changed


def _runs(file: bytes, mime: str, store: bytes) -> Iterator[tuple[int, int]]:
    """Where the pieces of a manifest store lie in a file (C2PA 2.4, "Embedding manifests")."""
    if mime == Kind.JPEG.mime:
        repeated = 0
        for marker, start, end in jpeg.segments(file):
            box = start + _JPEG_HEADER
            if marker == _APP11 and file[box : box + 8] == store[:8]:
                yield box + repeated, end
                repeated = 8
    elif mime == Kind.PNG.mime:
        yield from ((start, start + length) for name, start, length in png.chunks(file) if name == b"caBX")
    elif mime == Kind.WEBP.mime:
        yield from ((start, start + length) for name, start, length in webp.chunks(file) if name == b"C2PA")
