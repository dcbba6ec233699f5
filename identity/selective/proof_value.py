"""Proof values of the selective suites: three bytes that say which, then one CBOR array, as multibase base64url.

Rules
- Size first, then the header, then CBOR; what comes out is checked for its type before it is used.
- No tags, floats or other simple values: only bytes, text, integers, arrays and maps stand in a proof value.

W3C vc-di-ecdsa and vc-di-bbs: serializeBaseProofValue, parseDerivedProofValue and their counterparts.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from itertools import pairwise
from typing import Any, Final

import cbor2

from identity.encoding import multibase
from identity.encoding.cbor import read_cbor
from identity.errors import ProofLimitError, ProofUnreadableError, TokenUnreadableError

MAX_PROOF_CHARACTERS: Final = 128 * 1024
"""A signature for each of MAX_MESSAGES statements, in base64."""

NUMBERS: Final = 2**32
"""Indexes and labels are below."""


class Kind(Enum):
    """What a proof value is, by its first bytes."""

    ECDSA_BASE = bytes.fromhex("d95d00")
    ECDSA_DERIVED = bytes.fromhex("d95d01")
    BBS_BASE = bytes.fromhex("d95d02")
    BBS_DERIVED = bytes.fromhex("d95d03")


_NOT_SHOWN: Final = ": it is the holder's own copy, to derive from what is shown"
_SHOWN: Final = ": it was derived already; derive from what the issuer gave"
_MIX_UPS: Final = {
    (Kind.ECDSA_BASE.value, Kind.ECDSA_DERIVED): _NOT_SHOWN,
    (Kind.BBS_BASE.value, Kind.BBS_DERIVED): _NOT_SHOWN,
    (Kind.ECDSA_DERIVED.value, Kind.ECDSA_BASE): _SHOWN,
    (Kind.BBS_DERIVED.value, Kind.BBS_BASE): _SHOWN,
}
"""What is there, and what was wanted."""


def encode(kind: Kind, components: list[Any]) -> str:
    """The `proofValue`."""
    return multibase.encode_base64(kind.value + cbor2.dumps(components))


def decode(kind: Kind, value: object, length: int) -> list[Any]:
    """So many components, yet unchecked. Raises ProofUnreadableError, ProofLimitError."""
    if not isinstance(value, str):
        raise ProofUnreadableError("the proof has no proofValue")
    if len(value) > MAX_PROOF_CHARACTERS:
        raise ProofLimitError(f"a proofValue has at most {MAX_PROOF_CHARACTERS} characters, not {len(value)}")
    octets = read_multibase(value)
    if octets[:3] != kind.value:
        said = f"the proofValue begins with {octets[:3].hex()}, not {kind.value.hex()}"
        raise ProofUnreadableError(f"{said}{_MIX_UPS.get((octets[:3], kind), '')}")
    try:
        components = read_cbor(octets[3:], "the proofValue")
    except TokenUnreadableError as error:
        raise ProofUnreadableError(str(error)) from error
    if type(components) is not list or len(components) != length:
        raise ProofUnreadableError(f"the proofValue is not one array of {length}")
    return components


def read_multibase(text: str) -> bytes:
    """Of base64url, and of nothing else. Raises ProofUnreadableError."""
    try:
        return multibase.decode(text if text.startswith("u") else "")
    except ValueError as error:
        raise ProofUnreadableError("the proofValue is not multibase base64url") from error


def read_octets(component: object, length: int | None = None) -> bytes:
    """Bytes, so many. Raises ProofUnreadableError."""
    if type(component) is not bytes or (length is not None and len(component) != length):
        raise ProofUnreadableError(f"bytes expected in the proofValue, {length or 'any number'} of them")
    return component


def read_indexes(component: object) -> list[int]:
    """Rising, from 0. Raises ProofUnreadableError."""
    if type(component) is not list or not all(map(_is_number, component)):
        raise ProofUnreadableError("indexes expected in the proofValue")
    if not all(one < other for one, other in pairwise(component)):
        raise ProofUnreadableError("indexes in the proofValue do not rise")
    return component


def read_pointers(component: object) -> list[str]:
    """Texts. Raises ProofUnreadableError."""
    if type(component) is not list or not all(type(item) is str for item in component):
        raise ProofUnreadableError("JSON pointers expected in the proofValue")
    return component


def read_numbers(component: object) -> dict[int, int]:
    """Numbers of canonical labels → numbers, no two alike. Raises ProofUnreadableError."""
    return _read_labels(component, _is_number)


def read_hmacs(component: object) -> dict[int, bytes]:
    """Numbers of canonical labels → HMACs, no two alike. Raises ProofUnreadableError."""
    return _read_labels(component, _is_octets)


def _read_labels(component: object, is_label: Callable[[object], bool]) -> dict[int, Any]:
    if type(component) is not dict or not all(map(_is_number, component)) or not all(map(is_label, component.values())):
        raise ProofUnreadableError("a map of labels expected in the proofValue")
    if len(set(component.values())) < len(component):
        raise ProofUnreadableError("two nodes have one label in the proofValue")
    return component


def _is_number(item: object) -> bool:
    return type(item) is int and 0 <= item < NUMBERS


def _is_octets(item: object) -> bool:
    return type(item) is bytes
