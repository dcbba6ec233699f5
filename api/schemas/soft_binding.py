"""C2PA's Soft Binding Resolution API, in its own shapes (version 2.3.0 of its OpenAPI document)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from cases.recovery.search import ALGORITHMS, Found


class SoftBindingQuery(BaseModel):
    """`c2pa.softBindingQuery`."""

    model_config = ConfigDict(json_schema_extra={"example": {"alg": "io.iscc.v0", "value": "IQODQzCeMekeZjmRxDlzkI3h"}})

    alg: str
    value: str
    """Base64."""


class SoftBindingMatch(BaseModel):
    """One manifest; it is fetched from here, so there is no `endpoint`."""

    manifestId: str  # noqa: N815 -- the document's own name
    similarityScore: int  # noqa: N815
    """0 to 100."""


class SoftBindingQueryResult(BaseModel):
    """`c2pa.softBindingQueryResult`."""

    matches: list[SoftBindingMatch]

    @classmethod
    def of(cls, found: Sequence[Found], most: int) -> Self:
        """The first of what was found."""
        matches = [SoftBindingMatch(manifestId=one.label, similarityScore=one.likeness.score) for one in found[:most]]
        return cls(matches=matches)


class SoftBindingAlgorithm(BaseModel):
    """An algorithm by which something can be found here."""

    alg: str


class SoftBindingAlgList(BaseModel):
    """`c2pa.softBindingAlgList`. There are no watermarks."""

    fingerprints: list[SoftBindingAlgorithm]


SUPPORTED: Final = SoftBindingAlgList(fingerprints=[SoftBindingAlgorithm(alg=one) for one in ALGORITHMS])
