"""Passkeys and people at the edge: what browsers send (`PublicKeyCredential.toJSON()`), and what a person sees."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.assets import LedgerView, Strict
from api.schemas.words import BASE64URL, SHA256
from identity.encoding import base64url
from identity.errors import TokenUnreadableError
from identity.passkeys.errors import PasskeyUnreadableError
from identity.passkeys.options import Options
from identity.passkeys.passkey import Passkey
from identity.passkeys.people import SignedIn
from identity.passkeys.responses import Asserted, Attested
from ledger.ids import EntryId, moment

MAX_PART = 16 * 1024
"""Characters of one part of an answer; attestation without certificates has some hundred."""

Encoded = Annotated[str, Field(pattern=BASE64URL, max_length=MAX_PART)]


class _FromBrowser(BaseModel):
    """Browsers add members, and more with time: what is not needed is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class AttestationBody(_FromBrowser):
    """`response` of a new passkey."""

    clientDataJSON: Encoded  # noqa: N815 -- the specification's names
    attestationObject: Encoded  # noqa: N815


class AssertionBody(_FromBrowser):
    """`response` of a passkey that was used."""

    clientDataJSON: Encoded  # noqa: N815
    authenticatorData: Encoded  # noqa: N815
    signature: Encoded
    userHandle: Encoded | None = None  # noqa: N815


class NewPasskey(_FromBrowser):
    """A browser's answer to `navigator.credentials.create()`."""

    id: Encoded
    type: Literal["public-key"]
    response: AttestationBody

    def attested(self) -> Attested:
        """Raises PasskeyUnreadableError."""
        said = self.response
        return Attested(*_bytes(self.id, said.clientDataJSON, said.attestationObject))


class UsedPasskey(_FromBrowser):
    """A browser's answer to `navigator.credentials.get()`."""

    id: Encoded
    type: Literal["public-key"]
    response: AssertionBody

    def asserted(self) -> Asserted:
        """Raises PasskeyUnreadableError."""
        said = self.response
        credential, *parts = _bytes(self.id, said.clientDataJSON, said.authenticatorData, said.signature)
        user = _bytes(said.userHandle) if said.userHandle else [None]
        return Asserted(credential, *parts, *user)


def _bytes(*texts: str) -> list[bytes]:
    try:
        return [base64url.decode(text, "the passkey's answer") for text in texts]
    except TokenUnreadableError as error:
        raise PasskeyUnreadableError(str(error)) from error


class SigningRequest(Strict):
    """What is to be signed, by the SHA-256 of its bytes."""

    purpose: Literal["consent"]
    sha256: Annotated[str, Field(pattern=SHA256)]


class OptionsView(BaseModel):
    """What the page passes on: `publicKey`, through `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`."""

    publicKey: dict[str, Any]  # noqa: N815
    account: str | None
    """Whose it is; of an account that is not open yet, the id that it will have."""

    expires_at: datetime

    @classmethod
    def of(cls, options: Options) -> Self:
        """The view of a ceremony."""
        return cls(publicKey=options.public_key, account=options.account, expires_at=moment(options.expires_at))


class SignedInView(BaseModel):
    """A person token, shown once."""

    account: str
    passkey: str
    token: str
    expires_at: datetime
    ledger: LedgerView | None
    """Of the account's first passkey, where it was opened just now."""

    @classmethod
    def of(cls, signed_in: SignedIn) -> Self:
        """The view of who signed in."""
        return cls(
            account=signed_in.account,
            passkey=signed_in.passkey,
            token=signed_in.token.text,
            expires_at=moment(signed_in.token.expires_at),
            ledger=LedgerView.of(signed_in.entry, proven=False) if signed_in.entry else None,
        )


class PasskeyView(BaseModel):
    """A passkey, as its owner tells it from others."""

    id: str
    bound_at: datetime
    aaguid: str
    """The make of the authenticator; zeros where it does not say."""

    backup_eligible: bool
    backed_up: bool

    @classmethod
    def of(cls, passkey: Passkey) -> Self:
        """The view of a passkey."""
        return cls(
            id=passkey.id,
            bound_at=moment(passkey.bound_at),
            aaguid=passkey.detail.aaguid,
            backup_eligible=passkey.detail.backup_eligible,
            backed_up=passkey.backed_up,
        )


class PersonView(BaseModel):
    """Who is signed in: an account, and the passkeys that sign in to it."""

    account: str
    passkeys: list[PasskeyView]
    signed_in_at: datetime


class PasskeyBoundView(BaseModel):
    """A passkey was bound."""

    id: str
    ledger: LedgerView

    @classmethod
    def of(cls, passkey: str, entry: EntryId) -> Self:
        """The view of the act."""
        return cls(id=passkey, ledger=LedgerView.of(entry, proven=False))
