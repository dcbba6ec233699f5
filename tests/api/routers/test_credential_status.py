"""How credentials stand, over HTTP: lists for anyone, changes on record for whoever may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from identity.status.bitstring import entries, status
from identity.status.decisions import StatusChanged
from tests.api.wire import IN_THE_LOG, count, problem, rows
from tests.deployment import Running

STATUS = "/credentials/status"
CREATOR = {"type": "VerifiedCreator", "claims": {"name": "Anna", "profile": "https://anna.example"}}
REASON = "case 2026-118"


@pytest.fixture(scope="module")
def officer(deployment: Running) -> Iterator[httpx.Client]:
    """Who may issue and revoke."""
    token = deployment.key(scopes=["credentials:issue", "credentials:revoke"], tool="", source_types=[])
    with deployment.http(token) as http:
        yield http


@pytest.fixture
def issued(officer: httpx.Client) -> dict[str, Any]:
    answer = officer.post("/v1/credentials", json={**CREATOR, "format": "eddsa-rdfc-2022"})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def change(http: httpx.Client, credential: str, purpose: str, **more: Any) -> httpx.Response:
    named = {"type": "BitstringStatusListEntry", "statusPurpose": purpose}
    return http.post(STATUS, json={"credentialId": credential, "credentialStatus": named, "reason": REASON, **more})


def bits(up: Running, credential: dict[str, Any]) -> dict[str, int]:
    """What anybody reads in the lists that a credential names."""
    found = {}
    with up.http() as anyone:
        for entry in entries(credential):
            answer = anyone.get(entry.uri.removeprefix(up.service.settings.origin))
            assert answer.status_code == 200, answer.text
            assert "json" in answer.headers["content-type"]
            found[entry.purpose] = status(entry, answer.json())
    return found


def test_a_change_shows_at_once_and_is_on_record(
    deployment: Running, officer: httpx.Client, issued: dict[str, Any]
) -> None:
    credential, document = issued["id"], issued["credential"]
    assert bits(deployment, document) == {"revocation": 0, "suspension": 0}
    suspended = change(officer, document["id"], "suspension")
    assert suspended.status_code == 200, suspended.text
    assert suspended.json()["status"] == "suspended"
    assert bits(deployment, document) == {"revocation": 0, "suspension": 1}
    assert change(officer, credential, "suspension").json()["ledger"] is None
    assert change(officer, credential, "suspension", status=False).json()["status"] == "valid"
    revoked = change(officer, credential, "revocation").json()
    assert bits(deployment, document) == {"revocation": 1, "suspension": 0}
    assert officer.get(f"/v1/credentials/{credential}/status").json()["status"] == "revoked"
    kept = f"SELECT entry_id, kind, tenant_id FROM payload WHERE kind LIKE 'credential.%' {IN_THE_LOG}"
    recorded = rows(deployment, kept)
    said = [(kind, deployment.service.ledger.payloads.open(tenant, entry).payload) for entry, kind, tenant in recorded]
    changes = [(kind, one) for kind, one in said if isinstance(one, StatusChanged) and one.credential == credential]
    assert [(kind, one.before, one.reason) for kind, one in changes] == [
        ("credential.suspended", "valid", REASON),
        ("credential.reinstated", "suspended", REASON),
        ("credential.revoked", "valid", REASON),
    ]
    assert revoked["ledger"]["entry"] == recorded[-1][0]


def test_revoked_is_for_ever(deployment: Running, officer: httpx.Client, issued: dict[str, Any]) -> None:
    credential = issued["id"]
    problem(change(officer, credential, "revocation", status=False), 409, "credential-revoked")
    assert change(officer, credential, "revocation").status_code == 200
    entries_before = count(deployment, "payload")
    for purpose, holds in (("suspension", True), ("suspension", False), ("revocation", False)):
        problem(change(officer, credential, purpose, status=holds), 409, "credential-revoked")
    assert count(deployment, "payload") == entries_before


def test_who_may_not(deployment: Running, officer: httpx.Client, issued: dict[str, Any]) -> None:
    credential = issued["id"]
    with deployment.http() as anyone, deployment.http(deployment.key()) as tool:
        problem(change(anyone, credential, "revocation"), 401, "unauthenticated")
        problem(change(tool, credential, "revocation"), 403, "scope-missing")
        problem(tool.get(f"/v1/credentials/{credential}/status"), 403, "scope-missing")
    foreign = deployment.key(scopes=["credentials:revoke"], tool="", source_types=[], new_tenant=True)
    with deployment.http(foreign) as elsewhere:
        problem(change(elsewhere, credential, "revocation"), 404, "credential-not-found")
    assert officer.get(f"/v1/credentials/{credential}/status").json()["status"] == "valid"


@pytest.mark.parametrize("credential", ["crd_x", "x\0", "urn:sigillo:credential:", "' OR 1=1"])
def test_a_credential_that_there_is_not(officer: httpx.Client, credential: str) -> None:
    problem(change(officer, credential, "revocation"), 404, "credential-not-found")


@pytest.mark.parametrize(
    "more",
    [{"credentialStatus": {}}, {"credentialStatus": {"statusPurpose": "message"}}, {"status": "maybe"}, {"x": 1}],
)
def test_what_is_asked_wrongly(officer: httpx.Client, more: dict[str, Any]) -> None:
    problem(change(officer, "crd_x", "revocation", **more), 422, "request-invalid")


def test_a_list_is_cached_for_a_second_and_asked_for_again_in_few_bytes(
    deployment: Running, officer: httpx.Client, issued: dict[str, Any]
) -> None:
    listed = issued["credential"]["credentialStatus"][0]["statusListCredential"]
    path = listed.removeprefix(deployment.service.settings.origin)
    with deployment.http() as anyone:
        first = anyone.get(path)
        assert first.headers["cache-control"] == "public, max-age=1"
        again = anyone.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        change(officer, issued["id"], "revocation")
        changed = anyone.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert changed.status_code == 200
        token = anyone.get(path.replace("/revocation", "/token"))
        assert token.headers["content-type"] == "application/statuslist+jwt"
        for unknown in ("/status/stl_x/token", path.replace("/revocation", "/message")):
            assert anyone.get(unknown).status_code in {404, 422}


def test_a_list_tells_of_nobody(deployment: Running, issued: dict[str, Any]) -> None:
    listed = issued["credential"]["credentialStatus"][0]["statusListCredential"]
    with deployment.http() as anyone:
        shown = json.dumps(anyone.get(listed.removeprefix(deployment.service.settings.origin)).json())
    assert issued["id"] not in shown
    assert "Anna" not in shown


def test_our_own_credential_is_verified_here_without_fetching_from_outside(
    deployment: Running, officer: httpx.Client, issued: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.outside.fetching.OpenWeb.get", lambda *_: pytest.fail("asked the web"))
    body = {"verifiableCredential": issued["credential"]}
    with deployment.http() as anyone:
        found = anyone.post("/credentials/verify", json=body).json()
        assert found["verdict"] == "holds", found
        change(officer, issued["id"], "suspension")
        assert anyone.post("/credentials/verify", json=body).json()["verdict"] == "invalid"
