"""What browsers send of passkeys (`PublicKeyCredential.toJSON()`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.words import BASE64URL
from identity.encoding import base64url
from identity.errors import TokenUnreadableError
from identity.passkeys.errors import PasskeyUnreadableError
from identity.passkeys.responses import Asserted, Attested

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
