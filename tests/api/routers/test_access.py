from __future__ import annotations

import re

import pytest

from tests.api.wire import IN_THE_LOG, count, problem, rows, signed, stored, upload
from tests.deployment import Running

KEYS = "/v1/api-keys"
CAPTURE = {"actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}]}


def operator(up: Running) -> str:
    holder = up.home.holder()
    assert holder is not None
    return holder.token


def test_token_is_shown_once_and_kept_hashed(deployment: Running) -> None:
    issued = deployment.operator.issue_key({"tool": "Shown Once"})
    assert re.fullmatch(r"sgk_[a-z2-7]{26}_[0-9a-f]{64}", issued["token"])
    secret = issued["token"].rsplit("_", 1)[1]
    assert secret.encode() not in stored(deployment)
    listed = next(key for key in deployment.operator.api_keys() if key["id"] == issued["id"])
    assert listed == {name: value for name, value in issued.items() if name != "token"}


@pytest.mark.parametrize("kind", ["unknown id", "wrong secret", "revoked", "no prefix", "hollow", "not ASCII", "long"])
def test_bad_keys_look_alike(deployment: Running, kind: str) -> None:
    sound = deployment.operator.issue_key({"tool": "Lost"})
    token = str(sound["token"])
    if kind == "revoked":
        deployment.operator.revoke_key(sound["id"])
    tokens = {
        "unknown id": "sgk_" + "a" * 26 + "_" + token.rsplit("_", 1)[1],
        "wrong secret": token[:-1] + ("0" if token[-1] != "0" else "1"),
        "revoked": token,
        "no prefix": token.removeprefix("sgk_"),
        "hollow": "sgk__",
        "not ASCII": "sgk_\xe9_\xff",
        "long": "sgk_" + "x" * 8000,
    }
    with deployment.http() as http:
        answer = http.get("/v1/assets/ast_x", headers={b"Authorization": f"Bearer {tokens[kind]}".encode("latin-1")})
        reference = http.get("/v1/assets/ast_x", headers={"Authorization": "Bearer sgk_no_such"})
    assert problem(answer, 401, "unknown-key") == reference.json()
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_no_key_is_told_apart_from_a_bad_one(deployment: Running) -> None:
    with deployment.http() as http:
        for path in ("/v1/assets/ast_x", "/v1/assets/ast_x/content", "/v1/assets/ast_x/custody", KEYS):
            assert "www-authenticate" in http.get(path).headers
            problem(http.get(path), 401, "unauthenticated")
        problem(http.get(KEYS, headers={"Authorization": "Basic c2dr"}), 401, "unauthenticated")


def test_each_scope_opens_its_own_doors_only(deployment: Running) -> None:
    tokens = {scope: deployment.key(scopes=[scope]) for scope in ("assets:sign", "assets:read", "assets:erase")}
    with deployment.http(tokens["assets:sign"]) as http:
        path = upload(http).headers["location"]
        assert problem(http.get(path), 403, "scope-missing")["scope"] == "assets:read"
        assert problem(http.get(f"{path}/content"), 403, "scope-missing")["scope"] == "assets:read"
        assert problem(http.get(f"{path}/custody"), 403, "scope-missing")["scope"] == "assets:read"
        assert problem(http.delete(path), 403, "scope-missing")["scope"] == "assets:erase"
    with deployment.http(tokens["assets:read"]) as http:
        assert problem(upload(http), 403, "scope-missing")["scope"] == "assets:sign"
        problem(http.get(path), 404, "asset-not-found")
    for token in tokens.values():
        with deployment.http(token) as http:
            for answer in (http.get(KEYS), http.delete(f"{KEYS}/key_x"), http.post(KEYS, json={"tool": "x"})):
                assert problem(answer, 403, "scope-missing")["scope"] == "access:admin"


def test_grant_binds_tool_and_source_types(deployment: Running) -> None:
    with deployment.http(deployment.key("Editor", source_types=["humanEdits"])) as http:
        refused = problem(upload(http, claim=CAPTURE), 422, "claim-refused")
        assert (refused["field"], refused["code"]) == ("actions[0].source_type", "source-type-not-granted")
        other = problem(upload(http, claim={"tool": {"name": "Test Camera"}}), 422, "claim-refused")
        assert (other["field"], other["code"]) == ("tool.name", "tool-not-granted")
        allowed = {"actions": [{"name": "c2pa.created", "source_type": "humanEdits"}], "tool": {"name": "Editor"}}
        assert upload(http, claim=allowed).status_code == 201
    with deployment.http(deployment.key("Camera")) as http:
        assert upload(http, claim=CAPTURE).status_code == 201


def test_nobody_hands_on_more_than_they_hold(deployment: Running) -> None:
    scopes = ["access:admin", "assets:sign"]
    with deployment.http(deployment.key("Desk", scopes=scopes, source_types=["humanEdits"])) as http:
        before = count(deployment, "api_key")
        mine = {"tool": "Desk", "scopes": ["assets:sign"]}
        colleague = deployment.operator.issue_key({"tool": "Desk"})["principal"]
        before += 1
        for wider, named in (
            ({"source_types": ["digitalCapture"]}, "digitalCapture"),
            ({"scopes": ["assets:read"]}, "assets:read"),
            ({"scopes": ["deployment:admin"]}, "deployment:admin"),
            ({"tool": "Test Camera"}, "Test Camera"),
            ({"principal": colleague}, colleague),
        ):
            refused = problem(http.post(KEYS, json=mine | wider), 403, "grant-too-wide")
            assert named in refused["detail"]
        assert problem(http.post(KEYS, json=mine | {"new_tenant": True}), 403, "scope-missing")["scope"] == (
            "deployment:admin"
        )
        assert count(deployment, "api_key") == before
        assert http.post(KEYS, json=mine | {"source_types": ["humanEdits"]}).status_code == 201


def test_only_principals_of_keys_get_further_keys(deployment: Running) -> None:
    operator = deployment.service.deployment.operator()
    everything = {"tool": "T", "scopes": ["deployment:admin"]}
    with deployment.http(deployment.service.operator_token) as http:
        for principal in (operator.principal, "prn_" + "a" * 26):
            asked = {"tool": "T", "scopes": ["access:admin"], "principal": principal}
            problem(http.post(KEYS, json=asked), 404, "principal-not-found")
        problem(http.post(KEYS, json=everything), 403, "grant-too-wide")
        both = {"tool": "T", "new_tenant": True, "principal": "prn_" + "a" * 26}
        tenants = count(deployment, "tenant")
        problem(http.post(KEYS, json=both), 422, "request-invalid")
        assert count(deployment, "tenant") == tenants


def test_new_tenant_sees_nothing_of_the_old(deployment: Running) -> None:
    tenants = count(deployment, "tenant")
    issued = deployment.operator.issue_key({"tool": "Away", "new_tenant": True, "scopes": ["access:admin"]})
    assert count(deployment, "tenant") == tenants + 1
    with deployment.http(issued["token"]) as http:
        assert [key["id"] for key in http.get(KEYS).json()["keys"]] == [issued["id"]]
        at_home = deployment.operator.issue_key({"tool": "Home"})
        problem(http.delete(f"{KEYS}/{at_home['id']}"), 404, "api-key-not-found")
        foreign = {"tool": "Away", "scopes": ["access:admin"], "principal": at_home["principal"]}
        problem(http.post(KEYS, json=foreign), 403, "grant-too-wide")
    with deployment.http(deployment.service.operator_token) as http:
        foreign = {"tool": "T", "principal": issued["principal"]}
        problem(http.post(KEYS, json=foreign), 404, "principal-not-found")
    with deployment.http(str(at_home["token"])) as http:
        assert upload(http).status_code == 201


def test_principal_sees_its_assets_through_each_of_its_keys(deployment: Running) -> None:
    first = deployment.operator.issue_key({"tool": "One"})
    second = deployment.operator.issue_key({"tool": "Two", "principal": first["principal"]})
    assert second["principal"] == first["principal"]
    with deployment.http(first["token"]) as one, deployment.http(second["token"]) as two:
        asset, file = signed(one)
        assert two.get(asset["links"]["content"]).content == file
        deployment.operator.revoke_key(first["id"])
        problem(one.get(asset["links"]["self"]), 401, "unknown-key")
        assert two.get(asset["links"]["self"]).json()["id"] == asset["id"]


def test_revoking_twice_is_one_decision(deployment: Running) -> None:
    issued = deployment.operator.issue_key({"tool": "Twice"})
    deployment.operator.revoke_key(issued["id"])
    entries = count(deployment, "entry")
    deployment.operator.revoke_key(issued["id"])
    assert count(deployment, "entry") == entries


def test_keys_given_and_taken_are_in_the_ledger(deployment: Running) -> None:
    before = count(deployment, "entry")
    issued = deployment.operator.issue_key({"tool": "Recorded"})
    deployment.operator.revoke_key(issued["id"])
    kinds = [kind for (kind,) in rows(deployment, f"SELECT kind FROM payload {IN_THE_LOG} DESC LIMIT 2")]
    assert (kinds, count(deployment, "entry")) == (["apikey.revoked", "apikey.issued"], before + 2)


def test_operator_token_is_the_holders_alone(deployment: Running) -> None:
    assert (deployment.home.folder / "server.json").stat().st_mode & 0o777 == 0o600
    assert operator(deployment).encode() not in stored(deployment)
    with deployment.http(operator(deployment)) as http:
        assert http.get(KEYS).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "tool"),
        ({"tool": ""}, "tool"),
        ({"tool": "x" * 101}, "tool"),
        ({"tool": 7}, "tool"),
        ({"tool": "x", "source_types": ["madeUp"]}, "source_types.0"),
        ({"tool": "x", "scopes": ["root"]}, "scopes"),
        ({"tool": "x", "surprise": 1}, "surprise"),
        ({"tool": "photo\u202egpj"}, "tool"),
        ({"tool": "\x1b[2J"}, "tool"),
        ({"tool": "two\nlines"}, "tool"),
        ({"tool": "x", "principal": ""}, "principal"),
        ({"tool": "x", "principal": "prn_x"}, "principal"),
        ({"tool": "x", "principal": "prn_" + "a" * 26 + "\n"}, "principal"),
        ([], ""),
    ],
)
def test_malformed_requests_name_the_field(deployment: Running, body: object, field: str) -> None:
    with deployment.http(operator(deployment)) as http:
        faults = problem(http.post(KEYS, json=body), 422, "request-invalid")["faults"]
    assert any(str(fault["field"]).startswith(field) for fault in faults)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"tool": "\\ud800"}',
        b'{"tool": "x", "\\ud800": 1}',
        b'{"tool": "x", "principal": "\\ud800"}',
        b"[" * 60_000,
        b'{"tool": NaN}',
    ],
)
def test_hostile_json_is_the_callers_fault(deployment: Running, body: bytes) -> None:
    with deployment.http(operator(deployment)) as http:
        answer = http.post(KEYS, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
