"""A trust list as its publisher hands it out: C2PA's own, for signers or for time-stamps, or an operator's.

Rules
- Two forms are read: PEM with whatever comments, which bears no date, so that whoever brings it has to know it; and
  JSON (ETSI TS 119 602, as C2PA publishes it), which does.
- Taken whole or not at all: one certificate that is broken, or no authority's, refuses the list, by its place in it;
  and so does PEM of anything else.
- What is odd and harmless is a warning: a certificate that is listed twice (it counts once), has ended or has not begun
  (it stays, for what was signed while it held); an entry that its publisher withdrew (it is left out).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from keys.chain import pem, rfc3339
from keys.profile import UNREADABLE, named
from provenance.errors import TrustListError
from provenance.trust import ListInForce, require_anchor

MAX_CHARACTERS: Final = 2_000_000
MAX_ANCHORS: Final = 1000
"""C2PA's lists have some thirty each."""

TRUSTED: Final = "http://c2pa.org/conformance/trust-list/trusted"

_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_BORDERS: Final = re.compile(r"-----(BEGIN|END) CERTIFICATE-----")
_LABELS: Final = re.compile(r"-----BEGIN ([^-\n]+)-----")


class ListName(StrEnum):
    """The lists there may be."""

    C2PA = "c2pa"
    """C2PA's, of authorities for signers."""

    C2PA_TSA = "c2pa-tsa"
    """C2PA's, of authorities for time-stamps."""

    OWN = "own"
    """The operator's, for signers."""

    OWN_TSA = "own-tsa"
    """The operator's, for time-stamps."""

    @property
    def for_stamps(self) -> bool:
        """Whether it is of authorities for time-stamps."""
        return self in {ListName.C2PA_TSA, ListName.OWN_TSA}


SCHEMES: Final = {"C2PA Trust List": ListName.C2PA, "C2PA TSA Trust List": ListName.C2PA_TSA}
"""By the name that C2PA's lists bear."""


@dataclass(frozen=True, order=True)
class Anchor:
    """One certificate of a list."""

    subject: str
    fingerprint: str
    """SHA-256 of the certificate, hexadecimal."""

    ends: str
    """RFC 3339."""


@dataclass(frozen=True)
class TrustList:
    """A list that was read."""

    name: ListName
    issued: str
    """RFC 3339."""

    next_update: str
    """When its publisher means to publish the next one, RFC 3339; empty where it does not say."""

    digest: str
    """SHA-256 of the file, hexadecimal."""

    anchors: str = field(repr=False)
    """PEM, each once."""

    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def certificates(self) -> tuple[Anchor, ...]:
        """What is in it, by subject."""
        found = x509.load_pem_x509_certificates(self.anchors.encode()) if self.anchors else []
        return tuple(sorted(map(_anchor, found)))

    @property
    def reference(self) -> ListInForce:
        """As reports name it."""
        return ListInForce(self.name, self.issued, self.digest, self.next_update)


@dataclass(frozen=True)
class Changes:
    """What becomes of whom to trust when one list takes the place of another."""

    added: tuple[Anchor, ...]
    removed: tuple[Anchor, ...]


def read(name: ListName, text: str, dated: datetime | None, now: datetime, *, development: bool) -> TrustList:
    """A list from the text of its file; `dated` is when it was published, where it does not say so itself.

    Raises TrustListError, TrustPolicyError.
    """
    if len(text) > MAX_CHARACTERS:
        raise TrustListError(f"a trust list of {len(text)} characters is more than the {MAX_CHARACTERS} that are read")
    if "PRIVATE KEY-----" in text:
        raise TrustListError("there is a private key in it: nothing was kept; a trust list holds certificates alone")
    said = text.removeprefix("\ufeff")  # editors leave it, and its digest counts it
    listed = _published(name, said) if said.lstrip().startswith("{") else _plain(said, dated)
    if listed.issued > now:
        raise TrustListError(f"it is dated {rfc3339(listed.issued)}, which has not come yet")
    certificates, warnings = _checked(listed.certificates, now, development=development)
    return TrustList(
        name,
        rfc3339(listed.issued),
        rfc3339(listed.next_update) if listed.next_update else "",
        hashlib.sha256(text.encode()).hexdigest(),
        pem(certificates),
        (*listed.warnings, *warnings),
    )


def changes(before: TrustList | None, after: TrustList | None) -> Changes:
    """By fingerprint."""
    was, now = ({one.fingerprint: one for one in (each.certificates if each else ())} for each in (before, after))
    return Changes(
        tuple(one for one in now.values() if one.fingerprint not in was),
        tuple(one for one in was.values() if one.fingerprint not in now),
    )


def require_newer(before: TrustList | None, after: TrustList) -> None:
    """An older list than the one in force would bring back whom its publisher took off. Raises TrustListError."""
    if before and after.issued < before.issued:
        raise TrustListError(
            f"it is of {after.issued}, and the one in force of {before.issued}: get the current one from its publisher"
        )


@dataclass(frozen=True)
class _Listed:
    """What a file says, before any certificate is believed."""

    issued: datetime
    next_update: datetime | None
    certificates: Sequence[tuple[str, x509.Certificate]]
    """Each with where it stands."""

    warnings: tuple[str, ...] = ()


def _plain(text: str, dated: datetime | None) -> _Listed:
    if dated is None:
        raise TrustListError("a PEM list bears no date: say on which day it was published (--dated 2026-08-14)")
    if others := sorted(set(_LABELS.findall(text)) - {"CERTIFICATE"}):
        raise TrustListError(
            f"there is a {others[0][:100]} in it, which would be passed over: a PEM list has certificates alone, each "
            "between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----"
        )
    borders = [found[1] for found in _BORDERS.finditer(text)]
    if borders != ["BEGIN", "END"] * (len(borders) // 2):
        raise TrustListError(
            "a certificate in it does not end, or begins within another: the file was cut or pasted badly"
        )
    return _Listed(dated, None, [_numbered(n, body) for n, body in enumerate(_CERTIFICATE.findall(text), start=1)])


def _published(name: ListName, text: str) -> _Listed:
    try:
        found = _Document.model_validate_json(text).LoTE
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise TrustListError(f"it is no list as ETSI TS 119 602 has them: {where or 'it is not JSON'}") from error
    said = next((SCHEMES[one.value] for one in found.about.SchemeName if one.value in SCHEMES), None)
    if said is not None and said is not name:
        raise TrustListError(f"it calls itself {found.about.SchemeName[0].value!r}, which is {said}, not {name}")
    entries = [service.ServiceInformation for entity in found.TrustedEntitiesList for service in entity.services]
    kept = [each for each in entries if each.ServiceStatus == TRUSTED]
    encoded = [one.val for each in kept for one in each.ServiceDigitalIdentity.X509Certificates]
    gone = len(entries) - len(kept)
    warnings = (f"{gone} of its entries are withdrawn by its publisher and left out",) if gone else ()
    certificates = [_numbered(n, body) for n, body in enumerate(encoded, start=1)]
    return _Listed(found.about.ListIssueDateTime, found.about.NextUpdate, certificates, warnings)


def _numbered(number: int, encoded: str) -> tuple[str, x509.Certificate]:
    try:
        der = base64.b64decode("".join(encoded.split()), validate=True)
        return f"certificate {number}", x509.load_der_x509_certificate(der)
    except (binascii.Error, *UNREADABLE) as error:
        raise TrustListError(f"certificate {number} in it is broken: nothing of the list was taken") from error


def _checked(
    listed: Sequence[tuple[str, x509.Certificate]], now: datetime, *, development: bool
) -> tuple[list[x509.Certificate], tuple[str, ...]]:
    """Each once, and what is odd about them."""
    if not listed:
        raise TrustListError("there is no certificate in it: `sigillo trust drop` ends a list")
    if len(listed) > MAX_ANCHORS:
        raise TrustListError(f"{len(listed)} certificates are more than the {MAX_ANCHORS} that a list may have")
    unique: list[x509.Certificate] = []
    warnings: list[str] = []
    for where, certificate in listed:
        require_anchor(where, certificate, development=development)
        odd = list(_odd(certificate, now))
        if certificate in unique:
            odd.append("is listed twice")
        else:
            unique.append(certificate)
        warnings += [f"{where} ({named(certificate)}) {one}" for one in odd]
    return unique, tuple(warnings)


def _odd(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    if certificate.not_valid_after_utc <= now:
        yield f"ended at {rfc3339(certificate.not_valid_after_utc)}"
    if certificate.not_valid_before_utc > now:
        yield f"is not valid before {rfc3339(certificate.not_valid_before_utc)}"


def _anchor(certificate: x509.Certificate) -> Anchor:
    ends = rfc3339(certificate.not_valid_after_utc.astimezone(UTC))
    try:
        subject = certificate.subject.rfc4514_string()
    except UNREADABLE:
        subject = named(certificate)
    return Anchor(subject, certificate.fingerprint(SHA256()).hex(), ends)


class _Text(BaseModel):
    value: str = ""


class _Value(BaseModel):
    val: str


class _Identity(BaseModel):
    X509Certificates: Annotated[list[_Value], Field(max_length=MAX_ANCHORS)]


class _Information(BaseModel):
    ServiceDigitalIdentity: _Identity
    ServiceStatus: str


class _Service(BaseModel):
    ServiceInformation: _Information


class _Entity(BaseModel):
    services: Annotated[list[_Service], Field(alias="TrustedEntityServices", max_length=MAX_ANCHORS)]


class _About(BaseModel):
    SchemeName: list[_Text] = []
    ListIssueDateTime: AwareDatetime
    NextUpdate: AwareDatetime | None = None


class _List(BaseModel):
    about: _About = Field(alias="ListAndSchemeInformation")
    TrustedEntitiesList: Annotated[list[_Entity], Field(max_length=MAX_ANCHORS)]


class _Document(BaseModel):
    """The members that matter here, under the names that ETSI gave them."""

    LoTE: _List
