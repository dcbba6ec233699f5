"""What a page passes to `navigator.credentials`: JSON for `parseCreationOptionsFromJSON` and its sibling.

An authenticator is told nothing of anybody: its owner sees `Sigillo` and the end of a random id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from webauthn import generate_authentication_options, generate_registration_options
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from identity.encoding import base64url
from identity.passkeys.challenges import LASTS, Challenge
from identity.passkeys.passkey import Passkey
from identity.passkeys.relying_party import NAME, RelyingParty
from identity.passkeys.responses import ALGORITHMS
from ledger.ids import SubjectId

_TIMEOUT: Final = LASTS // timedelta(milliseconds=1)
_SHOWN: Final = 6


@dataclass(frozen=True)
class Options:
    """Of one ceremony."""

    public_key: dict[str, Any] = field(repr=False)
    account: SubjectId | None
    expires_at: int


def creation_options(
    party: RelyingParty, challenge: Challenge, account: SubjectId, passkeys: Iterable[Passkey] = ()
) -> Options:
    """For `navigator.credentials.create()`: a passkey that is none of these."""
    selection = AuthenticatorSelectionCriteria(
        resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
    )
    made = generate_registration_options(
        rp_id=party.id,
        rp_name=NAME,
        user_name=f"{NAME} {account[-_SHOWN:]}",
        user_id=account.encode(),
        challenge=challenge.value,
        timeout=_TIMEOUT,
        authenticator_selection=selection,
        exclude_credentials=_descriptors(passkeys),
        supported_pub_key_algs=list(ALGORITHMS),
    )
    return Options(options_to_json_dict(made), account, challenge.expires_at)


def request_options(party: RelyingParty, challenge: Challenge, passkeys: Iterable[Passkey] = ()) -> Options:
    """For `navigator.credentials.get()`: one of these, or of none, any that the device has for us."""
    return Options(asking(party, challenge.value, passkeys), challenge.account, challenge.expires_at)


def asking(party: RelyingParty, challenge: bytes, passkeys: Iterable[Passkey]) -> dict[str, Any]:
    """The same for a challenge that nothing waits for."""
    made = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_TIMEOUT,
        allow_credentials=_descriptors(passkeys),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(made)


def _descriptors(passkeys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(base64url.decode(one.detail.credential, "its id")) for one in passkeys]
