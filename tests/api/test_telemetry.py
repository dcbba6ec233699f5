from __future__ import annotations

import re

from api.running.telemetry import Metrics
from tests.deployment import Running


def test_every_answer_has_its_own_request_id(deployment: Running) -> None:
    with deployment.http() as http:
        paths = ("/healthz", "/no/such/page", "/v1/assets/x", "/ledger/checkpoint")
        ids = [http.get(path).headers["x-request-id"] for path in paths]
    assert len(set(ids)) == len(paths)
    assert all(re.fullmatch(r"req_[0-9a-f]{20}", one) for one in ids)


def test_a_callers_request_id_is_not_taken_over(deployment: Running) -> None:
    with deployment.http() as http:
        answer = http.get("/healthz", headers={"X-Request-Id": "mine"})
    assert answer.headers.get_list("x-request-id") != ["mine"]


def test_two_services_do_not_share_series() -> None:
    first, second = Metrics(), Metrics()
    first.signed.labels("no").inc()
    assert b'sigillo_assets_signed_total{time_stamp="no"} 1.0' in first.render()
    assert b'sigillo_assets_signed_total{time_stamp="no"} 0.0' in second.render()
