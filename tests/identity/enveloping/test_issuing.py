"""Credentials that our issuer puts into envelopes, and what their holders may leave out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from identity.did.methods import did_key, resolve
from identity.encoding import base64url
from identity.enveloping.checks import opened
from identity.enveloping.envelope import envelop, token_in
from identity.enveloping.issuing import ENVELOPES
from identity.enveloping.secured import Form
from identity.errors import CredentialRefusedError, SelectionError
from identity.holding.deriving import derive_credential
from identity.issuing.orders import RESERVED
from identity.outcome import Check, Outcome
from identity.vcdm import CREDENTIAL
from identity.verifier import Policy, verify_credential
from tests.identity.issuing.ours import NOW, credential, our_issuer, policy

CARD = {
    "id": "did:example:ada",
    "name": "Ada",
    "description": "a reader",
    "portrait": {"id": "https://a.example/ada", "name": "of Ada"},
}


CONTEXT = [*credential()["@context"], {name: f"urn:x:{name}" for name in ("portrait", "vc", "vp", "nonce")}]


def issued(form: str, *pointers: str, **members: Any) -> dict[str, Any]:
    document = {"@context": CONTEXT, **members} if members else {}
    return our_issuer().document(credential(**document), form, pointers)


def left_out(envelope: dict[str, Any], *names: str) -> dict[str, Any]:
    """As its holder shows it without these claims."""
    token, form = token_in(envelope, CREDENTIAL)
    first, *disclosures, _ = token.decode().split("~")
    kept = [each for each in disclosures if json.loads(base64url.decode(each, "it"))[1] not in names]
    assert len(kept) + len(names) == len(disclosures)
    return envelop("~".join([first, *kept, ""]), form, CREDENTIAL)


@pytest.mark.parametrize("form", ENVELOPES)
def test_what_is_issued_in_an_envelope_verifies_and_says_what_was_ordered(form: str) -> None:
    made, issuer = issued(form), our_issuer()
    report = verify_credential(made, policy(issuer), NOW)
    assert report.verdict is Outcome.HOLDS, report.failed
    assert opened(made, CREDENTIAL).document == credential()
    assert made["type"] == "EnvelopedVerifiableCredential"
    assert made["id"].startswith(f"data:application/{form}")


@pytest.mark.parametrize("form", ENVELOPES)
def test_nothing_of_it_can_be_changed_and_nobody_else_signs_it(form: str) -> None:
    made, issuer = issued(form), our_issuer()
    token, which = token_in(made, CREDENTIAL)
    for place in range(40, len(token) - 100, 61):
        forged = bytearray(token)
        forged[place] = forged[place] ^ 1 if which is Form.COSE else ord("A") if forged[place] != ord("A") else ord("B")
        altered = envelop(bytes(forged) if which is Form.COSE else forged.decode(), which, CREDENTIAL)
        assert verify_credential(altered, policy(issuer), NOW).verdict not in {Outcome.HOLDS, Outcome.UNCHECKED}, place
    stranger = Policy(frozenset({"did:web:other.example"}), resolve=policy(issuer).resolve)
    assert verify_credential(made, stranger, NOW).outcome(Check.TRUST) is Outcome.UNTRUSTED


@pytest.mark.parametrize("form", ENVELOPES)
def test_a_verifier_who_fetches_nothing_gets_the_did_key(form: str) -> None:
    did = did_key(our_issuer().p256.method.key)
    made = our_issuer().document(credential(issuer=did), form)
    assert verify_credential(made, Policy(frozenset({did}), resolve=resolve), NOW).verdict is Outcome.HOLDS


def test_a_holder_leaves_out_what_is_not_mandatory() -> None:
    made, issuer = issued("vc+sd-jwt", "/credentialSubject/name", credentialSubject=CARD), our_issuer()
    seen = left_out(made, "description", "portrait")
    assert {each.check for each in verify_credential(seen, policy(issuer), NOW).failed} == {Check.CONTEXTS}
    assert opened(seen, CREDENTIAL).document["credentialSubject"] == {"id": "did:example:ada", "name": "Ada"}
    assert "a reader" not in token_in(seen, CREDENTIAL)[0].decode()


def test_a_holder_derives_what_pointers_select_and_what_is_mandatory() -> None:
    made, issuer = issued("vc+sd-jwt", "/credentialSubject/name"), our_issuer()
    shown = derive_credential(made, [])
    assert verify_credential(shown, policy(issuer), NOW).verdict is Outcome.HOLDS
    assert opened(shown, CREDENTIAL).document["credentialSubject"] == {"name": "Ada"}
    assert opened(derive_credential(made, ["/credentialSubject/description"]), CREDENTIAL).document == credential()
    listed = issued("vc+sd-jwt", credentialSubject=[{"name": "Ada"}, {"name": "Bob"}])
    second = opened(derive_credential(listed, ["/credentialSubject/1/name"]), CREDENTIAL).document
    assert second["credentialSubject"] == [{}, {"name": "Bob"}]
    for refused, pointer in (
        (made, "/credentialSubject/age"),
        (made, "credentialSubject"),
        (issued("vc+jwt"), "/credentialSubject/name"),
        ({**made, "id": "data:application/vc+sd-jwt,x~"}, "/credentialSubject/name"),
        ({**made, "id": "data:application/vc+sd-jwt,ü~"}, "/credentialSubject/name"),
    ):
        with pytest.raises(SelectionError):
            derive_credential(refused, [pointer])


@pytest.mark.parametrize("pointer", ["/credentialSubject/portrait/name", "/credentialSubject/portrait"])
def test_what_a_pointer_names_a_part_of_stays(pointer: str) -> None:
    made = issued("vc+sd-jwt", pointer, credentialSubject=CARD)
    subject = opened(left_out(made, "name", "description"), CREDENTIAL).document["credentialSubject"]
    assert subject == {"id": CARD["id"], "portrait": CARD["portrait"]}


@pytest.mark.parametrize("pointer", ["/credentialSubject", ""])
def test_a_pointer_to_all_leaves_nothing_to_choose(pointer: str) -> None:
    made = issued("vc+sd-jwt", pointer, credentialSubject=CARD)
    assert token_in(made, CREDENTIAL)[0].count(b"~") == 1


def test_each_of_several_subjects_has_claims_of_its_own() -> None:
    made = issued("vc+sd-jwt", "/credentialSubject/1/name", credentialSubject=[CARD, {"name": "Bob"}])
    subjects = opened(left_out(made, "name", "description", "portrait"), CREDENTIAL).document["credentialSubject"]
    assert subjects == [{"id": CARD["id"]}, {"name": "Bob"}]


def test_two_of_the_same_share_no_salt_and_hide_how_much_they_hide() -> None:
    one, other = (token_in(issued("vc+sd-jwt"), CREDENTIAL)[0].split(b"~")[1:-1] for _ in range(2))
    assert not set(one) & set(other)


@pytest.mark.parametrize("form", ["vc+jwt", "vc+cose"])
def test_where_nothing_can_be_left_out_there_are_no_mandatory_pointers(form: str) -> None:
    with pytest.raises(CredentialRefusedError, match="mandatoryPointers"):
        issued(form, "/issuer")


def test_a_pointer_to_nothing_is_refused() -> None:
    with pytest.raises(SelectionError):
        issued("vc+sd-jwt", "/credentialSubject/age")


@pytest.mark.parametrize("form", ENVELOPES)
def test_no_type_of_ours_comes_out_under_another_name(form: str) -> None:
    alias = {"Harmless": min(RESERVED)}
    document = credential(type=["VerifiableCredential", "Harmless"])
    document["@context"] = [*document["@context"], alias]
    with pytest.raises(CredentialRefusedError, match="order it by its name"):
        our_issuer().document(document, form, reserved=RESERVED)


def test_a_claim_named_as_the_format_names_its_own_is_refused() -> None:
    with pytest.raises(CredentialRefusedError, match="no claim is named"):
        issued("vc+sd-jwt", credentialSubject={"name": "Ada", "portrait": {"_sd": "x"}})


@pytest.mark.parametrize("claim", ["exp", "nonce", "vc", "vp"])
@pytest.mark.parametrize("form", ENVELOPES)
def test_a_member_that_a_token_means_otherwise_is_refused(form: str, claim: str) -> None:
    """Read back, it would be no part of the document any more."""
    with pytest.raises(CredentialRefusedError, match=claim):
        issued(form, **{claim: "x"})
