"""Registering a face over HTTP: what is answered, refused and held, and what is kept of a photo: nothing."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import httpx
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from PIL import Image

from api.parts.registry import rulebook_of
from api.running.home import StartError
from api.settings import Settings
from cases.access import Scope
from cases.assurance import actor
from cases.registration import MAX_PHOTOS
from detection.faces.found import FACE_MODEL
from detection.faces.look import look
from detection.faces.quality import judge
from detection.memfd import Memfd
from identity.assurance.evidence import Found
from identity.assurance.tier import EvidenceKind
from identity.did.web import read_document
from identity.jose.jws import read_jws
from identity.passkeys.errors import PasskeyInvalidError
from identity.passkeys.signing import SIGNATURE, check_signature
from identity.registration.errors import AccountRegisteredError
from identity.registration.receipt import TYPE, read_receipt
from identity.registration.recovery import RecoveryCode
from ledger.ids import SubjectId
from provenance.request import Grant
from tests.api.people import Somebody, begun, somebody
from tests.api.registrants import PORTRAIT_BYTES, REGISTRATIONS, SCOPES, account, asked, register, somebody_else
from tests.api.staff import form_token, member
from tests.api.wire import everything, problem, rows, stored
from tests.deployment import Running, running
from tests.detection.faces import photos

HOLDS = f"{REGISTRATIONS}/holds"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A deployment of their own: a face that others registered would hold everybody's."""
    with running(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def token(up: Running) -> str:
    """Of a platform in a tenant of its own, in which nobody is registered."""
    issued = up.operator.issue_key({"tool": "", "scopes": SCOPES, "source_types": [], "new_tenant": True})
    return str(issued["token"])


@pytest.fixture
def http(up: Running, token: str) -> Iterator[httpx.Client]:
    with up.http(token) as client:
        yield client


def made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def reviewer(up: Running, token: str) -> str:
    """Another principal of the same tenant, who decides."""
    by = replace(up.service.access.authenticate(token), scopes=frozenset({Scope.REVIEW}))
    return up.service.access.issue(by, [Scope.REVIEW], Grant("", frozenset())).token


def test_a_face_is_registered(up: Running, http: httpx.Client, token: str) -> None:
    mine = account(up, token, "ada")
    answer = register(http, asked(http, mine, refuses=["sexualised"], contact="ada@unmistakable.example"))
    document = made(answer)
    assert answer.headers["location"] == f"{REGISTRATIONS}/{document['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert (document["state"], document["refuses"], document["region"]) == ("active", ["sexualised"], "FR")
    assert document["consent"]["known_by"] == "attested"
    assert FACE_MODEL.digest in document["model"]
    words = document["recovery_code"]["words"]
    RecoveryCode.read(words).check(rows(up, "SELECT recovery FROM registration WHERE id = ?", document["id"])[0][0])
    assert document["recovery_code"]["qr"].startswith("data:image/svg+xml;base64,")
    ours = http.get("/.well-known/did.json")
    did, method = ours.json()["id"], str(read_jws(document["receipt"], TYPE).header["kid"])
    key = cast("EllipticCurvePublicKey", read_document(did, ours.content, method).key)
    receipt = read_receipt(document["receipt"], did, key)
    assert receipt.entry == document["ledger"]["entry"]

    again = http.get(answer.headers["location"]).json()
    assert again == {name: document[name] for name in again}
    assert not {"credential", "receipt", "recovery_code"} & again.keys()
    assert "unmistakable" not in json.dumps(again)
    assert http.get(REGISTRATIONS, params={"account": mine}).json()["registrations"] == [again]


def test_rules_and_text_are_for_everyone(up: Running) -> None:
    with up.http() as anyone:
        german = anyone.get(f"{REGISTRATIONS}/rules", params={"region": "AT", "language": "de"}).json()
        assert german["review"] == "An example. No lawyer has reviewed it."
        assert german["consent"]["name"] == "face-eea@1"
        skipped = anyone.get(f"{REGISTRATIONS}/rules", params={"region": "FR", "files_from": "US-IL"}).json()
        assert skipped["matching_files_from"]["allowed"] is False
        assert "740 ILCS" in skipped["matching_files_from"]["reason"]
        unknown = anyone.get(f"{REGISTRATIONS}/rules", params={"region": "FR", "language": "mt"})
        assert problem(unknown, 422, "consent-text-unknown")["languages"] == ["de", "en"]
        problem(anyone.get(f"{REGISTRATIONS}/rules", params={"region": "France"}), 422, "request-invalid")


@pytest.mark.parametrize(
    ("draw", "reason"),
    [(photos.mirrored, ""), (photos.landscape, "no_face"), (lambda: photos.crowd(2), "several_faces")],
)
def test_a_photo_is_tried_before_it_is_registered(
    up: Running, http: httpx.Client, draw: Callable[[], Image.Image], reason: str
) -> None:
    recorded = rows(up, "SELECT count(*) FROM entry")
    answer = http.post(f"{REGISTRATIONS}/photos", files={"photo": photos.jpeg(draw())})
    if reason:
        assert problem(answer, 422, "photo-refused")["reason"] == reason
    else:
        assert (answer.status_code, answer.content) == (204, b"")
    assert rows(up, "SELECT count(*) FROM entry") == recorded


def test_one_photo_is_tried_at_once_by_who_may_register(up: Running, http: httpx.Client) -> None:
    path, photo = f"{REGISTRATIONS}/photos", ("photo", PORTRAIT_BYTES)
    problem(http.post(path, files=[photo, photo]), 400, "upload-malformed")
    problem(http.post(path, files={"photo": b"no picture"}), 415, "media-unrecognised")
    with up.http(up.key()) as camera:
        problem(camera.post(path, files=[photo]), 403, "scope-missing")


def test_nothing_of_a_photo_is_kept(up: Running, http: httpx.Client, token: str) -> None:
    """Every file of the home folder, the database and the logs: no byte of the photos, no pixels, no embedding."""
    sent = [PORTRAIT_BYTES, photos.jpeg(photos.mirrored(), comment=b"Unmistakable photo")]
    mine = account(up, token, "private")
    document = made(register(http, asked(http, mine, right="parent", stated="Unmistakable mother"), sent))
    desk, caller = up.service.registry.registrations, up.service.access.authenticate(token)
    words = document["recovery_code"]["words"].encode()
    secrets: dict[str, list[bytes]] = {"words": [b"Unmistakable"], "code": [words]}
    matrix = desk.bank.rotations.matrix(caller.tenant, desk.bank.rotations.current(caller.tenant), 128)
    for photo in sent:
        with Memfd.of([photo]) as file:
            embedding = judge(look(desk.workers.of("test"), file)).embedding
        single = np.asarray(embedding, dtype="<f4")
        template = np.packbits(single @ np.asarray(matrix).T >= 0).tobytes()
        pixels = Image.open(io.BytesIO(photo)).convert("RGB")
        secrets["file"] = secrets.get("file", []) + [photo[at : at + 48] for at in range(256, len(photo) - 48, 512)]
        rows_of_pixels = [pixels.crop((180, y, 260, y + 1)).tobytes() for y in range(70, 170, 10)]
        secrets["pixels"] = secrets.get("pixels", []) + rows_of_pixels
        floats = [single[at : at + 4].tobytes() for at in range(0, 128, 4)]
        doubles = [struct.pack("<2d", *embedding[at : at + 2]) for at in range(0, 128, 2)]
        spelt = [repr(value).encode()[:14] for value in embedding]
        secrets["embedding"] = secrets.get("embedding", []) + floats + doubles + spelt
        forms = [template, template.hex().encode(), base64.b64encode(template), template[:16], template[-16:]]
        secrets["template"] = secrets.get("template", []) + forms
    kept = everything(up) + stored(up)
    for what, plain in secrets.items():
        assert plain
        assert not [one for one in plain if one in kept], f"{what} lies in clear"
    logged = b"".join(file.read_bytes() for file in up.home.logs.rglob("*") if file.is_file())
    assert document["id"].encode() not in logged
    assert rows(up, "SELECT count(*) FROM face_template WHERE owner_id = ?", document["id"]) == [(2,)]


def test_whom_an_older_model_described_is_told_so(
    http: httpx.Client, up: Running, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = account(up, token, "ada")
    document = made(register(http, asked(http, mine)))
    assert document["outdated"] is False
    with monkeypatch.context() as later:
        later.setattr("cases.registration.MODEL", "newer@1 sha256:00")
        assert http.get(f"{REGISTRATIONS}/{document['id']}").json()["outdated"] is True
        (listed,) = http.get(REGISTRATIONS, params={"account": mine}).json()["registrations"]
        assert (listed["outdated"], listed["state"]) == (True, "active")


def test_whom_somebody_else_registered_is_held_and_a_person_decides(
    up: Running, http: httpx.Client, token: str
) -> None:
    first = made(register(http, asked(http, account(up, token, "ada"))))
    second = made(register(http, asked(http, account(up, token, "eve")), [photos.jpeg(photos.mirrored())]))
    assert (second["state"], second["credential"], second["credential_id"]) == ("held", None, None)
    assert first["id"] not in json.dumps(second), "neither side sees the other"
    assert http.get(f"{REGISTRATIONS}/{first['id']}").json()["state"] == "active"
    problem(http.get(HOLDS), 403, "scope-missing")
    problem(http.post(f"{REGISTRATIONS}/{second['id']}/credential", json={}), 409, "registration-ended")
    with up.http(reviewer(up, token)) as review:
        (hold,) = review.get(HOLDS).json()["holds"]
        assert (hold["registration"], hold["state"]) == (second["id"], "open")
        assert hold["reasons"] == [{"reason": "conflict", "alike": [first["id"]]}]
        (other,) = hold["alike"]
        assert other.pop("since") == first["created_at"]
        assert other == {"registration": first["id"], "state": "active", "right": "self", "tier": "medium"}
        assert not {"cosine", "band", "score"} & set(json.dumps(hold).replace('"', " ").split())
        released = review.post(f"{HOLDS}/{hold['id']}/release", json={"reason": "twins; both were asked"})
        assert released.json()["state"] == "released"
        problem(review.post(f"{HOLDS}/{hold['id']}/refusal", json={"reason": "no"}), 409, "hold-decided")
        assert review.get(HOLDS).json() == {"holds": [], "next": None}
        assert [one["id"] for one in review.get(HOLDS, params={"decided": True}).json()["holds"]] == [hold["id"]]
    given = http.post(f"{REGISTRATIONS}/{second['id']}/credential", json={"form": "dc+sd-jwt"}).json()
    assert http.get(f"{REGISTRATIONS}/{second['id']}").json()["credential_id"] == given["id"]


MIRRORED = photos.jpeg(photos.mirrored())


def reasons(up: Running, token: str, document: dict[str, Any]) -> list[str]:
    """Why it is held."""
    with up.http(reviewer(up, token)) as review:
        held = {one["registration"]: one["reasons"] for one in review.get(HOLDS).json()["holds"]}
    return [one["reason"] for one in held.get(document["id"], [])]


def test_who_is_known_by_a_portrait_shows_that_the_photos_are_of_them(
    up: Running, http: httpx.Client, token: str
) -> None:
    mine = account(up, token, "ada", EvidenceKind.PORTRAIT)
    document = made(register(http, asked(http, mine), [PORTRAIT_BYTES], portrait=MIRRORED))
    assert (document["state"], reasons(up, token, document)) == ("active", [])


@pytest.mark.parametrize(
    ("evidence", "sent", "portrait", "why"),
    [
        (EvidenceKind.PORTRAIT, PORTRAIT_BYTES, b"", ["uncompared"]),
        (EvidenceKind.PORTRAIT, somebody_else(), MIRRORED, ["portrait"]),
        (EvidenceKind.LOGIN, somebody_else(), MIRRORED, ["portrait"]),
        (EvidenceKind.LOGIN, PORTRAIT_BYTES, b"", []),
    ],
    ids=["none came", "of somebody else", "of somebody else, though it is not needed", "not needed"],
)
def test_photos_of_whoever_is_not_in_the_portrait_are_held_for_a_person(
    up: Running, http: httpx.Client, token: str, evidence: EvidenceKind, sent: bytes, portrait: bytes, why: list[str]
) -> None:
    document = made(register(http, asked(http, account(up, token, "eve", evidence)), [sent], portrait=portrait))
    assert document["state"] == ("held" if why else "active")
    assert reasons(up, token, document) == why
    kept = everything(up) + stored(up)
    assert not portrait or not [at for at in range(600, len(portrait) - 32, 4096) if portrait[at : at + 32] in kept]


def test_one_photo_of_somebody_else_among_several_is_no_way_round_it(
    up: Running, http: httpx.Client, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two people pass for one, each photo has to be of whoever is in the portrait."""
    monkeypatch.setattr("cases.photographed.SAME_PERSON", -1.0)
    mine = account(up, token, "eve", EvidenceKind.PORTRAIT)
    document = made(register(http, asked(http, mine), [PORTRAIT_BYTES, somebody_else()], portrait=MIRRORED))
    assert reasons(up, token, document) == ["portrait"]


def test_a_portrait_that_shows_nothing_is_refused_in_words(up: Running, http: httpx.Client, token: str) -> None:
    mine = account(up, token, "ada", EvidenceKind.PORTRAIT)
    body = asked(http, mine)
    for portrait, reason in (
        (PORTRAIT_BYTES, "same_picture"), (photos.jpeg(photos.landscape()), "no_face"), (b"none", "media-unrecognised"),
    ):  # fmt: skip
        said = problem(register(http, body, portrait=portrait), 422, "portrait-refused")
        assert (said["reason"], said["detail"].startswith("portrait: ")) == (reason, True)
    child = {**body, "right": "parent", "stated": "mother"}
    assert problem(register(http, child, portrait=MIRRORED), 422, "portrait-refused")["reason"] == "another_right"
    assert rows(up, "SELECT * FROM registration WHERE account_id = ?", mine) == []


def test_of_two_who_register_one_face_at_once_one_is_held(up: Running, http: httpx.Client, token: str) -> None:
    bodies = [asked(http, account(up, token, name)) for name in ("ada", "eve")]
    with ThreadPoolExecutor(2) as both:
        answers = [made(one)["state"] for one in both.map(lambda body: register(http, body), bodies)]
    assert sorted(answers) == ["active", "held"]


def test_refused_nothing_of_the_face_is_left(up: Running, http: httpx.Client, token: str) -> None:
    made(register(http, asked(http, account(up, token, "ada"))))
    held = made(register(http, asked(http, account(up, token, "eve"))))
    ((template,), *_) = rows(up, "SELECT template FROM face_template WHERE owner_id = ?", held["id"])
    with up.http(reviewer(up, token)) as review:
        (hold,) = review.get(HOLDS).json()["holds"]
        assert review.post(f"{HOLDS}/{hold['id']}/refusal", json={"reason": "not theirs"}).json()["state"] == "refused"
    assert rows(up, "SELECT * FROM face_template WHERE owner_id = ?", held["id"]) == []
    assert rows(up, "SELECT * FROM subject_key WHERE id = ?", held["id"]) == []
    assert bytes(template) not in stored(up)
    gone = http.get(f"{REGISTRATIONS}/{held['id']}").json()
    assert (gone["state"], gone["refuses"], gone["consent"], gone["region"]) == ("refused", None, None, None)


def test_whoever_brought_a_registration_does_not_decide_it(up: Running) -> None:
    both = [*SCOPES, "registrations:review"]
    issued = up.operator.issue_key({"tool": "", "scopes": both, "source_types": [], "new_tenant": True})
    with up.http(issued["token"]) as http:
        mine = account(up, issued["token"], "agent")
        made(register(http, asked(http, mine, right="agent", stated="agreement of 3 March")))
        (hold,) = http.get(HOLDS).json()["holds"]
        assert hold["reasons"] == [{"reason": "right", "alike": []}]
        assert hold["stated"] == "agreement of 3 March"
        for decision in ("release", "refusal"):
            problem(http.post(f"{HOLDS}/{hold['id']}/{decision}", json={"reason": "mine"}), 403, "own-review")


@pytest.mark.parametrize("held_one", ["theirs", "another's that looks like theirs"])
def test_one_of_the_staff_does_not_decide_about_their_own(up: Running, held_one: str) -> None:
    """They act by their role in one name and register by their account in another: it is one person."""
    operator = up.service.operator_token
    with member(up, "reviewer", operator) as mine, member(up, "reviewer", operator) as other:
        theirs = SubjectId(rows(up, "SELECT account_id FROM staff WHERE id = ?", mine.id)[0][0])
        key = up.key("", scopes=SCOPES, source_types=[])
        by = actor(up.service.access.authenticate(key))
        assurance = up.service.assurance
        subject = assurance.accounts.subject(by.tenant, theirs)
        assurance.grants.grant(by, subject, Found(EvidenceKind.LOGIN, "test", ""))
        with up.http(key) as http:
            if held_one == "theirs":
                held = made(register(http, asked(http, theirs, right="agent", stated="agreement of 3 March")))
            else:
                made(register(http, asked(http, theirs)))
                held = made(register(http, asked(http, account(up, key, "eve")), [MIRRORED]))
            assert held["state"] == "held"
        ((hold,),) = rows(up, "SELECT id FROM registration_hold WHERE registration_id = ?", held["id"])
        said = {"held": "registration", "name": hold, "decision": "refuse", "reason": "mine"}
        for one, status in ((mine, 403), (other, 303)):
            token = form_token(one.browser.get("/operate/holds"))
            assert one.browser.post("/operate/holds", data={"form_token": token, **said}).status_code == status


def test_an_account_is_no_conflict_with_itself(up: Running) -> None:
    both = [*SCOPES, "registrations:review"]
    issued = up.operator.issue_key({"tool": "", "scopes": both, "source_types": [], "new_tenant": True})
    with up.http(issued["token"]) as http:
        parent = account(up, issued["token"], "parent")
        for _ in range(2):
            made(register(http, asked(http, parent, right="parent", stated="mother of twins")))
        held = [hold["reasons"] for hold in http.get(HOLDS).json()["holds"]]
        assert held == [[{"reason": "right", "alike": []}]] * 2


def test_the_same_request_twice_makes_one_registration(up: Running, http: httpx.Client, token: str) -> None:
    body = asked(http, account(up, token, "ada"))
    first, again = (made(register(http, body, key="once")) for _ in range(2))
    assert first["id"] == again["id"]
    assert first["recovery_code"] != again["recovery_code"]
    kept = rows(up, "SELECT recovery FROM registration WHERE id = ?", first["id"])[0][0]
    RecoveryCode.read(again["recovery_code"]["words"]).check(kept)
    other = [photos.jpeg(photos.mirrored())]
    problem(register(http, body, other, key="once"), 422, "idempotency-conflict")
    problem(register(http, body, key="another"), 409, "registered-already")


PHOTOS: dict[str, tuple[Any, str]] = {
    "no face": (lambda: photos.jpeg(photos.landscape()), "no_face"),
    "two faces": (lambda: photos.jpeg(photos.crowd(2)), "several_faces"),
    "small": (lambda: photos.jpeg(photos.sized(40)), "too_small"),
    "blurred": (lambda: photos.jpeg(photos.blurred()), "blurred"),
    "moving": (lambda: photos.animation(photos.PORTRAIT, photos.mirrored()), "no_photo"),
}


@pytest.mark.parametrize("what", PHOTOS)
def test_a_photo_that_shows_too_little_is_refused_in_words(
    up: Running, http: httpx.Client, token: str, what: str
) -> None:
    photo, reason = PHOTOS[what]
    refused = register(http, asked(http, account(up, token, "ada")), [PORTRAIT_BYTES, photo()])
    said = problem(refused, 422, "photo-not-taken")
    assert (said["photo"], said["reason"]) == (2, reason)
    assert said["detail"].startswith("photo 2: ")
    assert rows(up, "SELECT * FROM registration WHERE account_id = ?", account(up, token, "ada")) == []


def test_other_files_are_refused_and_kept_nowhere(up: Running, http: httpx.Client, token: str) -> None:
    body = asked(http, account(up, token, "ada"))
    for number, (photo, reason) in enumerate(
        ((b"not a photo", "media-unrecognised"), (b"", "media-empty"), (PORTRAIT_BYTES[:2000], "media-truncated")), 1
    ):
        said = problem(register(http, body, [PORTRAIT_BYTES] * (number - 1) + [photo]), 422, "photo-not-taken")
        assert (said["photo"], said["reason"]) == (number, reason)
        assert said["detail"].startswith(f"photo {number}: ")
    said = problem(register(http, body, [PORTRAIT_BYTES, somebody_else()]), 422, "photos-differ")
    assert said["photos"] == [1, 2]
    problem(register(http, body, [PORTRAIT_BYTES] * (MAX_PHOTOS + 1)), 400, "upload-malformed")
    problem(register(http, body, []), 400, "upload-malformed")


def test_too_little_known_and_another_text_are_refused_before_photos_are_looked_at(
    up: Running, http: httpx.Client, token: str
) -> None:
    nothing = [b"nobody looks at this"]
    low = account(up, token, "low", EvidenceKind.EMAIL)
    said = problem(register(http, asked(http, low), nothing), 403, "tier-too-low")
    assert (said["tier"], said["needed"]) == ("low", "medium")
    ada = account(up, token, "ada")
    old = {**asked(http, ada), "consent": {"language": "en", "sha256": "0" * 64}}
    assert problem(register(http, old, nothing), 409, "consent-outdated")["text"] == "face-eea@1"
    problem(register(http, asked(http, "acc_" + "a" * 26), nothing), 404, "account-not-found")


@pytest.mark.parametrize(
    "changes",
    [
        {"region": "France"}, {"refuses": ["parody"]}, {"right": "friend"}, {"right": "parent"}, {"stated": "mother"},
        {"account": "ada"}, {"consent": {"language": "en"}}, {"surplus": 1}, {"contact": "a\u202eb"},
    ],
    ids=str,
)  # fmt: skip
def test_a_request_of_another_form_is_refused(http: httpx.Client, changes: dict[str, Any]) -> None:
    body = {**asked(http, "acc_" + "a" * 26), **changes}
    problem(register(http, body), 422, "request-invalid")


def test_a_person_registers_their_own_face_and_signs_what_they_agree_to(up: Running) -> None:
    with somebody(up) as ada, somebody(up) as eve:
        known(up, ada)
        body = asked(ada.http, ada.account)
        problem(register(ada.http, body), 422, "consent-unsigned")
        document = made(register(ada.http, signed(ada, body)))
        assert document["consent"]["known_by"] == "passkey"
        details = up.service.registry.registrations.find(up.service.deployment.operator(), document["id"]).details
        assert details is not None
        evidence = SIGNATURE.validate_json(details.consent.signature)
        statement = statement_of(ada.http, body)
        assert statement["sha256"] == document["consent"]["statement_sha256"]
        check_signature(evidence, statement["statement"].encode())
        with pytest.raises(PasskeyInvalidError):
            check_signature(evidence, statement["statement"].replace("FR", "DE").encode())
        path = f"{REGISTRATIONS}/{document['id']}"
        assert ada.http.get(path).json()["id"] == document["id"]
        problem(eve.http.get(path), 404, "registration-not-found")
        problem(eve.http.post(f"{path}/credential", json={}), 404, "registration-not-found")
        problem(eve.http.get(REGISTRATIONS, params={"account": ada.account}), 404, "account-not-found")
        problem(register(eve.http, signed(ada, body)), 404, "account-not-found")
        problem(ada.http.get(HOLDS), 403, "person-refused")


def test_a_signature_is_of_what_is_registered_and_once(up: Running) -> None:
    with somebody(up) as ada:
        known(up, ada)
        body = signed(ada, asked(ada.http, ada.account, refuses=["political"]))
        problem(register(ada.http, {**body, "refuses": []}), 403, "passkey-refused")
        problem(register(ada.http, body, [photos.jpeg(photos.mirrored())]), 403, "passkey-refused")
        problem(register(ada.http, body, [PORTRAIT_BYTES, PORTRAIT_BYTES]), 403, "passkey-refused")
        landscape = [photos.jpeg(photos.landscape())]
        blind = signed(ada, asked(ada.http, ada.account, refuses=["political"]), landscape)
        problem(register(ada.http, blind, landscape), 422, "photo-not-taken")
        made(register(ada.http, body))
        again = asked(ada.http, ada.account, right="parent", stated="mother")
        problem(register(ada.http, {**again, "consent": body["consent"]}), 410, "passkey-challenge-gone")


def test_the_fingerprint_of_a_picture_is_signed_too(up: Running) -> None:
    """Whoever passes a signature on cannot put another picture in its place."""
    with somebody(up) as ada:
        known(up, ada)
        forms, others = ([f"{start + form:064x}" for form in range(8)] for start in (1 << 200, 1 << 210))
        text = ada.http.get(f"{REGISTRATIONS}/rules", params={"region": "FR", "kind": "image"}).json()["consent"]
        consent: dict[str, Any] = {"language": "en", "sha256": text["sha256"]}
        body = {"account": ada.account, "region": "FR", "consent": consent}
        given = [hashlib.sha256(bytes.fromhex("".join(forms))).hexdigest()]
        path, wanted = f"{REGISTRATIONS}/statements", {**body, "given": given}
        statement = ada.http.post(path, params={"kind": "image"}, json=wanted).json()
        assert json.loads(statement["statement"])["given"] == given
        options = begun(ada.http, "/me/signatures", {"purpose": "consent", "sha256": statement["sha256"]})
        consent["passkey"] = ada.device.get(options)

        def send(sent: list[str]) -> httpx.Response:
            return ada.http.post(
                "/v1/image-registrations", json={**body, "fingerprint": {"forms": sent, "quality": 99}}
            )

        problem(send(others), 403, "passkey-refused")
        document = made(send(forms))
        assert document["consent"]["statement_sha256"] == statement["sha256"]
        tenant, entry = up.service.deployment.operator().tenant, document["ledger"]["entry"]
        said: Any = up.service.ledger.payloads.open(tenant, entry).payload
        assert list(said.given) == given


def known(up: Running, person: Somebody) -> None:
    """Something is known of them."""
    by, account = actor(up.service.deployment.operator()), SubjectId(person.account)
    assurance = up.service.assurance
    assurance.grants.grant(by, assurance.accounts.subject(by.tenant, account), Found(EvidenceKind.LOGIN, "test", ""))


def statement_of(http: httpx.Client, body: dict[str, Any], sent: Sequence[bytes] = (PORTRAIT_BYTES,)) -> dict[str, Any]:
    """What is agreed to by registering so, with these photos."""
    given = [hashlib.sha256(photo).hexdigest() for photo in sent]
    answer = http.post(f"{REGISTRATIONS}/statements", json={**body, "given": given})
    assert answer.status_code == 200, answer.text
    statement: dict[str, Any] = answer.json()
    return statement


def signed(person: Somebody, body: dict[str, Any], sent: Sequence[bytes] = (PORTRAIT_BYTES,)) -> dict[str, Any]:
    """The same with their passkey's signature."""
    statement = statement_of(person.http, body, sent)
    options = begun(person.http, "/me/signatures", {"purpose": "consent", "sha256": statement["sha256"]})
    return {**body, "consent": {**body["consent"], "passkey": person.device.get(options)}}


def test_scopes_and_tenants_are_kept_apart(up: Running, http: httpx.Client, token: str) -> None:
    mine = account(up, token, "ada")
    document = made(register(http, asked(http, mine)))
    path = f"{REGISTRATIONS}/{document['id']}"
    for scopes in (["assurance:read"], ["registrations:read"]):
        with up.http(up.key("", scopes=scopes)) as other:
            problem(register(other, asked(other, mine)), 403, "scope-missing")
    stranger = up.operator.issue_key({"tool": "", "scopes": SCOPES, "source_types": [], "new_tenant": True})["token"]
    with up.http(stranger) as other:
        problem(other.get(path), 404, "registration-not-found")
        problem(other.post(f"{path}/credential", json={}), 404, "registration-not-found")
        assert other.get(REGISTRATIONS, params={"account": mine}).json() == {"registrations": []}
        problem(register(other, asked(other, mine)), 404, "account-not-found")
        assert made(register(other, asked(other, account(up, stranger, "theirs"))))["state"] == "active"
    with up.http() as anyone:
        problem(anyone.get(path), 401, "unauthenticated")
        problem(register(anyone, asked(anyone, mine)), 401, "unauthenticated")


def test_an_account_is_not_erased_before_what_it_registered(up: Running, http: httpx.Client, token: str) -> None:
    by = actor(up.service.access.authenticate(token))
    mine = account(up, token, "ada")
    document = made(register(http, asked(http, mine)))
    with pytest.raises(AccountRegisteredError, match=document["id"]):
        up.service.assurance.accounts.erase(by, mine)
    assert http.get(f"{REGISTRATIONS}/{document['id']}").json()["state"] == "active"
    other = account(up, token, "free")
    up.service.assurance.accounts.erase(by, other)


def test_rules_that_cannot_be_used_keep_the_service_from_starting(tmp_path: Any) -> None:
    with pytest.raises(StartError, match="SIGILLO_REGISTRATION_RULES"):
        rulebook_of(Settings(home=tmp_path, registration_rules=tmp_path / "none"))
    assert rulebook_of(Settings(home=tmp_path)).of("US-IL").rules == "us-il@1"
