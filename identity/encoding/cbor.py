"""CBOR by strangers, within limits and read in one way only (RFC 8949).

Rules
- Definite lengths, no key twice, no depth beyond MAX_DEPTH, nothing behind the value.
- Of the tags only dates (0, 1004) and embedded CBOR (24) are taken; any other is refused, for what decoders do
  with them (shared references, regular expressions, big numbers) is nothing that a stranger should choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Final, NoReturn

import cbor2

from identity.errors import TokenUnreadableError

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32
EMBEDDED: Final = 24
"""The tag of a byte string that is CBOR itself."""


def read_cbor(data: bytes, what: str) -> object:
    """The value that these bytes are; `what` names them in the error. Raises TokenUnreadableError."""
    if len(data) > MAX_BYTES:
        raise TokenUnreadableError(f"{what} has more than {MAX_BYTES} bytes")
    stream = BytesIO(data)
    try:
        value: object = cbor2.CBORDecoder(
            stream,
            tag_hook=_keep_embedded,
            semantic_decoders=_REFUSED,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        ).decode()
    except (cbor2.CBORDecodeError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise TokenUnreadableError(f"{what} is not CBOR that can be read in one way only") from error
    if stream.read():
        raise TokenUnreadableError(f"{what} has something behind it")
    return value


def read_map(data: bytes, what: str) -> Mapping[object, object]:
    """As `read_cbor`, where only a map will do. Raises TokenUnreadableError."""
    value = read_cbor(data, what)
    if not isinstance(value, dict):
        raise TokenUnreadableError(f"{what} is not a map")
    return value


def embedded(value: object, what: str) -> bytes:
    """The bytes under tag 24. Raises TokenUnreadableError."""
    match value:
        case cbor2.CBORTag(tag=24, value=bytes(inner)):
            return inner
    raise TokenUnreadableError(f"{what} is not embedded CBOR (tag 24)")


def embed(data: bytes) -> bytes:
    """Tag 24 around these bytes, encoded."""
    return cbor2.dumps(cbor2.CBORTag(EMBEDDED, data))


def _keep_embedded(tag: cbor2.CBORTag, _: bool) -> object:
    if tag.tag != EMBEDDED:
        raise ValueError(f"tag {tag.tag}")
    return tag


def _refuse(*_: object) -> NoReturn:
    raise ValueError("a tag that has no place in a credential")


_REFUSED: Final[Mapping[int, Callable[..., NoReturn]]] = dict.fromkeys(
    (1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 43000, 55799), _refuse
)
"""Those that the decoder knows by itself."""
