"""Sealing: AES-256-GCM with the record's identity as associated data, and keys derived by purpose.

- One record: `nonce(12) ‖ ciphertext ‖ tag(16)`.
- A stream: a random 7-byte prefix, then segments of 1 MiB, each sealed under the nonce
  `prefix ‖ counter(4) ‖ last(1)`, so that reordering, truncation and extension all fail
  (the STREAM construction, Hoang et al. 2015).
- Derived keys: HKDF-SHA256 without salt, `info` naming the purpose (RFC 5869).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.clock import Entropy, system_entropy
from keys.errors import SealBrokenError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
PREFIX_BYTES = 7
SEGMENT_BYTES = 1024 * 1024
MAX_SEGMENTS = 2**32


def derive(key: bytes, info: str) -> bytes:
    """A 32-byte key for one purpose, bound to `info`."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info.encode()).derive(key)


def seal(key: bytes, plaintext: bytes, associated: bytes, entropy: Entropy = system_entropy) -> bytes:
    """Seal one record under a 32-byte key."""
    nonce = entropy(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def unseal(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Open what `seal` made. Raises SealBrokenError."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
    except (InvalidTag, ValueError) as error:
        raise SealBrokenError("the sealed record does not open") from error


def seal_stream(
    key: bytes, plaintext: Iterable[bytes], associated: bytes, entropy: Entropy = system_entropy
) -> Iterator[bytes]:
    """Seal chunks of exactly SEGMENT_BYTES (the last may be shorter) as a stream of sealed segments."""
    prefix, cipher = entropy(PREFIX_BYTES), AESGCM(key)
    yield prefix
    held: bytes | None = None
    counter = 0
    for chunk in plaintext:
        if held is not None:
            yield cipher.encrypt(_nonce(prefix, counter, last=False), held, associated)
            counter += 1
        held = chunk
    yield cipher.encrypt(_nonce(prefix, counter, last=True), held or b"", associated)


def unseal_stream(key: bytes, sealed: Iterable[bytes], associated: bytes) -> Iterator[bytes]:
    """Open what `seal_stream` made, given as the prefix and then one sealed segment each.

    Raises SealBrokenError at the first segment that is missing, out of order, foreign or tampered;
    what was yielded before it is sound.
    """
    segments = iter(sealed)
    prefix, cipher = next(segments, b""), AESGCM(key)
    current = next(segments, None)
    if len(prefix) != PREFIX_BYTES or current is None:
        raise SealBrokenError("the sealed stream has no segments")
    counter = 0
    while current is not None:
        following = next(segments, None)
        try:
            yield cipher.decrypt(_nonce(prefix, counter, last=following is None), current, associated)
        except (InvalidTag, ValueError) as error:
            raise SealBrokenError(f"segment {counter} of the sealed stream does not open") from error
        current, counter = following, counter + 1


def _nonce(prefix: bytes, counter: int, *, last: bool) -> bytes:
    if counter >= MAX_SEGMENTS:
        raise ValueError("a sealed stream holds at most 2^32 segments")
    return prefix + counter.to_bytes(4, "big") + bytes([last])
