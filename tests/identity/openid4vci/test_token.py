from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import WalletRefusedError
from identity.openid4vci.faults import Fault
from identity.openid4vci.offers import Stage
from identity.openid4vci.token import PRE_AUTHORISED
from tests.identity.openid4vci.desk import BOUND, CLIENT, VERIFIER, Desk, Wallet


def refusal(wallet: Wallet, parameters: dict[str, str]) -> Fault:
    with pytest.raises(WalletRefusedError) as refused:
        wallet.exchange(parameters)
    return refused.value.fault


def test_a_code_becomes_a_token_once(desk: Desk, wallet: Wallet) -> None:
    made = desk.offer()
    token = wallet.token(made)
    assert token == {"access_token": token["access_token"], "token_type": "Bearer", "expires_in": 300, "scope": BOUND}
    with pytest.raises(WalletRefusedError) as refused:
        wallet.token(made)
    assert refused.value.fault is Fault.INVALID_GRANT


def test_a_code_exchanged_twice_at_once_gives_one_token(desk: Desk, wallet: Wallet) -> None:
    made = desk.offer()

    def exchange(_: int) -> str:
        try:
            return str(wallet.token(made)["token_type"])
        except WalletRefusedError as error:
            return error.fault

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(exchange, range(16))) == ["Bearer", *[Fault.INVALID_GRANT] * 15]


def test_a_transaction_code_is_neither_missing_nor_sent_for_nothing(desk: Desk, wallet: Wallet) -> None:
    asked = {"grant_type": PRE_AUTHORISED, "pre-authorized_code": desk.offer(typed=True).link.code}
    assert refusal(wallet, asked) is Fault.INVALID_REQUEST
    plain = {"grant_type": PRE_AUTHORISED, "pre-authorized_code": desk.offer().link.code}
    assert refusal(wallet, {**plain, "tx_code": "123456"}) is Fault.INVALID_REQUEST


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"code_verifier": "w" * 43}, Fault.INVALID_GRANT),
        ({"code_verifier": VERIFIER[:42]}, Fault.INVALID_GRANT),
        ({"code_verifier": ""}, Fault.INVALID_REQUEST),
        ({"redirect_uri": "wallet.example:/back"}, Fault.INVALID_GRANT),
        ({"redirect_uri": ""}, Fault.INVALID_REQUEST),
        ({"client_id": "another.example"}, Fault.INVALID_GRANT),
        ({"client_id": ""}, Fault.INVALID_REQUEST),
        ({"code": "A" * 43}, Fault.INVALID_GRANT),
        ({"grant_type": "password"}, Fault.UNSUPPORTED_GRANT),
        ({"grant_type": ""}, Fault.INVALID_REQUEST),
    ],
)
def test_an_authorisation_code_is_of_one_wallet(
    desk: Desk, wallet: Wallet, changed: dict[str, str], fault: Fault
) -> None:
    code = wallet.authorise(desk.offer(Stage.INVITED))["code"]
    with pytest.raises(WalletRefusedError) as refused:
        wallet.authorised_token(code, **changed)
    assert refused.value.fault is fault
    assert wallet.authorised_token(code)["scope"] == BOUND


def test_a_secret_works_at_its_own_stage_alone(desk: Desk, wallet: Wallet) -> None:
    """An offer's code is no authorisation code, an issuer_state no code, a code no token."""
    offered, invited = desk.offer(), desk.offer(Stage.INVITED)
    code = wallet.authorise(invited)["code"]
    pre = {"grant_type": PRE_AUTHORISED}
    assert refusal(wallet, {**pre, "pre-authorized_code": desk.offer(Stage.INVITED).link.code}) is Fault.INVALID_GRANT
    assert refusal(wallet, {**pre, "pre-authorized_code": code}) is Fault.INVALID_GRANT
    with pytest.raises(WalletRefusedError):
        wallet.authorised_token(offered.link.code)
    for secret in (code, offered.link.code, offered.link.handle, invited.link.code):
        with pytest.raises(WalletRefusedError) as refused:
            wallet.redeem({"access_token": secret})
        assert refused.value.fault is Fault.INVALID_TOKEN


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from(["grant_type", "code", "pre-authorized_code", "tx_code", "x"]), st.text()))
def test_whatever_is_sent_is_refused_in_oauths_words(desk: Desk, parameters: dict[str, str]) -> None:
    with pytest.raises(WalletRefusedError):
        Wallet(desk).exchange(parameters)


def test_the_wallets_name_goes_with_the_token(desk: Desk, wallet: Wallet) -> None:
    token = wallet.token(desk.offer(), client_id=CLIENT)
    assert desk.issuer.offers.open(token["access_token"], Stage.GRANTED).contents.client == CLIENT
