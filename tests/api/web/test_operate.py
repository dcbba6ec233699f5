"""The pages of staff over HTTP: what they show and to whom, what is decided there, and what others wrote into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.routers import likeness, registrations
from api.running.housekeeping import Housekeeping
from api.schemas.likeness import HeldPage
from api.schemas.models import Does, ModelsView
from api.schemas.registrations import AlikeView, DoubtView, RegistrationHoldList, RegistrationHoldView
from cases.asset import AssetId
from cases.likeness.holds import LikenessHold, LikenessHolds
from detection.embedding.card import Form, ModelCard
from detection.faces.found import FACE_MODEL
from identity.registration.holds import HoldReason
from keys.errors import KeyStoreSealedError
from keys.signer import KeyStoreStatus
from ledger.ids import moment
from tests.api.staff import Member, form_token, joining, member
from tests.api.wire import signed
from tests.deployment import Running
from tests.simulators.authenticator import Authenticator
from tests.waiting import until

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def operator(deployment: Running) -> Iterator[Member]:
    with member(deployment, "operator", deployment.service.operator_token) as found:
        yield found


@pytest.fixture(scope="module")
def reviewer(deployment: Running) -> Iterator[Member]:
    with member(deployment, "reviewer", deployment.service.operator_token) as found:
        yield found


@pytest.fixture
def held(deployment: Running) -> Iterator[str]:
    """A legal hold on an asset; what others see of the deployment is as before."""
    with deployment.http(deployment.key()) as http:
        asset = signed(http)[0]["id"]
    name = f"case-{asset[-8:]}"
    deployment.operator.place_hold(name, [asset], "an order")
    yield name
    if any(hold["name"] == name for hold in deployment.operator.holds()):
        deployment.operator.release_hold(name, "the test is over")


def deciding(browser: httpx.Client, **fields: str) -> httpx.Response:
    token = form_token(browser.get("/sign-in"))
    return browser.post("/operate/holds", data={"form_token": token, **fields})


def test_everything_at_a_glance(deployment: Running, operator: Member) -> None:
    wanted = ("Every part is ready", "sigillo-claim@1", "36", "days left", "Background work", "Room", "generation")
    shown: list[str] = []

    def all_there() -> bool:
        shown[:] = [operator.browser.get("/operate").text]
        return all(part in shown[0] for part in wanted)

    # A part may be behind for a moment where a busy log proves its last entries.
    until(all_there, f"{wanted} are never all there")
    assert "cannot be told now" not in shown[0]


def test_it_is_what_the_api_answers(deployment: Running, operator: Member) -> None:
    with deployment.http(deployment.service.operator_token) as http:
        answers = {
            name: http.get(f"/v1/operations/{name}").json()
            for name in ("keys", "witnesses", "index", "models", "work", "storage")
        }
    shown = operator.browser.get("/operate").text
    for version in answers["keys"]["versions"]:
        assert version["key"] in shown
    assert answers["keys"]["versions"][0]["certificate_expires"][:10] in shown
    assert answers["witnesses"] == {"quorum": 0, "waits": False, "witnesses": []}
    assert {"generation", "faces", "pictures", "owed", "entry"} == set(answers["index"])
    assert answers["work"]["housekeeping"] == ""
    faces, *others = answers["models"]["models"]
    assert (faces["does"], faces["digest"]) == ("faces", FACE_MODEL.digest)
    assert {at["called"]: at["value"] for at in faces["thresholds"]} == {
        "possible": 0.55,
        "likely": 0.65,
        "certain": 0.75,
    }
    assert [one["does"] for one in others] == ["copies", "copies"], "no encoder is set"
    for one in answers["models"]["models"]:
        assert f"{one['name']}, {one['version']}" in shown
        assert (one["digest"] or "") in shown
    assert "from a cosine of 0.65" in shown
    assert "up to 31 of 256 bits differ" in shown
    assert "No encoder is set" in shown
    assert answers["storage"]["free"] < answers["storage"]["total"]
    assert answers["storage"]["database"] > 0


def test_an_encoder_is_told_by_its_card() -> None:
    card = ModelCard("sscd", "1", "MIT", "sscd.onnx", "ab" * 32, 512, Form(288), 0.75, "made for tests")
    (told,) = (one for one in ModelsView.of("", card).models if one.does is Does.ENCODER)
    assert (told.name, told.version, told.digest, told.licence) == ("sscd", "1", "ab" * 32, "MIT")
    assert [(at.called, at.value, at.measure) for at in told.thresholds] == [("copy", 0.75, "cosine")]


def test_a_part_that_cannot_be_told_takes_nothing_from_the_others(
    deployment: Running, operator: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = deployment.service.keys

    def sealed() -> KeyStoreStatus:
        raise KeyStoreSealedError("the store at secret.internal is sealed")

    with monkeypatch.context() as patched:
        patched.setattr(keys, "status", sealed)
        patched.setattr(deployment.service.readiness, "_said", (float("inf"), _down(keys.versions), ""))
        shown = operator.browser.get("/operate")
    assert shown.status_code == 200
    assert "The key store is sealed" in shown.text
    assert "secret.internal" not in shown.text
    assert "Not ready: Key store" in shown.text
    assert "run sigillo keys status" in shown.text
    assert "Room" in shown.text


def test_a_sealed_key_store_has_nobody_restore_the_ledger(
    deployment: Running, operator: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands still with it says so, and so does what goes on."""
    status = replace(deployment.service.ledger.status(), reason="the key store is sealed")
    with monkeypatch.context() as patched:
        patched.setattr(deployment.service.ledger, "status", lambda: status)
        alone = operator.browser.get("/operate").text
        patched.setattr(deployment.service.readiness, "_said", (float("inf"), _down(None), ""))
        shown = operator.browser.get("/operate").text
    assert "its newest copy is in place" in alone
    assert "Restore nothing meanwhile" not in alone
    assert "Restore nothing meanwhile" in shown
    assert "its newest copy is in place; then" not in shown
    assert "uploads are refused" in shown
    assert "Verifying goes on" in shown


def _down(_: object) -> KeyStoreStatus:
    return KeyStoreStatus("embedded", ready=False, reason=f"sealed {HOSTILE}", keys=(), certificate_expires="")


def test_what_others_wrote_is_text(deployment: Running, operator: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(deployment.service.readiness, "_said", (float("inf"), _down(None), HOSTILE))
        patched.setattr(Housekeeping, "reason", property(lambda _: HOSTILE))
        shown = operator.browser.get("/operate").text
    assert shown.count("&lt;script&gt;alert(1)") == 4, "the key store, the issuer, housekeeping twice"
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown


def test_a_legal_hold_is_released_with_a_reason(deployment: Running, operator: Member, held: str) -> None:
    browser = operator.browser
    assert held in browser.get("/operate/holds").text
    fields = {"held": "legal", "name": held, "decision": "release"}
    for reason in ("", " \u202e", "x" * 501):
        assert deciding(browser, **fields, reason=reason).status_code == 422
    done = deciding(browser, **fields, reason="case closed: <b>13</b>")
    assert done.status_code == 303, done.text
    after = browser.get(done.headers["location"]).text
    assert held not in after
    entry = re.search(r"/audit/entries/(ent_\w+)", after)
    assert entry
    home = deployment.service.deployment.operator().tenant
    said = deployment.service.ledger.payloads.open(home, entry[1]).payload  # type: ignore[arg-type]  # ids are text
    assert (said.hold, said.reason) == (held, "case closed: <b>13</b>")
    assert deciding(browser, **fields, reason="again").status_code == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"held": "legal", "decision": "refuse"}, 404),
        ({"held": "asset", "decision": "release"}, 403),
        ({"held": "registration", "decision": "refuse"}, 403),
        ({"held": "nothing", "decision": "release"}, 422),
        ({"held": "legal", "decision": "release", "name": "../../etc"}, 422),
        ({"held": "legal", "decision": "release", "name": "a\0b"}, 422),
    ],
)
def test_what_a_role_may_not_or_nobody_can(operator: Member, fields: dict[str, str], status: int) -> None:
    answer = deciding(operator.browser, **{"name": f"ast_{'a' * 26}", "reason": "none", **fields})
    assert answer.status_code == status
    assert 'role="alert"' in answer.text


def test_a_reviewer_sees_what_waits_and_no_legal_holds(deployment: Running, reviewer: Member, held: str) -> None:
    browser = reviewer.browser
    shown = browser.get("/operate/holds").text
    assert "Assets that wait for a person" in shown
    assert held not in shown
    assert browser.get("/operate").headers["location"] == "/operate/holds"
    asked = {"held": "legal", "name": held, "decision": "release", "reason": "none"}
    assert deciding(browser, **asked).status_code == 403
    for kind, name, slug in (
        ("asset", f"ast_{'a' * 26}", "No such asset"),
        ("registration", f"hld_{'a' * 26}", "No such held registration"),
    ):
        for decision in ("release", "refuse"):
            answer = deciding(browser, held=kind, name=name, decision=decision, reason="none")
            assert answer.status_code == 404
            assert slug in answer.text


def test_staff_are_invited_and_removed_on_a_page(deployment: Running, operator: Member) -> None:
    browser = operator.browser
    token = form_token(browser.get("/operate/staff"))
    invited = browser.post("/operate/staff", data={"form_token": token, "role": "counsel"})
    link = re.search(r"<code>(http://[^<]+/join/[0-9a-f]{64})</code>", invited.text)
    assert link
    assert link[1] not in browser.get("/operate/staff").text, "it is shown once"
    with deployment.http() as other:
        assert joining(other, link[1], Authenticator()).headers["location"] == "/operate"
        assert other.get("/operate").headers["location"] == "/operate/holds"
        newest = next(one for one in reversed(deployment.operator.staff()) if one["role"] == "counsel")
        removed = browser.post("/operate/staff/removal", data={"form_token": token, "member": newest["id"]})
        assert removed.status_code == 303
        assert newest["id"] not in browser.get(removed.headers["location"]).text
        assert other.get("/operate/holds").headers["location"].startswith("/sign-in?next=")
    refused = browser.post("/operate/staff", data={"form_token": token, "role": "reviewer"})
    assert refused.status_code == 403, "an operator cannot hand on what they do not hold"


DOUBTS = [DoubtView(reason=reason, alike=[HOSTILE]) for reason in HoldReason]
ALIKE = AlikeView(registration=HOSTILE, state=HOSTILE, since=moment(0), right=HOSTILE, tier=HOSTILE)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """An asset that is held, whose uploader writes what they like, and a registration whose owner does."""
    said: dict[str, Any] = dict.fromkeys(("right", "stated", "tier", "region", "known_by"), HOSTILE)
    said |= {"id": f"hld_{'a' * 26}", "registration": f"reg_{'a' * 26}", "account": f"acc_{'a' * 26}"}
    said |= {"kind": "face", "state": "open", "reasons": DOUBTS, "alike": [ALIKE]}
    said |= {"placed_at": moment(0), "decided_at": None}
    registration = RegistrationHoldView.model_construct(**said)
    asset = LikenessHold(AssetId(f"ast_{'a' * 26}"), HOSTILE, 0, None, 2, HOSTILE)
    monkeypatch.setattr(LikenessHolds, "all", lambda *_: [asset])
    monkeypatch.setattr(
        registrations, "list_holds", lambda *_, **_asked: RegistrationHoldList(holds=[registration], next=None)
    )


def test_what_is_stated_about_held_things_is_text(reviewer: Member, waiting: None) -> None:
    shown = reviewer.browser.get("/operate/holds").text
    assert shown.count("&lt;script&gt;alert(1)") >= 10
    assert "There is no face to look at" in shown
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown


def test_what_waits_is_shown_page_by_page(reviewer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor that the API answers is in the link, and what the link asks reaches the API."""
    assets, holds, asked = f"ast_{'b' * 26}", f"hld_{'b' * 26}", list[str]()

    def held(_service: object, _caller: object, _response: object, cursor: str = "") -> HeldPage:
        asked.append(cursor)
        return HeldPage(holds=[], next=None if cursor else assets)

    def waits(_service: object, _caller: object, *, after: str = "") -> RegistrationHoldList:
        asked.append(after)
        return RegistrationHoldList(holds=[], next=None if after else holds)

    monkeypatch.setattr(likeness, "held", held)
    monkeypatch.setattr(registrations, "list_holds", waits)
    first = reviewer.browser.get("/operate/holds").text
    for name, following in (("assets", assets), ("registrations", holds)):
        link = f"/operate/holds?{name}={following}"
        assert f'href="{link}#{name}"' in first
        assert "From the beginning" in reviewer.browser.get(link).text
    assert asked == ["", "", assets, "", "", holds]
    assert reviewer.browser.get("/operate/holds?assets=x").status_code == 422
