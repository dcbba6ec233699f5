"""What a worker asks its parent for, in one process: the sandbox itself is `tests/detection`'s."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from identity.data_integrity.signing import ProofOptions, add_proof
from identity.did.methods import multikey
from identity.did.resolution import resolve_did
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.outcome import Check, Outcome
from identity.report import Report
from identity.status.bitstring import StatusEntry, list_credential
from identity.status.status_list import BITSTRING, empty
from identity.vc_api.jobs import JOBS, JUDGED
from identity.vc_api.outside import FETCHING, MAX_ANSWER, MAX_WANTED, QUESTIONS, Sources
from keys.clock import Clock
from tests.identity.issuers import Issuer
from tests.identity.published import FURTHER, JCS, RDFC, VECTORS

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SUITE = "eddsa-jcs-2022"
ISSUER = Issuer.of(SUITE)
WEB, LIST = "did:web:issuer.example", "https://issuer.example/status/1"
METHOD = f"{WEB}#key-1"
DOCUMENT = {
    "id": WEB,
    "verificationMethod": [
        {"id": METHOD, "type": "Multikey", "controller": WEB, "publicKeyMultibase": multikey(ISSUER.public)}
    ],
    "assertionMethod": [METHOD],
}


def signed(document: dict[str, Any]) -> dict[str, Any]:
    """By the key that WEB's document names."""
    options = ProofOptions(SUITE, "assertionMethod", NOW - timedelta(days=1))
    method = type(ISSUER.method)(METHOD, WEB, ISSUER.public)
    return add_proof(document, options, method, ISSUER.sign)


CREDENTIAL = signed(
    {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiableCredential"],
        "issuer": WEB,
        "credentialSubject": {"id": "did:example:subject"},
        "credentialStatus": StatusEntry("revocation", LIST, 8).members(),
    }
)


def published(*revoked: int) -> bytes:
    statuses = empty(BITSTRING, 131_072).with_status(dict.fromkeys(revoked, 1))
    document = list_credential(statuses, LIST, WEB, "revocation", NOW - timedelta(days=1), NOW + timedelta(days=1))
    return json.dumps(signed(document)).encode()


def judged(
    body: object, web: dict[str, bytes], job: str = "verify_credential", clock: Clock = lambda: NOW
) -> tuple[Report, list[str]]:
    """The report, and what was fetched for it."""
    fetched: list[str] = []

    def fetch(url: str) -> bytes | None:
        fetched.append(url)
        return web.get(url)

    file = os.memfd_create("body")
    try:
        os.write(file, json.dumps(body).encode())
        os.lseek(file, 0, os.SEEK_SET)
        args = {"now": NOW.isoformat(), "issuers": [WEB], "contexts": {}}
        result, _ = JOBS[job](args, [file], Sources(fetch, fetch, clock).answer)
    finally:
        os.close(file)
    return JUDGED.validate_python(json.loads(json.dumps(result))["judged"]).report, fetched


HERE = {"https://issuer.example/.well-known/did.json": json.dumps(DOCUMENT).encode()}


@pytest.mark.parametrize(
    ("web", "verdict", "failed"),
    [
        ({**HERE, LIST: published(7, 9)}, Outcome.HOLDS, set()),
        ({**HERE, LIST: published(8)}, Outcome.INVALID, {Check.STATUS}),
        ({**HERE}, Outcome.UNCHECKED, {Check.STATUS}),
        ({**HERE, LIST: b"<html>"}, Outcome.UNREADABLE, {Check.STATUS}),
        ({LIST: published()}, Outcome.UNCHECKED, {Check.METHOD, Check.STATUS}),
        ({**HERE, LIST: b" " * (MAX_ANSWER + 1)}, Outcome.UNCHECKED, {Check.STATUS}),
    ],
    ids=["in force", "revoked", "no list", "another thing", "no document", "too large"],
)
def test_what_a_credential_rests_on_is_fetched_once_and_missing_is_not_the_same_as_wrong(
    web: dict[str, bytes], verdict: Outcome, failed: set[Check]
) -> None:
    report, fetched = judged({"verifiableCredential": CREDENTIAL}, web)
    assert (report.verdict, {finding.check for finding in report.failed}) == (verdict, failed)
    assert len(fetched) == len(set(fetched))


def test_a_list_that_is_newer_than_the_question_is_judged_as_of_when_it_came() -> None:
    later = NOW + timedelta(seconds=2)
    statuses = empty(BITSTRING, 131_072)
    fresh = signed(list_credential(statuses, LIST, WEB, "revocation", later, later + timedelta(days=1)))
    report, _ = judged(
        {"verifiableCredential": CREDENTIAL}, {**HERE, LIST: json.dumps(fresh).encode()}, clock=lambda: later
    )
    assert report.verdict is Outcome.HOLDS


def test_a_list_by_somebody_else_is_not_the_issuers() -> None:
    stranger = Issuer.of(SUITE, 1)
    statuses = empty(BITSTRING, 131_072)
    other = list_credential(
        statuses, LIST, stranger.did, "revocation", NOW - timedelta(days=1), NOW + timedelta(days=1)
    )
    options = ProofOptions(SUITE, "assertionMethod", NOW - timedelta(days=1))
    forged = json.dumps(add_proof(other, options, stranger.method, stranger.sign)).encode()
    report, _ = judged({"verifiableCredential": CREDENTIAL}, {**HERE, LIST: forged})
    assert report.outcome(Check.STATUS) is Outcome.UNTRUSTED


def test_a_list_may_be_by_somebody_whose_document_is_fetched_next() -> None:
    by_key = {**CREDENTIAL, "issuer": ISSUER.did}
    del by_key["proof"]
    options = ProofOptions(SUITE, "assertionMethod", NOW - timedelta(days=1))
    report, fetched = judged(
        {
            "verifiableCredential": add_proof(by_key, options, ISSUER.method, ISSUER.sign),
            "options": {"issuers": [ISSUER.did]},
        },
        {**HERE, LIST: published()},
    )
    assert (report.verdict, fetched) == (Outcome.HOLDS, [LIST, *HERE])


def test_one_request_has_so_many_things_fetched_and_no_more() -> None:
    many = [
        StatusEntry("revocation", f"https://issuer.example/{place}", 8).members() for place in range(3 * MAX_WANTED)
    ]
    _, fetched = judged({"verifiableCredential": {**CREDENTIAL, "credentialStatus": many}}, {})
    assert len(fetched) == QUESTIONS * MAX_WANTED


def test_slow_servers_do_not_keep_a_worker_waiting_for_each_of_them() -> None:
    now, asked = [NOW], list[str]()

    def slow(url: str) -> None:
        asked.append(url)
        now[0] += FETCHING * 0.8

    question = [["status_lists", f"https://slow.example/{place}"] for place in range(MAX_WANTED)]
    answer = json.loads(Sources(slow, slow, lambda: now[0]).answer(json.dumps(question).encode()))
    assert len(asked) == 2
    assert answer["found"] == [None] * MAX_WANTED


@pytest.mark.parametrize("question", [[["blobs", "x"]], [["status_lists", "https://a.example/"]] * (MAX_WANTED + 1)])
def test_a_worker_that_asks_for_something_else_gets_no_answer(question: list[list[str]]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Sources(lambda _: b"", lambda _: b"", lambda: NOW).answer(json.dumps(question).encode())


def test_a_fetched_document_is_given_as_it_is_and_is_about_that_did() -> None:
    content = json.dumps({**DOCUMENT, "service": []}).encode()
    assert resolve_did(WEB, None, {"https://issuer.example/.well-known/did.json": content}.get).content == {
        **DOCUMENT, "service": [],
    }  # fmt: skip
    other = json.dumps({**DOCUMENT, "id": "did:web:other.example"}).encode()
    assert resolve_did(WEB, None, lambda _: other).content is None


LATE = """
import json, os, sys
from identity.vc_api.jobs import JOBS
given = json.load(sys.stdin)
loaded, verdicts = set(sys.modules), []
for body in given["bodies"]:
    file = os.memfd_create("body")
    os.write(file, json.dumps(body).encode())
    os.lseek(file, 0, os.SEEK_SET)
    result, _ = JOBS["verify_credential"](given["args"], [file], lambda _: b"{}")
    findings = result["judged"]["report"]["findings"]
    verdicts.append([finding["check"] for finding in findings if finding["outcome"] == "invalid"])
print(json.dumps([verdicts, sorted(set(sys.modules) - loaded)]))
"""


def test_no_suite_loads_anything_once_a_worker_is_isolated() -> None:
    vectors = [vector.secured for vector in (*RDFC, *JCS)]
    derived = [json.loads(path.read_text()) for path in sorted(VECTORS.rglob("derivedRevealDocument.json"))]
    contexts = {url: text.decode() for url, text in FURTHER.items()}
    given = {
        "args": {"now": NOW.isoformat(), "issuers": [], "contexts": contexts},
        "bodies": [{"verifiableCredential": document} for document in vectors + derived],
    }
    ended = subprocess.run(
        [sys.executable, "-c", LATE], input=json.dumps(given), capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    failed, late = json.loads(ended.stdout)
    assert late == []
    assert {check for checks in failed for check in checks} <= {"validity"}  # some have ended
    assert len(derived) == 4
