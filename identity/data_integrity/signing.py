"""Data Integrity proofs (VC Data Integrity 1.0): verifying the signature of one, adding one.

Rules
- What is signed: the hash of the proof's configuration, then the hash of the document without its proof; of a proof
  that follows others, with those (§4.3). Both are canonical, by RDFC-1.0 or by JCS, as the suite says.
- The key decides the hash, the suite which keys it takes: no proof chooses for itself.
- What was signed is verified before it is given away: a key that is not its method's fails here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from identity.data_integrity.cryptosuite import SUITES, SelectiveSuite, hash_data, scheme_of
from identity.data_integrity.proof import TYPE, Proof, preceding, proofs_of, read_proof
from identity.did.methods import BlsKey, VerificationKey, VerificationMethod
from identity.encoding import multibase
from identity.encoding.date_time import write_date_time
from identity.errors import CheckFailedError, KeyUnfitError, ProofError, TokenInvalidError
from identity.jose import signature
from identity.jose.jwk import PublicKey
from identity.jsonld.context_library import PUBLISHED, ContextLibrary
from identity.legacy.suites import LegacySuite
from identity.outcome import Check, Outcome


def check_signature(
    document: Mapping[str, object],
    proof: Proof,
    follows: Sequence[object],
    key: VerificationKey,
    contexts: ContextLibrary = PUBLISHED,
) -> None:
    """`follows` is what `preceding` gave. Raises CheckFailedError, and DocumentError's kinds."""
    unsecured = _unsecured(document, follows)
    if isinstance(proof.suite, SelectiveSuite):
        _check_shown(unsecured, proof, proof.suite, key, contexts)
        return
    if isinstance(key, BlsKey) or isinstance(proof.suite, LegacySuite):
        raise CheckFailedError(Check.METHOD, "no suite for whole documents takes such a key")
    if "@context" in proof.configuration:
        stated, given = _listed(proof.configuration["@context"]), _listed(document.get("@context", []))
        if given[: len(stated)] != stated or not (proof.suite.context_in_proof or given == stated):
            raise CheckFailedError(Check.SIGNATURE, "it was made under other contexts")
        unsecured["@context"] = proof.configuration["@context"]
    hashed = hash_data(unsecured, proof.configuration, proof.suite, key, contexts)
    _verify(key, multibase.decode(proof.value), hashed)


def _verify(key: PublicKey, signed: bytes, hashed: bytes) -> None:
    try:
        signature.verify(scheme_of(key), key, signed, hashed)
    except TokenInvalidError as error:
        raise CheckFailedError(Check.SIGNATURE, "it is not of this document by this key") from error


def _check_shown(
    unsecured: Mapping[str, object],
    proof: Proof,
    suite: SelectiveSuite,
    key: VerificationKey,
    contexts: ContextLibrary,
) -> None:
    """Of a derived proof."""
    if "proof" in unsecured or "@context" in proof.configuration:
        raise CheckFailedError(
            Check.SIGNATURE, "a derived proof follows no other, and has no contexts", Outcome.UNREADABLE
        )
    try:
        suite.verify(unsecured, {**proof.configuration, "proofValue": proof.value}, key, contexts)
    except KeyUnfitError as error:
        raise CheckFailedError(Check.METHOD, str(error)) from error
    except ProofError as error:
        raise CheckFailedError(Check.SIGNATURE, str(error)) from error


def _unsecured(document: Mapping[str, object], follows: Sequence[object]) -> dict[str, object]:
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    return {**unsecured, "proof": list(follows)} if follows else unsecured


def _listed(contexts: object) -> list[object]:
    return contexts if isinstance(contexts, list) else [contexts]


@dataclass(frozen=True)
class ProofOptions:
    """What a new proof says."""

    cryptosuite: str
    purpose: str
    created: datetime
    expires: datetime | None = None
    challenge: str | None = None
    domain: str | None = None
    id: str | None = None
    follows: tuple[str, ...] = ()
    """Ids of proofs of the document that this one is to follow."""


def add_proof(
    document: Mapping[str, object],
    options: ProofOptions,
    method: VerificationMethod,
    sign: Callable[[bytes], bytes],
    contexts: ContextLibrary = PUBLISHED,
) -> dict[str, object]:
    """The document with one proof more; `sign` is a `keys.signer.Signer`'s for the key of `method`.

    Raises KeyError for a suite we do not have, CheckFailedError when the proof would not verify, and DocumentError's
    kinds.
    """
    suite = SUITES[options.cryptosuite]
    configuration = _configuration(options, method)
    if suite.context_in_proof and "@context" in document:
        configuration["@context"] = document["@context"]
    if isinstance(method.key, BlsKey):
        raise CheckFailedError(Check.METHOD, "no suite for whole documents takes such a key")
    proofs = [] if "proof" not in document else proofs_of(document)
    draft = read_proof({**configuration, "proofValue": "z"})
    follows = preceding(draft, proofs)
    hashed = hash_data(_unsecured(document, follows), configuration, suite, method.key, contexts)
    value = sign(hashed)
    _verify(method.key, value, hashed)
    made = {**configuration, "proofValue": multibase.encode(value)}
    proofs = [*proofs, made]
    return {**document, "proof": proofs if len(proofs) > 1 else made}


def _configuration(options: ProofOptions, method: VerificationMethod) -> dict[str, object]:
    members: dict[str, object] = {
        "type": TYPE,
        "id": options.id,
        "cryptosuite": options.cryptosuite,
        "created": write_date_time(options.created),
        "expires": options.expires and write_date_time(options.expires),
        "verificationMethod": method.id,
        "proofPurpose": options.purpose,
        "challenge": options.challenge,
        "domain": options.domain,
        "previousProof": options.follows[0] if len(options.follows) == 1 else list(options.follows) or None,
    }
    return {name: value for name, value in members.items() if value is not None}
