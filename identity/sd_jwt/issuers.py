"""Whose credentials are believed.

Rules
- Who verifies decides, before the signature is looked at; nothing that a token brings makes its issuer trusted.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from cryptography import x509

from identity.did.methods import BlsKey, Resolver
from identity.errors import (
    DidError,
    DidUnreachableError,
    IssuerUnreachableError,
    IssuerUntrustedError,
    TokenUnreadableError,
)
from identity.jose.certified import Known, certified_key
from identity.jose.jwk import PublicKey
from keys.path import Purposes
from keys.profile import extension

ASSERTION: Final = "assertionMethod"

IssuerKey: TypeAlias = Callable[[object, Mapping[str, object]], Known]
"""An issuer and their key, by `iss` and the header, not verified yet. Raises IssuerUntrustedError for a stranger."""


def pinned(keys: Mapping[str, PublicKey]) -> IssuerKey:
    """Issuers that are known by name, each with its one key."""

    def issuer_key(issuer: object, _: Mapping[str, object]) -> Known:
        if not (isinstance(issuer, str) and issuer in keys):
            raise IssuerUntrustedError("the issuer is not among those believed here")
        return Known(issuer, keys[issuer])

    return issuer_key


def resolved(dids: Collection[str], resolve: Resolver) -> IssuerKey:
    """Issuers known by their DIDs, each with the key of the verification method in the header (`kid`, a DID URL).

    No other DID is resolved: whom a stranger names is nobody's to ask.
    """

    def issuer_key(issuer: object, header: Mapping[str, object]) -> Known:
        if not (isinstance(issuer, str) and issuer in dids):
            raise IssuerUntrustedError("the issuer is not among those believed here")
        kid = header.get("kid")
        if not (isinstance(kid, str) and kid.partition("#")[0] == issuer):
            raise IssuerUntrustedError("the key named (kid) is not the issuer's")
        try:
            method = resolve(kid)
        except DidUnreachableError as error:
            raise IssuerUnreachableError(str(error)) from error
        except DidError as error:
            raise IssuerUntrustedError(f"the issuer's key cannot be had: {error}") from error
        if method.controller != issuer or ASSERTION not in method.purposes or isinstance(method.key, BlsKey):
            raise IssuerUntrustedError("the key named (kid) is not one that the issuer signs tokens with")
        return Known(issuer, method.key)

    return issuer_key


def certified(anchors: Sequence[x509.Certificate], purposes: Purposes, now: datetime) -> IssuerKey:
    """Issuers that bring a certificate in the header (`x5c`), for one of `purposes`, under one of these anchors.

    The issuer is whom the certificate names; an `iss` besides must be one of its URIs, or a URL of one of its hosts,
    or one authority's issuer could speak for another.
    """

    def issuer_key(issuer: object, header: Mapping[str, object]) -> Known:
        chain = [_der(one) for one in stated] if isinstance(stated := header.get("x5c"), list) else []
        known = certified_key(chain, anchors, purposes, now)
        if issuer is not None and not _names(x509.load_der_x509_certificate(chain[0]), issuer):
            raise IssuerUntrustedError("the certificate does not name the issuer (iss)")
        return known

    return issuer_key


def _der(text: object) -> bytes:
    """A certificate of `x5c`: base64, not base64url (RFC 7515, section 4.1.6)."""
    try:
        return b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError as error:
        raise TokenUnreadableError("x5c is not base64") from error


def _names(leaf: x509.Certificate, issuer: object) -> bool:
    found = extension(leaf, x509.SubjectAlternativeName)
    if found is None or not isinstance(issuer, str):
        return False
    hosts = (name.lower() for name in found.value.get_values_for_type(x509.DNSName))
    return issuer in found.value.get_values_for_type(x509.UniformResourceIdentifier) or _host(issuer) in hosts


def _host(issuer: str) -> str:
    """Of an https URL; empty for anything else."""
    try:
        return (urlsplit(issuer).hostname or "") if issuer.startswith("https://") else ""
    except ValueError:
        return ""
