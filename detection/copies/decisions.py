"""The kind of entry about common pictures. Sealed under the tenant's system subject; it names nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.payload import Kind

POLICY: Final = "common-picture@1"


@dataclass(frozen=True)
class CommonPictureAdded:
    """Somebody said that many people have a picture: from now on it can be nobody's, and matches nobody."""

    pdq: str
    """Of the picture as it is; hex."""

    reason: str


ADDED: Final = Kind("commonpicture.added", CommonPictureAdded)
KINDS: Final = (ADDED,)
