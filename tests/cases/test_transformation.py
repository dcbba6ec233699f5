"""What a tool made from an asset: new bytes, and the asset as their parent although the tool kept nothing of it."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.api.wire import assets_in, count, counts, problem, signed, upload
from tests.deployment import Running, picture, running
from tests.ledger.world import HeldClock

CROP = {"title": "Square", "actions": [{"name": "c2pa.cropped", "description": "to square"}]}


def cropped(file: bytes, kind: str = "JPEG") -> bytes:
    """As a tool leaves it: other pixels, and no manifest."""
    made = io.BytesIO()
    Image.open(io.BytesIO(file)).crop((0, 0, 40, 40)).save(made, kind)
    return made.getvalue()


def transform(
    http: httpx.Client, asset: dict[str, Any], file: bytes, claim: object = CROP, **sent: Any
) -> httpx.Response:
    return upload(http, file, claim, path=f"{asset['links']['self']}/transformations", **sent)


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_the_asset_becomes_the_parent_of_bytes_that_forgot_it(deployment: Running, kind: str, mime: str) -> None:
    with deployment.http(deployment.key()) as http:
        first, file = signed(http, claim={"title": "Harbour"})
        answer = transform(http, first, cropped(file, kind), mime=mime)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert answer.headers["location"] == made["links"]["self"]
        assert (made["mime"], made["width"], made["title"]) == (mime, 40, "Square")
        assert (made["parent"]["asset"], made["parent"]["manifest"]) == (first["id"], first["manifest"])
        assert (made["parent"]["verdict"], made["parent"]["codes"]) == ("trusted", [])
        assert assets_in(http.get(made["links"]["custody"]).json()) == [made["id"], first["id"]]
        report = upload(http, http.get(made["links"]["content"]).content, path="/v1/verifications").json()
    assert (report["verdict"], report["ancestry"]) == ("trusted", "trusted")
    assert [action["name"] for action in report["actions"]] == ["c2pa.opened", "c2pa.cropped"]
    parent, *_ = report["ingredients"]
    assert (parent["label"], parent["relationship"], parent["format"]) == (first["manifest"], "parentOf", "image/jpeg")
    assert (parent["verdict"], parent["failures"]) == ("trusted", [])


def test_what_the_tool_left_of_the_manifest_is_no_obstacle(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        first, file = signed(http)
        edited = bytearray(file)
        edited[-200] ^= 0xFF  # new pixels under the old manifest
        made = transform(http, first, bytes(edited)).json()
        assert (made["parent"]["verdict"], made["parent"]["asset"]) == ("trusted", first["id"])
        report = upload(http, http.get(made["links"]["content"]).content, path="/v1/verifications").json()
    assert (report["verdict"], report["ancestry"]) == ("trusted", "trusted")


def test_a_file_with_another_history_is_refused(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        first, _ = signed(http)
        _, other = signed(http, picture(seed=1))
        before = counts(deployment)
        problem(transform(http, first, other), 422, "other-history")
        problem(transform(http, first, other.replace(b"jumb", b"jumx")), 422, "other-history")
        assert counts(deployment) == before


@pytest.mark.parametrize("actions", [[], [{"name": "c2pa.opened"}]])
def test_a_transformation_says_what_was_done(deployment: Running, actions: list[dict[str, str]]) -> None:
    with deployment.http(deployment.key()) as http:
        first, file = signed(http)
        said = problem(transform(http, first, cropped(file), {"actions": actions}), 422, "claim-refused")
        assert (said["field"], said["code"]) == ("actions", "no-change")
        created = {"actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}, {"name": "c2pa.cropped"}]}
        said = problem(transform(http, first, cropped(file), created), 422, "claim-refused")
        assert said["code"] == "created-with-history"


def test_only_ones_own_assets_while_they_are_kept(tmp_path: Path, clock: HeldClock) -> None:
    with running(tmp_path, clock) as up, up.http(up.key()) as http, up.http(up.key("Other Camera")) as colleague:
        first, file = signed(http)
        gone, _ = signed(http, picture(seed=2))
        up.service.housekeeping.round()  # a first one records the claim key, whenever it comes
        before = counts(up)
        problem(transform(colleague, first, cropped(file)), 404, "asset-not-found")
        problem(transform(http, {"links": {"self": "/v1/assets/ast_none"}}, cropped(file)), 404, "asset-not-found")
        assert counts(up) == before
        http.delete(gone["links"]["self"])
        assert problem(transform(http, gone, cropped(file)), 410, "asset-gone")["reason"] == "erased"
        clock.move(timedelta(days=8))
        up.service.housekeeping.round()
        assert problem(transform(http, first, cropped(file)), 410, "asset-gone")["reason"] == "expired"
        assert count(up, "asset") == 2


def test_made_twice_at_once_under_one_key_it_is_made_once(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http, ThreadPoolExecutor(4) as pool:
        first, file = signed(http)
        second, _ = signed(http, picture(seed=3))
        same, before = cropped(file), count(deployment, "asset")
        headers = {"Idempotency-Key": "crop"}
        answers = list(pool.map(lambda _: transform(http, first, same, headers=headers), range(4)))
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert count(deployment, "asset") == before + 1
        problem(transform(http, second, same, headers=headers), 422, "idempotency-conflict")


@pytest.mark.parametrize("ended", ["erased", "expired"])
def test_made_again_under_one_key_after_the_original_is_gone(tmp_path: Path, clock: HeldClock, ended: str) -> None:
    headers = {"Idempotency-Key": "crop"}
    with running(tmp_path, clock, retention="PT1H") as up, up.http(up.key()) as http:
        first, file = signed(http)
        made = transform(http, first, cropped(file), headers=headers).json()
        if ended == "erased":
            http.delete(first["links"]["self"])
        else:
            clock.move(timedelta(hours=1))
            up.service.housekeeping.round()
        again = transform(http, first, cropped(file), headers=headers)
        assert (again.status_code, again.json()["id"]) == (201, made["id"])
        problem(transform(http, first, cropped(file, "PNG"), headers=headers), 422, "idempotency-conflict")
        assert problem(transform(http, first, cropped(file)), 410, "asset-gone")["reason"] == ended


def test_memory_is_given_back(deployment: Running) -> None:
    budget = deployment.service.callers.uploads
    with deployment.http(deployment.key()) as http:
        first, file = signed(http)
        transform(http, first, cropped(file))
        transform(http, first, b"no picture")
        transform(http, first, cropped(file), json.dumps({"actions": "none"}))
    assert budget.held == 0


def test_client(deployment: Running, tmp_path: Path) -> None:
    file = tmp_path / "edit.png"
    with deployment.http(token := deployment.key()) as http, deployment.client(token) as sigillo:
        first, picture = signed(http)
        file.write_bytes(cropped(picture, "PNG"))
        made = sigillo.transform(first["id"], file, CROP)
        parent = made["parent"]
        assert parent is not None
        assert parent["asset"] == first["id"]
