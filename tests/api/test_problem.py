from __future__ import annotations

import asyncio
import inspect
import json
import re
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from fastapi import FastAPI

import cases.errors
import detection.errors
import identity.assurance.errors
import identity.errors
import identity.passkeys.errors
import identity.registration.errors
import keys.errors
import ledger.errors
import provenance.errors
from api.edge.problem import PROBLEMS, ROOTS, Problem, install, problem_of
from api.running.telemetry import Metrics, Telemetry
from tests.api.wire import problem
from tests.deployment import Running

PACKAGES = (cases.errors, detection.errors, keys.errors, ledger.errors, provenance.errors)
PAGE = Path(__file__).parents[2] / "docs" / "problems.md"
FRAMEWORK = {"request-invalid", "not-found", "method-not-allowed", "http-error", "internal"}
"""Answers that no class of ours stands behind."""

OUR_FAULT = {
    # Only the service itself can cause these: they are logged and answered as 500.
    "GenerationError", "InIndexError", "TemplateError", "EmbeddingRefusedError", "RotationChangedError",
    "EpochDestroyedError", "CertificateMismatchError",
    "NestedWriteError", "SessionRefusedError", "TenantPredicateMissingError", "CanonicalFormError",
    "EntryMalformedError", "DraftRefusedError", "ProofError", "CheckpointError", "ReceiptError", "TileError",
    "ForkError", "EpochError", "EpochClosedError", "EpochInUseError", "BlobError", "BlobNotFoundError",
    "JobFailedError", "CosignatureError",
    # These never leave the module that handles them.
    "TimeStampRefusedError", "RevocationRefusedError", "StampUnavailableError",
    "TimeStampError", "TimeStampUnreadableError", "TimeStampInvalidError", "TimeStampUntrustedError",
    # These end a start or a command, never a request.
    "CheckpointAbsentError", "SchemaTooNewError", "WrongPassphraseError", "LooseFileModeError", "InsecureProfileError",
    "RetirementRefusedError", "BundleError", "NotebookError", "StampAnchorsError", "StampIndexError",
    "WitnessError", "WitnessUnreachableError", "WitnessRefusedError", "WitnessObjectsError",
    "OpenBaoMissingError", "OpenBaoStartError", "ModelCardError",
    # Roots: their children have the rows.
    "CasesError", "SigningSuspendedError", "DetectionError", "KeysError", "LedgerError", "ProvenanceError",
}  # fmt: skip


def classes(module: ModuleType) -> list[type[Exception]]:
    found = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__]
    return [kind for kind in found if issubclass(kind, Exception)]


def documented() -> dict[str, str]:
    """Slug and status of every row of the page."""
    found: dict[str, str] = {}
    for line in PAGE.read_text().splitlines():
        if match := re.match(r"\| ((?:`[a-z-]+`(?:, )?)+) \| ([^|]+) \|", line):
            found |= dict.fromkeys(re.findall(r"`([a-z-]+)`", match[1]), match[2].strip())
    return found


def answered() -> dict[str, str]:
    """Slug and status of everything the edge can answer with."""
    media = [kind for kind in classes(detection.errors) if issubclass(kind, detection.errors.MediaError)]
    table = {row.slug: str(row.status) for kind, row in PROBLEMS.items() if kind is not detection.errors.MediaError}
    for kind in media:
        row = problem_of_class(kind)
        if code := kind.__dict__.get("code"):
            table[str(code)] = str(row.status)
    return table


def problem_of_class(kind: type[Exception]) -> Problem:
    return next(PROBLEMS[base] for base in kind.__mro__ if base in PROBLEMS)


def test_page_and_table_say_the_same() -> None:
    page = documented()
    assert set(page) - FRAMEWORK == set(answered())
    for slug, status in answered().items():
        assert page[slug] == status, slug
    assert set(page) >= FRAMEWORK


@pytest.mark.parametrize("module", PACKAGES, ids=lambda module: str(module.__name__))
def test_every_error_has_a_row_or_is_our_fault(module: ModuleType) -> None:
    for kind in classes(module):
        listed = any(base in PROBLEMS for base in kind.__mro__)
        assert listed or kind.__name__ in OUR_FAULT, (
            f"{kind.__name__} is answered as 500: say so in this list or map it"
        )
        assert any(issubclass(kind, root) for root in ROOTS), f"{kind.__name__} has no handler"


def test_every_error_about_assurance_has_a_row_or_ends_the_start() -> None:
    ours = classes(identity.assurance.errors)
    without = {kind.__name__ for kind in ours if not any(base in PROBLEMS for base in kind.__mro__)}
    assert without == {"AssuranceError", "AssurancePolicyError", "AssuranceProvidersError"}


def test_errors_that_pass_are_told_to_come_back() -> None:
    for kind, row in PROBLEMS.items():
        assert ("Retry-After" in row.headers) == (row.status == 503), kind


def test_narrowest_row_wins() -> None:
    row = problem_of(keys.errors.KeyStoreSealedError("sealed"))
    assert row is not None
    assert row.slug == "key-store-sealed"
    assert problem_of(ValueError("x")) is None


SECRET = "/var/lib/secret/sgk_abc"


def ask(path: str) -> httpx.Response:
    """The answer of an app whose routes fail in every way."""
    app = FastAPI()
    install(app)

    @app.get("/unforeseen")
    def unforeseen() -> None:
        raise RuntimeError(SECRET)

    @app.get("/ours")
    def ours() -> None:
        raise ledger.errors.BlobError(SECRET)

    @app.get("/damaged")
    def damaged() -> None:
        raise ledger.errors.BlobDamagedError(SECRET)

    @app.get("/key-missing")
    def key_missing() -> None:
        raise keys.errors.KeyNotFoundError(SECRET)

    @app.get("/key-store-down")
    def key_store_down() -> None:
        raise keys.errors.KeyStoreDownError(SECRET)

    @app.get("/database-unavailable")
    def database_unavailable() -> None:
        raise ledger.errors.DatabaseUnavailableError(SECRET)

    @app.get("/media")
    def media() -> None:
        raise detection.errors.MediaTooLargeError("pixels", 10, 11)

    transport = httpx.ASGITransport(Telemetry(app, Metrics()), raise_app_exceptions=False)

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://sigillo") as client:
            return await client.get(path)

    return asyncio.run(asked())


@pytest.mark.parametrize("path", ["/unforeseen", "/ours"])
def test_what_we_did_not_foresee_says_nothing_about_itself(path: str) -> None:
    answer = ask(path)
    said = problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "Error" not in answer.text
    assert set(said) == {"type", "title", "status", "detail"}
    assert re.fullmatch(r"req_[0-9a-f]{20}", answer.headers["x-request-id"])


def test_what_is_damaged_says_whom_to_ask_and_nothing_of_itself() -> None:
    answer = ask("/damaged")
    assert "an operator must look" in problem(answer, 500, "damaged")["detail"]
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("slug", "said"),
    [("key-missing", "sigillo keys rotate"), ("key-store-down", "/readyz"), ("database-unavailable", "/readyz")],
)
def test_what_the_service_needs_says_what_to_do_and_nothing_of_itself(slug: str, said: str) -> None:
    answer = ask(f"/{slug}")
    told = problem(answer, 503, slug)
    assert said in told["detail"]
    assert told["title"].lower() not in told["detail"], "the title has said it"
    assert "secret" not in answer.text


def test_media_errors_have_their_own_type() -> None:
    assert "10" in problem(ask("/media"), 413, "media-too-large")["detail"]


def test_framework_refusals_are_problems(deployment: Running) -> None:
    with deployment.http() as http:
        problem(http.get("/no/such/page"), 404, "not-found")
        wrong = http.put("/v1/assets")
        problem(wrong, 405, "method-not-allowed")
        assert wrong.headers["allow"] == "POST"
        everything = http.request("OPTIONS", "/v1/assets/ast_x").headers["allow"]
        assert everything == "GET, DELETE, HEAD", "whatever route has them"
        assert "/no/such" not in json.dumps(http.get("/no/such/page").json())
