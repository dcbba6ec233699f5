"""What a wallet may ask for: a type of credential in one format, under an id (OpenID4VCI 1.0, section 12.2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from identity.jose.jws import SCHEMES

BINDING_METHODS: Final = ("jwk", "did:key", "did:jwk")
"""How a proof may name the wallet's key (`key_proof`)."""


class Format(StrEnum):
    """By their identifiers (OpenID4VCI 1.0, appendix A)."""

    SD_JWT = "dc+sd-jwt"
    LDP = "ldp_vc"


@dataclass(frozen=True)
class Configuration:
    """A type of credential in one format."""

    id: str
    """Also the scope by which an authorisation request asks for it."""

    type: str
    format: Format
    bound: bool
    """Whether it is bound to a key of the wallet. One that is not is whoever's has it, and comes alone."""

    name: str
    """For people."""

    algorithms: tuple[str, ...]
    """What it may be signed with: JOSE algorithms, or cryptosuites."""

    definition: Mapping[str, object]
    """Members of its format: `vct`, or `credential_definition`."""

    def described(self) -> dict[str, object]:
        """Its entry in the metadata."""
        members: dict[str, object] = {
            "format": self.format,
            "scope": self.id,
            "credential_signing_alg_values_supported": self.algorithms,
            "credential_metadata": {"display": [{"name": self.name, "locale": "en"}]},
            **self.definition,
        }
        if self.bound:
            proofs = {"jwt": {"proof_signing_alg_values_supported": tuple(SCHEMES)}}
            members |= {"cryptographic_binding_methods_supported": BINDING_METHODS, "proof_types_supported": proofs}
        return members
