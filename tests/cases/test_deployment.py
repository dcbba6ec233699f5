from __future__ import annotations

import threading
from pathlib import Path

from cases.access import Caller, Scope
from cases.deployment import Deployment
from provenance.vocabulary import DigitalSourceType
from tests.api.wire import count, rows
from tests.deployment import Running, running


def test_operator_is_made_once_and_found_again(tmp_path: Path) -> None:
    with running(tmp_path) as up:
        first = up.service.deployment.operator()
    with running(tmp_path) as up:
        assert up.service.deployment.operator() == first
        appointed = [data for (data,) in rows(up, "SELECT data FROM entry") if b'"operator.appointed"' in data]
        assert (count(up, "tenant"), len(appointed)) == (1, 1)
    assert first.scopes == frozenset(Scope) - {Scope.PERSON}
    assert first.grant.source_types == frozenset(DigitalSourceType)


def test_first_requests_at_once_make_one_home(deployment: Running) -> None:
    service = deployment.service
    fresh = Deployment(service.ledger, service.intake.database, service.intake.clock, service.intake.entropy)
    tenants, found = count(deployment, "tenant"), list[Caller]()
    threads = [threading.Thread(target=lambda: found.append(fresh.operator())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert count(deployment, "tenant") == tenants


def test_newcomer_has_a_tenant_a_role_and_an_epoch_of_its_own(deployment: Running) -> None:
    newcomer = deployment.service.deployment.newcomer()
    assert newcomer.tenant != deployment.service.deployment.operator().tenant
    kinds = rows(deployment, "SELECT kind FROM principal WHERE tenant_id = ? ORDER BY kind", newcomer.tenant)
    assert kinds == [("role",), ("system",)]
    assert rows(deployment, "SELECT number, state FROM epoch WHERE tenant_id = ?", newcomer.tenant) == [(1, "open")]
