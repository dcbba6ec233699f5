"""What may answer how old somebody is: kinds of documents as data, and the query that asks a wallet for one of them.

Rules
- One claim is asked of one document, whichever of them the wallet has: the age where the document states ages, the date
  of birth where it states nothing else.
- Which documents are asked for is fixed before a wallet answers; what else comes is no answer.

OpenID4VP 1.0, section 6 (DCQL) and appendix B.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from identity.age import PID_VCT
from identity.data_integrity.proof import TYPE
from identity.issuing.credential_types import AGE_ATTESTATION
from identity.mdoc.document import DRIVING_LICENCE, DRIVING_NAMESPACE, PID, PROOF_OF_AGE
from identity.openid4vp.word import Word
from identity.selective import bbs

CREDENTIAL_IRI: Final = "https://www.w3.org/2018/credentials#VerifiableCredential"


class Format(StrEnum):
    """As OpenID4VP names them."""

    SD_JWT = "dc+sd-jwt"
    MDOC = "mso_mdoc"
    DOCUMENT = "ldp_vc"
    """Secured by Data Integrity."""


@dataclass(frozen=True)
class AgeDocument:
    """A kind of document that says an age."""

    format: Format
    type: str
    """Its `vct`, its document type, or its type as an IRI."""

    word: Word
    claim: tuple[str, ...]
    """Where it says so; `{years:02}` stands for the age asked for."""

    @property
    def bound(self) -> bool:
        """Whether its holder proves a key. One of bbs-2023 proves by itself that it was derived for us, and nobody's
        name.
        """
        return self.format is not Format.DOCUMENT


DOCUMENTS: Final[Mapping[str, AgeDocument]] = {
    "age_credential": AgeDocument(
        Format.DOCUMENT, AGE_ATTESTATION.iri, Word.OURS, ("credentialSubject", "age_over_{years:02}")
    ),
    "age_attestation": AgeDocument(Format.SD_JWT, AGE_ATTESTATION.vct, Word.OURS, ("age_over_{years:02}",)),
    "proof_of_age": AgeDocument(Format.MDOC, PROOF_OF_AGE, Word.PROOF_OF_AGE, (PROOF_OF_AGE, "age_over_{years:02}")),
    "driving_licence": AgeDocument(
        Format.MDOC, DRIVING_LICENCE, Word.DRIVING_LICENCE, (DRIVING_NAMESPACE, "age_over_{years:02}")
    ),
    "pid": AgeDocument(Format.SD_JWT, PID_VCT, Word.PID, ("birthdate",)),
    "pid_mdoc": AgeDocument(Format.MDOC, PID, Word.PID, (PID, "birth_date")),
}
"""By the name that is their id in a query, and the caller's name for them."""

MIN_YEARS, MAX_YEARS = 1, 99
"""Of two digits, as documents state them."""


@dataclass(frozen=True)
class Question:
    """Whether somebody is so many years old, or older."""

    years: int
    documents: Sequence[str]
    """Names of kinds of documents, any of which may answer; the wallet's person is offered them in this order."""

    def dcql(self) -> dict[str, Any]:
        """The query."""
        credentials = [self._credential(name, DOCUMENTS[name]) for name in self.documents]
        either = {"credential_sets": [{"options": [[name] for name in self.documents]}]}
        return {"credentials": credentials, **(either if len(credentials) > 1 else {})}

    def formats(self) -> dict[str, Any]:
        """`vp_formats_supported`, of what is asked for."""
        wanted = dict.fromkeys(DOCUMENTS[name].format for name in self.documents)
        return {one: _ALGORITHMS[one] for one in wanted}

    def _credential(self, name: str, document: AgeDocument) -> dict[str, Any]:
        path = [step.format(years=self.years) for step in document.claim]
        return {
            "id": name,
            "format": document.format.value,
            "meta": _META[document.format](document.type),
            "claims": [{"path": path}],
            **({} if document.bound else {"require_cryptographic_holder_binding": False}),
        }


def _vct(value: str) -> dict[str, Any]:
    return {"vct_values": [value]}


def _doctype(value: str) -> dict[str, Any]:
    return {"doctype_value": value}


def _type(value: str) -> dict[str, Any]:
    return {"type_values": [[CREDENTIAL_IRI, value]]}


_META: Final[Mapping[Format, Callable[[str], dict[str, Any]]]] = {
    Format.SD_JWT: _vct,
    Format.MDOC: _doctype,
    Format.DOCUMENT: _type,
}
_ALGORITHMS: Final[Mapping[Format, dict[str, Any]]] = {
    Format.SD_JWT: {"sd-jwt_alg_values": ["ES256", "ES384", "EdDSA"], "kb-jwt_alg_values": ["ES256", "ES384", "EdDSA"]},
    Format.DOCUMENT: {"proof_type_values": [TYPE], "cryptosuite_values": [bbs.CRYPTOSUITE]},
    Format.MDOC: {"issuerauth_alg_values": [-7, -35, -8], "deviceauth_alg_values": [-7, -35, -8]},
}
