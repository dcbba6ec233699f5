"""A file is ours by its bytes: a label is something anyone can write, even a signer whom somebody trusts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detection.memfd import Memfd
from keys.local import LocalKeyStore
from keys.signer import Purpose
from provenance.trust import TrustPolicy
from tests.api.wire import proven, signed, upload
from tests.deployment import Running, picture
from tests.provenance.forger import SOURCE, actions, forge
from tests.provenance.house import House

VERIFY = "/v1/verifications"


@pytest.fixture
def rival(deployment: Running, tmp_path: Path) -> House:
    """Another signer with a certificate of its own."""
    keys = LocalKeyStore.open(tmp_path / "rival", embedded_profile=True)
    trust = TrustPolicy.of({"rival": keys.anchors()})
    return House(
        deployment.service.strangers.verification.workers.of("somebody").sandbox, keys.signer(Purpose.CLAIM), trust
    )


def borrowed_label(rival: House, label: str) -> bytes:
    """Another picture, soundly signed by the rival under our label."""
    created = {"action": "c2pa.created", "digitalSourceType": SOURCE}
    definition = {"label": label, "assertions": [actions(created)]}
    return forge(rival, definition, file=picture(seed=77))[0]


def test_a_borrowed_label_shows_nobodys_receipt(deployment: Running, rival: House) -> None:
    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        asset, file = signed(http, claim={"visibility": "public"})
        proven(deployment, asset["ledger"]["entry"])
        assert upload(anyone, file, path=VERIFY).json()["ledger"]["entry"] == asset["ledger"]["entry"]
        forged = borrowed_label(rival, asset["manifest"])
        parts: dict[str, Any] = {
            "file": ("upload", forged, "image/jpeg"),
            "anchors": (None, rival.trust.anchors, "text/plain"),
        }
        report = anyone.post(VERIFY, files=parts).json()
        assert (report["verdict"], report["label"]) == ("trusted", asset["manifest"])
        assert report["ledger"] is None


def test_a_borrowed_label_is_nobodys_child(deployment: Running, rival: House) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
        child, _ = signed(http, borrowed_label(rival, asset["manifest"]))
        assert child["parent"]["manifest"] == asset["manifest"]
        assert child["parent"]["asset"] is None


def test_recognised_by_bytes_for_its_owner_alone(deployment: Running) -> None:
    token = deployment.key()
    with deployment.http(token) as http:
        asset, file = signed(http)
    recognition = deployment.service.callers.verification.recognition
    owner = deployment.service.access.authenticate(token)
    colleague = deployment.service.access.authenticate(deployment.key())
    with Memfd.of([file]) as same, Memfd.of([file + b"\0"]) as other:
        assert recognition.own(owner, asset["manifest"], same) == asset["id"]
        assert recognition.own(owner, asset["manifest"], other) is None
        assert recognition.own(colleague, asset["manifest"], same) is None
        assert recognition.public(asset["manifest"], same) is None
