"""What is remembered of signed files: for the same bytes, under the same trust, until time itself may change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.custody import trace_rows
from cases.custody import traces as module
from cases.custody.trace_rows import TraceRows
from cases.custody.traces import KEPT, Traces, of_file, of_store
from detection.errors import SandboxBusyError
from ledger.ids import SubjectId, TenantId
from provenance.descent import Descent
from provenance.report import VerificationReport
from provenance.trust import TrustPolicy
from provenance.validation import trace_alone
from provenance.verdict import Verdict
from tests.api.wire import change, count, rows, signed, upload
from tests.deployment import Running

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OURS, OTHERS = TrustPolicy.of({}), TrustPolicy.of({}, ("1.2.3",))
FILE, STORE = of_file("aa"), of_store("ast_1")
TENANT = TenantId("ten_1")


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class NoRows(TraceRows):
    """Of a deployment whose database has none."""

    def __init__(self) -> None:
        """Nothing is asked of anything."""

    def of(self, *_: object) -> None:
        return None

    def keep(self, *_: object) -> None:
        return None

    def forget(self, *_: object) -> None:
        return None


@pytest.fixture
def traces(clock: Clock) -> Traces:
    return Traces(clock, NoRows())


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
    traces.forget(None, TENANT, SubjectId("ast_1"))  # type: ignore[arg-type]
    assert [traces.of(OURS, name) for name in (FILE, STORE, of_store("ast_2"))] == [None, None, found()]


def test_what_is_erased_while_it_is_looked_at_is_not_remembered(traces: Traces) -> None:
    """A long history takes seconds, and its owner need not wait."""

    def look() -> Descent:
        traces.forget(None, TENANT, SubjectId("ast_1"))  # type: ignore[arg-type]
        return found()

    assert traces.looked(OURS, TENANT, "ast_1", (STORE,), look) == found()
    assert traces.of(OURS, STORE) is None
    traces.looked(OURS, TENANT, "ast_2", (STORE,), found)
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


class Restarted:
    """A deployment whose memory is that of one that has just started, and how often it looked since."""

    def __init__(self, up: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        self._kept, self.looks = up.service.custody.callers.traces._kept, 0
        monkeypatch.setattr("cases.custody.custodian.trace_alone", self._look)
        self.again()

    def again(self) -> None:
        self._kept.clear()

    def _look(self, *asked: Any) -> Descent:
        self.looks += 1
        return trace_alone(*asked)


def kept(up: Running, asset: str) -> bytes | None:
    found = rows(up, "SELECT sealed FROM trace WHERE asset_id = ?", asset)
    return bytes(found[0][0]) if found else None


@pytest.fixture
def restarted(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> Restarted:
    return Restarted(deployment, monkeypatch)


def test_what_was_found_outlives_the_process(deployment: Running, restarted: Restarted) -> None:
    """Of what was signed over a history, as it was signed; of what had none, once somebody asked."""
    with deployment.http(deployment.key()) as http:
        first, file = signed(http)
        child, _ = signed(http, file)
        assert kept(deployment, first["id"]) is None
        for asset, looks in ((child, 0), (first, 1)):
            restarted.again()
            said = http.get(asset["links"]["custody"]).json()
            restarted.again()
            assert http.get(asset["links"]["custody"]).json() == said
            assert (said["verdict"], restarted.looks) == ("trusted", looks)
            assert b"trusted" not in (kept(deployment, asset["id"]) or b"trusted"), "it is sealed"


@pytest.mark.parametrize("by", ["trust", "code", "time", "clock", "damage", "another's"])
def test_what_does_not_hold_any_more_is_looked_at_anew_and_kept(
    deployment: Running, restarted: Restarted, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    with deployment.http(deployment.key()) as http:
        child, _ = signed(http, signed(http)[1])
        other, _ = signed(http, signed(http)[1])
        before = kept(deployment, child["id"])
        assert before
        with monkeypatch.context() as patched:
            if by == "trust":
                policy = deployment.service.trust.policy()
                wider = replace(policy, digest=64 * "0")
                patched.setattr(type(deployment.service.trust), "policy", lambda _: wider)
            elif by == "code":
                patched.setattr(trace_rows, "judged_by", lambda: "a later version")
            elif by in {"time", "clock"}:
                held = deployment.service.custody.callers.traces.rows
                clock, moved = held.clock, trace_rows.KEPT if by == "time" else -timedelta(hours=1)
                patched.setitem(held.__dict__, "clock", lambda: clock() + moved)
            else:
                broken = kept(deployment, other["id"]) if by == "another's" else b"damaged"
                change(deployment, "UPDATE trace SET sealed = ? WHERE asset_id = ?", broken, child["id"])
            restarted.again()
            said = http.get(child["links"]["custody"]).json()
            assert (said["verdict"], restarted.looks) == ("trusted", 1)
            assert kept(deployment, child["id"]) != before
            restarted.again()
            assert http.get(child["links"]["custody"]).json() == said
            assert restarted.looks == 1


def test_the_code_that_judges_is_told_by_what_it_was_at_the_start(deployment: Running) -> None:
    """An upgrade puts other files in place while the process goes on."""
    trace_rows.judged_by.cache_clear()
    replace(deployment.service.custody.callers.traces.rows)
    assert trace_rows.judged_by.cache_info().currsize == 1


def test_it_goes_with_its_asset(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        child, _ = signed(http, signed(http)[1])
        before = count(deployment, "trace")
        assert http.delete(child["links"]["self"]).status_code == 200
        assert count(deployment, "trace") == before - 1
