"""How it is known that somebody agreed: their passkey signed, the holder of their account's credential did, or a
platform says so.

Rules
- A person who is signed in signs what they agree to. A platform's key attests it, and is called that; where it brings
  the person's signature, that counts.
- What was signed is evidence, for whoever keeps it to seal; it is settled in the unit of work that it is for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from cases.access import Caller, Scope
from cases.errors import ConsentUnsignedError
from identity.assurance.account import Accounts
from identity.holder_signing import HOLDER_PROOF, HolderSigning, Wanted
from identity.issuing.credential_types import ACCOUNT_ASSURANCE
from identity.passkeys.challenges import Challenge, Purpose
from identity.passkeys.responses import Asserted
from identity.passkeys.signing import SIGNATURE, Signing
from identity.registration.consent import ConsentProof
from ledger.ids import SubjectId

CLAIM: Final = "account"
"""What is shown of the credential of an account's assurance, besides what always is."""


@dataclass(frozen=True)
class Agreement:
    """How it is known."""

    proof: ConsentProof
    evidence: str = field(default="", repr=False)
    settle: Callable[[Connection], None] = lambda _connection: None


@dataclass(frozen=True)
class Agreements:
    """Safe to call from many threads."""

    accounts: Accounts
    passkeys: Signing
    holders: HolderSigning

    def begin(self, by: Caller, account: SubjectId, digest: bytes) -> Challenge:
        """Ask that the credential of an account's assurance be shown over what is agreed to, by its SHA-256.

        Raises ScopeMissingError, AccountNotFoundError, DatabaseUnavailableError.
        """
        by.require_for(account, Scope.REGISTER)
        self.accounts.subject(by.tenant, account)
        return self.holders.begin(by.tenant, account, digest)

    def of(
        self, by: Caller, account: SubjectId, content: bytes, asserted: Asserted | None, presentation: str = ""
    ) -> Agreement:
        """Of this account's holder to this content. Raises ConsentUnsignedError, and as `Signing.require_signed` and
        `HolderSigning.require_shown`.
        """
        if asserted is not None:
            signed = self.passkeys.require_signed(by.tenant, account, Purpose.CONSENT, content, asserted)
            return Agreement(ConsentProof.PASSKEY, SIGNATURE.dump_json(signed.signature).decode(), signed.settle)
        if presentation:
            wanted = Wanted(ACCOUNT_ASSURANCE, CLAIM, account)
            shown = self.holders.require_shown(by.tenant, wanted, content, presentation)
            return Agreement(ConsentProof.CREDENTIAL, HOLDER_PROOF.dump_json(shown.proof).decode(), shown.settle)
        if by.account is not None:
            raise ConsentUnsignedError
        return Agreement(ConsentProof.ATTESTED)
