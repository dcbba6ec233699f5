"""Whose credentials are believed.

Rules
- Who verifies decides, before the signature is looked at; nothing that a token brings makes its issuer trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from identity.errors import IssuerUntrustedError
from identity.jwk import PublicKey

IssuerKey: TypeAlias = Callable[[object, Mapping[str, object]], PublicKey]
"""The key of an issuer, by `iss` and the header, both not verified yet. Raises IssuerUntrustedError for a stranger."""


def pinned(keys: Mapping[str, PublicKey]) -> IssuerKey:
    """Issuers that are known by name, each with its one key."""

    def issuer_key(issuer: object, _: Mapping[str, object]) -> PublicKey:
        if not (isinstance(issuer, str) and issuer in keys):
            raise IssuerUntrustedError("the issuer is not among those believed here")
        return keys[issuer]

    return issuer_key
