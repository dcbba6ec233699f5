"""Who stands behind a public asset: a level, and never who it is; as it is now, and of nobody who was erased."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cases.assurance import actor
from identity.assurance.tier import EvidenceKind
from tests.api.registrants import account
from tests.api.wire import problem, signed, upload
from tests.deployment import Running, picture

SEED = iter(range(9000, 9100))


def claim(made_by: str, visibility: str = "public") -> dict[str, str]:
    return {"account": made_by, "visibility": visibility}


@pytest.mark.parametrize(
    ("kind", "verified", "level"),
    [(EvidenceKind.LOGIN, True, "medium"), (EvidenceKind.EMAIL, False, "low"), (None, False, "none")],
)
def test_a_level_is_told_to_anyone_and_nothing_else(
    deployment: Running, kind: EvidenceKind | None, verified: bool, level: str
) -> None:
    token = deployment.key()
    made_by = account(deployment, token, f"creator {kind}", kind)
    with deployment.http(token) as http, deployment.http() as anyone:
        _, file = signed(http, picture(seed=next(SEED)), claim=claim(made_by))
        answer = upload(anyone, file, path="/v1/verifications")
        _, unlisted = signed(http, picture(seed=next(SEED)), claim=claim(made_by, "unlisted"))
        assert upload(anyone, unlisted, path="/v1/verifications").json()["creator"] is None
    creator = answer.json()["creator"]
    today = datetime.now(UTC).date().isoformat()
    assert creator.pop("by").startswith(("did:web:", "http"))
    assert creator == {
        "verified": verified,
        "level": level,
        "since": today if kind else None,
        "credential_type": "AccountAssurance" if kind else None,
    }
    assert made_by not in answer.text
    assert made_by.encode() not in file


def test_of_an_account_that_was_erased_nothing_is_said(deployment: Running) -> None:
    token = deployment.key()
    made_by = account(deployment, token, "erased creator")
    with deployment.http(token) as http, deployment.http() as anyone:
        _, file = signed(http, picture(seed=next(SEED)), claim=claim(made_by))
        by = actor(deployment.service.access.authenticate(token))
        deployment.service.assurance.accounts.erase(by, made_by)
        found = upload(anyone, file, path="/v1/verifications").json()
        assert (found["verdict"], found["creator"]) == ("trusted", None)
        assert found["ledger"]
        problem(upload(http, picture(seed=next(SEED)), claim(made_by)), 404, "account-not-found")


def test_nobody_names_what_is_no_account_of_theirs(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        problem(upload(http, picture(seed=next(SEED)), claim(f"acc_{'a' * 26}")), 404, "account-not-found")
        problem(upload(http, picture(seed=next(SEED)), claim("alice")), 422, "request-invalid")
        asset, file = signed(http, picture(seed=next(SEED)), claim={"visibility": "public"})
        assert upload(http, file, path="/v1/verifications").json()["creator"] is None
        assert "account" not in asset
