"""A tool asks before it generates: three answers that say nothing of whom, and a token that its manifest can carry."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from cases.likeness import limits, matching
from cases.likeness.matching import Matching
from cases.likeness.use import Use
from detection.errors import MatchUnknownError, SandboxBusyError, Unknown, WorkerTimeoutError
from detection.templates.matcher import Matcher
from identity.errors import IssuerUnnamedError
from identity.jose.jws import read_jws, verify_jws
from identity.registration.refusal import Purpose
from tests.api.wire import problem, rows, upload
from tests.cases.likeness.people import HER, People
from tests.cases.likeness.test_at_upload import MADE, TYPES, log
from tests.deployment import Running, picture

NONCE = "nonce-of-the-tool"


@pytest.fixture(scope="module")
def token(registry: Running) -> str:
    return registry.key(source_types=TYPES, scopes=["likeness:check", "assets:sign", "assets:read"])


@pytest.fixture
def tool(registry: Running, token: str) -> Any:
    with registry.http(token) as http:
        yield http


def ask(
    tool: httpx.Client, content: bytes = HER, purpose: str = "commercial", key: str = "", **more: Any
) -> httpx.Response:
    check = json.dumps({"purpose": purpose, "nonce": NONCE, **more})
    parts: dict[str, Any] = {"file": ("who", content, "image/jpeg"), "check": (None, check, "application/json")}
    return tool.post("/v1/likeness-checks", files=parts, headers={"Idempotency-Key": key} if key else {})


def recorded(up: Running) -> list[str]:
    """Kinds of the entries that likeness made; but what housekeeping lets go of after an earlier test."""
    made = "SELECT kind FROM payload WHERE kind LIKE 'likeness.%' OR kind IN ('asset.signed', 'asset.held')"
    return sorted(kind for (kind,) in rows(up, made))


def answered(tool: httpx.Client, *args: Any) -> str:
    answer = ask(tool, *args)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["answer"])


def test_a_persons_refusal_looks_like_the_policys(registry: Running, people: People, tool: httpx.Client) -> None:
    before = recorded(registry)
    policy = ask(tool, purpose="sexualised").json()
    assert recorded(registry) == sorted([*before, "likeness.checked"])
    with people.registered() as registration:
        refused = ask(tool).json()
        assert recorded(registry) == sorted([*before, *["likeness.checked"] * 2]), "in public, each refusal is as much"
        (line,) = log(registry, registration)
        assert (line["caller"], line["outcome"], line["entry"]) == (
            "creation_tool",
            "refused",
            refused["ledger"]["entry"],
        )
        text = str(refused)
    assert policy.keys() == refused.keys()
    same = ("answer", "sentence", "skipped", "nonce")
    assert [policy[name] for name in same] == [refused[name] for name in same]
    for secret in (registration, line["id"], "likely", "certain", "cosine"):
        assert secret not in text
    for claims in (read_jws(one["token"], "likeness-check+jwt").payload for one in (policy, refused)):
        assert set(claims) == {"iss", "iat", "exp", "jti", "tool", "nonce", "commitment", "answer", "purpose"}


def test_the_policys_refusal_is_as_much_work(
    people: People, tool: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Use] = []
    look = Matching.look

    def watched(self: Matching, *args: Any) -> Any:
        looked.append(args[4])
        return look(self, *args)

    monkeypatch.setattr(Matching, "look", watched)
    with people.registered():
        assert [answered(tool, HER, use) for use in ("sexualised", "commercial")] == ["refused"] * 2
    assert looked == [Use.SEXUALISED, Use.COMMERCIAL]


def test_no_answer_tells_whether_anybody_is_registered(
    people: People, tool: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same is refused, in the same words, and the same is looked at."""
    looked: list[Use] = []
    look = Matching.look

    def watched(self: Matching, *args: Any) -> Any:
        looked.append(args[4])
        return look(self, *args)

    monkeypatch.setattr(Matching, "look", watched)
    files = (b"no picture at all", HER[: len(HER) // 2], picture())
    nobody = [ask(tool, content) for content in files]
    with people.registered(people.stranger()):
        somebody = [ask(tool, content) for content in files]
    assert [answer.status_code for answer in nobody] == [415, 422, 201]
    for alone, beside in zip(nobody[:2], somebody[:2], strict=True):
        said = [answer.json() for answer in (alone, beside)]
        assert {**said[0], "instance": ""} == {**said[1], "instance": ""}
    assert nobody[2].json().keys() == somebody[2].json().keys()
    assert len(looked) == 6


def test_what_is_allowed_and_what_a_human_decides(people: People, tool: httpx.Client) -> None:
    assert answered(tool) == "allowed", "nobody is registered"
    with people.registered(people.stranger()):
        assert answered(tool) == "allowed"
    with people.registered(None, Purpose.POLITICAL):
        assert [answered(tool, HER, use) for use in ("other", "political")] == ["allowed", "refused"]
    with people.registered(people.like_her(0.6)):
        assert answered(tool) == "ask_a_human", "a look-alike, or she"
    with people.registered():
        assert answered(tool, picture()) == "allowed", "nobody is in it"
        said = ask(tool, place="US-IL").json()
        assert (said["answer"], said["skipped"]) == ("ask_a_human", ["us-il@1"])


def test_of_whom_an_older_model_described_nothing_is_known(
    registry: Running, people: People, tool: httpx.Client
) -> None:
    """Never *allowed*: photos are gone, and so nobody is described anew who does not register again."""
    bank = registry.service.registry.faces.bank
    prepared = bank.prepared

    def earlier(*args: Any) -> Any:
        with patch.object(bank, "model", replace(bank.model, name="older@1")):
            return prepared(*args)

    with patch.object(bank, "prepared", earlier):
        registration = people.register()
    try:
        assert answered(tool) == "ask_a_human"
        held = upload(tool, HER, MADE)
        assert (held.status_code, held.json()["hold"]["reason"]) == (202, "likeness-unchecked")
    finally:
        people.withdraw(registration)


UNKNOWN = {
    "index": MatchUnknownError(Unknown.INDEX, "old"),
    "keys": MatchUnknownError(Unknown.KEYS, "sealed"),
    "workers": SandboxBusyError("busy"),
    "file": WorkerTimeoutError("it takes too long"),
}


@pytest.mark.parametrize("reason", UNKNOWN)
def test_unknown_is_an_error_and_never_allowed(
    registry: Running, people: People, tool: httpx.Client, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise UNKNOWN[reason]

    where, name = (Matcher, "match") if isinstance(UNKNOWN[reason], MatchUnknownError) else (matching, "look")
    monkeypatch.setattr(where, name, refuses)
    with people.registered() as registration:
        before = recorded(registry)
        assert problem(ask(tool), 503, "likeness-unknown")["reason"] == reason
        assert recorded(registry) == before
        assert log(registry, registration) == []


def test_without_a_name_to_sign_under_nothing_is_asked(
    registry: Running, people: People, tool: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses() -> None:
        raise IssuerUnnamedError

    monkeypatch.setitem(vars(registry.service.registry.likeness.tokens), "issuer", refuses)
    with people.registered() as registration:
        problem(ask(tool), 503, "issuer-unnamed")
        assert log(registry, registration) == []


def test_the_token_is_bound_to_the_picture_the_tool_and_its_nonce(registry: Running, tool: httpx.Client) -> None:
    said = ask(tool).json()
    claims = read_jws(said["token"], "likeness-check+jwt")
    verify_jws(claims, registry.service.issuance.record.issuer().p256.key)
    salted = hmac.digest(bytes.fromhex(said["salt"]), HER, "sha256").hex()
    assert (claims.payload["commitment"], said["commitment"]) == (salted, salted)
    assert (claims.payload["nonce"], claims.payload["tool"]) == (NONCE, "Test Camera")
    assert said["salt"] not in said["token"]


def test_an_allowed_check_goes_into_the_manifest_and_no_other(
    registry: Running, people: People, tool: httpx.Client
) -> None:
    allowed, refused = ask(tool).json(), ask(tool, purpose="sexualised").json()
    asset = upload(tool, picture(), {**MADE, "likeness_check": allowed["token"]}).json()
    signed = tool.get(asset["links"]["content"]).content
    with registry.http() as anyone:
        report = anyone.post("/v1/verifications", files={"file": ("f", signed, "image/jpeg")}).json()
    stated = report["likeness_check"]
    assert (stated["entry"], stated["purpose"]) == (allowed["ledger"]["entry"], "commercial")
    assert stated["token"] == allowed["token"]
    other = registry.key("Other Tool", source_types=TYPES)
    forged = allowed["token"][:-4] + "AAAA"
    with registry.http(other) as stranger:
        problem(upload(stranger, picture(), {"likeness_check": allowed["token"]}), 422, "likeness-token")
    for bad in (refused["token"], forged, "no.token.this"):
        problem(upload(tool, picture(), {**MADE, "likeness_check": bad}), 422, "likeness-token")


def test_the_same_check_twice_is_one(registry: Running, tool: httpx.Client) -> None:
    first, second = (ask(tool, key="again").json() for _ in range(2))
    assert {**first, "token": ""} == {**second, "token": ""}
    problem(ask(tool, purpose="other", key="again"), 422, "idempotency-conflict")


def test_a_check_of_one_tool_is_no_other_tools(registry: Running) -> None:
    """Two keys of one principal: what was recorded of one tool is not signed to another."""
    body = {"source_types": TYPES, "scopes": ["likeness:check"]}
    first = registry.operator.issue_key({**body, "tool": "Brush"})
    other = registry.operator.issue_key({**body, "tool": "Lens", "principal": first["principal"]})
    with registry.http(first["token"]) as brush, registry.http(other["token"]) as lens:
        assert ask(brush, key="shared").status_code == 201
        problem(ask(lens, key="shared"), 422, "idempotency-conflict")


def test_whoever_meets_one_person_too_often_is_answered_nothing(
    registry: Running, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PER_PERSON", 2)
    token = registry.key("Climber", source_types=TYPES, scopes=["likeness:check", "assets:sign", "assets:read"])
    with people.registered() as registration, registry.http(token) as climber, registry.http(token) as again:
        assert [answered(climber) for _ in range(2)] == ["refused"] * 2
        for content in (HER, picture()):
            said = problem(ask(climber, content), 429, "likeness-limit")
            assert said["retry_after"] > 0
        assert upload(again, picture(), MADE).status_code == 202, "an upload is no better oracle"
        assert len(log(registry, registration)) == 2
    monkeypatch.setattr(limits, "PER_PERSON", 1000)
    monkeypatch.setattr(limits, "PER_TOOL", 2)
    with registry.http(token) as climber:
        assert problem(ask(climber), 429, "likeness-limit").keys() == said.keys()


def test_asking_at_once_is_no_way_round_that(
    registry: Running, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other check is recorded while this one's picture is looked at."""
    monkeypatch.setattr(limits, "PER_PERSON", 1)
    token = registry.key("Racer", source_types=TYPES, scopes=["likeness:check"])
    look, others = Matching.look, [ask]
    with people.registered(), registry.http(token) as one, registry.http(token) as other:

        def slowly(self: Matching, *args: Any) -> Any:
            found = look(self, *args)
            if others:
                assert others.pop()(other).status_code == 201
            return found

        monkeypatch.setattr(Matching, "look", slowly)
        problem(ask(one), 429, "likeness-limit")


def test_only_a_vetted_tool_may_ask(registry: Running) -> None:
    with registry.http(registry.key()) as http:
        problem(ask(http), 403, "scope-missing")


def test_a_check_without_purpose_or_nonce_is_told_what_it_lacks(tool: httpx.Client) -> None:
    wrongs: list[dict[str, Any]] = [
        {"purpose": "unsaid"},
        {"purpose": "art"},
        {"nonce": "short"},
        {"place": "Illinois"},
    ]
    for wrong in wrongs:
        problem(ask(tool, **wrong), 422, "request-invalid")


def test_nothing_of_the_picture_is_kept(registry: Running, people: People, tool: httpx.Client) -> None:
    with people.registered():
        files = rows(registry, "SELECT count(*) FROM blob")
        ask(tool)
        assert rows(registry, "SELECT count(*) FROM blob") == files
