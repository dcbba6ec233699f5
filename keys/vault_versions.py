"""What Vault tells of our signing keys: their versions, their certificates, and whether it would give them away.

A transit key has one type, so a claim key that signs with Ed25519 is another key, by another name. Their versions make
one line, in the order in which they were made.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from keys.chain import parse as parse_chain
from keys.chain import pem
from keys.errors import CertificateMismatchError, KeyStoreDownError
from keys.signer import CLAIM_PURPOSES, Algorithm, KeyRef, Purpose
from keys.vault import Vault
from keys.versions import Version

SIGNING_MOUNT: Final = "sigillo/signing"
"""Transit: the signing keys."""

ROOT_MOUNT: Final = "sigillo/root"
"""PKI: our own root, and the roots of outside CAs (certificates alone)."""

ISSUER_MOUNT: Final = "sigillo/issuer"
"""PKI: the intermediate that certifies claim keys; not there where an outside CA does."""

CLAIM_KEYS: Final[Mapping[Purpose, Mapping[Algorithm, str]]] = {
    purpose: {Algorithm.ES256: purpose.key_name, Algorithm.ED25519: f"{purpose.key_name}-ed25519"}
    for purpose in CLAIM_PURPOSES
}
"""Any may be missing."""

KEY_TYPES: Final[Mapping[Algorithm, str]] = {Algorithm.ES256: "ecdsa-p256", Algorithm.ED25519: "ed25519"}
"""As transit calls them."""

WAYS_OUT: Final = ("exportable", "allow_plaintext_backup")
"""Settings under which transit gives a private key away; neither can be taken back."""


@dataclass(frozen=True)
class TransitKeys:
    """Some keys at one moment."""

    versions: tuple[Version, ...]
    """In the order they were made."""

    made: tuple[datetime, ...]
    """When each was."""

    exposed: tuple[str, ...]
    """Names of keys that Vault would give away."""


def claim_keys(vault: Vault, purpose: Purpose = Purpose.CLAIM) -> TransitKeys:
    """Of one of CLAIM_PURPOSES. Raises KeyStoreUnavailableError."""
    return _keys(vault, CLAIM_KEYS[purpose])


def log_key(vault: Vault) -> TransitKeys:
    """Raises KeyStoreUnavailableError."""
    return _keys(vault, {Algorithm.ED25519: Purpose.LOG.key_name})


def roots(vault: Vault) -> str:
    """PEM of every root certificate in Vault, in a fixed order; empty for none.

    Raises KeyStoreUnavailableError.
    """
    listed = (vault.list(f"{ROOT_MOUNT}/issuers") or {"data": {"keys": []}})["data"]["keys"]
    return "".join(sorted(_root(vault, issuer) for issuer in listed))


def exposed(key: Mapping[str, Any]) -> bool:
    """Whether Vault would give this key away, by what it tells of it."""
    return any(key[way] for way in WAYS_OUT)


def _keys(vault: Vault, wanted: Mapping[Algorithm, str]) -> TransitKeys:
    lines: list[tuple[datetime, Version]] = []
    given_away = []
    for algorithm, name in wanted.items():
        answer = vault.read(f"{SIGNING_MOUNT}/keys/{name}")
        if answer is not None:
            lines += _line(name, algorithm, answer["data"])
            given_away += [name] if exposed(answer["data"]) else []
    lines.sort(key=lambda one: (one[0], one[1].ref.version))
    return TransitKeys(tuple(v for _, v in lines), tuple(made for made, _ in lines), tuple(given_away))


def _line(name: str, algorithm: Algorithm, key: Mapping[str, Any]) -> list[tuple[datetime, Version]]:
    return [
        (datetime.fromisoformat(told["creation_time"]), _version(KeyRef(name, int(number)), algorithm, key, told))
        for number, told in key["keys"].items()
    ]


def _version(ref: KeyRef, algorithm: Algorithm, key: Mapping[str, Any], told: Mapping[str, Any]) -> Version:
    public_key, chain = transit_public_key(algorithm, told["public_key"]), told.get("certificate_chain") or ""
    return Version.of(ref, algorithm, public_key, chain, retired=ref.version < key["min_encryption_version"])


def transit_public_key(algorithm: Algorithm, text: str) -> bytes:
    """DER SubjectPublicKeyInfo: transit gives PEM for P-256, 32 bytes in base64 for Ed25519."""
    if algorithm is Algorithm.ED25519:
        key = Ed25519PublicKey.from_public_bytes(b64decode(text))
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return load_pem_public_key(text.encode()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _root(vault: Vault, issuer: str) -> str:
    answer = vault.read(f"{ROOT_MOUNT}/issuer/{issuer}/json")
    try:
        return pem(parse_chain(answer["data"]["certificate"])) if answer else ""
    except (KeyError, TypeError, AttributeError, CertificateMismatchError) as error:
        raise KeyStoreDownError("Vault answers, but not with its root certificate: read its log") from error
