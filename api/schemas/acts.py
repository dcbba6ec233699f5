"""What a registered person does by their credential: as it is asked and signed."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.assets import Strict
from api.schemas.words import ACCOUNT, LANGUAGE, MATCH, SHA256
from cases.acts import Act, Asked, Does
from cases.likeness.log import Response
from identity.encoding import base64url
from identity.passkeys.challenges import Challenge
from identity.sd_jwt.credential import MAX_CHARACTERS
from ledger.ids import SubjectId, moment

Presentation = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]
"""An SD-JWT with its holder's proof (`kb+jwt`)."""


class _Act(Strict):
    def of(self, registration: SubjectId) -> Act:
        """The act, whole."""
        said = self.model_dump(mode="json")
        return Act(registration, Does(said.pop("does")), said)


class Withdraw(_Act):
    """To end the registration now."""

    does: Literal[Does.WITHDRAW]


class Keep(_Act):
    """To stop a withdrawal that was asked for with the recovery code."""

    does: Literal[Does.KEEP]


class Renew(_Act):
    """To let it last for another term, under the text of this SHA-256 (`/v1/registrations/rules`)."""

    does: Literal[Does.RENEW]
    language: Annotated[str, Field(pattern=LANGUAGE)] = "en"
    sha256: Annotated[str, Field(pattern=SHA256)]


class Answer(_Act):
    """To answer to a line of its log: *confirmed* gives out what is held for it, *objected* keeps it held."""

    does: Literal[Does.ANSWER]
    match: Annotated[str, Field(pattern=MATCH)]
    response: Response


class Read(_Act):
    """To read a page of its log."""

    does: Literal[Does.READ]
    cursor: Annotated[str, Field(max_length=200)] = ""


class Depicted(_Act):
    """To prove that one is who a picture of this SHA-256 shows, for a verdict about the holder of this account."""

    does: Literal[Does.DEPICTED]
    account: Annotated[str, Field(pattern=ACCOUNT)]
    picture: Annotated[str, Field(pattern=SHA256)]


AnySigned = Annotated[Withdraw | Keep | Renew | Answer | Read | Depicted, Field(discriminator="does")]
"""What is signed; all but the last is done at once."""

AnyAct = Annotated[Withdraw | Keep | Renew | Answer | Read, Field(discriminator="does")]


class ActRequest(Strict):
    """An act, and the registration's credential shown over it."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"act": {"does": "withdraw"}, "presentation": "eyJ…~eyJ…~eyJ…"}}
    )

    act: AnyAct
    presentation: Presentation = Field(repr=False)


class ShowingRequest(Strict):
    """The statement that is agreed to, by its SHA-256."""

    account: Annotated[str, Field(pattern=ACCOUNT)]
    sha256: Annotated[str, Field(pattern=SHA256)]


class ShowingView(BaseModel):
    """What a holder's wallet signs: `nonce` commits to the statement, so that the proof is good for nothing else."""

    audience: str
    nonce: str
    """base64url(SHA-256("sigillo/passkey/v1" ‖ 0 ‖ "show" ‖ 0 ‖ subject ‖ 0 ‖ random ‖ SHA-256(statement)))."""

    random: str
    """base64url."""

    subject: str
    """Whom the credential is about: the registration, or the account."""

    show: str
    """The claim that has to be disclosed."""

    expires_at: datetime


class ActView(ShowingView):
    """The same with the statement, in UTF-8."""

    statement: str
    sha256: str

    @classmethod
    def of(cls, act: Act, asked: Asked) -> Self:
        """The view of an act that is about to be done."""
        return cls(
            audience=asked.audience,
            nonce=asked.nonce,
            random=base64url.encode(asked.random),
            subject=act.registration,
            show="registration",
            expires_at=moment(asked.expires_at),
            statement=asked.content.decode(),
            sha256=sha256(asked.content).hexdigest(),
        )


def consent_view(challenge: Challenge, subject: str, audience: str) -> ShowingView:
    """The view of a consent that is about to be signed."""
    return ShowingView(
        audience=audience,
        nonce=base64url.encode(challenge.value),
        random=base64url.encode(challenge.nonce),
        subject=subject,
        show="account",
        expires_at=moment(challenge.expires_at),
    )
