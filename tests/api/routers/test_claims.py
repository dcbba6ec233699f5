"""A tool that keeps its files has its claims signed: what holds in every reader, and what is refused."""

from __future__ import annotations

import base64
import io
import runpy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from c2pa import Reader

from ledger.ids import EntryId
from provenance.unseen.drafts import Draft
from sigillo_client import Problem, Sigillo
from sigillo_client.answers import ClaimSignature
from tests.api.wire import problem, upload
from tests.deployment import Running, picture, running
from tests.provenance.unseen.rewritten import Rewritten
from tests.provenance.unseen.tool import CREATED, definition, draft
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

JPEG = "image/jpeg"
GRANT: dict[str, Any] = {
    "scopes": ["claims:sign"],
    "tool": "Example Paint",
    "source_types": ["trainedAlgorithmicMedia"],
}


@dataclass(frozen=True)
class Tool:
    """One that keeps its files, and its key."""

    sigillo: Sigillo
    token: str

    def draft(self, *assertions: dict[str, Any], content: bytes = b"", **said: str) -> bytes:
        chain = self.sigillo.claim_signer()["sign_cert"]
        return draft(content or picture(), chain, definition(*assertions, **said))

    def sign(self, file: bytes, idempotency_key: str = "") -> ClaimSignature:
        made = Draft.in_file(file, JPEG)
        return self.sigillo.sign_claim(made.to_sign, made.assertion_store, idempotency_key)

    def finished(self, file: bytes, signed: ClaimSignature) -> bytes:
        made = Draft.in_file(file, JPEG)
        parts = (base64.b64decode(signed[one] or "") for one in ("signature", "time_stamp"))
        return made.put(file, JPEG, made.finished(*parts))


@pytest.fixture(scope="module")
def tool(deployment: Running) -> Iterator[Tool]:
    token = deployment.key(**GRANT)
    with deployment.client(token) as sigillo:
        yield Tool(sigillo, token)


def said(up: Running, token: str, signed: ClaimSignature) -> Any:
    caller = up.service.access.authenticate(token)
    return up.service.ledger.payloads.open(caller.tenant, EntryId(signed["ledger"]["entry"])).payload


def test_a_claim_is_signed_and_its_file_never_comes_here(deployment: Running, tool: Tool) -> None:
    file = tool.draft()
    signed = tool.sign(file)
    with deployment.http() as anyone:
        report = upload(anyone, tool.finished(file, signed), path="/v1/verifications").json()
    assert report["verdict"] == "trusted"
    assert report["signer"]["common_name"] == "Sigillo claim signer, content not seen"
    assert signed["signed_with"] == "sigillo-claim-unseen@1"
    assert tool.sigillo.receipt(signed["ledger"]["entry"], wait=30).startswith("c2sp.org/tlog-proof@v1")


def test_the_entry_says_what_was_signed(deployment: Running, tool: Tool) -> None:
    file = tool.draft()
    signed = tool.sign(file)
    payload = said(deployment, tool.token, signed)
    found = Draft.in_file(file, JPEG)
    assert payload.claim_sha256 == signed["claim_sha256"]
    assert payload.binding_hash in found.assertion_store.hex()
    assert (payload.tool, payload.source_types, payload.actions) == ("Example Paint", (CREATED,), ("c2pa.created",))


def test_as_the_callback_of_c2pa_python(tool: Tool) -> None:
    """The example of docs/api.md: its library drafts, and the draft is finished in place."""
    sign = runpy.run_path(str(Path(__file__).parents[3] / "docs/examples/claim_callback.py"))["sign"]
    signed = sign(tool.sigillo, definition(), JPEG, io.BytesIO(picture()))
    with Reader(JPEG, io.BytesIO(signed)) as reader:
        assert reader.get_validation_state() == "Valid"  # holds; nobody told this reader whom to trust


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param({"tool": "Other Paint"}, "tool-not-granted", id="another tool"),
        pytest.param(
            {"source": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"},
            "source-type-not-granted",
            id="s",
        ),
    ],
)
def test_what_the_key_may_not_claim(tool: Tool, request_: dict[str, Any], code: str) -> None:
    with pytest.raises(Problem) as refused:
        tool.sign(tool.draft(**request_))
    assert refused.value.members["code"] == code


@pytest.mark.parametrize(
    ("assertion", "code"),
    [
        ({"label": "com.example.note", "data": {"a": 1}}, "assertion-not-granted"),
        ({"label": "org.sigillo.content", "data": {"sha256": "0" * 64}}, "assertion-unseen"),
        ({"label": "org.sigillo.model", "data": {"name": "m-2"}}, "model-not-granted"),
        (
            {"label": "cawg.metadata", "data": {"Iptc4xmpExt:DigitalSourceType": "https://x.example/capture"}},
            "source-type-not-granted",
        ),
        ({"label": "cawg.metadata", "data": {"xmp:CreateDate": "2999-01-01T00:00:00Z"}}, "time-in-future"),
    ],
)
def test_what_an_assertion_may_not_say(tool: Tool, assertion: dict[str, Any], code: str) -> None:
    with pytest.raises(Problem) as refused:
        tool.sign(tool.draft(assertion))
    assert refused.value.members["code"] == code


@pytest.mark.parametrize(
    ("change", "type_", "says"),
    [
        pytest.param(
            lambda made: made.claiming(redacted_assertions=["self#jumbf=/c2pa/x/c2pa.assertions/org.sigillo.model"]),
            "claim-refused",
            "redacted",
            id="a redaction",
        ),
        pytest.param(lambda made: made.claiming(**{"dc:title": "a\u202eb"}), "claim-refused", "U\\+202E", id="a title"),
        pytest.param(lambda made: made.claiming(instanceID="x" * 600), "claim-invalid", "instanceID", id="an instance"),
        pytest.param(
            lambda made: made.saying("cawg.metadata", b'{"softwareAgent": "\\ud800"}'),
            "claim-invalid",
            "JSON",
            id="half",
        ),
        pytest.param(
            lambda made: made.saying("c2pa.hash.data", {"exclusions": [], "alg": "md5", "hash": bytes(16)}),
            "claim-invalid",
            "algorithm",
            id="a binding by MD5",
        ),
    ],
)
def test_what_is_not_signed_is_told(
    tool: Tool, change: Callable[[Rewritten], Rewritten], type_: str, says: str
) -> None:
    made = change(Rewritten.of(Draft.in_file(tool.draft(), JPEG)))
    with pytest.raises(Problem, match=says) as refused:
        tool.sigillo.sign_claim(made.to_sign, made.assertion_store)
    assert refused.value.type == f"urn:sigillo:problem:{type_}"


def test_what_is_granted_by_name_is_signed(deployment: Running) -> None:
    token = deployment.key(**GRANT, assertions=["com.example.note"], models=["m-1"])
    with deployment.client(token) as sigillo:
        tool = Tool(sigillo, token)
        note = {"label": "com.example.note", "data": {"a": 1}}
        signed = tool.sign(tool.draft(note, {"label": "org.sigillo.model", "data": {"name": "m-1"}}))
    assert said(deployment, token, signed).models == ("m-1",)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"to_be_signed": b"", "assertion_store": b""}, id="nothing"),
        pytest.param({"to_be_signed": b"pay 100 to Mallory", "assertion_store": b"x"}, id="a sentence"),
        pytest.param(
            {"to_be_signed": b"\x84\x6aSignature1\x40\x40\x43abc", "assertion_store": b"x"}, id="another message"
        ),
    ],
)
def test_arbitrary_bytes_are_refused(tool: Tool, sent: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        tool.sigillo.sign_claim(**sent)
    assert refused.value.type == "urn:sigillo:problem:claim-invalid"


def test_assertions_of_another_draft_are_refused(tool: Tool) -> None:
    one, other = (Draft.in_file(tool.draft(), JPEG) for _ in range(2))
    with pytest.raises(Problem, match="not the one that the claim hashes"):
        tool.sigillo.sign_claim(one.to_sign, other.assertion_store)


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"to_be_signed": "é", "assertion_store": ""}', '{"to_be_signed": 1}']
)
def test_a_body_of_another_form_is_told(deployment: Running, tool: Tool, body: str) -> None:
    with deployment.http(tool.token) as http:
        problem(http.post("/v1/claims/sign", content=body), 422, "request-invalid")


def test_without_the_scope_nothing_is_signed(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        problem(http.get("/v1/claims/signer"), 403, "scope-missing")
        problem(http.post("/v1/claims/sign", json={}), 403, "scope-missing")


def test_the_same_request_is_signed_once(tool: Tool) -> None:
    file = tool.draft()
    with ThreadPoolExecutor(4) as both:
        answers = list(both.map(lambda _: tool.sign(file, "once"), range(4)))
    assert len({(one["signature"], one["ledger"]["entry"]) for one in answers}) == 1
    with pytest.raises(Problem) as refused:
        tool.sign(tool.draft(), "once")
    assert refused.value.type == "urn:sigillo:problem:idempotency-conflict"


def test_a_revoked_key_signs_no_claims(deployment: Running) -> None:
    token = deployment.key(**GRANT)
    with deployment.client(token) as sigillo:
        tool = Tool(sigillo, token)
        file = tool.draft()
        caller = deployment.service.access.authenticate(token)
        deployment.operator.revoke_key(caller.key or "")
        with pytest.raises(Problem, match="Unknown API key"):
            tool.sign(file)


def test_the_two_certificates_are_apart(tmp_path: Path) -> None:
    """Revoking the one for unseen content leaves uploads signed; and the other way round."""
    with running(tmp_path / "home") as up:
        token = up.key(**GRANT)
        with up.client(token) as sigillo, up.http(up.key()) as http:
            tool = Tool(sigillo, token)
            file = tool.draft()
            up.operator.revoke_claim_key("sigillo-claim-unseen@1", "superseded")
            with pytest.raises(Problem) as refused:
                tool.sign(file)
            assert refused.value.type == "urn:sigillo:problem:signer-revoked"
            assert upload(http, picture()).status_code == 201


def test_a_claim_is_time_stamped(tmp_path: Path) -> None:
    with serving(TimeStampAuthority()) as authority:
        (tmp_path / "tsa.pem").write_text(authority.anchors)
        with running(tmp_path / "home", tsa_urls=(authority.url,), tsa_anchors=tmp_path / "tsa.pem") as up:
            token = up.key(**GRANT)
            with up.client(token) as sigillo, up.http() as anyone:
                tool = Tool(sigillo, token)
                file = tool.draft()
                finished = tool.finished(file, tool.sign(file))
                report = upload(anyone, finished, path="/v1/verifications").json()
    assert (report["verdict"], report["time_stamps"][0]["trusted"]) == ("trusted", True)
