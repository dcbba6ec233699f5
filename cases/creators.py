"""Who made a public asset, as far as others may know: that somebody stands behind it, and how sure that is. For whoever
ranks or labels what people post, and beside what creators sign themselves.

Rules
- The tool that uploads names an account of its tenant. Said are a level, since which day, by whom, and the type of the
  credential that says the same: never which account, what it showed, or what its holder is called.
- It is how the account stands now: evidence that ended counts no more, and of an account that was erased nothing is
  said.
- Who signs with a passkey has the same said of their account in the manifest, as it is then.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from identity.assurance.errors import AccountNotFoundError
from identity.assurance.grants import Grants
from identity.assurance.tier import Tier
from identity.issuing.credential_types import ACCOUNT_ASSURANCE
from identity.passkeys.errors import PasskeyNotFoundError
from identity.passkeys.responses import Asserted
from identity.passkeys.statements import Statements
from ledger.ids import SubjectId, TenantId, moment
from provenance.creator import PasskeySignature, Vouched, over
from provenance.creator_passkey import PasskeyAnswer

VERIFIED: Final = Tier.MEDIUM
"""From here on somebody counts as verified: another service or issuer knows them."""


@dataclass(frozen=True)
class Creator:
    """How the account that made an asset stands."""

    verified: bool
    by: str
    """Who says so: this deployment's DID, or where it is reached."""

    level: Tier
    since: str | None
    """The day since which it has had this level, ISO 8601; None at level `none`."""

    credential_type: str | None
    """Of the credential that its holder can show for the same; None at level `none`."""


@dataclass(frozen=True)
class PasskeyStatement:
    """A creator's statement as it was signed, and what their authenticator answered."""

    statement: str
    asserted: Asserted


@dataclass(frozen=True)
class Creators:
    """Safe to call from many threads."""

    grants: Grants
    statements: Statements
    by: str

    def cosigned(self, signed: PasskeyStatement) -> PasskeySignature:
        """What a person signed with a passkey that is bound here, and what we vouch for of their account.

        Raises PasskeyNotFoundError, PasskeyUnreadableError, PasskeyInvalidError, RelyingPartyError,
        KeyStoreUnavailableError.
        """
        asserted = signed.asserted
        said = self.statements.require_said(over(signed.statement), asserted)
        standing = self.of(said.tenant, said.account)
        if standing is None:
            raise PasskeyNotFoundError  # erased since
        return PasskeySignature(
            statement=signed.statement,
            key=_base64(said.key),
            signature=_base64(asserted.signature),
            passkey=PasskeyAnswer(_base64(asserted.authenticator_data), _base64(asserted.client_data)),
            vouched=Vouched(standing.by, standing.verified, standing.level, standing.since),
        )

    def of(self, tenant: TenantId, account: SubjectId) -> Creator | None:
        """None of an account that is gone. Raises KeyStoreUnavailableError."""
        try:
            found = self.grants.standing(tenant, account)
        except AccountNotFoundError:
            return None
        now, policy = self.grants.accounts.now(), self.grants.policy
        since = [one.granted_at for one in found.evidence if one.tier(policy, now).reaches(found.tier)]
        known = found.tier is not Tier.NONE
        return Creator(
            found.tier.reaches(VERIFIED),
            self.by,
            found.tier,
            moment(min(since)).date().isoformat() if known else None,
            ACCOUNT_ASSURANCE.name if known else None,
        )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
