"""Leaving the registry over HTTP: nothing of a face is left, and anybody can check that the index does not have it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import httpx
import pytest

from api.edge.throttle import RateExceededError, Throttle
from api.settings import Settings
from detection.faces.look import look
from detection.faces.quality import judge
from detection.generations.absence_verifier import check
from detection.memfd import Memfd
from identity.jose.jws import read_jws
from identity.registration.delays import UNTOLD
from identity.registration.receipt import TYPE
from identity.registration.recovery import RecoveryCode
from keys.clock import system_clock, system_entropy
from ledger.ids import TenantId
from tests.api.people import begun, somebody
from tests.api.registrants import PORTRAIT_BYTES, REGISTRATIONS, SCOPES, account, asked, register
from tests.api.routers.test_registrations import known, signed
from tests.api.wire import PATIENCE, problem, rows
from tests.deployment import Running


@pytest.fixture
def token(deployment: Running) -> str:
    """Of a platform in a tenant of its own."""
    issued = deployment.operator.issue_key({"tool": "", "scopes": SCOPES, "source_types": [], "new_tenant": True})
    return str(issued["token"])


@pytest.fixture
def http(deployment: Running, token: str) -> Iterator[httpx.Client]:
    with deployment.http(token) as client:
        yield client


@pytest.fixture
def made(deployment: Running, http: httpx.Client, token: str) -> dict[str, Any]:
    answer = register(http, asked(http, account(deployment, token, "ada"), contact="ada@example.org"))
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def path_of(made: dict[str, Any], rest: str = "") -> str:
    return f"{REGISTRATIONS}/{made['id']}{rest}"


def matches(up: Running, tenant: TenantId) -> list[str]:
    """Whom the portrait is found to be."""
    service = up.service.registry.registrations
    with Memfd.of([PORTRAIT_BYTES]) as photo:
        embedding = judge(look(service.workers.of("test"), photo)).embedding
    return [str(one.owner) for one in service.matcher.match(tenant, [embedding]).matches]


def test_who_withdraws_is_found_no_more_and_has_proof(
    deployment: Running, http: httpx.Client, token: str, made: dict[str, Any]
) -> None:
    tenant, service = deployment.service.access.authenticate(token).tenant, deployment.service
    assert matches(deployment, tenant) == [made["id"]]
    done = http.post(path_of(made, "/withdrawal"))
    assert done.status_code == 200, done.text
    assert done.json()["absence"] == path_of(made, "/absence")
    assert matches(deployment, tenant) == []
    for table, column in (("face_template", "owner_id"), ("subject_key", "id")):
        assert rows(deployment, f"SELECT 1 FROM {table} WHERE {column} = '{made['id']}'") == []
    while service.housekeeping.generations.round():
        pass
    ((entry,),) = rows(deployment, f"SELECT entry_id FROM index_absence WHERE id = '{made['id']}'")
    assert service.ledger.wait_proven(entry, PATIENCE)
    with deployment.http() as anyone:
        proof = anyone.get(done.json()["absence"])
    found = check(proof.content, service.ledger.vkey())
    assert (found.registration, found.index) == (made["id"], tenant)
    assert read_jws(made["receipt"], TYPE).payload["index"] == tenant, "who registered knows which index it was"
    assert http.get(path_of(made)).json()["state"] == "withdrawn"
    problem(http.post(path_of(made, "/withdrawal")), 409, "registration-ended")
    problem(http.post(path_of(made, "/renewal"), json={"sha256": "0" * 64}), 409, "registration-ended")


def test_the_code_asks_and_the_platform_stops_it(deployment: Running, http: httpx.Client, made: dict[str, Any]) -> None:
    problem(http.delete(path_of(made, "/recovery")), 409, "not-leaving")
    with deployment.http() as anyone:
        wrong = {"code": RecoveryCode.new(system_entropy).words}
        problem(anyone.post(path_of(made, "/recovery"), json=wrong), 403, "recovery-code-wrong")
        answer = anyone.post(path_of(made, "/recovery"), json={"code": made["recovery_code"]["words"]})
        assert answer.status_code == 202, answer.text
        problem(anyone.delete(path_of(made, "/recovery")), 401, "unauthenticated")
        problem(anyone.post(path_of(made, "/withdrawal")), 401, "unauthenticated")
    found = http.get(path_of(made)).json()
    assert found["state"] == "leaving"
    stopped = http.delete(path_of(made, "/recovery"))
    assert stopped.status_code == 200, stopped.text
    assert http.get(path_of(made)).json()["state"] == "active"


def test_renewing_over_http(deployment: Running, http: httpx.Client, made: dict[str, Any]) -> None:
    text = http.get(path_of(made, "/renewal")).json()
    problem(http.post(path_of(made, "/renewal"), json={"sha256": "0" * 64}), 409, "consent-outdated")
    renewed = http.post(path_of(made, "/renewal"), json={"language": "en", "sha256": text["sha256"]})
    assert renewed.status_code == 200, renewed.text
    assert renewed.json()["expires_at"] >= made["expires_at"]


def test_a_person_signs_for_another_term_and_leaves_by_themselves(deployment: Running) -> None:
    with somebody(deployment) as ada, somebody(deployment) as eve:
        known(deployment, ada)
        body = asked(ada.http, ada.account, right="parent", stated="mother")
        document = register(ada.http, signed(ada, body)).json()
        text = ada.http.get(path_of(document, "/renewal")).json()
        renewal = {"language": "en", "sha256": text["sha256"]}
        problem(ada.http.post(path_of(document, "/renewal"), json=renewal), 422, "consent-unsigned")
        options = begun(ada.http, "/me/signatures", {"purpose": "consent", "sha256": text["statement_sha256"]})
        with_passkey = {**renewal, "passkey": ada.device.get(options)}
        problem(eve.http.post(path_of(document, "/renewal"), json=with_passkey), 404, "registration-not-found")
        assert ada.http.post(path_of(document, "/renewal"), json=with_passkey).status_code == 200
        problem(ada.http.post(path_of(document, "/renewal"), json=with_passkey), 410, "passkey-challenge-gone")
        for rest in ("/withdrawal", "/renewal"):
            problem(eve.http.post(path_of(document, rest), json=renewal), 404, "registration-not-found")
        problem(eve.http.delete(path_of(document, "/recovery")), 404, "registration-not-found")
        assert ada.http.post(path_of(document, "/withdrawal")).status_code == 200


def test_other_tenants_and_scopes_reach_nothing(deployment: Running, made: dict[str, Any]) -> None:
    issued = deployment.operator.issue_key({"tool": "", "scopes": SCOPES, "source_types": [], "new_tenant": True})
    with deployment.http(str(issued["token"])) as other:
        problem(other.post(path_of(made, "/withdrawal")), 404, "registration-not-found")
        problem(other.get(path_of(made, "/renewal")), 404, "registration-not-found")
    with deployment.http(deployment.key("", scopes=["registrations:read"])) as reader:
        problem(reader.post(path_of(made, "/withdrawal")), 403, "scope-missing")


def test_guesses_are_counted_by_network() -> None:
    throttle = Throttle("1000/minute", "1000/minute", "1000/minute", "1000/minute", system_clock, system_entropy)
    here, there = (ip_address(one) for one in ("192.0.2.7", "198.51.100.7"))
    for _ in range(20):
        throttle.guess(here)
    with pytest.raises(RateExceededError):
        throttle.guess(ip_address("192.0.2.99"))
    throttle.guess(there)
    throttle.guess(None)


def test_the_delay_is_set_between_a_day_and_a_month() -> None:
    for wrong in (timedelta(hours=23), UNTOLD + timedelta(seconds=1)):
        with pytest.raises(ValueError, match="recovery_delay"):
            Settings(recovery_delay=wrong)
