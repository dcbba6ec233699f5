"""What an operator decides about the claim key: the same four acts on every key store.

    rotate          a new version; certified at once by the store's own CA, or waiting for an outside one
    certificate_request, install_chain     what goes to an outside CA, and what comes back
    retire          a version, and those before it, sign no more

Rules
- Each act is one that an interruption leaves harmless: a version without a certificate signs nothing, and a root
  stands among the anchors before the chain that needs it.
- Nothing here changes what is already signed, nor ever takes the last version away that may sign.
- To renew a certificate is to rotate. (An outside CA's may also be installed anew for the same version.)

A running service takes what changes by itself (ADR 0010).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cryptography import x509

from keys.chain import key_of, offered, parse
from keys.errors import CertificateMismatchError, KeyNotFoundError, RetirementRefusedError
from keys.profile import check_profile
from keys.signer import Algorithm, KeyRef
from keys.versions import State, Version, chosen, current, find, state


class ClaimKeys(Protocol):
    """The claim key as an operator handles it. Implemented by `keys.local_claims` and `keys.vault_claims`.

    Every method raises KeyStoreUnavailableError when the store cannot serve.
    """

    def versions(self) -> Sequence[Version]:
        """In the order they were made."""

    def roots(self) -> str:
        """PEM of every root that is an anchor now; empty for none."""

    def certifies(self) -> bool:
        """Whether the store has a CA of its own."""

    def make(self, algorithm: Algorithm) -> KeyRef:
        """A new version, without certificate."""

    def request(self, ref: KeyRef, subject: x509.Name) -> str:
        """A certificate signing request (PEM) for a version."""

    def certify(self, ref: KeyRef) -> None:
        """Give a version a certificate of the store's own CA."""

    def install(self, ref: KeyRef, chain: str, root: str) -> None:
        """Give a version this chain, once the root is an anchor."""

    def retire(self, ref: KeyRef) -> None:
        """End signing for a version and those made before it under its name. Raises KeyNotFoundError."""


def rotate(keys: ClaimKeys, algorithm: Algorithm | None = None, *, outside: bool = False) -> Version:
    """Make a version, of the current one's algorithm unless another is given. It signs from now on where the store
    has a CA; with `outside`, or without a CA, it waits for its chain.
    """
    before = current(keys.versions())
    ref = keys.make(algorithm or (before.algorithm if before else Algorithm.ES256))
    if keys.certifies() and not outside:
        keys.certify(ref)
    return find(keys.versions(), ref)


def certificate_request(keys: ClaimKeys, subject: x509.Name, ref: KeyRef | None = None) -> tuple[Version, str]:
    """A version and its request (PEM): the newest that waits, unless one is named. Raises KeyNotFoundError."""
    versions = keys.versions()
    version = find(versions, ref) if ref else _waiting(versions)
    if version.retired:
        raise KeyNotFoundError(f"{version.ref} is retired: make another version (`sigillo keys rotate --outside-ca`)")
    return version, keys.request(version.ref, subject)


def install_chain(keys: ClaimKeys, text: str, now: datetime, *, roots: str = "", ref: KeyRef | None = None) -> Version:
    """Install what an outside CA gave (PEM, leaf first) for the version whose key it certifies, which `ref` may name.

    Its root must be the last certificate, or among `roots` (PEM), or an anchor already.
    Raises CertificateMismatchError, with what to ask the CA for; KeyNotFoundError for an unknown or retired `ref`.
    """
    versions = keys.versions()
    version = find(versions, ref) if ref else _certified_by(text, versions)
    if version.retired:
        raise KeyNotFoundError(f"{version.ref} is retired and signs nothing: its chain is of no use")
    offer = offered(text, roots + keys.roots(), version.public_key, now)
    keys.install(version.ref, offer.chain, offer.root)
    return find(keys.versions(), version.ref)


def retire(keys: ClaimKeys, ref: KeyRef, now: datetime) -> tuple[Version, ...]:
    """End signing for a version and those made before it under its name; those that were ended now.

    Raises KeyNotFoundError, RetirementRefusedError, KeyStoreUnavailableError.
    """
    before = keys.versions()
    named, successor = find(before, ref), current(before)
    doomed = [v for v in before if v.ref.name == ref.name and v.ref.version <= ref.version]
    if successor in doomed and state(named, before) is State.WAITING:
        raise RetirementRefusedError(
            f"{ref} waits and signs nothing: leave it, for those before it would end with it, and one of them signs "
            "now; it ends with whatever later version you retire"
        )
    if successor is None or successor in doomed:
        raise RetirementRefusedError(
            f"{successor.ref if successor else ref} signs now: `sigillo keys rotate` first (with an outside CA, until "
            "its chain is installed)"
        )
    chosen(before, successor.ref, now)
    keys.retire(ref)
    return tuple(find(keys.versions(), version.ref) for version in doomed if not version.retired)


def _waiting(versions: Sequence[Version]) -> Version:
    found = next((v for v in reversed(versions) if not v.chain and not v.retired), None)
    if found is None:
        raise KeyNotFoundError(
            "no version waits for a certificate: make one (`sigillo keys rotate --outside-ca`), or name one to "
            "renew with --key"
        )
    return found


def _certified_by(text: str, versions: Sequence[Version]) -> Version:
    """The version whose key one of the certificates carries."""
    certificates = parse(text)
    keys = [key_of(certificate) for certificate in certificates]
    found = next((version for version in versions if version.public_key in keys), None)
    if found is None:
        check_profile(certificates[0])
        raise CertificateMismatchError(
            "the chain is for none of our versions: give the CA the request that `sigillo keys csr` prints, and "
            "install what it answers"
        )
    return found
