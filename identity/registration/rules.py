"""Where a face may be registered and matched, on what legal basis, under which consent text: data, read from a folder.

Rules
- A folder holds `regions/*.json`, one file for each region, and `texts/*.txt`, the texts that these name. What cannot
  be read as a whole is not used at all: the service does not start.
- Exactly one region has no places: its rules are those of everywhere else. A place has the rules of the narrowest
  region that names it (`US-IL` before `US`).
- Matching joins two people, so it is asked twice: may the one be registered where they are, may files from there be
  looked at. What is not allowed is skipped, and the answer says why.
- A file says who reviewed it. The ones that come with this version are examples that no lawyer has reviewed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from identity.registration.consent import ConsentText, read_texts
from identity.registration.errors import ConsentTextUnknownError, RegistrationRulesError
from identity.registration.refusal import Kind
from ledger.entry import POLICY

DEFAULT_FOLDER: Final = Path(__file__).parent
EVERYWHERE: Final = ""
MAX_FILES: Final = 300
MAX_BYTES: Final = 64 * 1024
MAX_DAYS: Final = 3650

PLACE: Final = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$"
"""ISO 3166-1 alpha-2, or ISO 3166-2 where a part of a country has rules of its own."""

Sentence = Annotated[str, Field(min_length=1, max_length=500)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Activity(_Strict):
    """Whether something is allowed, and on what basis, or why not."""

    allowed: bool
    basis: Sentence


class Rules(_Strict):
    """The rules of one region."""

    rules: Annotated[str, Field(pattern=f"^{POLICY.pattern}$")]
    """Name and version."""

    region: Annotated[str, Field(pattern="^([A-Z]{2,8}(-[A-Z0-9]{1,3})?)?$")]
    review: Sentence
    """Who reviewed them."""

    places: tuple[Annotated[str, Field(pattern=PLACE)], ...]
    registering: Activity
    matching: Activity
    """Of faces in files from there."""

    lasts_days: Annotated[int, Field(ge=1, le=MAX_DAYS)]
    """How long a registration lasts unless it is renewed."""

    consent: dict[Kind, Annotated[str, Field(pattern=f"^{POLICY.pattern}$")]]
    digest: str = ""
    """SHA-256 of the file, hex."""

    @property
    def lasts(self) -> timedelta:
        """How long a registration lasts."""
        return timedelta(days=self.lasts_days)


@dataclass(frozen=True)
class Permission:
    """Whether a registered person's face may be looked for in a file."""

    allowed: bool
    reason: str
    """The basis, or why not: a sentence of the rules."""

    rules: tuple[str, str]
    """The rules it follows from: where the person is, and where the file is from."""


@dataclass(frozen=True)
class Rulebook:
    """Every region's rules, and the texts they name."""

    regions: Mapping[str, Rules]
    """By place; `EVERYWHERE` is always there."""

    texts: Mapping[tuple[str, str], ConsentText] = field(repr=False)
    """By name and version, and language."""

    def of(self, place: str) -> Rules:
        """The rules of a place, `US-IL` or `FR`; those of everywhere for one that no region names."""
        country = place.partition("-")[0]
        return self.regions.get(place) or self.regions.get(country) or self.regions[EVERYWHERE]

    def permitted(self, registrant: str, upload: str) -> Permission:
        """Whether the face of somebody at one place may be looked for in a file from another."""
        theirs, here = self.of(registrant), self.of(upload)
        refused = next((one for one in (theirs.registering, here.matching) if not one.allowed), None)
        told = refused or here.matching
        return Permission(refused is None, told.basis, (theirs.rules, here.rules))

    def consent(self, place: str, kind: Kind, language: str) -> ConsentText:
        """What a person there has to agree to. Raises ConsentTextUnknownError."""
        name = self.of(place).consent.get(kind, "")
        found = self.texts.get((name, language))
        if found is None:
            known = sorted(tongue for text, tongue in self.texts if text == name)
            raise ConsentTextUnknownError(known)
        return found


def read_rulebook(folder: Path) -> Rulebook:
    """Raises RegistrationRulesError, which says what is wrong and where; OSError."""
    files = sorted((folder / "regions").glob("*.json"))
    if not files or len(files) > MAX_FILES:
        raise RegistrationRulesError(f"{folder} has from 1 to {MAX_FILES} files regions/*.json")
    book = Rulebook(_by_place([_read(file) for file in files]), read_texts(folder / "texts"))
    known = {name for name, _ in book.texts}
    for rules in book.regions.values():
        if missing := set(rules.consent.values()) - known:
            raise RegistrationRulesError(f"{rules.rules} names {min(missing)}, of which there is no text")
    return book


@cache
def default_rulebook() -> Rulebook:
    """The examples that come with this version."""
    return read_rulebook(DEFAULT_FOLDER)


def _read(file: Path) -> Rules:
    content = file.read_bytes()
    if len(content) > MAX_BYTES:
        raise RegistrationRulesError(f"{file.name} has more than {MAX_BYTES} bytes")
    try:
        rules = Rules.model_validate_json(content)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors())
        raise RegistrationRulesError(f"{file.name}: {'; '.join(faults)}") from error
    return rules.model_copy(update={"digest": hashlib.sha256(content).hexdigest()})


def _by_place(read: list[Rules]) -> Mapping[str, Rules]:
    found: dict[str, Rules] = {}
    for rules in read:
        for place in rules.places or (EVERYWHERE,):
            if place in found:
                raise RegistrationRulesError(f"{place or 'everywhere else'} has rules in two files")
            found[place] = rules
    if EVERYWHERE not in found:
        raise RegistrationRulesError("one file has no places: its rules are those of everywhere else")
    return found
