"""Who stands behind a public asset: a level, and never who it is; as it is now, and of nobody who was erased. Beside
it, what creators sign with a passkey of theirs.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from cases.assurance import actor
from identity.assurance.evidence import Found
from identity.assurance.tier import EvidenceKind
from ledger.ids import SubjectId
from tests.api.people import Somebody, somebody
from tests.api.registrants import account
from tests.api.wire import problem, signed, upload
from tests.deployment import Running, picture
from tests.simulators.authenticator import PRESENT, Authenticator

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


def creators(somebody: Somebody, file: bytes, said: dict[str, Any] | None = None) -> dict[str, Any]:
    """What goes into a claim when its creator signs with their passkey."""
    wanted = {"sha256": hashlib.sha256(file).hexdigest(), **(said or {})}
    begun = somebody.http.post("/v1/people/me/creator-statements", json=wanted)
    assert begun.status_code == 202, begun.text
    answer = somebody.device.get(begun.json()["publicKey"])
    return {"statement": begun.json()["statement"], "passkey": answer}


def grant(up: Running, account: str, kind: EvidenceKind) -> None:
    """Somebody else vouches for the account's holder."""
    by, assurance = actor(up.service.access.authenticate(up.key())), up.service.assurance
    assurance.grants.grant(by, assurance.accounts.subject(by.tenant, SubjectId(account)), Found(kind, "test", ""))


TAKEN = {"actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}], "title": "Harbour"}


def taken(signature: dict[str, Any]) -> dict[str, Any]:
    """The claim that carries it."""
    return {**TAKEN, "creator_signature": signature}


SAID = {"source_types": ["digitalCapture"], "title": "Harbour"}


def test_a_creator_signs_with_a_passkey_and_the_platform_says_how_well_it_knows_them(deployment: Running) -> None:
    file = picture(seed=next(SEED))
    with (
        somebody(deployment) as person,
        deployment.http(deployment.key()) as tool,
        deployment.http() as anyone,
    ):
        asset, unknown = signed(tool, file, taken(creators(person, file, SAID)))
        grant(deployment, person.account, EvidenceKind.LOGIN)
        _, cosigned = signed(tool, file, taken(creators(person, file, SAID)))
        before, after = (upload(anyone, one, path="/v1/verifications").json() for one in (unknown, cosigned))
        assert (before["verdict"], after["verdict"]) == ("trusted", "trusted")
        first, then = before["creator_signature"], after["creator_signature"]
        assert (first["verdict"], first["standing"]["level"], first["standing"]["verified"]) == (
            *("untrusted", "none"),
            False,
        )
        today = datetime.now(UTC).date().isoformat()
        assert (then["verdict"], then["name"], then["reason"]) == ("trusted", None, "")
        assert then["standing"].pop("by").startswith(("did:web:", "http"))
        assert then["standing"] == {"verified": True, "level": "medium", "since": today}
        assert first["key_sha256"] == then["key_sha256"]
        assert asset["id"]
        for name in (person.account, person.passkey, person.device.passkeys[0].id.hex()):
            assert name.encode() not in cosigned, "neither account nor passkey is named"
        assert person.device.passkeys[0].id not in cosigned


def test_what_a_passkey_did_not_sign_is_refused(deployment: Running) -> None:
    file, other = picture(seed=next(SEED)), picture(seed=next(SEED))
    with somebody(deployment) as person, deployment.http(deployment.key()) as tool:
        good = creators(person, file, SAID)
        refused = problem(upload(tool, other, taken(good)), 422, "claim-refused")
        assert "another content" in refused["detail"]
        problem(upload(tool, file, {**taken(good), "title": "Sea"}), 422, "claim-refused")
        elsewhere = {**good, "statement": good["statement"].replace("Harbour", "Seaside")}
        problem(upload(tool, file, taken(elsewhere)), 403, "passkey-refused")
        vouching = {"by": "did:web:x.example", "verified": True, "level": "high", "since": None}
        problem(upload(tool, file, taken({**good, "vouched": vouching})), 422, "request-invalid")
        person.device.flags = PRESENT
        problem(upload(tool, file, taken(creators(person, file, SAID))), 403, "passkey-refused")
        stranger = Authenticator()
        stranger.create({"rp": {"id": "localhost"}, "user": {"id": "YQ"}, "challenge": "YQ"})
        answer = stranger.get({"challenge": "YQ"})
        problem(upload(tool, file, taken({**good, "passkey": answer})), 404, "passkey-not-found")


def test_it_is_no_sign_in_and_a_sign_in_is_no_statement(deployment: Running) -> None:
    file = picture(seed=next(SEED))
    with somebody(deployment) as person, deployment.http() as stranger, deployment.http(deployment.key()) as tool:
        good = creators(person, file, SAID)
        problem(stranger.post("/v1/people/tokens", json=good["passkey"]), 410, "passkey-challenge-gone")
        options = stranger.post("/v1/people/sign-ins").json()["publicKey"]
        signing_in = person.device.get(options)
        problem(upload(tool, file, taken({**good, "passkey": signing_in})), 403, "passkey-refused")


def test_the_same_request_made_twice_is_one_asset(deployment: Running) -> None:
    """Although how the account stands has changed between."""
    file, headers = picture(seed=next(SEED)), {"Idempotency-Key": "creator"}
    with somebody(deployment) as person, deployment.http(deployment.key()) as tool:
        claim = taken(creators(person, file, SAID))
        first = upload(tool, file, claim, headers=headers).json()
        grant(deployment, person.account, EvidenceKind.EMAIL)
        assert upload(tool, file, claim, headers=headers).json()["id"] == first["id"]
        claim = taken(creators(person, file, SAID))
        problem(upload(tool, file, claim, headers=headers), 422, "idempotency-conflict")
