"""The issuer's keys of the embedded store, as an operator handles them. Retiring destroys the private keys."""

from __future__ import annotations

from collections.abc import Sequence

from keys.held_keyring import HeldKeyring
from keys.issuer_keys import PURPOSES, IssuerKey, IssuerVersion
from keys.keyring import Keyring, decode_key, public_der
from keys.signer import KeyRef

_PURPOSES = {key: purpose for purpose, key in PURPOSES.items()}


class LocalIssuerKeys:
    """Implements `keys.issuer_keys.IssuerKeys`."""

    def __init__(self, held: HeldKeyring) -> None:
        self._held = held

    def versions(self) -> Sequence[IssuerVersion]:
        """As `IssuerKeys.versions`."""
        return issuer_versions(self._held.keyring)

    def make(self, key: IssuerKey) -> KeyRef:
        """As `IssuerKeys.make`."""
        keyring = self._held.change(lambda keyring: keyring.issuer_made(_PURPOSES.get(key)))
        return [one.ref for one in issuer_versions(keyring) if one.key is key][-1]

    def retire(self, ref: KeyRef) -> None:
        """As `IssuerKeys.retire`: the private keys are destroyed."""
        purpose = _PURPOSES.get(IssuerKey(ref.name))
        self._held.change(lambda keyring: keyring.issuer_retired(purpose, ref.version))


def issuer_versions(keyring: Keyring) -> tuple[IssuerVersion, ...]:
    """Of each key in the order they were made."""
    found = []
    for key in IssuerKey:
        purpose = _PURPOSES.get(key)
        privates = [one.private for one in keyring.signing.get(purpose, ())] if purpose else keyring.bls
        for number, private in enumerate(privates, start=1):
            public = public_der(decode_key(private)) if private and purpose else b""
            found.append(IssuerVersion(KeyRef(key, number), public, retired=not private))
    return tuple(found)
