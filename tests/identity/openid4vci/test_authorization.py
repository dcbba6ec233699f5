from __future__ import annotations

from urllib.parse import urlencode

import pytest

from identity.errors import WalletRefusedError
from identity.openid4vci.authorization import CODE_LASTS, read_request
from identity.openid4vci.faults import Fault
from identity.openid4vci.offers import MAX_TRIES, Stage
from identity.openid4vci.parameters import MAX_CHARACTERS, MAX_PARAMETERS, read_parameters
from identity.openid4vci.pushed import LASTS
from tests.identity.openid4vci.desk import BEARER, ISSUER, Desk, Wallet


def test_the_person_who_was_invited_lets_a_wallet_in(desk: Desk, wallet: Wallet) -> None:
    made = desk.offer(Stage.INVITED)
    back = wallet.authorise(made)
    assert back == {"code": back["code"], "state": "a state", "iss": ISSUER, "kept": "1"}
    assert wallet.redeem(wallet.authorised_token(back["code"]))
    with pytest.raises(WalletRefusedError):
        wallet.authorise(made)


def test_a_code_lasts_for_minutes(desk: Desk, wallet: Wallet) -> None:
    code = wallet.authorise(desk.offer(Stage.INVITED))["code"]
    desk.world.clock.move(CODE_LASTS)
    with pytest.raises(WalletRefusedError) as refused:
        wallet.authorised_token(code)
    assert refused.value.fault is Fault.INVALID_GRANT


def test_login_codes_are_guessed_at_a_few_times_and_no_more(desk: Desk, wallet: Wallet) -> None:
    made = desk.offer(Stage.INVITED)
    for _ in range(MAX_TRIES):
        with pytest.raises(WalletRefusedError):
            wallet.authorise(made, "no")
    with pytest.raises(WalletRefusedError):
        wallet.authorise(made)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"response_type": "token"}, Fault.UNSUPPORTED_RESPONSE),
        ({"code_challenge_method": "plain"}, Fault.INVALID_REQUEST),
        ({"code_challenge_method": ""}, Fault.INVALID_REQUEST),
        ({"code_challenge": "short"}, Fault.INVALID_REQUEST),
        ({"code_challenge": ""}, Fault.INVALID_REQUEST),
        ({"issuer_state": ""}, Fault.INVALID_REQUEST),
        ({"issuer_state": "A" * 43}, Fault.INVALID_REQUEST),
        ({"client_id": ""}, Fault.INVALID_REQUEST),
        ({"redirect_uri": ""}, Fault.INVALID_REQUEST),
        ({"scope": BEARER}, Fault.INVALID_SCOPE),
    ],
)
def test_what_is_wrong_is_said_here(desk: Desk, wallet: Wallet, changed: dict[str, str], fault: Fault) -> None:
    made = desk.offer(Stage.INVITED)
    with pytest.raises(WalletRefusedError) as refused:
        wallet.authorise(made, **changed)
    assert refused.value.fault is fault
    assert wallet.authorise(made)["code"]


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://wallet.example/back",
        "https:///back",
        "https://user@wallet.example/back",
        "https://wallet.example/back#fragment",
        "//wallet.example/back",
        "/back",
        "wallet.example",
        "https://wallet.example/\u202eback",
        "https://[::1/back",
        "https://wallet.example:99999/",
    ],
)
def test_a_code_goes_to_no_such_address(desk: Desk, wallet: Wallet, address: str) -> None:
    with pytest.raises(WalletRefusedError) as refused:
        wallet.authorise(desk.offer(Stage.INVITED), redirect_uri=address)
    assert refused.value.fault is Fault.INVALID_REQUEST


@pytest.mark.parametrize(
    ("address", "destination"),
    [
        ("https://wallet.example/back", "wallet.example"),
        ("http://127.0.0.1:7/back", "127.0.0.1"),
        ("http://[::1]:7/back", "::1"),
        ("eudi-openid4ci://authorize/", "authorize"),
        ("com.example.wallet:/back", "com.example.wallet:"),
    ],
)
def test_the_person_is_told_where_the_code_goes(desk: Desk, wallet: Wallet, address: str, destination: str) -> None:
    asked = wallet.ask(desk.offer(Stage.INVITED), redirect_uri=address)
    assert read_request(read_parameters(urlencode(asked))).destination == destination


@pytest.mark.parametrize(
    "encoded",
    [
        "a=1&a=2",
        "a=%ff",
        "a=%0d%0aLocation:x",
        f"a={'x' * (MAX_CHARACTERS + 1)}",
        "&".join(f"p{number}=1" for number in range(MAX_PARAMETERS + 1)),
    ],
)
def test_parameters_are_read_in_one_way_or_not_at_all(encoded: str) -> None:
    with pytest.raises(WalletRefusedError) as refused:
        read_parameters(encoded)
    assert refused.value.fault is Fault.INVALID_REQUEST


def test_a_parameter_without_a_value_was_left_out() -> None:
    assert read_parameters("a=&b=2&c") == {"b": "2"}


def test_a_request_that_was_pushed_is_the_one_that_was_pushed(desk: Desk, wallet: Wallet) -> None:
    pushed, asked = desk.issuer.pushed, wallet.ask(desk.offer(Stage.INVITED))
    told = pushed.push({**asked, "resource": "passed over"})
    brought = {"client_id": asked["client_id"], "request_uri": str(told["request_uri"])}
    assert pushed.pulled(read_parameters(urlencode({**brought, "redirect_uri": "https://thief.example/"}))) == asked
    assert pushed.pulled(asked) == asked
    reference = brought["request_uri"]
    for changed in (
        {"client_id": "other"},
        {"client_id": ""},
        {"request_uri": reference[:-8]},
        {"request_uri": reference[:60] + ("A" if reference[60] != "A" else "B") + reference[61:]},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"request_uri": "https://wallet.example/request"},
    ):
        with pytest.raises(WalletRefusedError) as refused:
            pushed.pulled(read_parameters(urlencode({**brought, **changed})))
        assert refused.value.fault is Fault.INVALID_REQUEST
    desk.world.clock.move(LASTS)
    with pytest.raises(WalletRefusedError):
        pushed.pulled(brought)


def test_what_is_pushed_is_checked_as_it_comes(desk: Desk, wallet: Wallet) -> None:
    asked = wallet.ask(desk.offer(Stage.INVITED))
    for changed in ({"redirect_uri": "javascript:alert(1)"}, {"code_challenge": "x"}, {"state": "x" * 2000}):
        with pytest.raises(WalletRefusedError):
            desk.issuer.pushed.push({**asked, **changed})
