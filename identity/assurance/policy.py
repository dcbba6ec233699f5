"""Which evidence grants which tier, for how long, per region: data, read from a file and checked before it is used.

Rules
- A file names its own version (`assurance@1`), which every entry bears in public. What the name stands for is fixed by
  `digest`, so a file that was changed under the same name is noticed, too.
- A region overrides what the file says for everywhere; `null` grants nothing there. A country of no region has the
  rules of everywhere.
- What cannot be read as a whole is not used at all: the service does not start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from identity.assurance.errors import AssurancePolicyError, EvidenceUnknownError
from identity.assurance.tier import EvidenceKind, Tier
from ledger.entry import POLICY

DEFAULT_FILE: Final = Path(__file__).with_name("policy.json")
EVERYWHERE: Final = ""
"""The region of whoever is of none."""

MAX_BYTES: Final = 64 * 1024
MAX_DAYS: Final = 3650
MAX_STATEMENT_MINUTES: Final = 60


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Strict):
    """What one kind of evidence is good for."""

    tier: Tier
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)]
    accounts: Annotated[int, Field(ge=1)] | None
    """How many accounts of a tenant the same address, number or login may stand behind; null for any number."""

    @model_validator(mode="after")
    def _grants(self) -> Self:
        if self.tier is Tier.NONE:
            raise ValueError("evidence that grants nothing has no rule: leave it out, or say null in a region")
        return self

    @property
    def lasts(self) -> timedelta:
        """How long it holds."""
        return timedelta(days=self.days)


class _Region(_Strict):
    countries: Annotated[tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...], Field(min_length=1)]
    """ISO 3166-1 alpha-2."""

    evidence: dict[EvidenceKind, Rule | None]


class _File(_Strict):
    policy: Annotated[str, Field(pattern=f"^{POLICY.pattern}$")]
    statement_minutes: Annotated[int, Field(ge=1, le=MAX_STATEMENT_MINUTES)]
    evidence: dict[EvidenceKind, Rule]
    regions: dict[Annotated[str, Field(pattern="^[A-Z]{2,8}$")], _Region]
    documents: dict[str, EvidenceKind]

    @model_validator(mode="after")
    def _one_region_a_country(self) -> Self:
        countries = [country for region in self.regions.values() for country in region.countries]
        twice = sorted({country for country in countries if countries.count(country) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)}: a country is of one region")
        return self


@dataclass(frozen=True)
class Policy:
    """One version of the rules."""

    name: str
    digest: str
    """SHA-256 of the file, hex."""

    statement_lasts: timedelta
    rules: Mapping[str, Mapping[EvidenceKind, Rule]]
    """By region; `EVERYWHERE` is always there."""

    documents: Mapping[str, EvidenceKind]
    """By type of credential: `vct`, document type, or VCDM type."""

    countries: Mapping[str, str]

    def region_of(self, country: str) -> str:
        """The region whose rules a country has."""
        return self.countries.get(country, EVERYWHERE)

    def find(self, kind: EvidenceKind, region: str) -> Rule | None:
        """The rule for a kind of evidence, if there is one; a region that is no more has the rules of everywhere."""
        return self.rules.get(region, self.rules[EVERYWHERE]).get(kind)

    def rule(self, kind: EvidenceKind, region: str) -> Rule:
        """The same. Raises EvidenceUnknownError."""
        found = self.find(kind, region)
        if found is None:
            raise EvidenceUnknownError(f"policy {self.name} grants nothing for {kind} in {region or 'this region'}")
        return found

    def document(self, name: str) -> EvidenceKind:
        """What a credential of this type is evidence of. Raises EvidenceUnknownError."""
        if name not in self.documents:
            raise EvidenceUnknownError(f"policy {self.name} grants nothing for credentials of this type")
        return self.documents[name]

    def ways(self, wanted: Tier, region: str) -> list[EvidenceKind]:
        """Kinds of evidence of which one is enough for a tier."""
        rules = self.rules.get(region, self.rules[EVERYWHERE])
        return [kind for kind, rule in rules.items() if rule.tier.reaches(wanted)]


def read_policy(content: bytes) -> Policy:
    """Raises AssurancePolicyError, which says what is wrong and where."""
    if len(content) > MAX_BYTES:
        raise AssurancePolicyError(f"a policy has at most {MAX_BYTES} bytes")
    try:
        file = _File.model_validate_json(content)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors())
        raise AssurancePolicyError("; ".join(faults)) from error
    return Policy(
        file.policy,
        hashlib.sha256(content).hexdigest(),
        timedelta(minutes=file.statement_minutes),
        {EVERYWHERE: file.evidence, **{name: _merged(file, region) for name, region in file.regions.items()}},
        file.documents,
        {country: name for name, region in file.regions.items() for country in region.countries},
    )


def _merged(file: _File, region: _Region) -> dict[EvidenceKind, Rule]:
    rules = {**file.evidence, **region.evidence}
    return {kind: rule for kind, rule in rules.items() if rule is not None}


@cache
def default_policy() -> Policy:
    """The one that comes with this version."""
    return read_policy(DEFAULT_FILE.read_bytes())
