"""What the holder of a credential of ours signs by showing it: the bytes of what they do, or agree to.

Rules
- The nonce commits to those bytes, as a passkey's challenge does (`identity.passkeys.challenges`); the proof of the
  holder's key (RFC 9901, section 4.3) is over the nonce, over our name and over what is shown. So it is good for this,
  here, once, for minutes. A wallet that knows a nonce only shows its person none of the bytes; one that is told the
  bytes and `random` sees for itself what it signs (`nonce_of`).
- Believed is what this deployment issued: of that type, in force, saying of whom it is. Its own rules come first, so
  whoever has no such credential learns nothing of what it would be about.
- Kept as evidence are the proof and the key; neither the credential nor what it says.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import Connection

from identity.did.methods import Resolver
from identity.encoding import base64url
from identity.errors import CheckFailedError, ShowingRefusedError, TokenError
from identity.issuing.credential_types import CredentialType
from identity.jose.jwk import PublicKey, read_jwk, write_jwk
from identity.jose.jws import read_jws, verify_jws
from identity.passkeys.challenges import Challenge, Challenges, Purpose, value_of
from identity.passkeys.errors import ChallengeGoneError
from identity.sd_jwt.credential import Expectation, VerifiedCredential, verify
from identity.sd_jwt.issuers import resolved
from identity.sd_jwt.key_binding import TYPE as PROOF
from identity.sd_jwt.key_binding import Binding
from identity.status.token_lookup import Fetch, token_status
from ledger.ids import SubjectId, TenantId


@dataclass(frozen=True)
class Wanted:
    """Which credential is to be shown: its type, and the one claim that says of whom it is."""

    of: CredentialType
    claim: str
    subject: SubjectId


@dataclass(frozen=True)
class HolderProof:
    """As evidence: what the holder signed, and under which key."""

    subject: SubjectId
    credential: str
    """Its type (`vct`)."""

    random: str
    audience: str
    key: Mapping[str, str]
    """JWK."""

    proof: str = field(repr=False)
    """The holder's JWT (`kb+jwt`)."""


HOLDER_PROOF: Final = TypeAdapter(HolderProof)
"""To and from JSON, which whoever keeps it seals."""


@dataclass(frozen=True)
class Shown:
    """A showing that holds, and is not settled yet."""

    proof: HolderProof
    key: PublicKey
    settle: Callable[[Connection], None]
    """In the unit of work that it is given for. Raises ChallengeGoneError."""


def nonce_of(subject: str, random: bytes, content: bytes) -> str:
    """What a holder signs who does `content` with the credential about this subject."""
    digest = hashlib.sha256(content).digest()
    return base64url.encode(value_of(Purpose.SHOW, SubjectId(subject), random, digest))


@dataclass(frozen=True)
class HolderSigning:
    """Safe to call from many threads."""

    challenges: Challenges
    issuers: frozenset[str]
    """This deployment's own DID."""

    resolve: Resolver
    fetch: Fetch
    """Status lists."""

    audience: str
    """Our name to holders."""

    def begin(self, tenant: TenantId, subject: SubjectId, digest: bytes) -> Challenge:
        """Ask for a showing over the content of this SHA-256. Raises DatabaseUnavailableError."""
        return self.challenges.begin(tenant, Purpose.SHOW, subject, digest)

    def require_shown(self, tenant: TenantId | None, wanted: Wanted, content: bytes, presentation: str) -> Shown:
        """That its holder showed the wanted credential over this content, in answer to `begin`. Of no tenant is what is
        not there; that shows only to whoever could show its credential.

        Raises ShowingRefusedError, ChallengeGoneError.
        """
        proof = presentation.rpartition("~")[2]
        try:
            nonce = _nonce(proof)
            shown = self._verified(wanted, presentation, nonce)
            key = _key(shown)
        except (TokenError, CheckFailedError) as error:
            raise ShowingRefusedError(str(error)) from error
        if tenant is None:
            raise ChallengeGoneError
        challenge = self.challenges.find(tenant, Purpose.SHOW, base64url.decode(nonce, "the nonce"))
        if not hmac.compare_digest(nonce, nonce_of(wanted.subject, challenge.nonce, content)):
            raise ChallengeGoneError
        random = base64url.encode(challenge.nonce)
        said = HolderProof(wanted.subject, wanted.of.vct, random, self.audience, write_jwk(key), proof)
        return Shown(said, key, partial(self.challenges.spend, challenge=challenge))

    def _verified(self, wanted: Wanted, presentation: str, nonce: str) -> VerifiedCredential:
        """Whatever nonce its holder says. Raises TokenError, CheckFailedError, ShowingRefusedError."""
        now, issuer_key = self.challenges.clock(), resolved(self.issuers, self.resolve)
        expected = Expectation({wanted.of.vct}, issuer_key, Binding(self.audience, nonce))
        shown = verify(presentation, expected, now)
        if shown.claims.get(wanted.claim) != wanted.subject:
            raise ShowingRefusedError(f"show `{wanted.claim}`, of the credential that is about {wanted.subject}")
        token_status(self.fetch, lambda header: issuer_key(shown.issuer, header).key, now)(shown.claims.get("status"))
        return shown


def check_holder_proof(kept: HolderProof, content: bytes) -> None:
    """Verify evidence again: that this content was signed so. That the key was in a credential of that type is our
    word. Raises TokenUnreadableError, TokenInvalidError, ShowingRefusedError.
    """
    jws = read_jws(kept.proof, PROOF)
    verify_jws(jws, read_jwk(dict(kept.key)))
    random = base64url.decode(kept.random, "the random part")
    expected = {"aud": kept.audience, "nonce": nonce_of(kept.subject, random, content)}
    if any(jws.payload.get(name) != value for name, value in expected.items()):
        raise ShowingRefusedError("the proof is of something else")


def _nonce(proof: str) -> str:
    """Unverified."""
    said = read_jws(proof, PROOF).payload.get("nonce")
    nonce = said if isinstance(said, str) else ""
    base64url.decode(nonce, "the nonce")
    return nonce


def _key(shown: VerifiedCredential) -> PublicKey:
    """Whose proof was verified."""
    confirmation = shown.claims["cnf"]
    assert isinstance(confirmation, dict)
    return read_jwk(confirmation["jwk"])
