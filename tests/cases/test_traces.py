"""What is remembered of signed files: for the same bytes, under the same trust, until time itself may change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.custody import trace_rows
from cases.custody import traces as module
from cases.custody.traces import KEPT, Traces
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
FILE, OTHER = "aa", "bb"
TENANT = TenantId("ten_1")


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
    assert traces.of(OURS, FILE) == found()
    assert traces.of(OURS, OTHER) is None
    assert traces.of(OTHERS, FILE) is None


def test_it_ends_when_time_may_change_it(traces: Traces, clock: Clock) -> None:
    traces.keep(FILE, "ast_1", found(timedelta(seconds=5)))
    traces.keep(OTHER, "ast_2", found(10 * KEPT))
    clock.now = NOW + timedelta(seconds=5)
    assert (traces.of(OURS, FILE), traces.of(OURS, OTHER)) == (None, found(10 * KEPT))
    clock.now = NOW + KEPT
    assert traces.of(OURS, OTHER) is None
    clock.now = NOW - timedelta(seconds=1)  # a clock that was set back knows nothing
    assert traces.of(OURS, OTHER) is None


def test_what_promises_nothing_is_not_remembered(traces: Traces) -> None:
    traces.keep(FILE, "ast_1", found(None))
    assert traces.of(OURS, FILE) is None


def test_an_erased_asset_is_forgotten_and_what_is_kept_of_it_late_as_well(traces: Traces) -> None:
    for sha256, asset in ((FILE, "ast_1"), (OTHER, "ast_2")):
        traces.keep(sha256, asset, found())
    traces.forget(None, TENANT, SubjectId("ast_1"))  # type: ignore[arg-type]
    assert [traces.of(OURS, sha256) for sha256 in (FILE, OTHER)] == [None, found()]
    traces.keep(FILE, "ast_1", found())
    assert traces.of(OURS, FILE) is None


def test_the_oldest_make_room(traces: Traces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT_BYTES", 700)
    for number in range(20):
        traces.keep(str(number), "ast_1", found(title=str(number)))
    kept = [number for number in range(20) if traces.of(OURS, str(number))]
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


class Looks:
    """How often a deployment looked at what it keeps, by id."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        monkeypatch.setattr("cases.custody.custodian.trace_alone", self._look)

    def _look(self, *asked: Any) -> Descent:
        self.made += 1
        return trace_alone(*asked)


def kept(up: Running, asset: str) -> bytes | None:
    found = rows(up, "SELECT sealed FROM trace WHERE asset_id = ?", asset)
    return bytes(found[0][0]) if found else None


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(monkeypatch)


def test_what_was_found_is_kept_for_every_process(deployment: Running, looks: Looks) -> None:
    """Of what was signed over a history, as it was signed; of what had none, once somebody asked."""
    with deployment.http(deployment.key()) as http:
        first, file = signed(http)
        child, _ = signed(http, file)
        assert kept(deployment, first["id"]) is None
        for asset, made in ((child, 0), (first, 1)):
            said = http.get(asset["links"]["custody"]).json()
            assert http.get(asset["links"]["custody"]).json() == said
            assert (said["verdict"], looks.made) == ("trusted", made)
            assert b"trusted" not in (kept(deployment, asset["id"]) or b"trusted"), "it is sealed"


@pytest.mark.parametrize("by", ["trust", "code", "time", "clock", "damage", "another's"])
def test_what_does_not_hold_any_more_is_looked_at_anew_and_kept(
    deployment: Running, looks: Looks, monkeypatch: pytest.MonkeyPatch, by: str
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
                held = deployment.service.custody.callers.trace_rows
                clock, moved = held.clock, trace_rows.KEPT if by == "time" else -timedelta(hours=1)
                patched.setitem(held.__dict__, "clock", lambda: clock() + moved)
            else:
                broken = kept(deployment, other["id"]) if by == "another's" else b"damaged"
                change(deployment, "UPDATE trace SET sealed = ? WHERE asset_id = ?", broken, child["id"])
            said = http.get(child["links"]["custody"]).json()
            assert (said["verdict"], looks.made) == ("trusted", 1)
            assert kept(deployment, child["id"]) != before
            assert http.get(child["links"]["custody"]).json() == said
            assert looks.made == 1


def test_what_is_erased_while_it_is_looked_at_is_not_kept(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long history takes seconds, and its owner need not wait."""
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)

        def look(*asked: Any) -> Descent:
            assert http.delete(asset["links"]["self"]).status_code == 200
            return trace_alone(*asked)

        monkeypatch.setattr("cases.custody.custodian.trace_alone", look)
        http.get(asset["links"]["custody"])
        assert kept(deployment, asset["id"]) is None


def test_the_code_that_judges_is_told_by_what_it_was_at_the_start(deployment: Running) -> None:
    """An upgrade puts other files in place while the process goes on."""
    trace_rows.judged_by.cache_clear()
    replace(deployment.service.custody.callers.trace_rows)
    assert trace_rows.judged_by.cache_info().currsize == 1


def test_it_goes_with_its_asset(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        child, _ = signed(http, signed(http)[1])
        before = count(deployment, "trace")
        assert http.delete(child["links"]["self"]).status_code == 200
        assert count(deployment, "trace") == before - 1
