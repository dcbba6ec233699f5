"""What one tenant has of credentials, wallets' answers and accounts is not there for another, whose key may do all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from identity.status.bitstring import entries
from tests.api.routers.test_assurance import ACCOUNTS, assured, opened, provider, sent
from tests.api.wire import rows
from tests.deployment import Running
from tests.simulators.identity_provider import IdentityProvider

__all__ = ["assured", "provider"]

SCOPES: Final = [
    "credentials:issue", "credentials:revoke", "presentations:request",
    "assurance:grant", "assurance:read", "assurance:erase", "access:admin", "ledger:audit", "depictions:judge",
]  # fmt: skip
CREATOR: Final = {"type": "VerifiedCreator", "claims": {"name": "Anna", "profile": "https://anna.example"}}
OF_NOBODY: Final = frozenset(
    {
        *(("post", path) for path in ("/credentials/verify", "/presentations/verify", "/credentials/derive")),
        *(("post", path) for path in ("/credentials/issue", "/v1/credentials", "/v1/credentials/offers")),
        *(("post", path) for path in ("/openid4vp/requests", "/v1/assurance/accounts")),
        ("get", "/v1/assurance/policy"),
        *(("get", "/openid4vp/objects/{session}"), ("post", "/openid4vp/responses/{session}")),
        ("post", "/v1/assurance/webhooks/{provider}"),
    }
)
"""Routes that keep nothing, begin something of the caller's own, or are for who has a secret and no key."""


@dataclass(frozen=True)
class Things:
    """What a tenant has."""

    http: httpx.Client
    credential: dict[str, Any]
    named: dict[str, str]
    """What stands in paths, by the name that it has there."""

    code: str
    login: str
    url: str
    """Where that login goes on."""


def things(up: Running, http: httpx.Client) -> Things:
    credential = http.post("/v1/credentials", json={**CREATOR, "format": "eddsa-jcs-2022"}).json()
    claims = {"configuration": "AgeAttestation.sd-jwt", "claims": {"age_over_18": True}}
    account = opened(http, "user-1")
    codes = [
        http.post(f"{account}/codes", json={"evidence": "email", "destination": f"{name}@example.org"}).json()[
            "request"
        ]
        for name in ("ada", "eve")
    ]
    done = http.post(f"{account}/codes/{codes[0]}", json={"code": sent(up, codes[0])["code"]})
    login = http.post(f"{account}/logins", json={"provider": "example-id"}).json()
    named = {
        "credential": credential["id"],
        "offer": http.post("/v1/credentials/offers", json=claims).json()["id"],
        "session": http.post("/openid4vp/requests", json={"over": 18}).json()["id"],
        "account": account.rpartition("/")[2],
        "evidence": done.json()["evidence"]["id"],
        "picture": "svg",
    }
    return Things(http, credential["credential"], named, codes[1], login["request"], login["authorization_url"])


@pytest.fixture(scope="module")
def ours(assured: Running) -> Iterator[Things]:
    with assured.http(assured.key("", scopes=SCOPES, source_types=[])) as http:
        yield things(assured, http)


@pytest.fixture(scope="module")
def theirs(assured: Running) -> Iterator[Things]:
    with assured.http(assured.key("", scopes=SCOPES, source_types=[], new_tenant=True)) as http:
        yield things(assured, http)


Trial = tuple[str, str, dict[str, Any] | None, str]
"""Method, path as OpenAPI has it, body, problem."""

ACCOUNT: Final = ACCOUNTS + "/{account}"
REVOKED: Final = {"credentialStatus": {"type": "BitstringStatusListEntry", "statusPurpose": "revocation"}}
STATED: Final = {"tier": "low", "audience": "https://a.example", "nonce": "n-1"}
BY_ID: Final[list[Trial]] = [
    ("get", "/v1/credentials/{credential}/status", None, "credential-not-found"),
    ("delete", "/v1/credentials/offers/{offer}", None, "offer-not-found"),
    ("get", "/openid4vp/requests/{session}", None, "wallet-request-not-found"),
    ("get", "/openid4vp/requests/{session}/qr.{picture}", None, "wallet-request-not-found"),
    ("get", ACCOUNT, None, "account-not-found"),
    ("post", f"{ACCOUNT}/codes", {"evidence": "email", "destination": "eve@example.org"}, "account-not-found"),
    ("post", f"{ACCOUNT}/logins", {"provider": "example-id"}, "account-not-found"),
    ("post", f"{ACCOUNT}/kyc", {"provider": "example-kyc"}, "account-not-found"),
    ("post", f"{ACCOUNT}/step-ups", STATED, "account-not-found"),
    ("post", f"{ACCOUNT}/step-ups", {"tier": "low", "form": "eddsa-jcs-2022"}, "account-not-found"),
    ("post", f"{ACCOUNT}/portraits", {}, "account-not-found"),
    ("post", f"{ACCOUNT}/depictions", {}, "account-not-found"),
    ("delete", ACCOUNT, None, "account-not-found"),
]


def trials(of: Things, mine: Things, code: str) -> Iterator[tuple[str, Trial]]:
    """What a stranger tries with another's things, and with those under an account of its own; and the path."""
    for trial in BY_ID:
        yield trial[1].format(**of.named), trial
    for name in (of.named["credential"], of.credential["id"]):
        revocation: dict[str, Any] = {"credentialId": name, "reason": "mine", **REVOKED}
        yield "/credentials/status", ("post", "/credentials/status", revocation, "credential-not-found")
    for account in (of.named["account"], mine.named["account"]):
        own = account == mine.named["account"]
        for path, request, body, slug in (
            ("/codes/{request}", of.code, {"code": code}, "evidence-request-not-found"),
            ("/logins/{request}", of.login, {"code": "code+0"}, "evidence-request-not-found"),
            ("/evidence/{evidence}/withdrawal", "", {"reason": "asked"}, "evidence-not-found"),
            ("/presentations", "", {"session": of.named["session"]}, "wallet-request-not-found"),
        ):
            whole = ACCOUNT + path
            place = whole.format(**{**of.named, "account": account, "request": request})
            yield place, ("post", whole, body, slug if own else "-not-found")


def test_nothing_of_one_tenants_is_there_for_another(
    assured: Running, provider: IdentityProvider, ours: Things, theirs: Things
) -> None:
    provider.log_in(ours.url, "ada")
    before, entries_before = standing(ours), entries_of(assured)
    for path, (method, _, body, slug) in trials(ours, theirs, sent(assured, ours.code)["code"]):
        answer = theirs.http.request(method, path, json=body)
        assert answer.status_code == 404, (method, path, answer.text)
        assert answer.json()["type"].endswith(slug), (method, path, answer.text)
    assert standing(ours) == before
    assert entries_of(assured) == entries_before


def standing(of: Things) -> list[Any]:
    return [
        of.http.get(path.format(**of.named)).json()
        for method, path, *_ in BY_ID
        if method == "get" and "qr" not in path
    ]


def entries_of(up: Running) -> list[tuple[Any, ...]]:
    return rows(up, "SELECT entry_id FROM payload WHERE kind LIKE 'credential.%' OR kind LIKE 'assurance.%'")


def test_no_route_was_forgotten(ours: Things, theirs: Things) -> None:
    kinds = ("/v1/credentials", "/credentials", "/presentations", "/openid4vp", "/v1/assurance")
    paths = ours.http.get("/openapi.json").json()["paths"]
    routes = {(method, path) for path, methods in paths.items() for method in methods if path.startswith(kinds)}
    known = {(method, path) for _, (method, path, _, _) in trials(ours, theirs, "")}
    assert routes == known | OF_NOBODY


def test_two_tenants_that_choose_the_same_idempotency_key_and_name_share_nothing(ours: Things, theirs: Things) -> None:
    asked = {**CREATOR, "format": "eddsa-jcs-2022"}
    made = [
        each.http.post("/v1/credentials", json=asked, headers={"Idempotency-Key": "k"}).json()
        for each in (ours, theirs)
    ]
    assert made[0]["id"] != made[1]["id"]
    assert ours.named["account"] != theirs.named["account"], "the platform's own name for it was the same"


def test_no_list_holds_credentials_of_two_tenants(ours: Things, theirs: Things) -> None:
    lists = [{entry.uri for entry in entries(each.credential)} for each in (ours, theirs)]
    assert not lists[0] & lists[1]
