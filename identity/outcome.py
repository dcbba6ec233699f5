"""What is checked of a credential, a presentation or a token, and how a check can end."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """From best to worst; never merged."""

    HOLDS = "holds"
    UNCHECKED = "unchecked"
    """It could not be looked at here; whether that will do is the caller's policy."""

    UNTRUSTED = "untrusted"
    """It holds, but by somebody or something that is not believed here."""

    ABSENT = "absent"
    """There is nothing to check."""

    UNREADABLE = "unreadable"
    """It is not of its form, or of a kind that we do not read."""

    INVALID = "invalid"


class Check(StrEnum):
    """What is looked at."""

    STRUCTURE = "structure"
    """The members that VCDM asks for, each of its type."""

    CONTEXTS = "contexts"
    """Every context is known, and none is written out in the document."""

    PROOF = "proof"
    """There is one, and its configuration is of its form."""

    CHAIN = "chain"
    """The proofs that it says it follows are there, and hold."""

    METHOD = "verification method"
    """The key is found, and is of the suite's kind."""

    PURPOSE = "purpose"
    """The proof is for what was asked, and its key may be used for that."""

    CHALLENGE = "challenge"
    DOMAIN = "domain"
    PROOF_TIME = "proof time"
    """Made before now, or as little later as clocks differ; not expired."""

    SIGNATURE = "signature"
    AUTHOR = "author"
    """The key is the issuer's; of a presentation, the holder's."""

    TRUST = "trust"
    """The author is among those believed."""

    VALIDITY = "validity"
    """`validFrom` and `validUntil`; of VCDM 1.1 `issuanceDate` and `expirationDate`; of a token `iat`, `nbf`, `exp`."""

    RESOURCES = "related resources"
    STATUS = "status"
    CREDENTIALS = "credentials"
    """Of a presentation: all that it holds."""

    TYPE = "type"
    """Of a token, and of the credential in it: the one asked for."""

    ALGORITHM = "algorithm"
    """One that is taken, and the key's own."""

    DISCLOSURES = "disclosures"
    """All that is shown was signed, hidden or not, once."""

    BINDING = "binding"
    """The holder has the key that the credential names, and signed what is shown."""

    NONCE = "nonce"
    AUDIENCE = "audience"
    SUBJECT = "subject"
    """It is about what was asked for."""
