"""What people sign: bound to the bytes, the purpose and the account; once; and verifiable later."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from identity.assurance.account import Actor
from identity.encoding import base64url
from identity.errors import TokenUnreadableError
from identity.passkeys.challenges import Purpose
from identity.passkeys.decisions import PasskeyBound
from identity.passkeys.errors import (
    ChallengeGoneError,
    PasskeyClonedError,
    PasskeyError,
    PasskeyInvalidError,
    PasskeyNotFoundError,
)
from identity.passkeys.people import SignedIn
from identity.passkeys.responses import Asserted
from identity.passkeys.signing import SIGNATURE, Signature, Signed, check_signature
from ledger.ids import PrincipalId, TenantId
from ledger.payload import Draft
from tests.identity.assurance.house import House
from tests.identity.passkeys.browser import answered, attested, opened
from tests.simulators.authenticator import Authenticator

TEXT = "I do not want images made of me. Version 1, français".encode()


class Signer:
    """A person with a device, and what they sign."""

    def __init__(self, house: House, **device: Any) -> None:
        self.house, self.device = house, Authenticator(**device)
        self.who: SignedIn = opened(house, self.device)

    @property
    def tenant(self) -> TenantId:
        return self.house.people.home()

    def answer(self, content: bytes = TEXT, purpose: Purpose = Purpose.CONSENT) -> Asserted:
        digest = hashlib.sha256(content).digest()
        return answered(self.device, self.house.signing.begin(self.tenant, self.who.account, purpose, digest))

    def require(self, answer: Asserted, content: bytes = TEXT, purpose: Purpose = Purpose.CONSENT) -> Signed:
        return self.house.signing.require_signed(self.tenant, self.who.account, purpose, content, answer)

    def settle(self, signed: Signed) -> None:
        def work(connection: Connection) -> Sequence[Draft]:
            signed.settle(connection)
            return []

        self.house.accounts.ledger.record(work, self.tenant)


@pytest.fixture
def signer(house: House) -> Signer:
    return Signer(house)


def test_a_signature_holds_now_and_later(house: House, signer: Signer) -> None:
    signed = signer.require(signer.answer())
    signer.settle(signed)
    kept = SIGNATURE.validate_json(SIGNATURE.dump_json(signed.signature))
    check_signature(kept, TEXT)
    assert (kept.account, kept.purpose, kept.rp_id) == (signer.who.account, Purpose.CONSENT, "localhost")
    assert signer.who.entry is not None
    bound = house.accounts.ledger.payloads.open(signer.tenant, signer.who.entry).payload
    assert isinstance(bound, PasskeyBound)
    key = base64url.decode(kept.public_key, "the key")
    assert bound.public_key_sha256 == hashlib.sha256(key).hexdigest(), "the entry says whose key it was"


def test_a_signature_holds_when_its_passkey_was_removed(house: House, signer: Signer) -> None:
    signed = signer.require(signer.answer())
    signer.settle(signed)
    by = Actor(signer.tenant, PrincipalId("prn_x"))
    other = Authenticator()
    house.people.passkeys.bind(
        by, signer.who.account, attested(other.create(house.people.passkeys.begin(by, signer.who.account).public_key))
    )
    house.people.passkeys.remove(by, signer.who.account, signer.who.passkey)
    check_signature(signed.signature, TEXT)
    with pytest.raises(PasskeyInvalidError):
        check_signature(signed.signature, TEXT + b".")


def test_it_is_of_these_bytes_this_purpose_and_this_account(house: House, signer: Signer) -> None:
    answer = signer.answer()
    with pytest.raises(PasskeyInvalidError):
        signer.require(answer, TEXT + b" ")
    with pytest.raises(ChallengeGoneError):
        signer.require(answer, purpose=Purpose.BIND)
    other = Signer(house)
    with pytest.raises(ChallengeGoneError):
        other.require(answer)
    with pytest.raises(ChallengeGoneError):
        house.people.sign_in(answer)
    signer.settle(signer.require(answer))


def test_a_passkey_of_another_account_signs_nothing_for_this_one(house: House, signer: Signer) -> None:
    other = Signer(house)
    options = house.signing.begin(signer.tenant, signer.who.account, Purpose.CONSENT, hashlib.sha256(TEXT).digest())
    options.public_key["allowCredentials"] = []
    with pytest.raises(PasskeyInvalidError, match="another account"):
        signer.require(answered(other.device, options))


def test_it_is_settled_once(signer: Signer) -> None:
    answer = signer.answer()
    one, other = signer.require(answer), signer.require(answer)
    signer.settle(one)
    with pytest.raises(ChallengeGoneError):
        signer.settle(other)
    with pytest.raises(ChallengeGoneError):
        signer.require(answer)


def test_a_unit_of_work_that_fails_spends_nothing(signer: Signer) -> None:
    signed = signer.require(signer.answer())

    def work(connection: Connection) -> Sequence[Draft]:
        signed.settle(connection)
        raise PasskeyError

    with pytest.raises(PasskeyError):
        signer.house.accounts.ledger.record(work, signer.tenant)
    signer.settle(signed)


def test_a_counter_that_does_not_go_on_is_a_clone(signer: Signer) -> None:
    thief = signer.device.clone()
    for _ in range(3):
        signer.settle(signer.require(signer.answer()))
    mine, signer.device = signer.device, thief
    stale = signer.require(signer.answer())
    with pytest.raises(PasskeyClonedError):
        signer.settle(stale)
    signer.device = mine
    signer.settle(signer.require(signer.answer()))
    signer.device.step = 0
    with pytest.raises(PasskeyClonedError):
        signer.settle(signer.require(signer.answer()))


def test_of_two_uses_at_once_the_row_decides(signer: Signer) -> None:
    first, second = signer.require(signer.answer()), signer.require(signer.answer())
    signer.settle(second)
    with pytest.raises(PasskeyClonedError):
        signer.settle(first)


def test_an_authenticator_that_does_not_count_need_not(house: House) -> None:
    signer = Signer(house, step=0)
    for _ in range(3):
        signer.settle(signer.require(signer.answer()))


def test_one_that_counted_cannot_stop(signer: Signer) -> None:
    signer.settle(signer.require(signer.answer()))
    signer.device.passkeys[0].count = -1
    with pytest.raises(PasskeyClonedError):
        signer.settle(signer.require(signer.answer()))


def test_a_passkey_that_is_removed_meanwhile_signs_nothing(house: House, signer: Signer) -> None:
    signed = signer.require(signer.answer())
    by = Actor(signer.tenant, PrincipalId("prn_x"))
    made = Authenticator().create(house.people.passkeys.begin(by, signer.who.account).public_key)
    house.people.passkeys.bind(by, signer.who.account, attested(made))
    house.people.passkeys.remove(by, signer.who.account, signer.who.passkey)
    with pytest.raises(PasskeyNotFoundError):
        signer.settle(signed)


NAMES = {"passkey", "credential"}
"""Of the key, which is what verifies."""


@pytest.mark.parametrize("member", sorted({*Signature.__dataclass_fields__} - NAMES))
def test_evidence_of_which_anything_was_changed_holds_no_more(signer: Signer, member: str) -> None:
    signature = signer.require(signer.answer()).signature
    value = getattr(signature, member)
    changed: Any
    if member == "backup_eligible":
        changed = not value
    elif member == "purpose":
        changed = Purpose.SIGN_IN
    else:
        changed = value[:-6] + ("A" if value[-6] != "A" else "B") + value[-5:]
    with pytest.raises((PasskeyInvalidError, TokenUnreadableError)):
        check_signature(replace(signature, **{member: changed}), TEXT)


def test_of_many_that_bring_one_answer_at_once_one_is_signed_in(house: House, signer: Signer) -> None:
    answer = answered(signer.device, house.people.begin_sign_in())

    def once(_: int) -> bool:
        try:
            house.people.sign_in(answer)
        except (ChallengeGoneError, PasskeyClonedError):
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(once, range(8))) == 1
    tokens = house.rows("SELECT 1 FROM person_token WHERE account_id = :account", account=signer.who.account)
    assert len(tokens) == 2, "of opening the account, and of this"
