"""What a holder shows, as a verifier receives it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from identity.data_integrity.proof import Expected
from identity.did.methods import resolve
from identity.enveloping.issuing import ENVELOPES
from identity.errors import CredentialRefusedError, HolderKeyUnknownError, TokenInvalidError
from identity.holding.presenting import present_document, present_token
from identity.holding.wallet import HolderKey, Wallet
from identity.outcome import Check, Outcome
from identity.sd_jwt.credential import Expectation, verify
from identity.sd_jwt.issuers import pinned
from identity.sd_jwt.key_binding import Binding
from identity.verifier import verify_presentation
from tests.identity.issuing.ours import DID, NOW, credential, our_issuer, policy

TYPE = "https://issuer.example/types/person"
SHOP = Binding("https://shop.example", "nonce-1")
ENDS = int((NOW + timedelta(days=1)).timestamp())


@pytest.fixture
def wallet(tmp_path: Path) -> Wallet:
    return Wallet(tmp_path)


def token(holder: HolderKey | None) -> str:
    claims = {"exp": ENDS, "over_18": True, "name": "Anna"}
    return our_issuer().sd_jwt(TYPE, claims, {"over_18", "name"}, holder.key if holder else None)


def received(presentation: str, binding: Binding | None = SHOP) -> dict[str, Any]:
    expected = Expectation({TYPE}, pinned({DID: our_issuer().p256.key}), binding)
    return dict(verify(presentation, expected, NOW).claims)


def test_a_claim_is_shown_and_the_others_are_not(wallet: Wallet) -> None:
    other, mine = wallet.new_key(), wallet.new_key()
    assert other.did != mine.did
    shown = received(present_token(token(mine), [("over_18",)], wallet, SHOP, NOW))
    assert (shown["over_18"], "name" in shown) == (True, False)
    for elsewhere in (replace(SHOP, audience="https://other.example"), replace(SHOP, nonce="nonce-2"), None):
        with pytest.raises(TokenInvalidError):
            received(present_token(token(mine), [("over_18",)], wallet, SHOP, NOW), elsewhere)


def test_what_is_bound_to_no_key_is_handed_over(wallet: Wallet) -> None:
    shown = received(present_token(token(None), [("over_18",)], wallet, SHOP, NOW), None)
    assert shown["over_18"] is True
    assert wallet.all() == []


def test_what_is_bound_to_another_key_is_not_shown(wallet: Wallet, tmp_path: Path) -> None:
    stranger = Wallet(tmp_path / "other").new_key()
    with pytest.raises(HolderKeyUnknownError):
        present_token(token(stranger), [], wallet, SHOP, NOW)
    with pytest.raises(CredentialRefusedError, match="nonce"):
        present_token(token(wallet.new_key()), [], wallet, None, NOW)
    with pytest.raises(CredentialRefusedError, match="hides nothing"):
        present_token(token(wallet.new_key()), [("weight",)], wallet, SHOP, NOW)


@pytest.mark.parametrize("form", ["eddsa-rdfc-2022", *ENVELOPES])
def test_a_document_goes_in_a_presentation_that_its_subject_signs(wallet: Wallet, form: str) -> None:
    mine = wallet.new_key()
    issued = our_issuer().document(credential(credentialSubject={"id": mine.did}), form)
    presentation = present_document(issued, wallet, "challenge-1", "shop.example", NOW)
    asked = Expected("authentication", "challenge-1", "shop.example")

    ours = policy(our_issuer())
    both = replace(ours, resolve=lambda method: (resolve if method.startswith("did:key:") else ours.resolve)(method))

    def report(expected: Expected) -> Any:
        return verify_presentation(presentation, both, NOW, expected)

    assert presentation["holder"] == mine.did
    assert report(asked).verdict is Outcome.HOLDS
    assert report(replace(asked, challenge="challenge-2")).outcome(Check.CHALLENGE) is Outcome.INVALID
    assert report(replace(asked, domain="other.example")).outcome(Check.DOMAIN) is Outcome.INVALID


@pytest.mark.parametrize("subject", [{"over": 18}, {"id": "did:example:me"}, [{"id": "did:key:z6Mk"}], {"id": 1}])
def test_a_document_about_no_key_of_ours_is_not_signed(wallet: Wallet, subject: object) -> None:
    wallet.new_key()
    with pytest.raises(HolderKeyUnknownError):
        present_document({"credentialSubject": subject}, wallet, "c", "d", NOW)
