"""The kinds of entry of custody. Those of an asset are sealed under it; an import under the tenant's system subject,
since nothing of what was imported is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.payload import Kind
from provenance.trust import ListInForce

POLICY = "custody@1"


@dataclass(frozen=True)
class AssetOffered:
    """Its owner would hand it over; nothing has changed until the receiver accepts."""

    asset: str
    owner: str
    to: str


@dataclass(frozen=True)
class OfferEnded:
    """The owner took the offer back, or the receiver declined it."""

    asset: str
    offer: str
    """The entry of the offer."""

    ended_by: str
    """`owner` or `receiver`."""


@dataclass(frozen=True)
class AssetHandedOver:
    """The receiver accepted, and owns it from now on."""

    asset: str
    owner_before: str
    owner: str
    offer: str


@dataclass(frozen=True)
class AssetExported:
    """Its custody left the house in a bundle. What the bundle says is bound by this entry, which goes along with it."""

    asset: str
    actor: str
    word_sha256: str
    """Of the bundle's member `word` as RFC 8785 JSON."""


@dataclass(frozen=True)
class CustodyImported:
    """What another deployment says of a file's custody was brought here and found to hold, as far as it does: its word,
    not ours.
    """

    actor: str
    bundle_sha256: str
    origin: str
    """Whose word it is: the log's name."""

    vkey: str
    """The key that it was checked with."""

    exported: str
    """The entry of the export in that log."""

    manifest: str
    verdict: str
    """The worst of the three that follow."""

    log: str
    """*trusted* where that key was known here; else *untrusted*."""

    file: str
    ancestry: str | None
    trust: str = ""
    """The digest of the trust policy that its manifests were judged under; empty in entries from before."""

    trust_lists: tuple[ListInForce, ...] = ()
    """The lists that it was made of."""


OFFERED = Kind("asset.offered", AssetOffered)
OFFER_ENDED = Kind("asset.offer_ended", OfferEnded)
HANDED_OVER = Kind("asset.handed_over", AssetHandedOver)
EXPORTED = Kind("asset.exported", AssetExported)
IMPORTED = Kind("custody.imported", CustodyImported, {"origin": ("origin",), "verdict": ("verdict",)})

KINDS = (OFFERED, OFFER_ENDED, HANDED_OVER, EXPORTED, IMPORTED)
