"""The deployment as an issuer: its DID, its three keys (`signing_keys`), and what they sign.

Rules
- An issuer is a value: what changes (a rotation) makes another one. The version that signs is one that the issuer's
  DID document lists.
- What is signed names this issuer, by its DID or by the did:key of the very key that signs, for verifiers who fetch
  nothing. Another's name is refused, and so is whatever VCDM 2.0 or a signature over RDF does not cover.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from identity.data_integrity.cryptosuite import SUITES
from identity.data_integrity.proof import TYPE
from identity.data_integrity.signing import ProofOptions, add_proof
from identity.did.methods import VerificationMethod, did_key, method_of, resolve
from identity.encoding.date_time import read_date_time, write_date_time
from identity.enveloping import issuing as enveloped
from identity.enveloping.issuing import ENVELOPES
from identity.errors import CheckFailedError, CredentialRefusedError, DocumentLimitError
from identity.issuing.signing_keys import PURPOSE, SealedKey, StoredKey
from identity.jose.jwk import PublicKey, write_jwk
from identity.jose.jws import sign_jws
from identity.jose.signature import ED25519
from identity.jsonld.context_library import CREDENTIALS_V2, PUBLISHED, ContextLibrary
from identity.jsonld.document import check_document
from identity.jsonld.expansion import Dataset, to_dataset
from identity.jsonld.naming import check_names
from identity.outcome import Check, Outcome
from identity.related_resource import POINTER, check_resources, pinned_contexts
from identity.sd_jwt import credential as sd_jwt
from identity.sd_jwt.concealing import Disclosable
from identity.selective import bbs, ecdsa_sd
from identity.vcdm import CREDENTIAL, check_contexts, check_structure, party, version
from keys.clock import Clock, Entropy, system_clock, system_entropy

ISSUED_SUITES: Final = (*SUITES, ecdsa_sd.CRYPTOSUITE, bbs.CRYPTOSUITE)
"""Cryptosuites that we issue under."""

FORMATS: Final = (*ISSUED_SUITES, *ENVELOPES)
"""All ways in which a document is secured here: by a proof of such a suite, or in such an envelope."""

IN_FORCE: Final = ("validFrom", "validUntil", "credentialStatus")
"""Whoever could keep these back would show what ended or was revoked."""

RDF_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
MAX_VALUES: Final = 512
"""Of a credential that we sign: what callers write is canonicalised in this process."""


@dataclass(frozen=True)
class Issuer:
    """Who issues, and with what."""

    did: str
    ed25519: StoredKey
    p256: StoredKey
    bls: SealedKey
    contexts: ContextLibrary = PUBLISHED
    clock: Clock = system_clock
    entropy: Entropy = system_entropy

    def key_of(self, form: str) -> StoredKey | SealedKey:
        """The key that signs in one of FORMATS. Raises CredentialRefusedError for another."""
        if form == bbs.CRYPTOSUITE:
            return self.bls
        if form not in FORMATS:
            raise CredentialRefusedError(f"{form!r} is no format here: take one of {', '.join(FORMATS)}")
        return self.ed25519 if form in SUITES and ED25519 in SUITES[form].schemes else self.p256

    def document(
        self,
        credential: Mapping[str, Any],
        form: str,
        mandatory_pointers: Sequence[str] = (),
        reserved: Collection[str] = (),
    ) -> dict[str, Any]:
        """The credential (VCDM 2.0, without a proof) in one of FORMATS: with its proof, or in an envelope. In a form
        for selective disclosure it is for its holder, and what `mandatory_pointers` name is always shown; so is what
        decides whether it is in force, and what it pins, where that says which edition of a context it was signed
        under. Nothing in it may be of a type that is `reserved`, an IRI, whatever the credential calls it.

        Raises CredentialRefusedError, DocumentError's kinds, SelectionError, ProofLimitError, and what the key store
        does.
        """
        key = self.key_of(form)
        contexts = self._check(credential)
        if reserved or form in ENVELOPES or (form in SUITES and SUITES[form].context_in_proof):
            # What is signed as JSON says what it means in RDF, too; the others make RDF of it themselves.
            _check_types(to_dataset(credential, contexts), reserved)
        method = self._method(credential, key.method)
        if form in ENVELOPES:
            assert isinstance(key, StoredKey)
            return enveloped.issue(credential, ENVELOPES[form], key, method.id, mandatory_pointers, self.entropy)
        if form in SUITES:
            if mandatory_pointers:
                raise CredentialRefusedError(f"{form} shows a credential whole: it has no mandatoryPointers")
            assert isinstance(key, StoredKey)
            return add_proof(credential, ProofOptions(form, PURPOSE, self.clock()), method, key.sign, contexts)
        options = {
            "type": TYPE,
            "cryptosuite": form,
            "verificationMethod": method.id,
            "proofPurpose": PURPOSE,
        }
        always = [*mandatory_pointers, *(f"/{name}" for name in IN_FORCE if name in credential)]
        if contexts is not self.contexts:
            always.append(POINTER)
        shown = tuple(dict.fromkeys(always))
        return {**credential, "proof": self._base_proof(credential, options, shown, key, contexts)}

    def _check(self, credential: Mapping[str, Any]) -> ContextLibrary:
        """Whatever an issuer refuses, whichever the suite, besides what cannot be made RDF; the contexts, each in the
        edition that the credential pins.
        """
        if check_document(credential) > MAX_VALUES:
            raise DocumentLimitError(f"more than {MAX_VALUES} values, the most of what is signed here")
        contexts = pinned_contexts(credential, self.contexts)
        try:
            _check_version(credential)
            check_structure(credential, CREDENTIAL)
            check_contexts(credential, contexts, written_out=True)
            check_names(credential, contexts)
            _check_order(credential)
            _check_resources(credential, contexts)
        except CheckFailedError as error:
            raise CredentialRefusedError(f"the credential is refused: {error.detail}") from error
        if "proof" in credential:
            raise CredentialRefusedError("the credential has a proof already: send it without")
        return contexts

    def sd_jwt(
        self,
        vct: str,
        claims: Mapping[str, object],
        disclosable: Collection[str],
        holder: PublicKey | None = None,
    ) -> str:
        """An SD-JWT VC (`dc+sd-jwt`) with every disclosure: `claims` with their end (`exp`), of which the holder may
        keep those named in `disclosable` back; bound to the holder's key, where one is given.

        Raises CredentialRefusedError, and what the key store does.
        """
        unknown = sorted(set(disclosable) - claims.keys())
        if unknown:
            raise CredentialRefusedError(f"there is no claim {unknown[0]!r} to keep back")
        marked = {name: Disclosable(value) if name in disclosable else value for name, value in claims.items()}
        bound = {"cnf": {"jwk": write_jwk(holder)}} if holder else {}
        said = {**marked, **bound, "iss": self.did, "vct": vct}
        return sd_jwt.issue(self.p256, said, self.entropy, {"kid": self.p256.method.id})

    def token(self, typ: str, payload: Mapping[str, object], header: Mapping[str, object] | None = None) -> str:
        """A JWS of ours, such as a status list: ES256, its key named by `kid`. Raises what the key store does."""
        return sign_jws(self.p256, {**(header or {}), "typ": typ, "kid": self.p256.method.id}, payload)

    def _method(self, credential: Mapping[str, Any], ours: VerificationMethod) -> VerificationMethod:
        issuer = party(credential["issuer"])
        if issuer == self.did:
            return ours
        if issuer == did_key(ours.key):
            return resolve(method_of(issuer))
        raise CredentialRefusedError(
            f"the issuer of what is issued here is {self.did} (or the did:key of the key that signs), and of nothing "
            "else: name it in `issuer`"
        )

    def _base_proof(
        self,
        credential: Mapping[str, Any],
        options: Mapping[str, Any],
        mandatory_pointers: Sequence[str],
        key: StoredKey | SealedKey,
        contexts: ContextLibrary,
    ) -> dict[str, Any]:
        entropy = self.entropy
        if isinstance(key, SealedKey):
            # Without `created`: it would tell presentations apart by the second.
            secret = key.opened()
            return bbs.issue(credential, options, mandatory_pointers, secret, contexts=contexts, randomness=entropy)
        public = key.key
        assert isinstance(public, EllipticCurvePublicKey)
        dated = {**options, "created": write_date_time(self.clock())}
        return ecdsa_sd.issue(
            credential, dated, mandatory_pointers, public, key.sign, contexts=contexts, randomness=entropy
        )


def _check_types(dataset: Dataset, reserved: Collection[str]) -> None:
    """That nothing is of a type that is reserved. Raises CredentialRefusedError."""
    triples = chain.from_iterable(dataset.values())
    stated = {each["object"]["value"] for each in triples if each["predicate"]["value"] == RDF_TYPE}
    if taken := sorted(stated & set(reserved)):
        raise CredentialRefusedError(f"{taken[0]} is a type of this service's own: order it by its name")


def _check_version(credential: Mapping[str, Any]) -> None:
    if version(credential) != CREDENTIALS_V2:
        raise CheckFailedError(
            Check.STRUCTURE, f"what is issued here is VCDM 2.0: its first context is {CREDENTIALS_V2}"
        )


def _check_resources(credential: Mapping[str, Any], contexts: ContextLibrary) -> None:
    """That what it pins is pinned, and what we have of it is that. Raises CheckFailedError."""
    try:
        check_resources(credential, contexts, lambda _name: None)
    except CheckFailedError as error:
        if error.outcome is not Outcome.UNCHECKED:
            raise


def _check_order(credential: Mapping[str, Any]) -> None:
    """That it does not end before it begins."""
    first, last = credential.get("validFrom"), credential.get("validUntil")
    if first is not None and last is not None and read_date_time(last) < read_date_time(first):
        raise CheckFailedError(Check.VALIDITY, "it ends before it begins")
