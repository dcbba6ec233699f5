"""Time-stamps in a whole deployment: what the answer, the ledger, the metrics and `/readyz` say of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from keys.openbao import OpenBao
from ledger.auditing.mirror import verify_mirror
from ledger.stamping.stamp_check import Judge
from provenance.time_stamps import FAILURES
from tests.api.wire import counts, problem, signed, upload
from tests.deployment import Running, running
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving


@pytest.fixture
def authority() -> Iterator[TimeStampAuthority]:
    with serving(TimeStampAuthority()) as authority:
        yield authority


@pytest.fixture
def settings(authority: TimeStampAuthority, tmp_path: Path) -> dict[str, Any]:
    roots = tmp_path / "tsa.pem"
    roots.write_text(authority.anchors)
    return {"tsa_urls": (authority.url,), "tsa_anchors": roots}


def said(up: Running, token: str, asset: dict[str, Any]) -> Any:
    """The payload of the entry."""
    caller = up.service.access.authenticate(token)
    return up.service.ledger.payloads.open(caller.tenant, asset["ledger"]["entry"]).payload


def count(up: Running, time_stamp: str) -> float | None:
    return up.service.metrics.registry.get_sample_value("sigillo_assets_signed_total", {"time_stamp": time_stamp})


@pytest.fixture(params=["embedded", pytest.param("vault", marks=pytest.mark.openbao)])
def key_store(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "embedded":
        return {}
    openbao: OpenBao = request.getfixturevalue("openbao")
    return {"keys": "vault", "vault_url": openbao.url, "vault_token": openbao.bootstrap().service_token}


def test_an_upload_is_time_stamped_and_everyone_is_told(
    tmp_path: Path, settings: dict[str, Any], key_store: dict[str, Any]
) -> None:
    with running(tmp_path / "home", **settings, **key_store) as up:
        token = up.key()
        with up.http(token) as http:
            asset, file = signed(http)
            report = upload(http, file, path="/v1/verifications").json()
            again = http.get(asset["links"]["self"]).json()
        assert asset["time_stamp"]["authority"] == "Simulated time-stamps"
        assert datetime.fromisoformat(asset["time_stamp"]["time"]).tzinfo
        assert report["verdict"] == "trusted"
        assert report["time_stamps"] == [asset["time_stamp"]] == [again["time_stamp"]]
        assert said(up, token, asset).time_stamp.time == asset["time_stamp"]["time"]
        assert (count(up, "yes"), count(up, "no")) == (1, 0)
        assert up.operator.ready()["parts"]["time_stamps"]["ready"]
        assert up.service.ledger.verify().sound


def test_without_a_time_stamp_nothing_is_signed_until_there_is_one(
    tmp_path: Path, settings: dict[str, Any], authority: TimeStampAuthority
) -> None:
    with running(tmp_path / "home", **settings) as up, up.http(up.key()) as http:
        up.service.housekeeping.round()  # a first one records the claim key, whenever it comes
        before, authority.status = counts(up), 503
        for _ in range(FAILURES):
            refused = upload(http, headers={"Idempotency-Key": "k"})
            assert authority.url[7:-1] in problem(refused, 503, "time-stamp-unavailable")["detail"]
            assert refused.headers["retry-after"]
        assert counts(up) == before
        assert not up.operator.ready()["parts"]["time_stamps"]["ready"]
        assert upload(http, path="/v1/verifications").status_code == 200
        authority.status = 200
        time_stamps = up.service.intake.time_stamps
        assert time_stamps is not None
        time_stamps.authorities[0].note(0)  # as after the rest
        assert upload(http, headers={"Idempotency-Key": "k"}).json()["time_stamp"]


def test_where_the_operator_chose_so_uploads_are_signed_without_and_say_so(
    tmp_path: Path, settings: dict[str, Any], authority: TimeStampAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    authority.status = 503
    with running(tmp_path / "home", tsa_policy="record", **settings) as up:
        token = up.key()
        with up.http(token) as http:
            asset, file = signed(http)
            assert upload(http, file, path="/v1/verifications").json()["verdict"] == "trusted"
        assert asset["time_stamp"] is None
        assert said(up, token, asset).time_stamp is None
        assert (count(up, "yes"), count(up, "no")) == (0, 1)
        assert up.operator.ready()["ready"]
    assert "HTTP status 503" in caplog.text


def test_a_deployment_without_authorities_says_that_there_is_no_time_stamp(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
    assert asset["time_stamp"] is None
    assert "time_stamps" not in deployment.operator.ready()["parts"]


def test_an_asset_from_before_time_stamps_is_read_as_having_none(deployment: Running) -> None:
    """Rows and entries written by an earlier version lack the member."""
    from cases.asset import _DETAILS
    from cases.decisions import ASSET_SIGNED

    token = deployment.key()
    with deployment.http(token) as http:
        asset, _ = signed(http)
    known = deployment.service.library.find(deployment.service.access.authenticate(token), asset["id"]).details
    assert known is not None
    earlier = {name: value for name, value in _DETAILS.dump_python(known).items() if name != "time_stamp"}
    assert _DETAILS.validate_python(earlier) == known
    entry = ASSET_SIGNED.reader.dump_python(said(deployment, token, asset))
    del entry["time_stamp"]
    assert ASSET_SIGNED.reader.validate_python(entry).time_stamp is None


def test_the_ledgers_checkpoint_is_stamped_and_published(
    tmp_path: Path, settings: dict[str, Any], authority: TimeStampAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.stamping.stamper.LOOK_SECONDS", 0.05)
    with running(tmp_path / "home", **settings) as up, up.http() as anyone:
        found = _until_stamped(up)
        size = found["size"]
        assert (found["reason"], found["authorities"]) == ("", [{"name": authority.url[7:-1], "fault": ""}])
        index = anyone.get("/ledger/stamps/index")
        assert index.text == f"{size}\n"
        assert index.headers["cache-control"] == "public, max-age=1"
        for part in ("checkpoint", "tsr"):
            file = anyone.get(f"/ledger/stamps/{size}.{part}")
            assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert anyone.get("/ledger/stamps/anchors.pem").text == authority.anchors
        for name in ("0.tsr", f"{size + 1}.tsr", f"{size}.p7s", "%2e%2e", f"0{size}.tsr", f"{2**63}.tsr"):
            problem(anyone.get(f"/ledger/stamps/{name}"), 404, "tile-not-found")
        problem(anyone.get("/v1/ledger/stamps"), 401, "unauthenticated")
        metrics = anyone.get("/metrics").text
        assert f"sigillo_stamp_size {size:.1f}" in metrics
        assert f'sigillo_time_stamp_authority_failing{{authority="{authority.url[7:-1]}"}} 0.0' in metrics
        judge = Judge(authority.anchors)
        assert up.service.ledger.verify(judge=judge).stamps.trusted == 1

        def fetch(path: str) -> bytes | None:
            answer = anyone.get(f"/ledger/{path}")
            return answer.content if answer.status_code == 200 else None

        assert verify_mirror(fetch, up.service.ledger.vkey(), judge=judge).stamps.trusted == 1


def test_while_no_authority_answers_the_ledger_goes_on_and_says_so(
    tmp_path: Path, settings: dict[str, Any], authority: TimeStampAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.stamping.stamper.LOOK_SECONDS", 0.05)
    authority.status = 503
    with running(tmp_path / "home", tsa_policy="record", **settings) as up, up.http(up.key()) as http:
        asset, _ = signed(http)
        assert up.service.ledger.wait_proven(asset["ledger"]["entry"], 30)
        found = _until(up.operator.ledger_stamps, lambda found: bool(found["reason"]))
        assert found["size"] == 0
        assert found["authorities"][0]["fault"] == "it answers with HTTP status 503"
        part = up.operator.ready()["parts"]["time_stamps"]
        assert part["ready"]
        assert "HTTP status 503" in part["warning"]
        authority.status = 200
        assert up.service.stamps is not None
        up.service.stamps.time_stamps.authorities[0].note(0)  # as after the rest
        assert _until_stamped(up)["size"] >= 1


def _until_stamped(up: Running) -> Any:
    return _until(up.operator.ledger_stamps, lambda found: found["size"] > 0 and not found["reason"])


def _until(ask: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + 60
    while not holds(found := ask()):
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found
