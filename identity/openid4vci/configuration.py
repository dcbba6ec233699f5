"""What a wallet may ask for: a type of credential in one format, under an id (OpenID4VCI 1.0, section 12.2.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from identity.issuing.credential_types import AGE_ATTESTATION, DO_NOT_GENERATE, TYPES, CredentialType
from identity.issuing.vocabulary import CONTEXT_PATH
from identity.jose.jws import SCHEMES
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.sd_jwt.credential import TYPE as SD_JWT
from identity.selective import bbs
from identity.vcdm import CREDENTIAL
from keys.signer import Algorithm

BINDING_METHODS: Final = ("jwk", "did:key", "did:jwk")
"""How a proof may name the wallet's key (`key_proof`)."""

NAMES: Final = {
    "AgeAttestation": "Proof of age",
    "VerifiedCreator": "Verified creator",
    "DoNotGenerateRegistration": "Registered refusal",
}
"""Of our types, for people."""


class Format(StrEnum):
    """By their identifiers (OpenID4VCI 1.0, appendix A)."""

    SD_JWT = "dc+sd-jwt"
    LDP = "ldp_vc"


@dataclass(frozen=True)
class Configuration:
    """A type of credential in one format."""

    id: str
    """Also the scope by which an authorisation request asks for it."""

    of: CredentialType
    format: Format
    signed: str
    """Under which cryptosuite, or as `dc+sd-jwt`: as `identity.issuing.orders` names it."""

    bound: bool
    """Whether it is bound to a key of the wallet. One that is not is whoever's has it, and comes alone."""

    algorithm: str
    """What it is signed with: a JOSE algorithm, or a cryptosuite."""

    definition: Mapping[str, object]
    """Members of its format: `vct`, or `credential_definition`."""

    claims: Sequence[Sequence[str]]
    """Paths of what it may say, for wallets to show what they hold."""

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return NAMES[self.of.name]

    def described(self) -> dict[str, object]:
        """Its entry in the metadata."""
        members: dict[str, object] = {
            "format": self.format,
            "scope": self.id,
            "credential_signing_alg_values_supported": [self.algorithm],
            "credential_metadata": {
                "display": [{"name": self.name, "locale": "en"}],
                "claims": [{"path": path} for path in self.claims],
            },
            **self.definition,
        }
        if self.bound:
            proofs = {"jwt": {"proof_signing_alg_values_supported": tuple(SCHEMES)}}
            members |= {"cryptographic_binding_methods_supported": BINDING_METHODS, "proof_types_supported": proofs}
        return members


def configurations(origin: str) -> Mapping[str, Configuration]:
    """All that we issue to wallets, by id: each type that callers order, and a registration's own, as an SD-JWT; ages
    under bbs-2023 too.

    `origin` is where our contexts are.
    """
    tokens = (*(one for one in TYPES.values() if not one.found_here), DO_NOT_GENERATE)
    listed = (*map(_sd_jwt, tokens), _bbs(AGE_ATTESTATION, origin))
    return {one.id: one for one in listed}


def _sd_jwt(of: CredentialType) -> Configuration:
    claims = [[name] for name in _said(of)]
    return Configuration(f"{of.name}.sd-jwt", of, Format.SD_JWT, SD_JWT, True, Algorithm.ES256, {"vct": of.vct}, claims)


def _bbs(of: CredentialType, origin: str) -> Configuration:
    definition = {"@context": [CREDENTIALS_V2, origin + CONTEXT_PATH], "type": [CREDENTIAL, of.name]}
    return Configuration(
        f"{of.name}.bbs",
        of,
        Format.LDP,
        bbs.CRYPTOSUITE,
        False,
        bbs.CRYPTOSUITE,
        {"credential_definition": definition},
        [["credentialSubject", name] for name in _said(of)],
    )


def _said(of: CredentialType) -> Sequence[str]:
    """Names of what its subject may say."""
    return tuple(of.subject.json_schema()["properties"])
