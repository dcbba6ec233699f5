from __future__ import annotations

import pytest
from sqlalchemy import select

from api.edge.problem import URN
from detection.generations.absence_verifier import check
from detection.generations.tables import AbsenceRow
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import VerifierKey
from tests.api.cli.test_registration import NOBODY, Left, left
from tests.api.wire import PATIENCE
from tests.deployment import Running

__all__ = ["left"]


def test_whoever_knows_the_id_gets_the_proof(deployment: Running, left: Left) -> None:
    gone = left.gone
    with deployment.http() as anyone:
        answer = anyone.get(f"/v1/registrations/{gone}/absence")
        if answer.status_code == 503:
            assert answer.json()["type"] == URN + "absence-pending"
            assert int(answer.headers["Retry-After"]) > 0
        service = deployment.service
        while service.housekeeping.generations.round():
            pass
        with service.housekeeping.database.read(SystemSession.VERIFICATION) as connection:
            entry = connection.execute(select(AbsenceRow.entry_id).where(AbsenceRow.id == gone)).scalar_one()
        assert entry is not None
        assert service.ledger.wait_proven(entry, PATIENCE)
        answer = anyone.get(f"/v1/registrations/{gone}/absence")
        assert answer.headers["content-type"] == "application/json"
        found = check(answer.content, service.ledger.vkey())
    assert found.registration == gone
    assert found.origin == VerifierKey.parse(service.ledger.vkey()).origin


@pytest.mark.parametrize(("name", "status"), [(NOBODY, 404), ("acc_" + "a" * 26, 422), ("reg_1", 422)])
def test_others_get_nothing(deployment: Running, name: str, status: int) -> None:
    with deployment.http() as anyone:
        assert anyone.get(f"/v1/registrations/{name}/absence").status_code == status


def test_the_verifier_is_given_out(deployment: Running) -> None:
    with deployment.http() as anyone:
        text = anyone.get("/ledger/absence_verifier.py").text
    assert text.startswith('"""Checks a proof that a registration is not in an index.')
