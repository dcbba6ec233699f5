from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.did.methods import did_key, method_of
from identity.encoding import base64url
from identity.encoding.strict_json import read_object, write_json
from identity.errors import WalletRefusedError
from identity.jose.jwk import write_jwk
from identity.openid4vci.faults import Fault
from identity.openid4vci.key_proof import MAX_CHARACTERS, MAX_PROOFS, PROOF_SECONDS
from identity.openid4vci.nonce import LASTS, Nonces
from identity.openid4vci.offers import Stage
from keys.clock import system_entropy
from keys.errors import KeyStoreDownError
from keys.signer import Algorithm
from tests.identity.openid4vci.desk import BEARER, BOUND, CLIENT, KEYS, Desk, Wallet
from tests.identity.parties import party


def refusal(desk: Desk, wallet: Wallet, body: bytes, token: Mapping[str, Any] | None = None) -> Fault:
    """Of a request, after which the token is as good as before and nothing was issued."""
    granted = wallet.token(desk.offer()) if token is None else token
    before = desk.entries()
    with pytest.raises(WalletRefusedError) as refused:
        wallet.redeem(granted, body)
    if token is None:
        assert wallet.redeem(granted)
        desk.wait_for(before + 1)
    assert desk.entries() == before + (token is None)
    return refused.value.fault


def payload(credential: str) -> dict[str, object]:
    return read_object(base64url.decode(credential.partition("~")[0].split(".")[1], "a payload"), "a payload")


def test_a_credential_is_bound_to_the_key_that_was_proven(desk: Desk, wallet: Wallet) -> None:
    (credential,) = wallet.redeem(wallet.token(desk.offer()))
    assert payload(credential)["cnf"] == {"jwk": write_jwk(KEYS[0].key)}


def test_a_batch_is_one_credential_for_each_key(desk: Desk, wallet: Wallet) -> None:
    nonce = wallet.nonce()
    body = wallet.request(*(wallet.proof(nonce, key) for key in KEYS))
    credentials = wallet.redeem(wallet.token(desk.offer()), body)
    assert [payload(one)["cnf"] for one in credentials] == [{"jwk": write_jwk(key.key)} for key in KEYS]


def test_a_credential_that_is_bound_to_no_key_comes_alone(desk: Desk, wallet: Wallet) -> None:
    token = wallet.token(desk.offer(configuration=BEARER))
    proven = wallet.request(wallet.proof(wallet.nonce()), configuration=BEARER)
    assert refusal(desk, wallet, proven, token) is Fault.INVALID_PROOF
    (credential,) = wallet.redeem(token, wallet.request(configuration=BEARER))
    assert "cnf" not in payload(credential)


def test_a_key_may_be_named_by_its_did(desk: Desk, wallet: Wallet) -> None:
    for holder in (party(), party(Algorithm.ED25519)):
        named = {"jwk": None, "kid": method_of(did_key(holder.key))}
        body = wallet.request(wallet.proof(wallet.nonce(), holder, named))
        (credential,) = wallet.redeem(wallet.token(desk.offer()), body)
        assert payload(credential)["cnf"] == {"jwk": write_jwk(holder.key)}


def test_a_token_is_good_for_one_answer(desk: Desk, wallet: Wallet) -> None:
    token = wallet.token(desk.offer())
    wallet.redeem(token)
    assert refusal(desk, wallet, b"", token) is Fault.INVALID_TOKEN
    assert refusal(desk, wallet, b"", {"access_token": ""}) is Fault.INVALID_TOKEN


def test_redeeming_at_once_issues_once(desk: Desk, wallet: Wallet) -> None:
    token, before = wallet.token(desk.offer()), desk.entries()

    def redeem(_: int) -> int | Fault:
        try:
            return len(wallet.redeem(token))
        except WalletRefusedError as error:
            return error.fault

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(redeem, range(12)))
    assert sorted(map(str, answers)) == ["1", *["invalid_token"] * 11]
    desk.wait_for(before + 1)
    assert desk.entries() == before + 1


def test_who_had_read_the_offer_before_it_was_taken_takes_nothing(desk: Desk, wallet: Wallet) -> None:
    """The race itself, at its narrowest: both have opened the offer, both proofs hold."""
    token, before = wallet.token(desk.offer()), desk.entries()
    bodies = [wallet.request(wallet.proof(wallet.nonce())) for _ in range(2)]

    def overtake() -> None:
        desk.mint.before = lambda: None
        assert wallet.redeem(token, bodies[1])

    desk.mint.before = overtake
    with pytest.raises(WalletRefusedError) as refused:
        wallet.redeem(token, bodies[0])
    assert refused.value.fault is Fault.INVALID_TOKEN
    desk.wait_for(before + 1)
    assert desk.entries() == before + 1


def test_what_fails_while_issuing_takes_nothing(desk: Desk, wallet: Wallet) -> None:
    token, before = wallet.token(desk.offer()), desk.entries()
    desk.mint.broken = KeyStoreDownError("down")
    try:
        with pytest.raises(KeyStoreDownError):
            wallet.redeem(token)
    finally:
        desk.mint.broken = None
    assert wallet.redeem(token)
    desk.wait_for(before + 1)
    assert desk.entries() == before + 1


def test_offers_of_a_revoked_key_are_worth_nothing(desk: Desk, wallet: Wallet) -> None:
    token = wallet.token(desk.offer())
    desk.revoked = True
    try:
        assert refusal(desk, wallet, b"", token) is Fault.DENIED
    finally:
        desk.revoked = False


def test_a_nonce_is_good_once_and_for_a_while(desk: Desk, wallet: Wallet) -> None:
    body = wallet.request(wallet.proof(wallet.nonce()))
    wallet.redeem(wallet.token(desk.offer()), body)
    assert refusal(desk, wallet, body) is Fault.INVALID_NONCE, "replayed, under another token"
    old = wallet.nonce()
    desk.world.clock.move(LASTS)
    assert refusal(desk, wallet, wallet.request(wallet.proof(old))) is Fault.INVALID_NONCE


def test_a_nonce_is_spent_once_however_many_come_at_once(desk: Desk) -> None:
    nonces = desk.issuer.credentials.nonces
    nonce = nonces.fresh()

    def spend(_: int) -> str:
        try:
            nonces.spend(nonce)
        except WalletRefusedError as error:
            return error.fault
        return "spent"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(spend, range(24))) == [*[Fault.INVALID_NONCE] * 23, "spent"]


def test_only_our_nonces_count(desk: Desk, wallet: Wallet) -> None:
    clock, database = desk.world.clock, desk.world.database
    theirs = Nonces(database, lambda: b"t" * 32, clock, system_entropy).fresh()
    data = base64url.decode(wallet.nonce(), "a nonce")
    later = base64url.encode((int.from_bytes(data[:8]) + 10**6).to_bytes(8) + data[8:])
    for nonce in (theirs, later, wallet.nonce()[:-4], "x", "\u00e9", base64url.encode(b"k" * 56)):
        assert refusal(desk, wallet, wallet.request(wallet.proof(nonce))) is Fault.INVALID_NONCE, nonce


def test_all_proofs_are_over_one_nonce_and_by_different_keys(desk: Desk, wallet: Wallet) -> None:
    two = wallet.request(wallet.proof(wallet.nonce(), KEYS[0]), wallet.proof(wallet.nonce(), KEYS[1]))
    assert refusal(desk, wallet, two) is Fault.INVALID_PROOF
    nonce = wallet.nonce()
    same = wallet.request(wallet.proof(nonce), wallet.proof(nonce, iat=int(desk.world.clock().timestamp()) - 1))
    assert refusal(desk, wallet, same) is Fault.INVALID_PROOF


PRIVATE = {**write_jwk(KEYS[0].key), "d": "AAAA"}
SYMMETRIC = {"kty": "oct", "k": base64url.encode(b"secret")}


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": None}, {}),
        ({"alg": "none"}, {}),
        ({"alg": "HS256"}, {}),
        ({"alg": "ES384"}, {}),
        ({"alg": "EdDSA"}, {}),
        ({"crit": ["b64"], "b64": False}, {}),
        ({"jwk": PRIVATE}, {}),
        ({"jwk": SYMMETRIC}, {}),
        ({"jwk": write_jwk(KEYS[1].key)}, {}),
        ({"jwk": write_jwk(party(Algorithm.ED25519).key)}, {}),
        ({"jwk": None}, {}),
        ({"jwk": None, "kid": "key-1"}, {}),
        ({"jwk": None, "kid": "did:web:wallet.example#key-1"}, {}),
        ({"kid": method_of(did_key(KEYS[0].key))}, {}),
        ({"jwk": None, "x5c": ["AAAA"]}, {}),
        ({}, {"aud": "https://other.example"}),
        ({}, {"aud": None}),
        ({}, {"aud": ["https://issuer.example"]}),
        ({}, {"iat": None}),
        ({}, {"iat": 1}),
        ({}, {"iat": 10**12}),
        ({}, {"iat": "now"}),
        ({}, {"exp": 1}),
        ({}, {"iss": CLIENT}),
        ({}, {"iss": ""}),
    ],
)
def test_a_proof_that_does_not_hold(
    desk: Desk, wallet: Wallet, header: dict[str, object], claims: dict[str, object]
) -> None:
    body = wallet.request(wallet.proof(wallet.nonce(), KEYS[0], header, **claims))
    assert refusal(desk, wallet, body) is Fault.INVALID_PROOF


def test_a_proof_without_a_nonce(desk: Desk, wallet: Wallet) -> None:
    for nonce in (None, "", 7):
        body = wallet.request(wallet.proof(nonce))
        assert refusal(desk, wallet, body) is Fault.INVALID_PROOF


def test_unsigned_and_macs_under_the_public_key(desk: Desk, wallet: Wallet) -> None:
    """The classics: no signature, and an HMAC whose key is the public key as everyone has it."""
    _, said, _ = wallet.proof(wallet.nonce()).split(".")
    spki = KEYS[0].key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for algorithm, key in (("none", None), ("HS256", spki), ("HS256", json.dumps(write_jwk(KEYS[0].key)).encode())):
        header = {"typ": "openid4vci-proof+jwt", "alg": algorithm, "jwk": write_jwk(KEYS[0].key)}
        signing_input = f"{base64url.encode(write_json(header))}.{said}"
        mac = hmac.digest(key, signing_input.encode(), "sha256") if key else b""
        assert refusal(desk, wallet, wallet.request(f"{signing_input}.{base64url.encode(mac)}")) is Fault.INVALID_PROOF


def test_every_byte_of_a_proof_counts(desk: Desk, wallet: Wallet) -> None:
    proof, token = wallet.proof(wallet.nonce()), wallet.token(desk.offer())
    for at in range(0, len(proof), 7):
        changed = proof[:at] + ("A" if proof[at] != "A" else "B") + proof[at + 1 :]
        assert refusal(desk, wallet, wallet.request(changed), token) in {Fault.INVALID_PROOF, Fault.INVALID_NONCE}
    assert wallet.redeem(token, wallet.request(proof))


def test_keys_of_other_curves_are_refused(desk: Desk, wallet: Wallet) -> None:
    numbers = generate_private_key(SECP256K1()).public_key().public_numbers()
    x, y = (urlsafe_b64encode(value.to_bytes(32)).rstrip(b"=").decode() for value in (numbers.x, numbers.y))
    jwk = {"kty": "EC", "crv": "secp256k1", "x": x, "y": y}
    body = wallet.request(wallet.proof(wallet.nonce(), KEYS[0], {"jwk": jwk}))
    assert refusal(desk, wallet, body) is Fault.INVALID_PROOF


def test_the_wallet_that_has_the_token_may_name_itself(desk: Desk, wallet: Wallet) -> None:
    named = wallet.authorised_token(wallet.authorise(desk.offer(Stage.INVITED))["code"])
    wrong = wallet.request(wallet.proof(wallet.nonce(), iss="other.example"))
    assert refusal(desk, wallet, wrong, named) is Fault.INVALID_PROOF
    assert wallet.redeem(named, wallet.request(wallet.proof(wallet.nonce(), iss=CLIENT)))


def test_a_proof_is_recent(desk: Desk, wallet: Wallet) -> None:
    now = int(desk.world.clock().timestamp())
    old = wallet.request(wallet.proof(wallet.nonce(), iat=now - PROOF_SECONDS - 1))
    assert refusal(desk, wallet, old) is Fault.INVALID_PROOF
    assert wallet.redeem(wallet.token(desk.offer()), wallet.request(wallet.proof(wallet.nonce(), iat=now + 30)))
    desk.world.clock.move(timedelta(seconds=60))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", Fault.INVALID_CREDENTIAL_REQUEST),
        (b"[]", Fault.INVALID_CREDENTIAL_REQUEST),
        (b'{"credential_configuration_id":"x","credential_configuration_id":"y"}', Fault.INVALID_CREDENTIAL_REQUEST),
        (b'{"format":"dc+sd-jwt"}', Fault.INVALID_CREDENTIAL_REQUEST),
        (b'{"credential_configuration_id":7}', Fault.INVALID_CREDENTIAL_REQUEST),
        (b'{"a":' * 64 + b"1" + b"}" * 64, Fault.INVALID_CREDENTIAL_REQUEST),
        (b'{"credential_configuration_id":"passport"}', Fault.UNKNOWN_CONFIGURATION),
        (write_json({"credential_configuration_id": BEARER}), Fault.UNKNOWN_CONFIGURATION),
        (write_json({"credential_identifier": BOUND}), Fault.UNKNOWN_IDENTIFIER),
        (
            write_json({"credential_configuration_id": BOUND, "credential_response_encryption": {}}),
            Fault.INVALID_ENCRYPTION,
        ),
        (write_json({"credential_configuration_id": BOUND}), Fault.INVALID_PROOF),
        (write_json({"credential_configuration_id": BOUND, "proof": {"jwt": "x"}}), Fault.INVALID_PROOF),
        (write_json({"credential_configuration_id": BOUND, "proofs": []}), Fault.INVALID_PROOF),
        (write_json({"credential_configuration_id": BOUND, "proofs": {"jwt": "x"}}), Fault.INVALID_PROOF),
        (write_json({"credential_configuration_id": BOUND, "proofs": {"jwt": [7]}}), Fault.INVALID_PROOF),
        (write_json({"credential_configuration_id": BOUND, "proofs": {"di_vp": [{}]}}), Fault.INVALID_PROOF),
        (
            write_json({"credential_configuration_id": BOUND, "proofs": {"jwt": ["x"] * (MAX_PROOFS + 1)}}),
            Fault.INVALID_PROOF,
        ),
        (
            write_json({"credential_configuration_id": BOUND, "proofs": {"jwt": ["x" * (MAX_CHARACTERS + 1)]}}),
            Fault.INVALID_PROOF,
        ),
    ],
)
def test_a_request_that_has_not_its_form(desk: Desk, wallet: Wallet, body: bytes, fault: Fault) -> None:
    assert refusal(desk, wallet, body or b" ") is fault
