"""What is asked of an issuer, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.assets import LedgerView, Strict
from api.schemas.words import Reason
from identity.encoding.strict_json import read_object
from identity.enveloping.issuing import ENVELOPES
from identity.errors import CredentialRefusedError, TokenUnreadableError
from identity.issuing.credential_types import AGE_ATTESTATION, TYPES
from identity.issuing.did_document import Method
from identity.issuing.editions import Edition
from identity.issuing.issue import Issued
from identity.issuing.orders import Order, TypedOrder, order_of
from identity.jose.jwk import read_jwk
from identity.selective import bbs
from identity.selective.pointers import MAX_POINTERS
from identity.status.bitstring import ENTRY_TYPE
from identity.vc_api.request import RequestUnreadableError
from identity.vcdm import listed
from ledger.ids import moment

CREDENTIAL = "credential"
MEDIA_TYPES: Final = {f"application/{form}": form for form in ENVELOPES}
DEFAULT_SUITE = "eddsa-rdfc-2022"
"""Of a credential that is to be shown whole."""


def ordered(body: bytes) -> Order:
    """What a VC-API request orders: `{credential, options: {cryptosuite, mandatoryPointers, credentialStatus}}`, with
    `mediaType` in place of the cryptosuite for an envelope. Other options are passed over.

    Raises RequestUnreadableError, CredentialRefusedError.
    """
    try:
        request = read_object(body, "the body")
    except TokenUnreadableError as error:
        raise RequestUnreadableError(str(error)) from error
    credential, options = request.get(CREDENTIAL), request.get("options", {})
    if not isinstance(credential, dict) or not isinstance(options, dict):
        raise RequestUnreadableError(f"send the credential to issue as the object {CREDENTIAL!r}, options as another")
    form = _form(options, bbs.CRYPTOSUITE if AGE_ATTESTATION.name in listed(credential.get("type")) else DEFAULT_SUITE)
    revocable = _asks_for_status(options.get("credentialStatus"))
    return order_of(credential, form, _pointers(options.get("mandatoryPointers", [])), revocable=revocable)


def _form(options: Mapping[str, object], default: str) -> str:
    """The format that options ask for."""
    if "mediaType" in options:
        media_type = options["mediaType"]
        if not isinstance(media_type, str) or media_type not in MEDIA_TYPES or "cryptosuite" in options:
            raise RequestUnreadableError(
                f"options.mediaType, for a credential in an envelope, is one of {', '.join(MEDIA_TYPES)}; it has no "
                "cryptosuite"
            )
        return MEDIA_TYPES[media_type]
    suite = options.get("cryptosuite", default)
    if not isinstance(suite, str):
        raise RequestUnreadableError("options.cryptosuite is a string")
    return suite


def _asks_for_status(value: object) -> bool:
    if value is not None and value != {"type": ENTRY_TYPE}:
        raise RequestUnreadableError(f'options.credentialStatus is {{"type": "{ENTRY_TYPE}"}}: its place is given here')
    return value is not None


def _pointers(value: object) -> list[str]:
    texts = [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(texts) < len(value) or len(texts) > MAX_POINTERS:
        raise RequestUnreadableError(f"options.mandatoryPointers is a list of at most {MAX_POINTERS} strings")
    return texts


class CredentialRequest(Strict):
    """A credential of one of our types."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"type": "AgeAttestation", "claims": {"age_over_18": True}, "format": "dc+sd-jwt"}
        }
    )

    type: str
    claims: dict[str, Any]
    """Of its subject: `/schemas/<type>/v1` says which."""

    format: str = bbs.CRYPTOSUITE
    """A cryptosuite; `vc+jwt`, `vc+sd-jwt` or `vc+cose` for an envelope; or `dc+sd-jwt`."""

    holder: dict[str, Any] | None = None
    """JWK of the key that an SD-JWT is bound to."""

    def order(self) -> Order:
        """Raises CredentialRefusedError."""
        if self.type not in TYPES:
            raise CredentialRefusedError(f"credentials issued here are {', '.join(TYPES)}")
        try:
            holder = None if self.holder is None else read_jwk(self.holder)
        except TokenUnreadableError as error:
            raise CredentialRefusedError(f"holder: {error}") from error
        order = TypedOrder(TYPES[self.type], self.claims, self.format, holder)
        order.check()
        return order


class IssuedView(BaseModel):
    """A credential that was issued. It is in this answer and nowhere else."""

    id: str
    """What status changes name it by."""

    credential: dict[str, Any] | str
    ledger: LedgerView

    @classmethod
    def of(cls, issued: Issued) -> Self:
        """The view of one."""
        return cls(id=issued.id, credential=issued.credential, ledger=LedgerView.of(issued.entry, proven=False))


class IssuedDocumentView(BaseModel):
    """The same, in VC-API's words."""

    verifiableCredential: dict[str, Any]  # noqa: N815 -- VC-API's name
    id: str
    ledger: LedgerView


class EditionView(BaseModel):
    """A DID document that was in force, and the entry that says so."""

    number: int
    since: datetime
    entry: str
    reasons: list[str]
    signing: list[str]
    """The version of each key that signed."""

    retired: list[str]
    """Versions that signed no more. What they signed verifies."""

    document: dict[str, Any]

    @classmethod
    def of(cls, edition: Edition) -> Self:
        """The view of one."""
        return cls(
            number=edition.number,
            since=moment(edition.created_at),
            entry=edition.entry,
            reasons=list(edition.reasons),
            signing=list(map(str, edition.signing)),
            retired=list(map(str, edition.retired)),
            document=dict(edition.document),
        )


class KeyRevocationRequest(Strict):
    """Why nothing may verify with a key of the issuer's any more."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "keyCompromise"}})

    reason: Annotated[Reason, Field(description="It is published.")]


class RevokedKeyView(BaseModel):
    """A revoked version, as the DID document lists it."""

    key: str
    method: str
    revoked: str

    @classmethod
    def of(cls, did: str, method: Method) -> Self:
        """The view of one."""
        return cls(key=str(method.ref), method=f"{did}#{method.fragment}", revoked=method.revoked)
