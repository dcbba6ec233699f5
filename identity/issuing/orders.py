"""What is ordered to be issued, and what of it is signed: one of our types, or a credential that a caller wrote.

Rules
- Of our own types the caller says the subject; dates, id, status and schema are ours.
- What a caller writes is of no type of ours, nor a status list, whichever name or context leads there.
- An age credential is issued only where its holder can keep the rest back: under bbs-2023, or as an SD-JWT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from identity.encoding.date_time import read_date_time, write_date_time
from identity.enveloping import issuing as enveloped
from identity.errors import CredentialRefusedError
from identity.issuing.credential_types import TYPES, CredentialType
from identity.issuing.issued import CredentialId
from identity.issuing.issuer import Issuer
from identity.issuing.vocabulary import CONTEXT_PATH, schema_entry
from identity.jose.jwk import PublicKey
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.sd_jwt.credential import TYPE as SD_JWT
from identity.selective import bbs, ecdsa_sd
from identity.status.lists import Place
from identity.vcdm import CREDENTIAL, listed

ALWAYS_SHOWN: Final = ("/issuer", "/validFrom", "/validUntil", "/credentialSchema")
ALWAYS_SHOWN_OF_REVOCABLE: Final = ("/id", "/credentialStatus")
URN: Final = "urn:sigillo:credential:"
"""What a revocable credential is called begins so; then comes our id of it."""

STATUS_LIST: Final = "https://www.w3.org/ns/credentials/status#BitstringStatusListCredential"
SELECTIVE: Final = frozenset({bbs.CRYPTOSUITE, ecdsa_sd.CRYPTOSUITE, enveloped.SELECTIVE})
"""Formats of documents whose holder may leave something out."""

WRITTEN_BY_CALLERS: Final = frozenset({"@context", "type", "issuer", "credentialSubject"})
"""Members of a credential of ours that a caller writes."""


RESERVED: Final = frozenset({of.iri for of in TYPES.values()} | {STATUS_LIST})
"""Types of which no credential is as a caller wrote it, by any spelling: they say what is found, or kept, here."""


class StatusClaims(Protocol):
    """How a credential says where its status is: `identity.status.publishing.StatusPublication`."""

    def entries(self, place: Place) -> list[dict[str, object]]: ...

    def claim(self, place: Place) -> dict[str, object]: ...


@dataclass(frozen=True)
class Slot:
    """What is fixed of a credential before it is signed."""

    id: CredentialId
    issued_at: datetime
    place: Place | None
    """None for one whose status never changes."""

    status: StatusClaims
    origin: str
    """Under which our context and schemas are, such as `https://sigillo.example`."""


@dataclass(frozen=True)
class Signed:
    """A credential with its signature, and what is recorded of it."""

    credential: dict[str, Any] | str = field(repr=False)
    key: str
    ends: datetime | None


class Order(Protocol):
    """What is to be issued: `TypedOrder` or `WrittenOrder`."""

    @property
    def type(self) -> str: ...

    @property
    def format(self) -> str: ...

    @property
    def revocable(self) -> bool: ...

    def check(self) -> None:
        """Raises CredentialRefusedError for what could not be issued."""

    def sign(self, issuer: Issuer, slot: Slot) -> Signed:
        """Raises as `Issuer.document` and `Issuer.sd_jwt`."""


@dataclass(frozen=True)
class TypedOrder:
    """A credential of one of our types."""

    of: CredentialType
    claims: Mapping[str, Any] = field(repr=False)
    format: str = bbs.CRYPTOSUITE
    """One of `issuer.FORMATS`, or `dc+sd-jwt`."""

    holder: PublicKey | None = None
    """Whose key an SD-JWT is bound to."""

    issuer: str = ""
    """As the credential is to name us; empty for our DID."""

    mandatory_pointers: Sequence[str] = ()
    """Shown always besides what is."""

    found_here: bool = False
    """Whether the claims are this service's own findings, and no caller's words."""

    @property
    def type(self) -> str:
        return self.of.name

    @property
    def revocable(self) -> bool:
        return self.of.revocable

    def check(self) -> None:
        if self.of.found_here and not self.found_here:
            raise CredentialRefusedError(
                f"{self.of.name} says what this service found out: {self.of.found_here} issues it"
            )
        self.of.subject_of(self.claims)
        if not self.of.revocable and self.format not in {bbs.CRYPTOSUITE, SD_JWT}:
            raise CredentialRefusedError(f"{self.of.name} is issued under {bbs.CRYPTOSUITE} or as {SD_JWT}, unlinkably")
        if self.holder and self.format != SD_JWT:
            raise CredentialRefusedError(
                f"only {SD_JWT} is bound to a holder's key: take that format, or leave the holder out"
            )

    def sign(self, issuer: Issuer, slot: Slot) -> Signed:
        self.check()
        begins, ends = self.of.period(slot.issued_at)
        subject = self.of.subject_of(self.claims)
        if self.format == SD_JWT:
            said = {**subject, "nbf": int(begins.timestamp()), "exp": int(ends.timestamp())}
            said |= {"status": slot.status.claim(slot.place)} if slot.place else {}
            token = issuer.sd_jwt(self.of.vct, said, tuple(subject), self.holder)
            return Signed(token, str(issuer.p256.ref), ends)
        document = self._document(issuer, slot, (begins, ends))
        shown = (*ALWAYS_SHOWN, *(ALWAYS_SHOWN_OF_REVOCABLE if self.revocable else ()), *self.mandatory_pointers)
        signed = issuer.document(document, self.format, shown if self.format in SELECTIVE else self.mandatory_pointers)
        return Signed(signed, str(issuer.key_of(self.format).ref), ends)

    def _document(self, issuer: Issuer, slot: Slot, period: tuple[datetime, datetime]) -> dict[str, Any]:
        begins, ends = map(write_date_time, period)
        said = (
            {} if slot.place is None else {"id": f"{URN}{slot.id}", "credentialStatus": slot.status.entries(slot.place)}
        )
        return {
            "@context": [CREDENTIALS_V2, slot.origin + CONTEXT_PATH],
            **said,
            "type": [CREDENTIAL, self.of.name],
            "issuer": self.issuer or issuer.did,
            "validFrom": begins,
            "validUntil": ends,
            "credentialSchema": schema_entry(slot.origin, self.of),
            "credentialSubject": self.of.subject_of(self.claims),
        }


@dataclass(frozen=True)
class WrittenOrder:
    """A credential as its caller wrote it: of no type of ours, signed as it stands; where it is to be revocable, with
    its place in our status lists.
    """

    credential: Mapping[str, Any] = field(repr=False)
    format: str
    mandatory_pointers: Sequence[str] = ()
    type: str = CREDENTIAL
    revocable: bool = False

    def check(self) -> None:
        """And than its signing does."""
        if self.revocable and "credentialStatus" in self.credential:
            raise CredentialRefusedError("the credential says where its status is: leave one of the two out")

    def sign(self, issuer: Issuer, slot: Slot) -> Signed:
        status = {} if slot.place is None else {"credentialStatus": slot.status.entries(slot.place)}
        credential = {**self.credential, **status}
        signed = issuer.document(credential, self.format, self.mandatory_pointers, RESERVED)
        last = self.credential.get("validUntil")
        return Signed(signed, str(issuer.key_of(self.format).ref), read_date_time(last) if last else None)


def order_of(
    credential: Mapping[str, Any], form: str, mandatory_pointers: Sequence[str], *, revocable: bool = False
) -> Order:
    """What a caller who sends a whole credential orders; of our own types we know which are revocable.

    Raises CredentialRefusedError.
    """
    ours = [TYPES[name] for name in listed(credential.get("type")) if isinstance(name, str) and name in TYPES]
    if not ours:
        written = WrittenOrder(credential, form, mandatory_pointers, revocable=revocable)
        written.check()
        return written
    (of, *others), beyond = ours, sorted(credential.keys() - WRITTEN_BY_CALLERS)
    if others or listed(credential.get("type")) != [CREDENTIAL, of.name]:
        raise CredentialRefusedError(f"the types of a {of.name} are {CREDENTIAL} and {of.name}, in this order")
    if beyond:
        raise CredentialRefusedError(
            f"of a {of.name} {beyond[0]!r} is not the caller's to say: dates, id, status and schema are added here"
        )
    subject, issuer = credential.get("credentialSubject"), credential.get("issuer")
    if not isinstance(subject, dict) or not isinstance(issuer, str):
        raise CredentialRefusedError(f"a {of.name} has one credentialSubject, an object, and its issuer's DID")
    order = TypedOrder(of, subject, form, issuer=issuer, mandatory_pointers=mandatory_pointers)
    order.check()
    return order
