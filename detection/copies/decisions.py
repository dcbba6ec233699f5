"""The kinds of entry about common pictures. Sealed under the tenant's system subject; they name nobody."""

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


@dataclass(frozen=True)
class CommonPictureRemoved:
    """Somebody said that it is not common after all: it can be registered again, and matches whose it is."""

    added: str
    """The entry that said otherwise."""

    pdq: tuple[str, ...]
    """Every hash of it that was known from then; hex."""

    reason: str


ADDED: Final = Kind("commonpicture.added", CommonPictureAdded)
REMOVED: Final = Kind("commonpicture.removed", CommonPictureRemoved)
KINDS: Final = (ADDED, REMOVED)
