"""Registered pictures, and those that everybody has, as they are sent: by fingerprint, never the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, Field

from api.schemas.assets import LedgerView, Strict
from api.schemas.registrations import RegistrationBody
from api.schemas.words import SHA256, Reason
from detection.copies.common import PAGE, Added
from detection.copies.fingerprint import FORMS, Fingerprint

Pdq = Annotated[str, Field(pattern=SHA256)]
"""256 bits, the first bit the highest, in hex."""


class FingerprintBody(Strict):
    """PDQ of a picture, made on its owner's device: as it is, then mirrored left to right, top to bottom, turned by 90,
    180 and 270 degrees, transposed and transversed; and PDQ's quality of the first.
    """

    forms: Annotated[tuple[Pdq, ...], Field(min_length=FORMS, max_length=FORMS, repr=False)]
    quality: Annotated[int, Field(strict=True, ge=0, le=100)]

    def fingerprint(self) -> Fingerprint:
        """The same as a value."""
        return Fingerprint(self.forms, self.quality)


class ImageRegistrationBody(RegistrationBody):
    """A registration of one picture and its near copies."""

    fingerprint: FingerprintBody


class CommonPictureBody(Strict):
    """A picture that many people have."""

    fingerprint: FingerprintBody
    reason: Reason


class CommonPictureEntry(BaseModel):
    """A picture that was added."""

    id: str
    """The entry that says so; it names it when it is removed."""

    pdq: list[str]
    """Its hashes, turned and mirrored, in order."""

    @classmethod
    def of(cls, added: Added) -> Self:
        """The view of one."""
        return cls(id=added.entry, pdq=list(added.hashes))


class CommonPicturePage(BaseModel):
    """Pictures that were added; what ships is known beside them."""

    pictures: list[CommonPictureEntry]
    next: str | None
    """Send it as `cursor`; null on the last page."""

    @classmethod
    def of(cls, found: Sequence[Added]) -> Self:
        """The view of a page."""
        following = found[-1].entry if len(found) == PAGE else None
        return cls(pictures=[CommonPictureEntry.of(one) for one in found], next=following)


class CommonPictureView(BaseModel):
    """Whether it was new; the entry that says so."""

    added: bool
    ledger: LedgerView | None
