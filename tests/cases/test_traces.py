"""What is remembered of signed files: for the same bytes, under the same trust, until time itself may change it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.custody import traces as module
from cases.custody.traces import KEPT, Traces, of_file, of_store
from detection.errors import SandboxBusyError
from ledger.ids import SubjectId, TenantId
from provenance.descent import Descent
from provenance.report import VerificationReport
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.api.wire import signed, upload
from tests.deployment import Running

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OURS, OTHERS = TrustPolicy.of({}), TrustPolicy.of({}, ("1.2.3",))
FILE, STORE = of_file("aa"), of_store("ast_1")


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def traces(clock: Clock) -> Traces:
    return Traces(clock)


def found(until: timedelta | None = KEPT, title: str = "") -> Descent:
    report = VerificationReport(Verdict.TRUSTED, OURS.digest, title=title)
    return Descent(report, lasts_until=None if until is None else NOW + until)


def test_what_was_found_is_told_again_under_the_trust_that_found_it(traces: Traces) -> None:
    traces.keep(FILE, "ast_1", found())
    assert traces.of(OURS, STORE, FILE) == found()
    assert traces.of(OURS, STORE) is None
    assert traces.of(OTHERS, FILE) is None


def test_it_ends_when_time_may_change_it(traces: Traces, clock: Clock) -> None:
    traces.keep(FILE, "ast_1", found(timedelta(seconds=5)))
    traces.keep(STORE, "ast_1", found(10 * KEPT))
    clock.now = NOW + timedelta(seconds=5)
    assert (traces.of(OURS, FILE), traces.of(OURS, STORE)) == (None, found(10 * KEPT))
    clock.now = NOW + KEPT
    assert traces.of(OURS, STORE) is None
    clock.now = NOW - timedelta(seconds=1)  # a clock that was set back knows nothing
    assert traces.of(OURS, STORE) is None


def test_what_promises_nothing_is_not_remembered(traces: Traces) -> None:
    traces.keep(FILE, "ast_1", found(None))
    assert traces.of(OURS, FILE) is None


def test_an_erased_asset_is_forgotten_under_every_name(traces: Traces) -> None:
    for name, asset in ((FILE, "ast_1"), (STORE, "ast_1"), (of_store("ast_2"), "ast_2")):
        traces.keep(name, asset, found())
    traces.forget(None, TenantId("ten_1"), SubjectId("ast_1"))  # type: ignore[arg-type]
    assert [traces.of(OURS, name) for name in (FILE, STORE, of_store("ast_2"))] == [None, None, found()]


def test_what_is_erased_while_it_is_looked_at_is_not_remembered(traces: Traces) -> None:
    """A long history takes seconds, and its owner need not wait."""

    def look() -> Descent:
        traces.forget(None, TenantId("ten_1"), SubjectId("ast_1"))  # type: ignore[arg-type]
        return found()

    assert traces.looked(OURS, "ast_1", (STORE,), look) == found()
    assert traces.of(OURS, STORE) is None
    traces.looked(OURS, "ast_2", (STORE,), found)
    assert traces.of(OURS, STORE) == found()


def test_the_oldest_make_room(traces: Traces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT_BYTES", 700)
    for number in range(20):
        traces.keep(of_file(str(number)), "ast_1", found(title=str(number)))
    kept = [number for number in range(20) if traces.of(OURS, of_file(str(number)))]
    assert kept == list(range(20 - len(kept), 20))
    assert 1 <= len(kept) < 20


def _refusing(*_: object, **__: object) -> Descent:
    raise SandboxBusyError("nobody is to be asked")


def test_a_history_was_looked_at_when_it_was_signed_over(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """By id and by file, without a worker; its neighbour, one byte away, is looked at."""
    key = deployment.key()
    with deployment.http(key) as http, deployment.http() as anyone:
        _, file = signed(http)
        child, second = signed(http, file)
        monkeypatch.setattr("cases.custody.custodian.trace", _refusing)
        monkeypatch.setattr("cases.custody.custodian.trace_alone", _refusing)
        by_id = http.get(child["links"]["custody"]).json()
        by_file = upload(http, second, path="/v1/custody").json()
        assert (by_id["verdict"], by_id["content_checked"]) == ("trusted", False)
        assert (by_file["verdict"], by_file["content_checked"]) == ("trusted", True)
        assert by_file["nodes"] == by_id["nodes"]
        assert upload(anyone, second, path="/v1/custody").json()["verdict"] == "trusted"
        assert upload(http, second + b"\0", path="/v1/custody").status_code == 503
        assert upload(http, file, path="/v1/custody").status_code == 503  # one manifest is quickly looked at
        http.delete(child["links"]["self"])
        assert upload(http, second, path="/v1/custody").status_code == 503


def test_another_trust_is_another_look(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with deployment.http(deployment.key()) as http:
        _, file = signed(http, signed(http)[1])
        monkeypatch.setattr("cases.custody.custodian.trace", _refusing)
        parts: dict[str, Any] = {"file": ("upload", file, "image/jpeg")}
        assert http.post("/v1/custody", files=parts).status_code == 200
        wider = {**parts, "trust_config": (None, "1.2.3.4", "text/plain")}
        assert http.post("/v1/custody", files=wider).status_code == 503
