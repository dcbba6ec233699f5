from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from identity.errors import CredentialRefusedError, OfferGoneError, WalletRefusedError
from identity.openid4vci.credential_issuer import OFFER_LASTS
from identity.openid4vci.faults import Fault
from identity.openid4vci.nonce import SpentNonce, forget_spent
from identity.openid4vci.offers import MAX_TRIES, OfferRow, Stage, forget_offers
from identity.openid4vci.token import AUTHORISED, PRE_AUTHORISED, TOKEN_LASTS
from ledger.ids import TenantId, milliseconds
from ledger.storage.tenancy import SystemSession
from tests.identity.openid4vci.desk import BOUND, CLAIMS, ISSUER, Desk, Wallet


def rows(desk: Desk) -> list[dict[str, object]]:
    with desk.world.database.read(SystemSession.FSCK) as connection:
        return [dict(row) for row in connection.execute(select(OfferRow.__table__)).mappings()]


def row(desk: Desk, offer: str) -> dict[str, object] | None:
    return next((row for row in rows(desk) if row["id"] == offer), None)


def test_by_value_and_by_reference_are_one_offer(desk: Desk) -> None:
    for stage, grant in ((Stage.OFFERED, PRE_AUTHORISED), (Stage.INVITED, AUTHORISED)):
        made = desk.offer(stage, typed=True)
        value = json.loads(parse_qs(urlsplit(made.link.by_value).query)["credential_offer"][0])
        (address,) = parse_qs(urlsplit(made.link.by_reference).query)["credential_offer_uri"]
        handle = address.removeprefix(f"{ISSUER}/openid4vci/offers/")
        assert made.link.code not in made.link.by_reference
        assert value == json.loads(json.dumps(desk.issuer.offer_at(handle)))
        assert value["credential_configuration_ids"] == [BOUND]
        assert list(value["grants"]) == [grant]
        assert made.link.contents.typed not in json.dumps(value)


def test_an_offer_says_that_a_code_goes_with_it(desk: Desk) -> None:
    without, with_code = (desk.offer(typed=typed).link.document["grants"] for typed in (False, True))
    assert "tx_code" not in json.dumps(without)
    assert with_code[PRE_AUTHORISED]["tx_code"]["length"] == 6  # type: ignore[index]


def test_what_could_not_be_issued_is_not_offered(desk: Desk) -> None:
    before = len(rows(desk))
    for configuration, claims in ((BOUND, {"name": "A. Person"}), ("passport", CLAIMS)):
        with pytest.raises(CredentialRefusedError):
            desk.issuer.offer(desk.maker, configuration, claims, Stage.OFFERED, typed=False)
    assert len(rows(desk)) == before


def test_no_secret_and_no_claim_lies_in_the_database(desk: Desk, wallet: Wallet) -> None:
    """At no stage, and no stage keeps what opened the one before."""
    seen: list[bytes] = []
    made = desk.offer(Stage.INVITED)
    seen.append(repr(row(desk, made.id)).encode())
    back = wallet.authorise(made)
    seen.append(repr(row(desk, made.id)).encode())
    token = wallet.authorised_token(back["code"])
    seen.append(repr(row(desk, made.id)).encode())
    secrets = [made.link.handle, made.link.code, made.link.contents.typed, back["code"], token["access_token"]]
    for text in [*secrets, "age_over_18", BOUND]:
        assert not any(text.encode() in kept for kept in seen), text
    assert [stage for kept in seen for stage in Stage if f"'{stage}'".encode() in kept] == [
        Stage.INVITED,
        Stage.AUTHORISED,
        Stage.GRANTED,
    ]
    wallet.redeem(token)
    assert row(desk, made.id) is None


def test_an_offer_ends_and_is_forgotten(desk: Desk, wallet: Wallet) -> None:
    offered, granted = desk.offer(), desk.offer()
    token = wallet.token(granted)
    desk.world.clock.move(TOKEN_LASTS)
    with pytest.raises(WalletRefusedError) as refused:
        wallet.redeem(token)
    assert refused.value.fault is Fault.INVALID_TOKEN
    wallet.token(desk.offer())
    desk.world.clock.move(OFFER_LASTS - TOKEN_LASTS)
    with pytest.raises(WalletRefusedError) as refused:
        wallet.token(offered)
    assert refused.value.fault is Fault.INVALID_GRANT
    with pytest.raises(OfferGoneError):
        desk.issuer.offer_at(offered.link.handle)
    desk.world.clock.move(timedelta(hours=1))
    now = milliseconds(desk.world.clock())
    desk.world.database.write(lambda connection: forget_offers(connection, now))
    desk.world.database.write(lambda connection: forget_spent(connection, now))
    assert rows(desk) == []
    with desk.world.database.read(SystemSession.FSCK) as connection:
        assert connection.execute(select(SpentNonce.digest)).all() == []


def test_an_offer_is_withdrawn_by_its_tenant_at_any_stage(desk: Desk, wallet: Wallet) -> None:
    made = desk.offer()
    token = wallet.token(made)
    with pytest.raises(OfferGoneError):
        desk.issuer.offers.withdraw(TenantId("tnt_other"), made.id)
    desk.issuer.offers.withdraw(desk.tenant, made.id)
    with pytest.raises(WalletRefusedError):
        wallet.redeem(token)


def test_guesses_at_once_are_bounded_too(desk: Desk, wallet: Wallet) -> None:
    """However many guess in parallel, after MAX_TRIES wrong ones the right one will not do."""
    made = desk.offer(typed=True)
    wrong = [f"{(int(made.link.contents.typed) + step) % 10**6:06}" for step in range(1, 3 * MAX_TRIES)]

    def guess(code: str) -> bool:
        with pytest.raises(WalletRefusedError) as refused:
            wallet.token(made, tx_code=code)
        return refused.value.fault is Fault.INVALID_GRANT

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(guess, wrong))
    with pytest.raises(WalletRefusedError):
        wallet.token(made)
    kept = row(desk, made.id)
    assert kept is not None
    assert kept["stage"] == Stage.OFFERED


def test_one_guess_fewer_lets_the_right_one_in(desk: Desk, wallet: Wallet) -> None:
    made = desk.offer(typed=True)
    for _ in range(MAX_TRIES - 1):
        with pytest.raises(WalletRefusedError):
            wallet.token(made, tx_code="no")
    assert wallet.redeem(wallet.token(made))
