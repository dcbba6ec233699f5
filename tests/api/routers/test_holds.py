"""Legal holds over HTTP: what lies under one is neither erased nor expired, and whoever tries is told its name."""

from __future__ import annotations

import pytest

from cases.asset import AssetId
from tests.api.wire import IN_THE_LOG, blobs, problem, rows, signed
from tests.deployment import Running, picture
from tests.ledger.world import HeldClock

HOLDS = "/v1/holds"
PLACED = {"name": "case-2026-118", "reason": "order of 3 March"}


def test_an_asset_under_hold_is_neither_erased_nor_expired(
    own: Running, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    legal = own.key(scopes=["holds:admin"], tool="", source_types=[])
    with own.http(own.key()) as owner, own.http(legal) as lawyer:
        (held, file), (late, _), (free, _) = (signed(owner, picture(seed=seed)) for seed in range(3))
        placed = lawyer.post(HOLDS, json={**PLACED, "assets": [held["id"]]})
        assert placed.status_code == 201, placed.text
        refused = problem(owner.delete(held["links"]["self"]), 409, "under-hold")
        assert refused["holds"] == ["case-2026-118"]
        assert "case-2026-118" in refused["detail"]
        assert owner.get(held["links"]["content"]).content == file

        own.service.housekeeping.close()  # the rounds are the test's own from here
        clock.now = clock.now + own.service.settings.retention
        placed_during_the_sweep(own, late["id"], monkeypatch)
        own.service.housekeeping.round()
        states = dict(rows(own, "SELECT id, state FROM asset"))
        assert states == {held["id"]: "signed", late["id"]: "signed", free["id"]: "expired"}
        assert len(blobs(own)) == 2, "the media are kept as evidence"
        problem(owner.get(held["links"]["content"]), 410, "asset-gone")
        problem(owner.delete(held["links"]["self"]), 409, "under-hold")

        listed = [(hold["name"], hold["assets"]) for hold in lawyer.get(HOLDS).json()["holds"]]
        assert listed == [("case-2026-118", [held["id"]]), ("just-in-time", [late["id"]])]
        released = lawyer.post(f"{HOLDS}/case-2026-118/release", json={"reason": "closed"}).json()
        assert [hold["name"] for hold in lawyer.get(HOLDS).json()["holds"]] == ["just-in-time"]
        own.service.housekeeping.round()
        states = dict(rows(own, "SELECT id, state FROM asset"))
        assert states == {held["id"]: "expired", late["id"]: "signed", free["id"]: "expired"}
        assert len(blobs(own)) == 1
        assert owner.delete(held["links"]["self"]).status_code == 200
    recorded = rows(own, f"SELECT entry_id, kind, tenant_id FROM payload WHERE kind LIKE 'hold.%' {IN_THE_LOG}")
    said = [(kind, own.service.ledger.payloads.open(tenant, entry).payload) for entry, kind, tenant in recorded]
    assert [(kind, one.hold, one.subjects, one.reason) for kind, one in said] == [
        ("hold.placed", "case-2026-118", (held["id"],), PLACED["reason"]),
        ("hold.placed", "just-in-time", (late["id"],), "order of 4 March"),
        ("hold.released", "case-2026-118", (held["id"],), "closed"),
    ]
    assert {placed.json()["ledger"]["entry"], released["ledger"]["entry"]} == {recorded[0][0], recorded[2][0]}


def placed_during_the_sweep(up: Running, asset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the asset under hold once the next sweep has read what is due, and before it ends any of it."""
    ledger, operator, draft = up.service.ledger, up.service.deployment.operator(), up.service.ledger.draft

    def overtaken(*arguments: object) -> object:
        monkeypatch.setattr(ledger, "draft", draft)
        up.service.holds.place(operator, "just-in-time", [AssetId(asset)], "order of 4 March")
        return draft(*arguments)  # type: ignore[arg-type]  # as they come

    monkeypatch.setattr(ledger, "draft", overtaken)


def test_what_cannot_be_held_or_released(deployment: Running) -> None:
    with deployment.http(deployment.key()) as owner, deployment.http(deployment.service.operator_token) as operator:
        gone, _ = signed(owner, picture(seed=40))
        there, _ = signed(owner, picture(seed=41))
        owner.delete(gone["links"]["self"])
        problem(operator.post(HOLDS, json={**PLACED, "assets": [there["id"], gone["id"]]}), 410, "asset-gone")
        problem(operator.post(HOLDS, json={**PLACED, "assets": ["ast_none"]}), 404, "asset-not-found")
        problem(operator.post(f"{HOLDS}/no-such/release", json={"reason": "x"}), 404, "hold-not-found")
        for name in ("", "a b", "../x", "x" * 65):
            problem(
                operator.post(HOLDS, json={**PLACED, "name": name, "assets": [there["id"]]}), 422, "request-invalid"
            )
        assert operator.get(HOLDS).json() == {"holds": []}
        assert problem(owner.get(HOLDS), 403, "scope-missing")["scope"] == "holds:admin"
        assert owner.delete(there["links"]["self"]).status_code == 200


def test_another_tenants_assets_cannot_be_held(deployment: Running) -> None:
    elsewhere = deployment.operator.issue_key({"tool": "", "scopes": ["holds:admin"], "new_tenant": True})
    with deployment.http(deployment.key()) as owner, deployment.http(str(elsewhere["token"])) as lawyer:
        asset, _ = signed(owner, picture(seed=42))
        problem(lawyer.post(HOLDS, json={**PLACED, "assets": [asset["id"]]}), 404, "asset-not-found")
        assert owner.delete(asset["links"]["self"]).status_code == 200
