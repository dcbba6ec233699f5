"""Every example in the OpenAPI document is sent as it stands, or held to what is really answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from api.edge.problem import ProblemView
from api.schemas.acts import ActRequest
from api.schemas.assets import AssetView
from api.schemas.issuing import KeyRevocationRequest
from api.schemas.verification import VerificationView
from cases.acts import Does
from tests.api.routers.test_vc_api import CREDENTIAL
from tests.api.wire import problem, signed, upload
from tests.deployment import Running, picture

CLAIM = "/components/schemas/ClaimBody/example"
REVOCATION = "/components/schemas/RevocationRequest/example"
RECOVERY = "/components/schemas/RecoveryRequest/example"
DISCLOSURE = "/components/schemas/DisclosureRequest/example"
SEARCH = "/components/schemas/SearchRequest/example"
BATCH = "/components/schemas/BatchRequest/example"
HOLD = "/components/schemas/HoldRequest/example"
ISSUE = "/components/schemas/CredentialRequest/example"
REVOKE_ISSUER = "/components/schemas/KeyRevocationRequest/example"
BINDING = "/paths/~1matches~1byBinding/post/requestBody/content/application~1json/schema/example"
ACT = "/components/schemas/ActRequest/example"
OFFER = "/components/schemas/OfferRequest/example"
RELEASE = "/components/schemas/ReleaseRequest/example"
QUESTION = "/components/schemas/QuestionRequest/example"
INVITATION = "/components/schemas/InvitationRequest/example"
KEY = "/components/schemas/KeyRequest/example"
ACCOUNT = "/components/schemas/AccountRequest/example"
CODE = "/components/schemas/CodeRequest/example"
CODE_ANSWER = "/components/schemas/CodeAnswer/example"
KYC = "/components/schemas/KycRequest/example"
WITHDRAWAL = "/components/schemas/WithdrawalRequest/example"
LOGIN = "/components/schemas/LoginRequest/example"
LOGIN_ANSWER = "/components/schemas/LoginAnswer/example"
PRESENTATION = "/components/schemas/PresentationRequest/example"
STEP_UP = "/components/schemas/StepUpRequest/example"
CHECK = "/components/schemas/CheckRequest/example"
APPEAL = "/components/schemas/AppealRequest/example"
RESPONSE = "/components/schemas/ResponseRequest/example"
LIKENESS = {CHECK, APPEAL, RESPONSE}
ASSURANCE = {STEP_UP, PRESENTATION, LOGIN, LOGIN_ANSWER, ACCOUNT, CODE, CODE_ANSWER, KYC, WITHDRAWAL}
CHANGE = (
    "/paths/~1v1~1assets~1{asset}~1transformations/post/requestBody/content/multipart~1form-data/schema/properties"
    "/claim/example"
)
ASSET = "/components/schemas/AssetView/example"
PROBLEM = "/components/schemas/ProblemView/example"
JUDGED = "/components/schemas/CredentialVerificationView/example"
STAND = "/components/schemas/StatusRequest/example"
REPORT = "/components/schemas/VerificationView/example"


UNSTAMPED = {".time_stamp"}
"""What only a deployment with a time-stamp authority answers."""


def examples(node: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every example with its JSON pointer."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        path = f"{pointer}/{str(name).replace('/', '~1')}"
        if name in ("example", "examples"):
            yield path, child
        else:
            yield from examples(child, path)


@pytest.fixture(scope="module")
def shown(deployment: Running) -> dict[str, Any]:
    with deployment.http() as http:
        return dict(examples(http.get("/openapi.json").json()))


@pytest.fixture(scope="module")
def camera(deployment: Running, shown: dict[str, Any]) -> Iterator[httpx.Client]:
    """A client whose key may say what the example claims say."""
    token = deployment.key(shown[CLAIM]["tool"]["name"], source_types=["trainedAlgorithmicMedia"])
    with deployment.http(token) as http:
        yield http


def same_fields(example: Any, real: Any, where: str = "") -> None:
    """The real answer's fields, all of them and no others, each of the example's type."""
    if where in UNSTAMPED:
        return
    assert type(example) is type(real), where
    if isinstance(example, dict):
        assert set(example) == set(real), where
        for name in example:
            same_fields(example[name], real[name], f"{where}.{name}")
    elif isinstance(example, list):
        for one, other in zip(example, real, strict=False):
            same_fields(one, other, f"{where}[]")


def test_each_is_executed_here(shown: dict[str, Any]) -> None:
    told = {ASSET, PROBLEM, REPORT, JUDGED} | ASSURANCE
    asked = {CLAIM, KEY, INVITATION, CHANGE, REVOCATION, RECOVERY, DISCLOSURE, SEARCH, HOLD, RELEASE, QUESTION, BATCH}
    assert set(shown) == told | asked | LIKENESS | {ACT, BINDING, OFFER, ISSUE, STAND, REVOKE_ISSUER}


def test_somebody_is_invited_as_asked(deployment: Running, shown: dict[str, Any]) -> None:
    with deployment.http(deployment.service.operator_token) as http:
        assert http.post("/v1/staff", json=shown[INVITATION]).status_code == 201


def test_an_act_is_read_as_asked(shown: dict[str, Any]) -> None:
    assert ActRequest.model_validate(shown[ACT]).act.does is Does.WITHDRAW


def test_a_binding_is_looked_for_as_asked(deployment: Running, shown: dict[str, Any]) -> None:
    with deployment.http() as anyone:
        answer = anyone.post("/matches/byBinding", json=shown[BINDING])
    assert answer.status_code == 200, answer.text


def test_a_credential_is_issued_as_asked(deployment: Running, shown: dict[str, Any]) -> None:
    with deployment.http(deployment.key("", scopes=["credentials:issue"])) as http:
        answer = http.post("/v1/credentials", json=shown[ISSUE])
    assert answer.status_code == 201, answer.text
    KeyRevocationRequest.model_validate(shown[REVOKE_ISSUER])


def test_key_requests_and_claims_are_accepted(deployment: Running, camera: httpx.Client, shown: dict[str, Any]) -> None:
    answer = upload(camera, claim=shown[CLAIM])
    assert answer.status_code == 201, answer.text
    change = upload(camera, picture(seed=1), shown[CHANGE], path=f"/v1/assets/{answer.json()['id']}/transformations")
    assert change.status_code == 201, change.text
    assert deployment.operator.issue_key(shown[KEY])["tool"] == shown[KEY]["tool"]


def test_the_asset_has_the_fields_of_a_real_one(camera: httpx.Client, shown: dict[str, Any]) -> None:
    example = shown[ASSET]
    AssetView.model_validate(example)
    real, _ = signed(camera, claim=shown[CLAIM])
    same_fields(example, real)
    told = ("title", "visibility", "state", "mime")
    assert {name: real[name] for name in told} == {name: example[name] for name in told}


def test_the_problem_is_answered_word_for_word(deployment: Running, shown: dict[str, Any]) -> None:
    example = shown[PROBLEM]
    ProblemView.model_validate(example)
    with deployment.http(str(deployment.operator.issue_key(shown[KEY])["token"])) as other:
        assert problem(upload(other, claim=shown[CLAIM]), 422, "claim-refused") == example


def test_the_report_has_the_fields_of_a_real_one(
    deployment: Running, camera: httpx.Client, shown: dict[str, Any]
) -> None:
    """Of a file as the example's: signed by us over one that had been tampered with."""
    example = shown[REPORT]
    view = TypeAdapter(VerificationView)
    assert view.dump_python(view.validate_python(example), mode="json") == example
    _, file = signed(camera)
    tampered = bytearray(file)
    tampered[-200] ^= 0xFF
    _, made = signed(camera, bytes(tampered), {**shown[CHANGE], "title": example["title"]})
    with deployment.http() as anyone:
        real = upload(anyone, made, path="/v1/verifications").json()
    same_fields(example, real)
    assert (real["verdict"], real["ancestry"], real["title"]) == (
        example["verdict"],
        example["ancestry"],
        example["title"],
    )
    assert real["sentence"] == example["sentence"]
    assert real["messages"] == example["messages"]


def test_the_report_on_a_credential_is_answered_word_for_word(deployment: Running, shown: dict[str, Any]) -> None:
    with deployment.http() as anyone:
        assert anyone.post("/credentials/verify", json={"verifiableCredential": CREDENTIAL}).json() == shown[JUDGED]


def test_the_revocation_is_accepted(own: Running, shown: dict[str, Any]) -> None:
    with own.http(own.service.operator_token) as http:
        answer = http.post("/v1/keys/sigillo-claim@1/revocation", json=shown[REVOCATION])
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in shown[REVOCATION]} == shown[REVOCATION]


def test_the_question_is_asked(deployment: Running, shown: dict[str, Any]) -> None:
    """Of whoever has an age credential of ours: no authority is believed here."""
    with deployment.http(deployment.service.operator_token) as http:
        asked = http.post("/openid4vp/requests", json=shown[QUESTION])
    assert asked.status_code == 201, asked.text
    assert asked.json()["over"] == shown[QUESTION]["over"]
    assert "driving_licence" not in asked.json()["link"]


def test_how_a_credential_is_to_stand_is_understood(deployment: Running, shown: dict[str, Any]) -> None:
    with deployment.http(deployment.service.operator_token) as http:
        problem(http.post("/credentials/status", json=shown[STAND]), 404, "credential-not-found")


def test_the_offer_is_made(deployment: Running, shown: dict[str, Any]) -> None:
    with deployment.http(deployment.service.operator_token) as http:
        answer = http.post("/v1/credentials/offers", json=shown[OFFER])
    assert answer.status_code == 201, answer.text


def test_the_batch_is_begun(deployment: Running, shown: dict[str, Any]) -> None:
    with deployment.http(deployment.key()) as http:
        assert http.post("/v1/batches", json=shown[BATCH]).json()["left"] == shown[BATCH]["expected"]


def test_what_regulators_ask_is_understood(deployment: Running, shown: dict[str, Any]) -> None:
    """And finds nothing, for its ids are nobody's."""
    with deployment.http(deployment.service.operator_token) as http:
        problem(http.post("/v1/ledger/disclosures", json=shown[DISCLOSURE]), 404, "entry-not-found")
        assert http.post("/v1/ledger/searches", json=shown[SEARCH]).json()["matches"] == []
        problem(http.post("/v1/holds", json=shown[HOLD]), 404, "asset-not-found")
        problem(http.post(f"/v1/holds/{shown[HOLD]['name']}/release", json=shown[RELEASE]), 404, "hold-not-found")


def test_the_confirmation_is_understood_and_not_needed(own: Running, shown: dict[str, Any]) -> None:
    with own.http(own.service.operator_token) as http:
        said = problem(http.post("/v1/ledger/recovery", json=shown[RECOVERY]), 409, "recovery-refused")
    assert "nothing to recover from" in said["detail"]


def test_what_platforms_send_is_understood(deployment: Running, shown: dict[str, Any]) -> None:
    """Where no provider is configured, and nobody guesses codes."""
    with deployment.http(deployment.service.operator_token) as http:
        path = "/v1/assurance/accounts"
        path += "/" + http.post(path, json=shown[ACCOUNT]).json()["id"]
        begun = http.post(f"{path}/codes", json=shown[CODE])
        assert begun.status_code == 202, begun.text
        problem(http.post(f"{path}/codes/{begun.json()['request']}", json=shown[CODE_ANSWER]), 422, "wrong-code")
        for what in (LOGIN, KYC):
            way = "logins" if what == LOGIN else "kyc"
            problem(http.post(f"{path}/{way}", json=shown[what]), 404, "provider-not-found")
        assert http.post(f"{path}/step-ups", json=shown[STEP_UP]).json()["reached"] is False
        problem(http.post(f"{path}/presentations", json=shown[PRESENTATION]), 404, "wallet-request-not-found")
        unasked = http.post(f"{path}/logins/arq_{'a' * 26}", json=shown[LOGIN_ANSWER])
        problem(unasked, 404, "evidence-request-not-found")
        gone = http.post(f"{path}/evidence/evd_{'a' * 26}/withdrawal", json=shown[WITHDRAWAL])
        problem(gone, 404, "evidence-not-found")


def test_what_is_asked_about_likenesses_is_understood(deployment: Running, shown: dict[str, Any]) -> None:
    """Where nobody is registered, and nothing is held."""
    with deployment.http(deployment.service.operator_token) as http:
        parts: dict[str, Any] = {
            "file": ("who", picture()),
            "check": (None, json.dumps(shown[CHECK]), "application/json"),
        }
        answer = http.post("/v1/likeness-checks", files=parts)
        assert (answer.status_code, answer.json()["answer"]) == (201, "allowed"), answer.text
        asset = signed(http)[0]["id"]
        problem(http.post(f"/v1/assets/{asset}/appeal", json=shown[APPEAL]), 404, "likeness-hold-not-found")
        path = f"/v1/registrations/reg_{'a' * 26}/matches/lkm_{'a' * 26}/response"
        problem(http.post(path, json=shown[RESPONSE]), 404, "registration-not-found")
