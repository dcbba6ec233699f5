"""What our issuer signs, under each suite, and what it refuses to sign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from identity.did.methods import did_key, resolve
from identity.errors import (
    CredentialRefusedError,
    DocumentError,
    DocumentLimitError,
    KeyUnfitError,
    RelativeIdentifierError,
    UndefinedTermError,
)
from identity.issuing.issuer import ISSUED_SUITES, Issuer
from identity.jose.jws import read_jws, verify_jws
from identity.jsonld.context_library import CREDENTIALS_V1, CREDENTIALS_V2
from identity.outcome import Outcome
from identity.sd_jwt import credential as sd_jwt
from identity.sd_jwt.issuers import pinned
from identity.selective import bbs, ecdsa_sd
from identity.selective.bbs_ciphersuite import SHA_256
from identity.selective.bbs_signature import SecretKey
from identity.verifier import verify_credential
from keys.signer import Algorithm
from tests.identity.issuing.ours import DID, NOW, credential, our_issuer, policy
from tests.identity.parties import party

SELECTIVE: dict[str, Callable[..., tuple[dict[str, Any], dict[str, Any]]]] = {
    bbs.CRYPTOSUITE: partial(bbs.derive, presentation_header=b"nonce"),
    ecdsa_sd.CRYPTOSUITE: ecdsa_sd.derive,
}
MANDATORY = ["/issuer", "/validUntil"]


def shown(issued: dict[str, Any], suite: str) -> dict[str, Any]:
    """As a verifier gets it: whole, or what a holder shows."""
    if suite not in SELECTIVE:
        return issued
    document = dict(issued)
    part, proof = SELECTIVE[suite](document, document.pop("proof"), ["/credentialSubject/description"])
    assert "name" not in part["credentialSubject"]
    return {**part, "proof": proof}


@pytest.mark.parametrize("suite", ISSUED_SUITES)
def test_what_is_issued_verifies_with_the_did_document(suite: str) -> None:
    issuer = our_issuer()
    issued = issuer.document(credential(), suite, MANDATORY if suite in SELECTIVE else ())
    report = verify_credential(shown(issued, suite), policy(issuer), NOW)
    assert report.verdict is Outcome.HOLDS, report
    changed = {**shown(issued, suite), "validUntil": "2027-12-01T00:00:00Z"}
    assert verify_credential(changed, policy(issuer), NOW).verdict is Outcome.INVALID


@pytest.mark.parametrize("suite", ISSUED_SUITES)
def test_a_verifier_who_fetches_nothing_gets_the_did_key(suite: str) -> None:
    issuer = our_issuer()
    did = did_key(issuer.key_of(suite).method.key)
    issued = issuer.document(credential(issuer=did), suite, MANDATORY if suite in SELECTIVE else ())
    alone = replace(policy(issuer), issuers=frozenset({did}))
    assert verify_credential(shown(issued, suite), replace(alone, resolve=resolve), NOW).verdict is Outcome.HOLDS


def test_the_did_key_of_another_suite_is_refused() -> None:
    issuer = our_issuer()
    with pytest.raises(CredentialRefusedError, match="issuer"):
        issuer.document(credential(issuer=did_key(issuer.p256.method.key)), "eddsa-rdfc-2022")


CATCH_ALL = [CREDENTIALS_V2, {"@vocab": "https://vocab.example/"}]
REFUSED: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "another issuer": ({"issuer": "did:web:other.example"}, CredentialRefusedError),
    "an issuer that is no IRI": ({"issuer": "issuer"}, CredentialRefusedError),
    "VCDM 1.1": (
        {"@context": [CREDENTIALS_V1], "issuanceDate": "2026-11-01T00:00:00Z"},
        CredentialRefusedError,
    ),
    "an unknown context": ({"@context": [CREDENTIALS_V2, "https://nobody.example/v1"]}, CredentialRefusedError),
    "a context inside": ({"credentialSubject": {"@context": {"x": "urn:x"}, "x": "y"}}, CredentialRefusedError),
    "a number for a context": ({"@context": [CREDENTIALS_V2, 7]}, CredentialRefusedError),
    "a resource that is another": (
        {"relatedResource": {"id": CREDENTIALS_V2, "digestSRI": f"sha384-{'A' * 64}"}},
        CredentialRefusedError,
    ),
    "a digest of nothing, bare": (
        {"relatedResource": {"id": CREDENTIALS_V2, "digestMultibase": "uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0"}},
        CredentialRefusedError,
    ),
    "a resource pinned by nothing": ({"relatedResource": {"id": "https://nobody.example/x"}}, CredentialRefusedError),
    "no credential": ({"type": ["VerifiablePresentation"]}, CredentialRefusedError),
    "a date without an offset": ({"validUntil": "2026-12-01T00:00:00"}, CredentialRefusedError),
    "a date that is none": ({"validUntil": "2026-13-01T00:00:00Z"}, CredentialRefusedError),
    "an end before its beginning": ({"validUntil": "2026-10-01T00:00:00Z"}, CredentialRefusedError),
    "no subject": ({"credentialSubject": []}, DocumentError),
    "a proof already": ({"proof": {"type": "DataIntegrityProof"}}, CredentialRefusedError),
    "a relative id": ({"id": "card"}, CredentialRefusedError),
    "a relative id of the subject": ({"credentialSubject": {"id": "ada", "name": "Ada"}}, CredentialRefusedError),
    "a relative id further in": (
        {"termsOfUse": {"type": "Rules", "id": "urn:x:1", "image": {"id": "../up"}}},
        DocumentError,
    ),
    "an undefined term": ({"credentialSubject": {"favouriteColour": "blue"}}, UndefinedTermError),
    "an end misspelt, which a catch-all defines": (
        {"@context": CATCH_ALL, "validUntill": "2026-12-01T00:00:00Z"},
        UndefinedTermError,
    ),
    "an end in the words of VCDM 1.1, which a catch-all defines": (
        {"@context": CATCH_ALL, "expirationDate": "2026-12-01T00:00:00Z"},
        UndefinedTermError,
    ),
    "an undefined type": ({"type": ["VerifiableCredential", "Passport"]}, RelativeIdentifierError),
    "more than is canonicalised here": ({"credentialSubject": [{"name": "Ada"}] * 256}, DocumentLimitError),
    "null": ({"credentialSubject": {"name": None}}, DocumentError),
}


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "ecdsa-jcs-2019", "bbs-2023", "vc+jwt"])
@pytest.mark.parametrize(("members", "error"), REFUSED.values(), ids=REFUSED)
def test_what_an_issuer_must_refuse(suite: str, members: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        our_issuer().document(credential(**members), suite)


def test_claims_may_rest_on_a_catch_all_and_members_of_ones_own_are_defined() -> None:
    own = [*CATCH_ALL, {"seal": "https://vocab.example/seal"}]
    members = {"@context": own, "type": ["VerifiableCredential", "Card"], "seal": "gold", "urn:x:wax": "red"}
    said = credential(**members, credentialSubject={"favouriteColour": "blue"})
    assert our_issuer().document(said, "eddsa-rdfc-2022")["seal"] == "gold"


@pytest.mark.parametrize("missing", ["@context", "type", "issuer", "credentialSubject"])
def test_what_must_not_be_left_out(missing: str) -> None:
    document = credential()
    del document[missing]
    with pytest.raises(CredentialRefusedError):
        our_issuer().document(document, "eddsa-rdfc-2022")


def test_unknown_suites_and_pointers_where_there_are_none_are_refused() -> None:
    for suite in ("rsa-2018", "ecdsa-sd-2019", ""):
        with pytest.raises(CredentialRefusedError, match="no format"):
            our_issuer().document(credential(), suite)
    with pytest.raises(CredentialRefusedError, match="mandatoryPointers"):
        our_issuer().document(credential(), "eddsa-jcs-2022", ["/issuer"])


def test_a_proof_by_bbs_says_no_moment() -> None:
    assert "created" not in our_issuer().document(credential(), bbs.CRYPTOSUITE, MANDATORY)["proof"]


def test_a_store_that_signs_with_another_key_gives_nothing_away() -> None:
    issuer, stranger = our_issuer(), party(Algorithm.ES256)
    swapped = replace(issuer, p256=replace(issuer.p256, signer=stranger.signer))
    other = replace(issuer, bls=replace(issuer.bls, open=lambda: SecretKey.derive(SHA_256, b"\1" * 32)))
    with pytest.raises(KeyUnfitError):
        swapped.document(credential(), "ecdsa-sd-2023", MANDATORY)
    with pytest.raises(KeyUnfitError):
        swapped.sd_jwt("urn:x:type", {"exp": int(NOW.timestamp()) + 60}, ())
    with pytest.raises(KeyUnfitError):
        other.document(credential(), bbs.CRYPTOSUITE, MANDATORY)


def sd_jwt_of(issuer: Issuer, **more: Any) -> str:
    return issuer.sd_jwt("urn:x:age", {"exp": int(NOW.timestamp()) + 60, "over_18": True, "over_21": False}, **more)


def test_an_sd_jwt_shows_what_its_holder_chooses() -> None:
    issuer = our_issuer()
    presented = sd_jwt.present(sd_jwt_of(issuer, disclosable=["over_18", "over_21"]), [("over_18",)])
    expected = sd_jwt.Expectation({"urn:x:age"}, pinned({DID: issuer.p256.key}), None)
    claims = sd_jwt.verify(presented, expected, NOW).claims
    assert claims["over_18"] is True
    assert "over_21" not in claims
    assert claims["iss"] == DID


def test_an_sd_jwt_is_bound_to_its_holder() -> None:
    holder = party()
    token = sd_jwt_of(our_issuer(), disclosable=["over_18"], holder=holder.key).split("~")[0]
    assert "cnf" in read_jws(token, sd_jwt.TYPE).payload


def test_no_claim_is_kept_back_that_is_not_there() -> None:
    with pytest.raises(CredentialRefusedError, match="over_25"):
        sd_jwt_of(our_issuer(), disclosable=["over_25"])


def test_a_token_names_its_key() -> None:
    issuer = our_issuer()
    jws = read_jws(issuer.token("statuslist+jwt", {"iss": DID}), "statuslist+jwt")
    verify_jws(jws, issuer.p256.key)
    assert jws.header["kid"] == issuer.p256.method.id
