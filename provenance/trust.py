"""Whom we trust to sign manifests and time-stamps: root certificates, the key usages accepted under them, and which
certificates are revoked.

Rules
- A policy is checked when it is made: an anchor that is no CA certificate is an error naming its source.
- Its digest names it: workers keep a prepared context per digest, and reports record it.
- Anchors are trusted for signers and for time-stamp authorities alike; authorities for time-stamps alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keys.profile import UNREADABLE, named
from provenance.errors import TrustPolicyError

DEFAULT_USAGES: Final = (
    "1.3.6.1.5.5.7.3.4",  # emailProtection
    "1.3.6.1.5.5.7.3.36",  # documentSigning
    "1.3.6.1.5.5.7.3.8",  # timeStamping
    "1.3.6.1.4.1.62558.2.1",  # C2PA claim signing
)
"""Extended key usages accepted unless the operator gives others (C2PA 2.4, "Certificate profile")."""

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,17})){1,20}")


@dataclass(frozen=True)
class TrustPolicy:
    """Anchors and key usages; make one with `of`."""

    anchors: str
    """PEM root certificates, each once, in a fixed order. Empty trusts nobody."""

    usages: str
    """Object identifiers, one a line."""

    authorities: str
    """PEM root certificates for time-stamps alone, as `anchors`; none of them is among those."""

    revoked: str
    """Certificates that are revoked, as `provenance.revocation` writes them; empty for none."""

    digest: str
    """SHA-256 of all four, hexadecimal."""

    @property
    def settings(self) -> dict[str, str]:
        """As a worker takes it."""
        return asdict(self)

    @classmethod
    def of(
        cls,
        anchors: Mapping[str, str],
        usages: tuple[str, ...] = DEFAULT_USAGES,
        authorities: Mapping[str, str] = MappingProxyType({}),
        revoked: str = "",
    ) -> Self:
        """A policy from PEM texts by the name of their source (a file, `this service`).

        Raises TrustPolicyError.
        """
        for usage in usages:
            if not _OID.fullmatch(usage):
                raise TrustPolicyError(f"{usage!r} is not an object identifier such as 1.3.6.1.5.5.7.3.36")
        roots = _all_roots(anchors)
        # c2pa-rs finds a root that is in both lists now in the one, now in the other.
        signers, stamps = "".join(sorted(roots)), "".join(sorted(_all_roots(authorities) - roots))
        usage_lines = "\n".join(usages)
        digest = hashlib.sha256(f"{signers}\0{usage_lines}\0{stamps}\0{revoked}".encode()).hexdigest()
        return cls(signers, usage_lines, stamps, revoked, digest)


def parse_usages(source: str, text: str) -> tuple[str, ...]:
    """The object identifiers of a trust configuration file: one a line, `//` begins a comment.

    Raises TrustPolicyError when there are none.
    """
    lines = (line.split("//", 1)[0].strip() for line in text.splitlines())
    usages = tuple(line for line in lines if line)
    if not usages:
        raise TrustPolicyError(f"{source} names no extended key usage")
    return usages


def _all_roots(given: Mapping[str, str]) -> set[str]:
    return {pem for source, text in given.items() for pem in _roots(source, text)}


def _roots(source: str, text: str) -> list[str]:
    try:
        certificates = x509.load_pem_x509_certificates(text.encode())
    except UNREADABLE as error:
        # What `cryptography` says of it ends in a link to its own FAQ.
        raise TrustPolicyError(
            f"{source}: no PEM certificate can be read there; give root certificates, each beginning with "
            "-----BEGIN CERTIFICATE-----"
        ) from error
    for certificate in certificates:
        if not _is_authority(certificate):
            name = named(certificate)
            raise TrustPolicyError(f"{source}: {name} is not a certificate authority, so it cannot be an anchor")
    return [certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates]


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False
