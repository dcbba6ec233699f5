"""What somebody asks for when they register, and what of it is agreed to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from identity.issuing.credential_types import Refused
from identity.jose.jwk import PublicKey
from identity.registration.consent import Consent, ConsentProof, statement
from identity.registration.errors import ConsentOutdatedError, RegisteringNotAllowedError
from identity.registration.refusal import Kind, Purpose, Right
from identity.registration.rules import Rulebook, Rules
from identity.sd_jwt.credential import TYPE as SD_JWT
from ledger.ids import SubjectId

MAX_STATED: Final = 300


def refused(kind: Kind, purposes: Collection[Purpose]) -> list[Refused]:
    """What a registration refuses, in the credential's words: of a picture copies of it, whatever for."""
    if kind is Kind.IMAGE:
        return [Refused.NEAR_COPIES]
    return sorted(Refused(one) for one in purposes) or [Refused.ANY_LIKENESS]


@dataclass(frozen=True)
class RegistrationRequest:
    """What is refused, where, for whom and by which right, and that the text in force was agreed to."""

    kind: Kind
    place: str
    """Where the person is: ISO 3166-1 alpha-2, ISO 3166-2, or empty."""

    language: str
    """Of the text that was shown."""

    consent_sha256: str
    """Of that text, hex: so that nobody agrees to another than is in force."""

    purposes: frozenset[Purpose] = frozenset()
    """None: any likeness. Of a picture always none."""

    right: Right = Right.SELF
    stated: str = ""
    """The right in words, where it is not one's own."""

    proof: ConsentProof = ConsentProof.ATTESTED
    signature: str = field(default="", repr=False)
    """Over `agreed`, as whoever verified it keeps it."""

    model: str = ""
    """What the person or picture is described by, with its version and digest. Another model finds them once they come
    again."""

    given: tuple[str, ...] = ()
    """SHA-256 of each photo in their order, hex; of a picture, its fingerprint's."""

    contact: str = field(default="", repr=False)
    form: str = SD_JWT
    """Of the credential: `dc+sd-jwt`, or a cryptosuite."""

    holder: PublicKey | None = None
    """Whose key an SD-JWT is bound to."""

    @property
    def refuses(self) -> list[Refused]:
        """The same in the credential's words."""
        return refused(self.kind, self.purposes)

    def require_text(self, book: Rulebook) -> tuple[Rules, Consent]:
        """The rules of the place, and the consent to their text.

        Raises RegisteringNotAllowedError, ConsentTextUnknownError, ConsentOutdatedError.
        """
        rules = book.of(self.place)
        if not rules.registering.allowed:
            raise RegisteringNotAllowedError(rules.rules, rules.registering.basis)
        text = book.consent(self.place, self.kind, self.language)
        if text.digest != self.consent_sha256:
            raise ConsentOutdatedError(text.name)
        return rules, Consent(text.name, text.language, text.digest, self.proof, self.signature)

    def agreed(self, account: SubjectId, consent: Consent) -> bytes:
        """The bytes that are agreed to: what is signed."""
        chosen = {"kind": self.kind, "place": self.place, "refuses": list(self.refuses), "right": self.right}
        return statement(consent, {**chosen, "stated": self.stated, "account": account, "given": list(self.given)})

    def agreed_sha256(self, account: SubjectId, consent: Consent) -> str:
        """Their digest, hex."""
        return sha256(self.agreed(account, consent)).hexdigest()
