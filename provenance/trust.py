"""Whom we trust to sign manifests and time-stamps: root certificates, the key usages accepted under them, and which
certificates are revoked.

Rules
- A policy is checked when it is made: an anchor that is no CA certificate is an error naming its source.
- Its digest names it: workers keep a prepared context per digest, and reports record it, with the lists it was made of.
- Roots for signers and for time-stamps are told apart. Those of nobody's list in particular (our own, the operator's
  file, what a caller gives) are for both.
- A development CA is trusted where development is: its key lies in a file, and whoever reads that file is it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keys.certificates import is_development
from keys.profile import UNREADABLE, extension, named
from provenance.errors import TrustPolicyError

DEFAULT_USAGES: Final = (
    "1.3.6.1.5.5.7.3.4",  # emailProtection
    "1.3.6.1.5.5.7.3.36",  # documentSigning
    "1.3.6.1.5.5.7.3.8",  # timeStamping
    "1.3.6.1.4.1.62558.2.1",  # C2PA claim signing
)
"""Extended key usages accepted unless the operator gives others (C2PA 2.4, "Certificate profile")."""

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,17})){1,20}")
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class ListInForce:
    """A trust list that a policy was made of, as reports and records name it."""

    name: str
    issued: str
    """When its publisher published it, RFC 3339."""

    digest: str
    """SHA-256 of the file, hexadecimal."""

    next_update: str = ""
    """When its publisher means to publish the next one, RFC 3339; empty where it does not say. Past that, it is old."""


@dataclass(frozen=True)
class TrustPolicy:
    """Anchors and key usages; make one with `of`."""

    anchors: str
    """PEM certificates of those who vouch for signers, each once, in a fixed order. Empty trusts nobody."""

    usages: str
    """Object identifiers, one a line."""

    authorities: str
    """The same as `anchors` for time-stamps. Most are in both."""

    revoked: str
    """Certificates that are revoked, as `provenance.revocation` writes them; empty for none."""

    digest: str
    """SHA-256 of all four, hexadecimal."""

    lists: tuple[ListInForce, ...] = ()

    settings: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """As a worker takes it."""

    def __post_init__(self) -> None:
        names = ("anchors", "usages", "authorities", "revoked", "digest")
        object.__setattr__(self, "settings", {name: getattr(self, name) for name in names})

    @classmethod
    def of(
        cls,
        anchors: Mapping[str, str],
        usages: tuple[str, ...] = DEFAULT_USAGES,
        authorities: Mapping[str, str] = NOTHING,
        revoked: str = "",
        *,
        signers: Mapping[str, str] = NOTHING,
        lists: tuple[ListInForce, ...] = (),
        development: bool = True,
    ) -> Self:
        """A policy from PEM texts by the name of their source (a file, `this service`): `anchors` are for signers and
        time-stamps, `signers` and `authorities` for one of them. Without `development` no development CA may be there.

        Raises TrustPolicyError.
        """
        for usage in usages:
            if not _OID.fullmatch(usage):
                raise TrustPolicyError(f"{usage!r} is not an object identifier such as 1.3.6.1.5.5.7.3.36")
        both, signing, stamping = (_all_roots(given, development) for given in (anchors, signers, authorities))
        for_signers, for_stamps = "".join(sorted(both | signing)), "".join(sorted(both | stamping))
        usage_lines = "\n".join(usages)
        digest = hashlib.sha256(f"{for_signers}\0{usage_lines}\0{for_stamps}\0{revoked}".encode()).hexdigest()
        return cls(for_signers, usage_lines, for_stamps, revoked, digest, lists)


def parse_usages(source: str, text: str) -> tuple[str, ...]:
    """The object identifiers of a trust configuration file: one a line, `//` begins a comment.

    Raises TrustPolicyError when there are none.
    """
    lines = (line.split("//", 1)[0].strip() for line in text.splitlines())
    usages = tuple(line for line in lines if line)
    if not usages:
        raise TrustPolicyError(f"{source} names no extended key usage")
    return usages


def require_anchor(source: str, certificate: x509.Certificate, *, development: bool) -> None:
    """Whether it may stand above others. Raises TrustPolicyError."""
    if not _is_authority(certificate):
        name = named(certificate)
        raise TrustPolicyError(f"{source}: {name} is not a certificate authority, so it cannot be an anchor")
    if not development and is_development(certificate):
        raise TrustPolicyError(
            f"{source}: {named(certificate)} is a development CA, whose key lies in a file: only the embedded profile "
            "trusts one"
        )


def _all_roots(given: Mapping[str, str], development: bool) -> set[str]:
    return {pem for source, text in given.items() for pem in _roots(source, text, development)}


def _roots(source: str, text: str, development: bool) -> list[str]:
    try:
        certificates = x509.load_pem_x509_certificates(text.encode())
    except UNREADABLE as error:
        # What `cryptography` says of it ends in a link to its own FAQ.
        raise TrustPolicyError(
            f"{source}: no PEM certificate can be read there; give root certificates, each beginning with "
            "-----BEGIN CERTIFICATE-----"
        ) from error
    for certificate in certificates:
        require_anchor(source, certificate, development=development)
    return [certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates]


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = extension(certificate, x509.BasicConstraints)
    except UNREADABLE:
        return False
    return constraints is not None and constraints.value.ca
