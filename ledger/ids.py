"""Identifiers: a prefix that says what it names, and 128 random bits that say nothing else."""

from __future__ import annotations

from base64 import b32encode
from datetime import UTC, datetime, timedelta
from typing import NewType

from keys.clock import Entropy

TenantId = NewType("TenantId", str)
PrincipalId = NewType("PrincipalId", str)
EntryId = NewType("EntryId", str)
SubjectId = NewType("SubjectId", str)
BlobId = NewType("BlobId", str)

RANDOM_BYTES = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def new_id(prefix: str, entropy: Entropy) -> str:
    """`prefix_` and 26 lower-case base32 characters (RFC 4648 section 6, unpadded)."""
    return f"{prefix}_{b32encode(entropy(RANDOM_BYTES)).decode().rstrip('=').lower()}"


def may_be_stored(text: str) -> bool:
    """Whether a row can hold it, or be asked for it: PostgreSQL refuses a NUL."""
    return "\0" not in text


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01 UTC: how every time is stored. Exact, unlike `timestamp()`."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(stored: int) -> datetime:
    """The aware UTC datetime of stored milliseconds."""
    return _EPOCH + timedelta(milliseconds=stored)
