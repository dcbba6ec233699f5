"""A picture is registered by its fingerprint alone; an upload of a near copy shows in its owner's log, and no more."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Connection

from api.cli.register_image import taken
from cases.likeness import limits
from cases.likeness.lines import Line
from detection.copies.bank import FORM
from ledger.ids import SubjectId, TenantId
from ledger.payload import Draft
from sigillo_client import Problem
from tests.api.cli.conftest import Run
from tests.api.registrants import account
from tests.api.wire import everything, problem, signed
from tests.deployment import Running
from tests.detection.copies.drawn import ASTRONAUT

SCOPES = ["registrations:write", "registrations:read", "registrations:review", "assets:sign", "assets:read"]
SYNTHETIC = {
    "title": "A picture",
    "visibility": "unlisted",
    "actions": [{"name": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}],
}


def scene(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((240, 180), Image.Resampling.BICUBIC)


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


@pytest.fixture
def platform(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key that may do all of it, in a tenant of its own."""
    issued = deployment.operator.issue_key(
        {"tool": "Camera", "scopes": SCOPES, "source_types": ["trainedAlgorithmicMedia"], "new_tenant": True}
    )
    monkeypatch.setenv("SIGILLO_TOKEN", str(issued["token"]))
    return str(issued["token"])


@pytest.fixture
def registered(
    ask: Callable[..., Any], deployment: Running, platform: str, tmp_path: Path
) -> Callable[[str, bytes], dict[str, Any]]:
    digest = deployment.operator.registration_rules("FR", kind="image")["consent"]["sha256"]

    def register(name: str, file: bytes) -> dict[str, Any]:
        picture = tmp_path / f"{name}.jpg"
        picture.write_bytes(file)
        whose = ["--account", account(deployment, platform, name), "--region", "FR", "--agreed", digest]
        made: dict[str, Any] = ask("register-image", picture, *whose, "-o", tmp_path)
        return made

    return register


def log_of(deployment: Running, platform: str, registration: str) -> list[Line]:
    """What its owner sees."""
    tenant = deployment.service.access.authenticate(platform).tenant
    person = deployment.service.ledger.subjects.open(tenant, SubjectId(registration))
    return [seen.line for seen in deployment.service.registry.likeness.log.page(person)]


def test_a_copy_that_is_uploaded_shows_in_the_log_and_holds_nothing(
    registered: Callable[[str, bytes], dict[str, Any]], deployment: Running, platform: str
) -> None:
    made = registered("ada", jpeg(scene(1)))
    assert (made["kind"], made["state"]) == ("image", "active")
    assert made["credential"]
    with deployment.http(platform) as http:
        assert http.get(f"/v1/registrations/{made['id']}/retroactive").json()["stage"] == "never"
        copy = scene(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        asset, _ = signed(http, jpeg(copy, 40), SYNTHETIC)
        other, _ = signed(http, jpeg(scene(2)), SYNTHETIC)
    assert (asset["state"], other["state"]) == ("signed", "signed")
    (line,) = log_of(deployment, platform, made["id"])
    assert (line.outcome, line.entry, line.hold, line.asset) == ("noted", asset["ledger"]["entry"], "", "")


def test_neither_picture_nor_fingerprint_is_kept_in_clear(
    registered: Callable[[str, bytes], dict[str, Any]], deployment: Running, tmp_path: Path
) -> None:
    file = jpeg(scene(3))
    registered("grace", file)
    forms = taken(tmp_path / "grace.jpg")["forms"]
    kept = everything(deployment)
    assert file not in kept
    for form in forms:
        assert form.encode() not in kept
        assert bytes.fromhex(form) not in kept


def test_somebody_elses_copy_is_held_and_ones_own_is_not(
    registered: Callable[[str, bytes], dict[str, Any]],
) -> None:
    assert registered("first", jpeg(scene(4)))["state"] == "active"
    assert registered("first", jpeg(scene(4), 50))["state"] == "active"
    held = registered("second", jpeg(scene(4).transpose(Image.Transpose.ROTATE_180)))
    assert (held["state"], held["credential"]) == ("held", None)


def test_a_fingerprint_that_hides_somebody_elses_picture_among_its_forms_is_held(
    registered: Callable[[str, bytes], dict[str, Any]], deployment: Running, platform: str, tmp_path: Path
) -> None:
    """Or it would watch that picture, unseen by whoever decides: what a device sends is its owner's word."""
    registered("owner", jpeg(scene(6)))
    registered("watcher", jpeg(scene(7)))
    own, others = (taken(tmp_path / f"{name}.jpg")["forms"] for name in ("watcher", "owner"))
    body = {
        "account": account(deployment, platform, "forger"),
        "region": "FR",
        "consent": {"sha256": deployment.operator.registration_rules("FR", kind="image")["consent"]["sha256"]},
        "fingerprint": {"forms": [f"{int(own[0], 16) ^ (1 << 256) - 1:064x}", *others[1:]], "quality": 100},
    }
    with deployment.http(platform) as http:
        answer = http.post("/v1/image-registrations", json=body)
    assert (answer.status_code, answer.json()["state"]) == (201, "held"), answer.text


def test_whose_picture_is_uploaded_all_day_stops_nobody(
    registered: Callable[[str, bytes], dict[str, Any]],
    deployment: Running,
    platform: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rate that keeps faces from being searched for counts faces: a registered picture never acts."""
    monkeypatch.setattr(limits, "PER_PERSON", 1)
    made = registered("logo", jpeg(scene(8)))
    with deployment.http(platform) as http:
        states = [signed(http, jpeg(scene(8), quality), SYNTHETIC)[0]["state"] for quality in (40, 60, 80)]
    assert states == ["signed"] * 3
    assert len(log_of(deployment, platform, made["id"])) == 3


def test_who_left_is_found_no_more(
    registered: Callable[[str, bytes], dict[str, Any]], deployment: Running, platform: str
) -> None:
    made = registered("leaver", jpeg(scene(5)))
    tenant = deployment.service.access.authenticate(platform).tenant
    pictures = deployment.service.registry.registrations.pictures
    with deployment.http(platform) as http:
        signed(http, jpeg(scene(5)), SYNTHETIC)
        assert len(pictures.index.follow(tenant).generations[FORM]) == 8
        erase(deployment, tenant, SubjectId(made["id"]))
        signed(http, jpeg(scene(5)), SYNTHETIC)
    assert pictures.index.follow(tenant).generations == {}


def erase(deployment: Running, tenant: TenantId, registration: SubjectId) -> None:
    """As every withdrawal, expiry and refusal does."""
    subjects = deployment.service.ledger.subjects

    def work(connection: Connection) -> Sequence[Draft]:
        subjects.erase(connection, tenant, registration)
        return []

    deployment.service.ledger.record(work, tenant)


@pytest.mark.parametrize(("picture", "reason"), [(Image.new("RGB", (300, 300), "white"), "faint"), (None, "common")])
def test_what_says_nothing_or_is_everybodys_is_refused_in_words(
    run: Run, deployment: Running, platform: str, tmp_path: Path, picture: Image.Image | None, reason: str
) -> None:
    file = tmp_path / "picture.jpg"
    file.write_bytes(jpeg(picture) if picture else ASTRONAUT.read_bytes())
    mine = account(deployment, platform, reason)
    digest = deployment.operator.registration_rules("FR", kind="image")["consent"]["sha256"]
    done = run("register-image", file, "--account", mine, "--region", "FR", "--agreed", digest, "-o", tmp_path)
    assert done.exit_code == 1, done.output
    assert ("quality is 0 of 100" if reason == "faint" else "many people have") in done.stderr
    assert "Traceback" not in done.output


def body(deployment: Running, platform: str, fingerprint: dict[str, Any], name: str = "raw") -> dict[str, Any]:
    digest = deployment.operator.registration_rules("FR", kind="image")["consent"]["sha256"]
    consent = {"language": "en", "sha256": digest}
    return {"account": account(deployment, platform, name), "region": "FR", "consent": consent} | {
        "fingerprint": fingerprint
    }


def test_what_other_clients_send_is_checked_here(deployment: Running, platform: str) -> None:
    with deployment.http(platform) as http:

        def send(**fingerprint: Any) -> httpx.Response:
            return http.post("/v1/image-registrations", json=body(deployment, platform, fingerprint))

        form = "0123456789abcdef" * 4
        refused = problem(send(forms=[form] * 8, quality=49), 422, "picture-not-taken")
        assert (refused["reason"], "49" in refused["detail"]) == ("faint", True)
        for wrong in ({"forms": [form] * 7, "quality": 90}, {"forms": ["x" * 64] * 8, "quality": 90}, {}):
            problem(send(**wrong), 422, "request-invalid")
        problem(send(forms=[form] * 8, quality=90, picture="…"), 422, "request-invalid")


def test_the_same_key_makes_no_second_registration(deployment: Running, platform: str, tmp_path: Path) -> None:
    (tmp_path / "twice.jpg").write_bytes(jpeg(scene(6)))
    sent = body(deployment, platform, taken(tmp_path / "twice.jpg"))
    with deployment.http(platform) as http:
        first, again = (
            http.post("/v1/image-registrations", json=sent, headers={"Idempotency-Key": "once"}) for _ in range(2)
        )
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert first.json()["id"] == again.json()["id"]


def test_an_operator_adds_what_many_people_have(
    registered: Callable[[str, bytes], dict[str, Any]],
    run: Run,
    deployment: Running,
    platform: str,
    tmp_path: Path,
) -> None:
    made = registered("meme", jpeg(scene(7)))
    added = run("matching", "negative-bank", "add", tmp_path / "meme.jpg", "--reason", "a meme", "--json")
    assert added.exit_code == 0, added.output
    entry = json.loads(added.stdout)["ledger"]["entry"]
    tenant = deployment.service.access.authenticate(platform).tenant
    payload = deployment.service.ledger.payloads.open(tenant, entry)
    assert (payload.kind, payload.payload.reason) == ("commonpicture.added", "a meme")
    assert "already" in run("matching", "negative-bank", "add", tmp_path / "meme.jpg", "--reason", "again").stdout
    with deployment.http(platform) as http:
        signed(http, jpeg(scene(7)), SYNTHETIC)
        problem(
            http.post("/v1/image-registrations", json=body(deployment, platform, taken(tmp_path / "meme.jpg"))),
            422,
            "picture-not-taken",
        )
    assert log_of(deployment, platform, made["id"]) == []

    listed = json.loads(run("matching", "negative-bank", "list", "--json").stdout)["pictures"]
    (mine,) = (one for one in listed if one["id"] == entry)
    assert taken(tmp_path / "meme.jpg")["forms"][0] in mine["pdq"]
    with pytest.raises(Problem, match="no such common picture"):
        deployment.operator.remove_common_picture(entry, "another tenant's")
    said = run("matching", "negative-bank", "remove", entry, "--reason", "an artist's own", "--json")
    removed = deployment.service.ledger.payloads.open(tenant, json.loads(said.stdout)["ledger"]["entry"])
    assert (removed.kind, removed.payload.added) == ("commonpicture.removed", entry)
    assert sorted(removed.payload.pdq) == mine["pdq"]
    with deployment.http(platform) as http:
        signed(http, jpeg(scene(7)), SYNTHETIC)
    assert len(log_of(deployment, platform, made["id"])) == 1, "it is hers again"
    again = run("matching", "negative-bank", "remove", entry, "--reason", "again")
    assert "no such common picture" in again.output


def test_who_may_only_register_adds_nothing(deployment: Running, platform: str, tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(jpeg(scene(8)))
    issued = deployment.operator.issue_key({"tool": "", "scopes": ["registrations:write"], "source_types": []})
    with deployment.http(str(issued["token"])) as http:
        sent = {"fingerprint": taken(tmp_path / "mine.jpg"), "reason": "to be rid of hers"}
        problem(http.post("/v1/common-pictures", json=sent), 403, "scope-missing")
        problem(http.get("/v1/common-pictures"), 403, "scope-missing")
        removal = f"/v1/common-pictures/ent_{'a' * 26}/removal"
        problem(http.post(removal, json={"reason": "to be rid of hers"}), 403, "scope-missing")
