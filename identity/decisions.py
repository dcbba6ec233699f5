"""The kind of entry that `identity.depicted` records; the rooms of this package have their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.payload import Kind


@dataclass(frozen=True)
class DepictionJudged:
    """It was found out whether an account's holder is who a picture shows. Sealed under the account."""

    account: str
    depiction: str
    picture: str
    """HMAC-SHA256 of the SHA-256 of the file, hex."""

    verdict: str
    basis: str
    band: str
    registration: str
    """Which, where it rests on one."""

    credential: str
    """Id of the registration's credential."""

    model: str
    thresholds: str


DEPICTION_JUDGED: Final = Kind("depiction.judged", DepictionJudged)
KINDS: Final = (DEPICTION_JUDGED,)
