"""Whether somebody is old enough, out of a document that holds; nothing else of it is handed on.

Rules
- Where a document states ages (`age_over_NN`), they decide as ISO/IEC 18013-5, section 7.2.5 says: an age stated true
  answers for every lower one, one stated false for every higher one. What contradicts itself says nothing.
- Where it holds a date of birth, the age is reckoned and the date dropped. Who was born on 29 February has their
  birthday on 1 March in other years.
- *Not said* is not *under*.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from identity.issuing.credential_types import AGE_ATTESTATION
from identity.mdoc.document import DRIVING_LICENCE, DRIVING_NAMESPACE, PID, PROOF_OF_AGE, VerifiedMdoc
from identity.sd_jwt.credential import VerifiedCredential

PID_VCT: Final = "urn:eudi:pid:1"
_STATED = re.compile("age_over_([0-9]{2})")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


Read = Callable[[Mapping[str, object], int, date], "Answer"]


class Answer(StrEnum):
    """All that is learned."""

    OVER = "over"
    UNDER = "under"
    UNSAID = "unsaid"


def is_over(years: int, document: VerifiedMdoc | VerifiedCredential, today: date) -> Answer:
    """Whether its holder is `years` old or older; *unsaid* also for a type of document that is not known here."""
    if isinstance(document, VerifiedCredential):
        said = _CLAIMS.get(str(document.claims.get("vct")))
        return said(document.claims, years, today) if said else Answer.UNSAID
    source = _SOURCES.get(document.doctype)
    if source is None:
        return Answer.UNSAID
    namespace, read = source
    return read(document.elements.get(namespace, {}), years, today)


def stated(elements: Mapping[str, object], years: int, _: date | None = None) -> Answer:
    """What members named `age_over_NN` say."""
    ages = {int(found[1]): value for name, value in elements.items() if (found := _STATED.fullmatch(name))}
    over = any(value is True and age >= years for age, value in ages.items())
    under = any(value is False and age <= years for age, value in ages.items())
    if over == under:
        return Answer.UNSAID
    return Answer.OVER if over else Answer.UNDER


def _born(elements: Mapping[str, object], years: int, today: date) -> Answer:
    return _by_birth(elements.get("birth_date"), years, today)


def _birthdate(claims: Mapping[str, object], years: int, today: date) -> Answer:
    return _by_birth(claims.get("birthdate"), years, today)


def _by_birth(stated: object, years: int, today: date) -> Answer:
    try:
        born = date.fromisoformat(stated) if isinstance(stated, str) and _DAY.fullmatch(stated) else stated
    except ValueError:
        return Answer.UNSAID
    if type(born) is not date:
        return Answer.UNSAID
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return Answer.OVER if age >= years else Answer.UNDER


_CLAIMS: Final[Mapping[str, Read]] = {AGE_ATTESTATION.vct: stated, PID_VCT: _birthdate}
"""Way, by the type of an SD-JWT."""

_SOURCES: Final[Mapping[str, tuple[str, Read]]] = {
    PROOF_OF_AGE: (PROOF_OF_AGE, stated),
    DRIVING_LICENCE: (DRIVING_NAMESPACE, stated),
    PID: (PID, _born),
}
"""Namespace and way, by document type."""
