"""A wallet's requests as they go over the wire, and what a platform's and a person's answers look like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import httpx
import pytest

from identity.encoding import base64url
from identity.encoding.strict_json import read_object
from identity.openid4vci.token import PRE_AUTHORISED
from tests.api.wire import problem, rows, stored
from tests.deployment import Running
from tests.identity.openid4vci.desk import CLAIMS, REDIRECT, VERIFIER
from tests.peers.node import Node

AGE, BEARER = "AgeAttestation.sd-jwt", "AgeAttestation.bbs"
OFFERS = "/v1/credentials/offers"
TOKEN, NONCE, CREDENTIAL = (f"/openid4vci/{name}" for name in ("token", "nonce", "credential"))
CHALLENGE = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"


@pytest.fixture(scope="module")
def platform(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http(deployment.key(scopes=["credentials:issue"], tool="", source_types=[])) as http:
        yield http


@pytest.fixture(scope="module")
def phone(deployment: Running) -> Iterator[httpx.Client]:
    """A wallet's, without a key of ours."""
    with deployment.http() as http:
        yield http


def offered(platform: httpx.Client, **changed: Any) -> dict[str, Any]:
    """A new offer, with the code that is in its link as `secret`."""
    answer = platform.post(OFFERS, json={"configuration": AGE, "claims": CLAIMS, **changed})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    offer = json.loads(parse_qs(urlsplit(made["link"]).query)["credential_offer"][0])
    (grant,) = offer["grants"].values()
    return {**made, "secret": grant.get("pre-authorized_code") or grant["issuer_state"], "offer": offer}


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    """In OAuth's form, which no cache keeps."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", answer.json()["error_description"])
    assert answer.headers["cache-control"] == "no-store"


def granted(phone: httpx.Client, made: Mapping[str, Any]) -> str:
    form = {"grant_type": PRE_AUTHORISED, "pre-authorized_code": made["secret"]}
    answer = phone.post(TOKEN, data=form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def asked(made: Mapping[str, Any], **changed: str) -> dict[str, str]:
    """An authorisation request."""
    return {
        "response_type": "code",
        "client_id": "wallet",
        "redirect_uri": REDIRECT,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "issuer_state": made["secret"],
        **changed,
    }


def fields(page: httpx.Response) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
    return {name: unescape(value) for name, value in found}


def test_metadata_lead_a_wallet_to_every_endpoint(deployment: Running, phone: httpx.Client) -> None:
    issuer = phone.get("/.well-known/openid-credential-issuer").json()
    server = phone.get("/.well-known/oauth-authorization-server").json()
    assert issuer["credential_issuer"] == server["issuer"] == deployment.service.settings.origin
    described = phone.get("/openapi.json").json()["paths"]
    endpoints = [value for part in (issuer, server) for name, value in part.items() if name.endswith("_endpoint")]
    assert len(endpoints) == 5
    assert all(urlsplit(endpoint).path in described for endpoint in endpoints)
    offered_here = issuer["credential_configurations_supported"]
    assert set(server["scopes_supported"]) == set(offered_here)
    bound, bearer = (offered_here[name]["credential_metadata"]["claims"] for name in (AGE, BEARER))
    assert {"path": ["age_over_18"]} in bound
    assert {"path": ["credentialSubject", "age_over_18"]} in bearer


def test_an_offer_is_a_link_and_a_picture_of_one(platform: httpx.Client, phone: httpx.Client) -> None:
    made = offered(platform, tx_code=True)
    address = parse_qs(urlsplit(made["short_link"]).query)["credential_offer_uri"][0]
    assert phone.get(urlsplit(address).path).json() == made["offer"]
    assert ET.fromstring(made["qr"]).tag.endswith("svg")
    assert re.fullmatch(r"[0-9]{6}", made["code"])
    assert made["code"] not in made["link"]
    assert offered(platform)["code"] is None


def test_who_may_offer(deployment: Running, platform: httpx.Client, phone: httpx.Client) -> None:
    body = {"configuration": AGE, "claims": CLAIMS}
    with deployment.http(deployment.key()) as camera:
        problem(camera.post(OFFERS, json=body), 403, "scope-missing")
    problem(phone.post(OFFERS, json=body), 401, "unauthenticated")
    problem(platform.post(OFFERS, json={**body, "configuration": "Passport"}), 400, "credential-refused")
    problem(platform.post(OFFERS, json={**body, "claims": {"name": "A. Person"}}), 400, "credential-refused")
    both = {**body, "grant": "authorization_code", "tx_code": True}
    problem(platform.post(OFFERS, json=both), 422, "request-invalid")
    problem(platform.post(OFFERS, json={**body, "lasts": "P1D"}), 422, "request-invalid")
    problem(platform.post(OFFERS, json={**body, "claims": {"x": "y" * 70_000}}), 413, "body-too-large")


def test_an_offer_is_withdrawn(deployment: Running, platform: httpx.Client, phone: httpx.Client) -> None:
    made = offered(platform)
    other = deployment.key(scopes=["credentials:issue"], tool="", source_types=[], new_tenant=True)
    with deployment.http(other) as stranger:
        problem(stranger.delete(f"{OFFERS}/{made['id']}"), 404, "offer-not-found")
    assert platform.delete(f"{OFFERS}/{made['id']}").status_code == 204
    problem(platform.delete(f"{OFFERS}/{made['id']}"), 404, "offer-not-found")
    problem(
        phone.get(urlsplit(parse_qs(urlsplit(made["short_link"]).query)["credential_offer_uri"][0]).path),
        404,
        "offer-not-found",
    )
    refused(
        phone.post(TOKEN, data={"grant_type": PRE_AUTHORISED, "pre-authorized_code": made["secret"]}), "invalid_grant"
    )


def test_refusals_are_in_oauths_form(platform: httpx.Client, phone: httpx.Client) -> None:
    made = offered(platform)
    form = {"grant_type": PRE_AUTHORISED, "pre-authorized_code": made["secret"]}
    refused(phone.post(TOKEN, json=form), "invalid_request")
    refused(
        phone.post(TOKEN, content=b"a=\xff", headers={"Content-Type": "application/x-www-form-urlencoded"}),
        "invalid_request",
    )
    refused(phone.post(TOKEN, data={**form, "tx_code": "1"}), "invalid_request")
    refused(phone.post(TOKEN, data={**form, "pre-authorized_code": 'no "code" \\ \u00e9'}), "invalid_grant")
    token = granted(phone, made)
    refused(phone.post(TOKEN, data=form), "invalid_grant")
    body = {"credential_configuration_id": AGE, "proofs": {"jwt": ["x"]}}
    for header in ({}, {"Authorization": f"Basic {token}"}, bearer("x"), bearer(made["secret"])):
        answer = phone.post(CREDENTIAL, json=body, headers=header)
        refused(answer, "invalid_token", 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    refused(phone.post(CREDENTIAL, data=body, headers=bearer(token)), "invalid_credential_request")
    refused(phone.post(CREDENTIAL, json=body, headers=bearer(token)), "invalid_proof")
    refused(
        phone.post(CREDENTIAL, json={**body, "credential_configuration_id": BEARER}, headers=bearer(token)),
        "unknown_credential_configuration",
    )
    refused(
        phone.post(CREDENTIAL, content=b"{", headers={**bearer(token), "Content-Type": "application/json"}),
        "invalid_credential_request",
    )


def test_bodies_are_bounded(platform: httpx.Client, phone: httpx.Client) -> None:
    token = granted(phone, offered(platform))
    large = {"credential_configuration_id": AGE, "proofs": {"jwt": ["x" * 70_000]}}
    problem(phone.post(CREDENTIAL, json=large, headers=bearer(token)), 413, "body-too-large")
    problem(phone.post(TOKEN, data={"grant_type": "x" * 70_000}), 413, "body-too-large")
    deep = b'{"credential_configuration_id":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    refused(
        phone.post(CREDENTIAL, content=deep, headers={**bearer(token), "Content-Type": "application/json"}),
        "invalid_credential_request",
    )


def test_a_nonce_is_asked_for_and_never_kept(deployment: Running, phone: httpx.Client) -> None:
    first, second = (phone.post(NONCE) for _ in range(2))
    assert first.json()["c_nonce"] != second.json()["c_nonce"]
    assert first.headers["cache-control"] == "no-store"
    assert first.json()["c_nonce"].encode() not in stored(deployment)


def test_an_offer_ends_with_the_key_that_made_it(deployment: Running, phone: httpx.Client) -> None:
    issued = deployment.operator.issue_key({"scopes": ["credentials:issue"], "tool": "", "source_types": []})
    with deployment.http(str(issued["token"])) as platform:
        token = granted(phone, offered(platform, configuration=BEARER))
    deployment.operator.revoke_key(str(issued["id"]))
    refused(
        phone.post(CREDENTIAL, json={"credential_configuration_id": BEARER}, headers=bearer(token)),
        "credential_request_denied",
    )


def test_the_page_shows_the_person_what_is_asked(platform: httpx.Client, phone: httpx.Client) -> None:
    made = offered(platform, grant="authorization_code")
    hostile = 'https://wallet.example/"><script>alert(1)</script>'
    page = phone.get("/openid4vci/authorize", params=asked(made, state='"><script>', redirect_uri=hostile))
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "<b>wallet.example</b>" in page.text
    assert fields(page) == asked(made, state='"><script>', redirect_uri=hostile)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "set-cookie" not in page.headers


def test_the_person_is_sent_back_with_a_code(platform: httpx.Client, phone: httpx.Client) -> None:
    made = offered(platform, grant="authorization_code")
    page = phone.get("/openid4vci/authorize", params=asked(made, state="s"))
    wrong = phone.post("/openid4vci/authorize", data={**fields(page), "login_code": "0"})
    assert (wrong.status_code, "location" in wrong.headers) == (400, False)
    answer = phone.post("/openid4vci/authorize", data={**fields(page), "login_code": made["code"]})
    assert answer.status_code == 303
    back = answer.headers["location"]
    assert back.startswith(REDIRECT)
    assert answer.headers["referrer-policy"] == "no-referrer"
    sent = {name: value for name, (value,) in parse_qs(urlsplit(back).query).items()}
    assert (sent["state"], sent["iss"]) == ("s", made["offer"]["credential_issuer"])
    form = {
        "grant_type": "authorization_code",
        "code": sent["code"],
        "redirect_uri": REDIRECT,
        "client_id": "wallet",
    }
    refused(phone.post(TOKEN, data={**form, "code_verifier": "w" * 43}), "invalid_grant")
    assert phone.post(TOKEN, data={**form, "code_verifier": VERIFIER}).json()["token_type"] == "Bearer"
    again = phone.post("/openid4vci/authorize", data={**fields(page), "login_code": made["code"]})
    assert again.status_code == 400


def test_what_is_wrong_is_told_to_the_person_alone(platform: httpx.Client, phone: httpx.Client) -> None:
    """Nobody is redirected anywhere before the person said yes: this is no open redirector."""
    made = offered(platform, grant="authorization_code")
    for changed in ({"issuer_state": "x"}, {"code_challenge": ""}, {"redirect_uri": "javascript:alert(1)"}):
        answer = phone.get("/openid4vci/authorize", params=asked(made, **changed))
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert answer.headers["content-type"].startswith("text/html")


def test_no_claim_lies_in_clear_and_none_stays(deployment: Running, platform: httpx.Client) -> None:
    made = offered(platform, claims=CLAIMS)
    kept = stored(deployment)
    for secret in (made["secret"], urlsplit(made["short_link"]).query.rpartition("%2F")[2], *CLAIMS):
        assert secret.encode() not in kept
    (row,) = rows(deployment, "SELECT stage, api_key_id IS NULL FROM credential_offer WHERE id = ?", made["id"])
    assert row == ("offered", 0)


def payload(credential: str) -> dict[str, Any]:
    """Of its token."""
    return read_object(base64url.decode(credential.partition("~")[0].split(".")[1], "a payload"), "a payload")


def test_a_wallet_gets_what_it_is_offered_by_either_grant(
    deployment: Running, platform: httpx.Client, node: Node
) -> None:
    plain, typed, invited, bearer = (
        offered(platform),
        offered(platform, tx_code=True),
        offered(platform, grant="authorization_code"),
        offered(platform, configuration=BEARER),
    )
    wrong = offered(platform, tx_code=True)
    cases: list[dict[str, Any]] = [
        {"offer": plain["link"], "algorithms": ["ES256"]},
        {"offer": typed["short_link"], "code": typed["code"], "algorithms": ["ES256", "EdDSA", "ES256"]},
        {"offer": invited["short_link"], "code": invited["code"], "algorithms": ["EdDSA"]},
        {"offer": bearer["short_link"], "algorithms": []},
        {"offer": wrong["link"], "code": str((int(wrong["code"]) + 1) % 10**6), "algorithms": ["ES256"]},
    ]
    *got, refused = node.run("openid4vci.mjs", [{"socket": str(deployment.socket), **case} for case in cases])
    assert [len(one["credentials"]) for one in got] == [1, 3, 1, 1], got
    for one in got[:3]:
        bound = [payload(credential)["cnf"]["jwk"] for credential in one["credentials"]]
        assert bound == [{name: part for name, part in key.items() if name != "d"} for key in one["keys"]]
    assert refused["refused"] == "invalid_grant", refused
    with deployment.http() as anyone:
        assert 'route="/openid4vci/par",status="201"' in anyone.get("/metrics").text, "the wallet pushed its request"
        shows_one_fact_of(anyone, got[3]["credentials"][0])


def shows_one_fact_of(holder: httpx.Client, whole: dict[str, Any]) -> None:
    """The credential that is bound to no key, under bbs-2023."""
    asked = {"verifiableCredential": whole, "options": {"selectivePointers": ["/credentialSubject/age_over_18"]}}
    derived = holder.post("/credentials/derive", json=asked)
    assert derived.status_code == 201, derived.text
    assert CLAIMS.items() < whole["credentialSubject"].items()
    shown = derived.json()["verifiableCredential"]
    assert shown["credentialSubject"] == CLAIMS
    verified = holder.post("/credentials/verify", json={"verifiableCredential": shown, "options": {}})
    assert (verified.status_code, verified.json()["verified"]) == (200, True), verified.text
