"""What is sent to register somebody, and what is answered."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from api.edge.qr_code import Picture, qr_code
from api.schemas.acts import Presentation
from api.schemas.assets import LedgerView, Strict
from api.schemas.passkeys import UsedPasskey
from api.schemas.words import ACCOUNT, LANGUAGE, PLACE, SHA256, Reason, legible
from cases.registration import MAX_PHOTOS, described_by
from identity.assurance.destination import MAX_DESTINATION, destination
from identity.assurance.errors import DestinationError
from identity.errors import CredentialRefusedError, TokenUnreadableError
from identity.issuing.issue import Issued
from identity.jose.jwk import PublicKey, read_jwk
from identity.registration.consent import ConsentText
from identity.registration.holds import RegistrationHold
from identity.registration.record import Registration
from identity.registration.refusal import Kind, Purpose, Right
from identity.registration.registry import Registered
from identity.registration.request import MAX_STATED, RegistrationRequest, refused
from identity.registration.rules import Activity, Permission, Rules
from identity.sd_jwt.credential import TYPE as SD_JWT
from ledger.ids import moment

Place = Annotated[str, Field(pattern=PLACE)]
"""ISO 3166-1 alpha-2 or ISO 3166-2, such as FR or US-IL; empty where it is not said."""


def _reachable(contact: str) -> str:
    try:
        return contact and destination(contact)
    except DestinationError as error:
        raise ValueError(str(error)) from error


class ConsentRequest(Strict):
    """Which text the person was shown, word for word, and agreed to: its language, and its SHA-256 in hex."""

    language: Annotated[str, Field(pattern=LANGUAGE)] = "en"
    sha256: Annotated[str, Field(pattern=SHA256)]
    passkey: UsedPasskey | None = Field(default=None, repr=False)
    """Their passkey's signature over the statement."""

    presentation: Presentation | None = Field(default=None, repr=False)
    """Or the credential of their account's assurance, shown over it (`/v1/registrations/showings`). With neither, who
    holds the API key attests that they agreed.
    """

    @model_validator(mode="after")
    def _is_signed_once(self) -> Self:
        if self.passkey and self.presentation:
            raise ValueError("it is signed with a passkey or by showing a credential, not both")
        return self


class CredentialForm(Strict):
    """In which form the credential is wanted."""

    form: Annotated[str, Field(max_length=100)] = SD_JWT
    """`dc+sd-jwt`, or a cryptosuite."""

    holder: dict[str, Any] | None = None
    """The public key (JWK) that an SD-JWT is bound to."""

    def holder_key(self) -> PublicKey | None:
        """Raises CredentialRefusedError."""
        try:
            return None if self.holder is None else read_jwk(self.holder)
        except TokenUnreadableError as error:
            raise CredentialRefusedError(f"holder: {error}") from error


class RegistrationBody(CredentialForm):
    """What the holder of an account refuses, for themselves or for somebody for whom they may act."""

    account: Annotated[str, Field(pattern=ACCOUNT)]
    region: Place = ""
    refuses: Annotated[tuple[Purpose, ...], Field(max_length=len(Purpose))] = ()
    """Purposes; none of them: any likeness. Of a picture none: it is protected from near copies, whatever for."""

    right: Right = Right.SELF
    stated: Annotated[str, Field(max_length=MAX_STATED), AfterValidator(legible)] = ""
    """The right in words, such as `mother`; for everybody but oneself."""

    consent: ConsentRequest
    contact: Annotated[str, Field(max_length=MAX_DESTINATION, repr=False), AfterValidator(_reachable)] = ""
    """Where notices go: withdrawals asked for, an end that comes near. An e-mail address or a phone number."""

    @model_validator(mode="after")
    def _states_the_right(self) -> Self:
        if (self.right is Right.SELF) == bool(self.stated.strip()):
            raise ValueError(
                "`stated` says by which right somebody acts for another, such as `mother`; for oneself it is empty"
            )
        return self

    def of(self, kind: Kind) -> RegistrationRequest:
        """The request. Raises CredentialRefusedError."""
        if kind is Kind.IMAGE and self.refuses:
            raise CredentialRefusedError(
                "a registered picture is protected from near copies alone: leave out `refuses`"
            )
        return RegistrationRequest(
            kind=kind,
            place=self.region,
            language=self.consent.language,
            consent_sha256=self.consent.sha256,
            purposes=frozenset(self.refuses),
            right=self.right,
            stated=self.stated,
            contact=self.contact,
            form=self.form,
            holder=self.holder_key(),
        )


class StatementBody(RegistrationBody):
    """A registration that is about to be signed, with what will come with it."""

    given: Annotated[tuple[Annotated[str, Field(pattern=SHA256)], ...], Field(min_length=1, max_length=MAX_PHOTOS)]
    """SHA-256 of each photo in their order, hex; of a picture, of its fingerprint's eight forms one after the other."""


class StatementView(BaseModel):
    """What is agreed to: the bytes of `statement`, in UTF-8, whose SHA-256 is signed."""

    statement: str
    sha256: str

    @classmethod
    def of(cls, statement: bytes) -> Self:
        """The view of it."""
        return cls(statement=statement.decode(), sha256=sha256(statement).hexdigest())


class DecisionRequest(Strict):
    """Why a held registration is released or refused."""

    reason: Reason


class ConsentView(BaseModel):
    """What was agreed to, and how that is known: `attested` is a platform's word."""

    text: str
    language: str
    sha256: str
    known_by: str
    statement_sha256: str


class RegistrationView(BaseModel):
    """A registration, without what its person looks like, of which nothing is told to anybody."""

    id: str
    account: str
    kind: Kind
    state: str
    created_at: datetime
    expires_at: datetime
    region: str | None
    """Null, as all that follows, once it has ended."""

    refuses: list[str] | None
    right: str | None
    rules: str | None
    model: str | None
    """What describes the face, or the picture."""

    outdated: bool | None
    """Whether something else describes them by now: nobody is found by this registration any more, and whoever is to be
    found still withdraws it and registers again, for no photo of theirs is kept.
    """

    consent: ConsentView | None
    credential_id: str | None
    leaving_at: datetime | None
    """When a withdrawal that was asked for takes effect."""

    ledger: LedgerView

    @classmethod
    def of(cls, one: Registration) -> Self:
        """The view of one."""
        details = one.details
        return cls(
            id=one.id,
            account=one.account,
            kind=one.kind,
            state=one.state,
            created_at=moment(one.created_at),
            expires_at=moment(one.expires_at),
            region=details.place if details else None,
            refuses=[word.value for word in refused(one.kind, details.purposes)] if details else None,
            right=details.right if details else None,
            rules=details.rules if details else None,
            model=details.model if details else None,
            outdated=details.model != described_by(one.kind) if details else None,
            consent=_consent(one),
            credential_id=one.credential,
            leaving_at=moment(one.leaving_at) if one.leaving_at else None,
            ledger=LedgerView.of(one.entry, proven=False),
        )


class RecoveryView(BaseModel):
    """The recovery code, this once."""

    words: str = Field(repr=False)
    qr: str = Field(repr=False)
    """The words as a QR code: an SVG picture, as a data URL."""


class RegisteredView(RegistrationView):
    """A registration that was made, with all that is shown once."""

    credential: dict[str, Any] | str | None = Field(repr=False)
    """Null while a person looks at it: then `POST …/credential`, later."""

    receipt: str = Field(repr=False)
    """The consent receipt (JWT)."""

    recovery_code: RecoveryView

    @classmethod
    def made(cls, made: Registered) -> Self:
        """The view of one that was just made."""
        picture = qr_code(made.code.words, Picture.SVG)
        code = RecoveryView(words=made.code.words, qr=f"data:image/svg+xml;base64,{b64encode(picture).decode()}")
        credential = made.credential.credential if made.credential else None
        whole = RegistrationView.of(made.registration).model_dump()
        return cls(**whole, credential=credential, receipt=made.receipt, recovery_code=code)


class CredentialView(BaseModel):
    """A credential that was issued."""

    id: str
    credential: dict[str, Any] | str = Field(repr=False)
    ledger: LedgerView

    @classmethod
    def of(cls, issued: Issued) -> Self:
        """The view of one."""
        return cls(id=issued.id, credential=issued.credential, ledger=LedgerView.of(issued.entry, proven=False))


class ConsentTextView(BaseModel):
    """A text to be shown, and agreed to, word for word."""

    name: str
    language: str
    sha256: str
    text: str

    @classmethod
    def of(cls, text: ConsentText) -> Self:
        """The view of one."""
        return cls(name=text.name, language=text.language, sha256=text.digest, text=text.text)


class RulesView(BaseModel):
    """The rules of a place."""

    rules: str
    sha256: str
    region: str
    review: str
    """Who reviewed them."""

    registering: Activity
    matching: Activity
    lasts_days: int
    consent: ConsentTextView
    matching_files_from: Permission | None
    """Where a place of files was asked about: whether somebody registered here is looked for in them."""

    @classmethod
    def of(cls, rules: Rules, text: ConsentText, permission: Permission | None) -> Self:
        """The view of them."""
        return cls(
            rules=rules.rules,
            sha256=rules.digest,
            region=rules.region,
            review=rules.review,
            registering=rules.registering,
            matching=rules.matching,
            lasts_days=rules.lasts_days,
            consent=ConsentTextView.of(text),
            matching_files_from=permission,
        )


class DoubtView(BaseModel):
    """One reason, and which registrations of others look alike."""

    reason: str
    alike: list[str]


class AlikeView(BaseModel):
    """A registration that a held one looks like, as whoever decides sees it: no face, and nothing of who it is."""

    registration: str
    state: str
    since: datetime
    right: str | None
    """By which it was registered; null once it has ended, as the tier."""

    tier: str | None
    """How well its account was known then."""

    @classmethod
    def of(cls, one: Registration) -> Self:
        """The view of one."""
        details = one.details
        return cls(
            registration=one.id,
            state=one.state,
            since=moment(one.created_at),
            right=details.right if details else None,
            tier=details.tier if details else None,
        )


class RegistrationHoldView(BaseModel):
    """A registration that a person has to look at; no legal hold, which keeps things from being erased."""

    id: str
    registration: str
    account: str
    kind: str
    state: str
    reasons: list[DoubtView]
    alike: list[AlikeView]
    """All those that the reasons name."""

    right: str | None
    stated: str | None
    region: str | None
    known_by: str | None
    tier: str | None
    placed_at: datetime
    decided_at: datetime | None
    ledger: LedgerView

    @classmethod
    def of(cls, hold: RegistrationHold, alike: Sequence[Registration]) -> Self:
        """The view of one, and of those that it looks like."""
        details = hold.details
        return cls(
            id=hold.id,
            registration=hold.registration,
            account=hold.account,
            kind=hold.kind,
            state=hold.state,
            reasons=[DoubtView(reason=one.reason, alike=list(one.alike)) for one in hold.doubts],
            alike=[AlikeView.of(one) for one in alike],
            right=details.right if details else None,
            stated=details.stated if details else None,
            region=details.place if details else None,
            known_by=details.consent.proof if details else None,
            tier=details.tier if details else None,
            placed_at=moment(hold.placed_at),
            decided_at=moment(hold.decided_at) if hold.decided_at else None,
            ledger=LedgerView.of(hold.entry, proven=False),
        )


class DecidedView(BaseModel):
    """A held registration was decided."""

    id: str
    state: str
    ledger: LedgerView


class RegistrationList(BaseModel):
    """Some of an account's."""

    registrations: list[RegistrationView]


class RegistrationHoldList(BaseModel):
    """A page; `next` asks for the following one, and is null on the last."""

    holds: list[RegistrationHoldView]
    next: str | None


def _consent(one: Registration) -> ConsentView | None:
    if one.details is None:
        return None
    given = one.details.consent
    return ConsentView(
        text=given.text,
        language=given.language,
        sha256=given.digest,
        known_by=given.proof,
        statement_sha256=one.details.statement_sha256,
    )
