"""People at the edge: what they ask for with their passkeys, and what they see."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, Field

from api.schemas.assets import UNTITLED, LedgerView, SourceType, Strict
from api.schemas.words import SHA256, legible
from identity.passkeys.options import Options
from identity.passkeys.passkey import Passkey
from identity.passkeys.people import SignedIn
from identity.passkeys.statements import Statements
from ledger.ids import EntryId, SubjectId, TenantId, moment
from provenance.creator import CreatorStatement, over, written
from provenance.rules import MAX_ACTIONS, MAX_TITLE

MAX_NAME: Final = 60
PasskeyName = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(legible)]
"""What its owner calls a passkey."""


class SigningRequest(Strict):
    """What is to be signed, by the SHA-256 of its bytes."""

    purpose: Literal["consent"]
    sha256: Annotated[str, Field(pattern=SHA256)]


class StatementRequest(Strict):
    """What a creator is about to say of a file, as the claim will have it."""

    sha256: Annotated[str, Field(pattern=SHA256)]
    """Of the file as it is handed in."""

    title: Annotated[str, Field(max_length=MAX_TITLE)] = UNTITLED
    source_types: Annotated[tuple[SourceType, ...], Field(max_length=MAX_ACTIONS)] = ()
    """Of the claim's actions."""

    def text(self) -> str:
        """The statement. A passkey says no name."""
        return written(CreatorStatement("", self.sha256, self.title, tuple(sorted({*map(str, self.source_types)}))))


class StatementView(BaseModel):
    """What is signed, word for word, and what the page passes to `navigator.credentials.get()`."""

    statement: str
    publicKey: dict[str, Any]  # noqa: N815


def begun_statement(
    statements: Statements, tenant: TenantId, account: SubjectId, request: StatementRequest
) -> StatementView:
    """Begin to sign it. Raises as `Statements.begin`."""
    text = request.text()
    return StatementView(statement=text, publicKey=statements.begin(tenant, account, over(text)))


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


class PasskeyNameRequest(Strict):
    """What the owner of a passkey calls it; empty for no name."""

    name: PasskeyName


class PasskeyView(BaseModel):
    """A passkey, as its owner tells it from others."""

    id: str
    name: str
    """As its owner calls it; empty where they did not say."""

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
            name=passkey.detail.name,
            bound_at=moment(passkey.bound_at),
            aaguid=passkey.detail.aaguid,
            backup_eligible=passkey.detail.backup_eligible,
            backed_up=passkey.backed_up,
        )


class PersonView(BaseModel):
    """Who is signed in: an account, and the passkeys that sign in to it."""

    account: str
    passkey: str
    """That they signed in with; empty where they did at an identity provider."""

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
