"""Somebody is over 18, and that is all that a shop learns of them: with wallets that nobody here wrote."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx

from identity.encoding import base64url
from identity.encoding.strict_json import read_object
from tests.api.wire import rows, stored
from tests.deployment import Running, running
from tests.peers.node import Node

BIRTHDAY = "age_over_21"
"""What the credential says besides, and nobody is to learn."""


def offered(platform: httpx.Client) -> dict[str, Any]:
    """What a platform that knows its user's age shows them."""
    wanted = {"configuration": "AgeAttestation.sd-jwt", "claims": {"age_over_18": True, BIRTHDAY: False}}
    answer = platform.post("/v1/credentials/offers", json={**wanted, "tx_code": True})
    assert answer.status_code == 201, answer.text
    offer: dict[str, Any] = answer.json()
    return offer


def asked(shop: httpx.Client) -> dict[str, Any]:
    answer = shop.post("/openid4vp/requests", json={"over": 18})
    assert answer.status_code == 201, answer.text
    question: dict[str, Any] = answer.json()
    return question


def test_a_wallet_proves_an_age_to_shops_that_learn_only_that(tmp_path: Path, node: Node) -> None:
    with (
        running(tmp_path / "home") as up,
        up.http(up.key(scopes=["credentials:issue"], tool="", source_types=[])) as platform,
        up.http(up.key(scopes=["presentations:request"], tool="", source_types=[])) as shop,
    ):
        offer = offered(platform)
        fetch = {"socket": str(up.socket), "offer": offer["short_link"], "code": offer["code"]}
        (held,) = node.run("openid4vci.mjs", [{**fetch, "algorithms": ["ES256", "ES256"]}])
        assert "refused" not in held, held
        questions = [asked(shop), asked(shop)]
        cases = [
            {"link": question["link"], "document": "age_attestation", "shown": ["age_over_18"], **one}
            for question, one in zip(questions, pairs(held), strict=True)
        ]
        shown = node.run(
            "openid4vp.mjs", {"socket": str(up.socket), "now": int(time.time()), "keys": {}, "cases": cases}
        )
        assert [one["status"] for one in shown] == [200, 200], shown
        answers = [shop.get(f"/openid4vp/requests/{question['id']}").json()["answer"] for question in questions]
        did = payload(held["credentials"][0])["iss"]
        assert answers == [{"said": "yes", "by": did, "outcome": "holds"}] * 2
        nothing_is_left(up, held)


def pairs(held: dict[str, Any]) -> list[dict[str, Any]]:
    """A credential for each shop, so that both together could not tell that it was one person."""
    first, second = map(payload, held["credentials"])
    assert set(first["_sd"]).isdisjoint(second["_sd"])
    assert first["cnf"] != second["cnf"]
    same = {name for name in first if first[name] == second[name]}
    assert same == {"iss", "vct", "nbf", "exp", "_sd_alg"}
    return [
        {"credential": credential, "key": key}
        for credential, key in zip(held["credentials"], held["keys"], strict=True)
    ]


def nothing_is_left(up: Running, held: dict[str, Any]) -> None:
    """Of the person: an offer that was taken, credentials that nobody keeps, a session with a yes in it, sealed."""
    kept = stored(up)
    for credential in held["credentials"]:
        token, *disclosures = credential.strip("~").split("~")
        for part in (token, token.rpartition(".")[2], *disclosures):
            assert part.encode() not in kept
    assert b"age_over" not in kept
    assert rows(up, "SELECT count(*) FROM credential_offer") == [(0,)]
    issued = rows(up, "SELECT count(*) FROM payload WHERE kind = 'credential.issued'")
    assert issued == [(len(held["credentials"]),)]


def payload(credential: str) -> dict[str, Any]:
    """Of an SD-JWT's token."""
    return read_object(base64url.decode(credential.partition("~")[0].split(".")[1], "a payload"), "a payload")
