from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.app import PAGES, ROUTERS, create_app
from api.edge.body import BoundedBody
from api.edge.openapi import App
from tests.deployment import Running

ROUTES = {
    ("post", "/v1/assets"),
    ("post", "/v1/assets/{asset}/transformations"),
    ("get", "/v1/assets/{asset}"),
    ("delete", "/v1/assets/{asset}"),
    ("get", "/v1/assets/{asset}/content"),
    ("get", "/v1/assets/{asset}/custody"),
    ("post", "/v1/custody"),
    ("post", "/v1/assets/{asset}/custody/bundle"),
    ("post", "/v1/custody/bundles"),
    ("post", "/v1/custody/imports"),
    ("post", "/v1/assets/{asset}/handover"),
    ("delete", "/v1/assets/{asset}/handover"),
    ("post", "/v1/assets/{asset}/handover/acceptance"),
    ("get", "/v1/handovers"),
    ("get", "/v1/assets/{asset}/manifest"),
    ("get", "/v1/claims/signer"),
    ("post", "/v1/claims/sign"),
    ("post", "/v1/verifications"),
    ("post", "/matches/byContent"),
    ("get", "/matches/byBinding"),
    ("post", "/matches/byBinding"),
    ("post", "/matches/byReference"),
    ("get", "/manifests/{manifest_id}"),
    ("get", "/services/supportedAlgorithms"),
    ("post", "/v1/credentials/offers"),
    ("delete", "/v1/credentials/offers/{offer}"),
    ("get", "/.well-known/openid-credential-issuer"),
    ("get", "/.well-known/oauth-authorization-server"),
    ("get", "/openid4vci/offers/{handle}"),
    ("post", "/openid4vci/par"),
    ("get", "/openid4vci/authorize"),
    ("post", "/openid4vci/authorize"),
    ("post", "/openid4vci/token"),
    ("post", "/openid4vci/nonce"),
    ("post", "/openid4vci/credential"),
    ("post", "/credentials/verify"),
    ("post", "/credentials/derive"),
    ("post", "/presentations/verify"),
    ("get", "/1.0/identifiers/{did}"),
    ("get", "/v1/receipts/{entry}"),
    ("get", "/ledger/checkpoint"),
    ("get", "/ledger/log.vkey"),
    ("get", "/ledger/tile/{path}"),
    ("get", "/ledger/verify.py"),
    ("get", "/ledger/absence_verifier.py"),
    ("get", "/v1/registrations/{registration}/absence"),
    ("post", "/v1/registrations/{registration}/withdrawal"),
    ("post", "/v1/registrations/{registration}/recovery"),
    ("delete", "/v1/registrations/{registration}/recovery"),
    ("get", "/v1/registrations/{registration}/renewal"),
    ("post", "/v1/registrations/{registration}/renewal"),
    ("get", "/v1/ledger/entries"),
    ("get", "/v1/ledger/activity"),
    ("get", "/ledger/bundle.zip"),
    ("post", "/v1/ledger/disclosures"),
    ("post", "/v1/ledger/searches"),
    ("post", "/v1/batches"),
    ("get", "/v1/batches/{batch}"),
    ("post", "/v1/batches/{batch}/files"),
    ("post", "/v1/holds"),
    ("get", "/v1/holds"),
    ("post", "/v1/holds/{name}/release"),
    ("post", "/openid4vp/requests"),
    ("get", "/openid4vp/requests/{session}"),
    ("get", "/openid4vp/requests/{session}/qr.{picture}"),
    ("get", "/openid4vp/objects/{session}"),
    ("post", "/openid4vp/responses/{session}"),
    ("get", "/v1/assurance/policy"),
    ("post", "/v1/assurance/accounts"),
    ("get", "/v1/assurance/accounts/{account}"),
    ("delete", "/v1/assurance/accounts/{account}"),
    ("post", "/v1/assurance/accounts/{account}/codes"),
    ("post", "/v1/assurance/accounts/{account}/codes/{request}"),
    ("post", "/v1/assurance/accounts/{account}/kyc"),
    ("post", "/v1/assurance/accounts/{account}/logins"),
    ("post", "/v1/assurance/accounts/{account}/logins/{request}"),
    ("post", "/v1/assurance/accounts/{account}/presentations"),
    ("post", "/v1/assurance/accounts/{account}/step-ups"),
    ("post", "/v1/assurance/accounts/{account}/evidence/{evidence}/withdrawal"),
    ("post", "/v1/assurance/webhooks/{provider}"),
    ("post", "/v1/assurance/accounts/{account}/portraits"),
    ("post", "/v1/assurance/accounts/{account}/depictions"),
    ("post", "/v1/people"),
    ("post", "/v1/people/accounts"),
    ("post", "/v1/people/sign-ins"),
    ("post", "/v1/people/tokens"),
    ("get", "/v1/people/me"),
    ("delete", "/v1/people/me"),
    ("delete", "/v1/people/me/token"),
    ("post", "/v1/people/me/passkeys/options"),
    ("post", "/v1/people/me/passkeys"),
    ("patch", "/v1/people/me/passkeys/{passkey}"),
    ("delete", "/v1/people/me/passkeys/{passkey}"),
    ("post", "/v1/people/me/signatures"),
    ("post", "/v1/people/me/creator-statements"),
    ("get", "/v1/face-rotations"),
    ("post", "/v1/image-registrations"),
    ("post", "/v1/common-pictures"),
    ("get", "/v1/common-pictures"),
    ("post", "/v1/common-pictures/{picture}/removal"),
    ("post", "/v1/face-rotations"),
    ("post", "/v1/likeness-checks"),
    ("post", "/v1/assets/{asset}/appeal"),
    ("get", "/v1/likeness-holds"),
    ("post", "/v1/likeness-holds/{asset}/release"),
    ("post", "/v1/likeness-holds/{asset}/refusal"),
    ("get", "/v1/registrations/{registration}/matches"),
    ("post", "/v1/registrations/{registration}/matches/{match}/response"),
    ("get", "/v1/registrations/{registration}/retroactive"),
    ("get", "/v1/registrations/rules"),
    ("post", "/v1/registrations"),
    ("post", "/v1/registrations/photos"),
    ("post", "/v1/registrations/{registration}/offers"),
    ("get", "/v1/registrations"),
    ("post", "/v1/registrations/statements"),
    ("post", "/v1/registrations/showings"),
    ("post", "/v1/registrations/{registration}/acts/options"),
    ("post", "/v1/registrations/{registration}/acts"),
    ("get", "/v1/registrations/holds"),
    ("post", "/v1/registrations/holds/{hold}/release"),
    ("post", "/v1/registrations/holds/{hold}/refusal"),
    ("get", "/v1/registrations/{registration}"),
    ("post", "/v1/registrations/{registration}/credential"),
    ("get", "/v1/ledger/recovery"),
    ("post", "/v1/ledger/recovery"),
    ("get", "/v1/trust/anchors.pem"),
    ("get", "/v1/trust/lists"),
    ("get", "/v1/trust/lists/{name}"),
    ("post", "/v1/trust/lists/{name}/comparison"),
    ("put", "/v1/trust/lists/{name}"),
    ("delete", "/v1/trust/lists/{name}"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("post", "/v1/api-keys"),
    ("get", "/ledger/stamps/{name}"),
    ("get", "/v1/ledger/stamps"),
    ("get", "/v1/api-keys"),
    ("delete", "/v1/api-keys/{key}"),
    ("get", "/v1/operations/keys"),
    ("get", "/v1/operations/witnesses"),
    ("get", "/v1/operations/index"),
    ("get", "/v1/operations/models"),
    ("get", "/v1/operations/work"),
    ("get", "/v1/operations/storage"),
    ("post", "/v1/staff"),
    ("get", "/v1/staff"),
    ("delete", "/v1/staff/{staff}"),
    ("post", "/v1/keys/{key}/revocation"),
    ("post", "/credentials/issue"),
    ("post", "/v1/credentials"),
    ("post", "/v1/issuer-keys/{key}/revocation"),
    ("get", "/.well-known/did.json"),
    ("get", "/.well-known/did-history.json"),
    ("get", "/contexts/credentials/v1"),
    ("get", "/schemas/{slug}/v1"),
    ("get", "/status/{listed}/{form}"),
    ("post", "/credentials/status"),
    ("get", "/v1/credentials/{credential}/status"),
}


KEYED = (
    "/v1/assurance/accounts",
    "/v1/registrations",
    "/v1/likeness-",
    "/v1/face-rotations",
    "/v1/image-registrations",
    "/v1/common-pictures",
    "/v1/people/me",
    "/openid4vp/requests",
    "/v1/assets",
    "/v1/claims",
    "/v1/handovers",
    "/v1/custody/imports",
    "/v1/credentials/offers",
    "/v1/api-keys",
    "/v1/staff",
    "/v1/operations",
    "/v1/holds",
    "/v1/ledger/disclosures",
    "/v1/ledger/searches",
    "/credentials/issue",
    "/credentials/status",
    "/v1/credentials",
    "/v1/issuer-keys",
)

OPEN = {
    "/v1/registrations/rules",
    "/v1/registrations/{registration}/absence",
    "/v1/registrations/{registration}/acts",
    "/v1/registrations/{registration}/acts/options",
}
"""Routes for everyone among these."""


@pytest.fixture(scope="module")
def schema(deployment: Running) -> dict[str, Any]:
    with deployment.http() as http:
        found: dict[str, Any] = http.get("/openapi.json").json()
    return found


def test_every_route_is_described(schema: dict[str, Any]) -> None:
    described = {(method, path) for path, methods in schema["paths"].items() for method in methods}
    assert described == ROUTES
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), (method, path)


def resolved(schema: dict[str, Any], node: Any) -> dict[str, Any]:
    """The node itself, or what it refers to."""
    found: dict[str, Any] = node
    if reference := node.get("$ref"):
        found = schema
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    return found


def claim_schema(schema: dict[str, Any]) -> dict[str, Any]:
    body = schema["paths"]["/v1/assets"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert body["required"] == ["file"]
    assert body["properties"]["file"] == {"contentMediaType": "application/octet-stream"}
    return resolved(schema, body["properties"]["claim"])


def test_refusals_are_described_as_problems(schema: dict[str, Any]) -> None:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            content = operation["responses"]["default"]["content"]
            assert set(content) == {"application/problem+json"}, (method, path)
            problem = resolved(schema, content["application/problem+json"]["schema"])
            assert problem["properties"].keys() == {"type", "title", "status", "detail"}
            assert "422" not in operation["responses"], "the framework's own form of a refusal is not ours"
    assert not {"HTTPValidationError", "ValidationError"} & schema["components"]["schemas"].keys()


@pytest.fixture
def app(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> App:
    """FastAPI's, without what is wrapped around it."""
    made = []

    class Kept(BoundedBody):
        def __init__(self, app: Any) -> None:
            made.append(app)
            super().__init__(app)

    monkeypatch.setattr("api.app.BoundedBody", Kept)
    create_app(deployment.service)
    (found,) = made
    assert isinstance(found, App)
    return found


def test_no_app_makes_the_routes_anew(app: App) -> None:
    """The first request would wait for that: for all of them a quarter of a second of a core."""
    routes = [route for module in (*ROUTERS, *PAGES) for route in module.router.routes]
    assert {type(route) for route in routes if not isinstance(route, APIRoute)} == set()
    assert app.router.routes[-len(routes) :] == routes


def test_the_document_is_made_once(app: App) -> None:
    """It takes half a second of a core, and whoever asks for it may ask again."""
    found = app.openapi()
    with pytest.MonkeyPatch.context() as nowhere:
        nowhere.setattr("api.edge.openapi.models_json_schema", None)
        assert app.openapi() is found


def test_uploads_are_described_with_an_example(schema: dict[str, Any]) -> None:
    claim = claim_schema(schema)
    assert claim["example"]["actions"]
    assert set(claim["example"]) <= set(claim["properties"])
    parts = schema["paths"]["/v1/verifications"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(parts["properties"]) == {"file", "manifest", "anchors", "trust_config"}
    headers = schema["paths"]["/v1/assets"]["post"]["parameters"]
    assert {parameter["name"] for parameter in headers} == {"Idempotency-Key", "Prefer"}


def test_no_reference_dangles(schema: dict[str, Any]) -> None:
    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if isinstance(node, list) else []

    for reference in references(schema):
        target: Any = schema
        for step in reference.removeprefix("#/").split("/"):
            assert step in target, reference
            target = target[step]


def test_document_says_who_needs_a_key(deployment: Running) -> None:
    with deployment.http() as http:
        document = http.get("/openapi.json").json()
    keyed = {path for path, operations in document["paths"].items() for one in operations.values() if "security" in one}
    assert keyed == {path for path in document["paths"] if path.startswith(KEYED)} - OPEN
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
