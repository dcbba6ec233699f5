"""Proof types from before Data Integrity, whose signatures `didkit` verifies; all other checks are ours, as ever.

didkit passes over types that no context defines and over graphs, and a context in the proof: what a signature so
verified would not cover is refused before it is asked.

W3C CCG: Ed25519Signature2018 and JsonWebSignature2020, of VCDM 1.1 only. Ed25519Signature2020 became part of VC Data
Integrity EdDSA and is verified as that has it (`identity.data_integrity.cryptosuite`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from identity.data_integrity.cryptosuite import scheme_of
from identity.did.methods import BlsKey, VerificationKey
from identity.errors import CheckFailedError
from identity.jose.signature import ED25519, P256, P384, Scheme
from identity.jsonld.context_library import ContextLibrary
from identity.jsonld.expansion import to_dataset
from identity.outcome import Check, Outcome
from identity.vcdm import inside

Legacy = Callable[[Mapping[str, object], Mapping[str, object]], None]
"""Whether a proof is of a document by the key that it names. Raises CheckFailedError, and what its worker does."""


@dataclass(frozen=True)
class LegacySuite:
    """One proof type, whose value stands in `jws`."""

    schemes: tuple[Scheme, ...]

    def takes(self, key: VerificationKey) -> bool:
        """Whether keys of that kind sign under it."""
        return not isinstance(key, BlsKey) and scheme_of(key) in self.schemes

    def read(self, value: str) -> None:
        """Raises ValueError for a value of another form."""
        if value.count("..") != 1:
            raise ValueError("its 'jws' is no signature without its payload")


LEGACY: Final[Mapping[str, LegacySuite]] = {
    "Ed25519Signature2018": LegacySuite((ED25519,)),
    "JsonWebSignature2020": LegacySuite((ED25519, P256, P384)),
}


def no_legacy(_document: Mapping[str, object], _proof: Mapping[str, object]) -> None:
    """For who has no worker for it. Raises CheckFailedError."""
    raise CheckFailedError(
        Check.SIGNATURE, "nobody here verifies proofs from before Data Integrity", Outcome.UNREADABLE
    )


def check_covered(document: Mapping[str, object], proof: Mapping[str, object], contexts: ContextLibrary) -> None:
    """That what didkit verifies covers all of a document. Raises CheckFailedError, DocumentError's kinds."""
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    if "@context" in proof or any(name == "@graph" for name, _ in inside(unsecured)):
        raise CheckFailedError(
            Check.SIGNATURE, "didkit passes over a graph, and over a context in the proof", Outcome.UNREADABLE
        )
    if any(":" in name for name in proof):
        raise CheckFailedError(
            Check.SIGNATURE,
            "a member of the proof is written as an IRI, by which nobody looks for it",
            Outcome.UNREADABLE,
        )
    to_dataset(unsecured, contexts)


def judge(errors: Sequence[str]) -> None:
    """What didkit says against a proof. Raises CheckFailedError for anything."""
    if any(error.startswith("signature error") for error in errors):
        raise CheckFailedError(Check.SIGNATURE, "it is not of this document by this key")
    if errors:
        raise CheckFailedError(Check.SIGNATURE, errors[0], Outcome.UNREADABLE)
