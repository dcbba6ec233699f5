"""A claim key of the embedded store, as an operator handles it.

The commands open the folder beside a running service: the file's lock keeps them apart, and the service sees the change
at its next signature. Retiring destroys the private keys: not even a later version of this program can sign with them.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keys.certificates import request
from keys.chain import key_of, parse
from keys.clock import Clock
from keys.held_keyring import HeldKeyring
from keys.keyring import Keyring, SigningKey, decode_key, public_der
from keys.signer import Algorithm, KeyRef, Purpose
from keys.versions import Version, find


class LocalClaimKeys:
    """Implements `keys.rotation.ClaimKeys`."""

    def __init__(self, held: HeldKeyring, clock: Clock, purpose: Purpose = Purpose.CLAIM) -> None:
        """`purpose` is one of CLAIM_PURPOSES."""
        self._held, self._clock, self._purpose = held, clock, purpose

    def versions(self) -> Sequence[Version]:
        """As `ClaimKeys.versions`."""
        return claim_versions(self._held.keyring, self._purpose)

    def roots(self) -> str:
        """As `ClaimKeys.roots`."""
        return self._held.keyring.roots

    def certifies(self) -> bool:
        """Always: the development CA is here."""
        return True

    def make(self, algorithm: Algorithm) -> KeyRef:
        """As `ClaimKeys.make`."""
        keyring = self._held.change(lambda keyring: keyring.made(self._purpose, algorithm))
        return KeyRef(self._purpose.key_name, len(keyring.signing[self._purpose]))

    def request(self, ref: KeyRef, subject: x509.Name) -> str:
        """As `ClaimKeys.request`."""
        key = self._held.keyring.signing[self._purpose][ref.version - 1]
        return request(decode_key(key.private), subject)

    def certify(self, ref: KeyRef) -> None:
        """As `ClaimKeys.certify`."""
        self._held.change(lambda keyring: keyring.certified(self._purpose, ref.version, self._clock()))

    def install(self, ref: KeyRef, chain: str, root: str) -> None:
        """As `ClaimKeys.install`; both at once."""
        self._held.change(lambda keyring: keyring.installed(self._purpose, ref.version, chain, root))

    def retire(self, ref: KeyRef) -> None:
        """As `ClaimKeys.retire`: the private keys are destroyed."""
        self._held.change(
            lambda keyring: keyring.retired(
                self._purpose, find(claim_versions(keyring, self._purpose), ref).ref.version
            )
        )


def claim_versions(keyring: Keyring, purpose: Purpose) -> tuple[Version, ...]:
    """The versions of one of CLAIM_PURPOSES, in the order they were made."""
    return tuple(
        _version(KeyRef(purpose.key_name, number), key) for number, key in enumerate(keyring.signing[purpose], start=1)
    )


def _version(ref: KeyRef, key: SigningKey) -> Version:
    public = public_der(decode_key(key.private)) if key.private else _certified_key(key)
    return Version.of(ref, _algorithm(public), public, key.chain, retired=not key.private)


def _certified_key(key: SigningKey) -> bytes:
    """Of a retired version: all that is left of its key is in its certificate, if it had one."""
    return key_of(parse(key.chain)[0]) if key.chain else b""


def _algorithm(public: bytes) -> Algorithm:
    ed25519 = public and isinstance(load_der_public_key(public), Ed25519PublicKey)
    return Algorithm.ED25519 if ed25519 else Algorithm.ES256
