"""Files signed here hold in a reader that shares no code with c2pa-rs (encypher-c2pa)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import encypher_c2pa
import pytest

from detection.memfd import Memfd
from keys.certificates import LEAF_DAYS
from keys.local import LocalKeyStore
from keys.rotation import rotate
from keys.signer import Algorithm, Purpose
from provenance.manifest import define
from provenance.request import Action, AuthorStatement, ClaimRequest, Model
from provenance.sign import Parent, sign
from provenance.time_stamps import TimeStamps
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from provenance.vocabulary import CREATED, DigitalSourceType
from tests.provenance.house import GENERATOR, MIMES, REQUEST, House, content, draw
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

CREATION = replace(
    REQUEST,
    actions=(Action(CREATED, DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA), Action("com.example.remix")),
    model=Model("Painter", "2.0", "Acme"),
    author=AuthorStatement("Ann", "I made this."),
)


LATER = f"{datetime.now(UTC) + timedelta(days=LEAF_DAYS + 30):%Y-%m-%dT%H:%M:%SZ}"
"""When every certificate of today has ended."""


def judge(file: bytes, kind: str, anchors: str, folder: Path, **more: Any) -> Mapping[str, Any]:
    path = folder / f"file.{kind.lower()}"
    path.write_bytes(file)
    judged: Mapping[str, Any] = encypher_c2pa.verify(
        path, MIMES[kind], trust_pem=anchors, no_default_trust=True, telemetry=False, online=False, **more
    )
    return judged


@pytest.mark.parametrize("kind", MIMES)
@pytest.mark.parametrize("asked", [REQUEST, CREATION], ids=["opened", "created"])
def test_a_signed_file_is_trusted(house: House, folder: Path, kind: str, asked: ClaimRequest) -> None:
    judged = judge(house.signed(draw(kind), asked, MIMES[kind]), kind, house.trust.anchors, folder)
    assert (judged["integrity"], judged["signature"], judged["hard_binding"]) == ("valid", "valid", "match")
    assert judged["validation_state"] == "Trusted"
    assert judged["validation_results"]["failure"] == []


@pytest.fixture
def ed25519(house: House, tmp_path: Path) -> House:
    """A house whose claim key is Ed25519."""
    store = LocalKeyStore.open(tmp_path / "keys", embedded_profile=True)
    rotate(store.claims, Algorithm.ED25519)
    return replace(house, signer=store.signer(Purpose.CLAIM), trust=TrustPolicy.of({"house": store.anchors()}))


@pytest.mark.parametrize("kind", MIMES)
def test_a_file_signed_with_ed25519_is_trusted_here_and_there(ed25519: House, folder: Path, kind: str) -> None:
    file = ed25519.signed(draw(kind), CREATION, MIMES[kind])
    report = ed25519.verify(file)
    assert (report.verdict, report.statuses.failure) == (Verdict.TRUSTED, ())
    assert report.signer is not None
    assert report.signer.algorithm == "ed25519"
    judged = judge(file, kind, ed25519.trust.anchors, folder)
    assert (judged["integrity"], judged["signature"], judged["hard_binding"]) == ("valid", "valid", "match")
    assert judged["validation_state"] == "Trusted"


def test_a_change_under_an_ed25519_signature_is_found(ed25519: House, folder: Path) -> None:
    file = ed25519.signed(draw())
    changed = file[:-200] + bytes([file[-200] ^ 0xFF]) + file[-199:]
    assert ed25519.verify(changed).verdict is Verdict.INVALID
    assert judge(changed, "JPEG", ed25519.trust.anchors, folder)["validation_state"] == "Invalid"


def test_an_edit_of_a_signed_file_is_trusted(house: House, folder: Path) -> None:
    judged = judge(house.signed(house.signed(draw())), "JPEG", house.trust.anchors, folder)
    assert judged["validation_state"] == "Trusted"


def test_a_transformation_names_a_parent_of_another_kind(house: House, folder: Path) -> None:
    request = replace(REQUEST, actions=(Action("c2pa.resized"),))
    with Memfd.of([house.signed(draw())]) as original, Memfd.of([draw("PNG")]) as made:
        history = house.verify(original.read(original.size)).verdict
        definition = define(request, content(draw("PNG"), "image/png"), history, GENERATOR, "image/jpeg")
        signed = sign(house.sandbox, house.signer, made, definition, house.trust, parent=Parent(original))
        with signed.content as file:
            judged = judge(file.read(file.size), "PNG", house.trust.anchors, folder)
    assert judged["validation_state"] == "Trusted"
    assert judged["validation_results"]["failure"] == []


def test_it_would_have_noticed(house: House, stranger: House, folder: Path) -> None:
    signed = house.signed(draw())
    assert judge(signed, "JPEG", stranger.trust.anchors, folder)["validation_state"] == "Valid"
    changed = signed[:-200] + bytes([signed[-200] ^ 0xFF]) + signed[-199:]
    assert judge(changed, "JPEG", house.trust.anchors, folder)["validation_state"] == "Invalid"


@pytest.mark.parametrize("kind", MIMES)
def test_a_time_stamped_file_outlives_its_certificate(house: House, folder: Path, kind: str) -> None:
    with serving(TimeStampAuthority()) as authority, TimeStamps([authority.url], required=True) as time_stamps:
        roots = authority.anchors
        trust = TrustPolicy.of({"house": house.trust.anchors}, authorities={"authority": roots})
        file = replace(house, trust=trust, time_stamps=time_stamps).signed(draw(kind), mime=MIMES[kind])
    for when in (None, LATER):
        judged = judge(file, kind, house.trust.anchors, folder, tsa_trust_pem=roots, validation_time=when)
        assert (judged["integrity"], judged["signature"], judged["hard_binding"]) == ("valid", "valid", "match")
        assert judged["validation_state"] == "Trusted"
        assert "timeStamp.trusted" in [status["code"] for status in judged["validation_results"]["success"]]
    for bare in (
        judge(file, kind, house.trust.anchors, folder, validation_time=LATER),
        judge(house.signed(draw(kind), mime=MIMES[kind]), kind, house.trust.anchors, folder, validation_time=LATER),
    ):
        assert bare["validation_state"] != "Trusted"
