"""The kinds of entry about passkeys, each with its payload, sealed under the account."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.payload import Kind

PASSKEY_POLICY = "passkey@1"


@dataclass(frozen=True)
class PasskeyBound:
    """A passkey signs in to the account from now on."""

    account: str
    passkey: str
    public_key_sha256: str
    """Of the COSE key, hex: what a signature that is kept as evidence can be held against."""

    aaguid: str
    """The make of the authenticator, where it says so."""

    backup_eligible: bool
    """Whether it may be copied to other devices of its owner."""

    backed_up: bool


@dataclass(frozen=True)
class PasskeyRemoved:
    """A passkey does not sign in to the account any more."""

    account: str
    passkey: str


PASSKEY_BOUND = Kind("passkey.bound", PasskeyBound)
PASSKEY_REMOVED = Kind("passkey.removed", PasskeyRemoved)

KINDS = (PASSKEY_BOUND, PASSKEY_REMOVED)
"""What the composition root registers."""
