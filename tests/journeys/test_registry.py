"""Somebody registers; a tool that asks about their face is refused, and what it makes all the same is held; they see
both, withdraw, and get a proof that the index does not have them. Everything by HTTP, as its parties would.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from cases.access import Scope
from detection.faces.look import look
from detection.generations import absence_verifier
from detection.memfd import Memfd
from provenance.request import Grant
from provenance.vocabulary import DigitalSourceType
from tests.api.registrants import PORTRAIT_BYTES, REGISTRATIONS, SCOPES, account, asked, register
from tests.api.wire import PATIENCE, everything, problem, stored, upload
from tests.deployment import Running, running
from tests.detection.faces import photos

MADE = {"actions": [{"name": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}]}
ANOTHER_PHOTO = photos.jpeg(photos.mirrored())
"""Of her: not the one she registered with."""


@dataclass(frozen=True)
class Parties:
    """Who meets in this story, in one tenant."""

    up: Running
    token: str
    platform: httpx.Client
    """Where she has an account."""

    tool: httpx.Client
    """Which makes pictures."""


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    with running(tmp_path_factory.mktemp("registry")) as up:
        issued = up.operator.issue_key({"tool": "", "scopes": SCOPES, "source_types": [], "new_tenant": True})
        token = str(issued["token"])
        may = [Scope.LIKENESS_CHECK, Scope.SIGN, Scope.READ]
        by = replace(up.service.deployment.operator(), tenant=up.service.access.authenticate(token).tenant)
        grant = Grant("Imaginator", frozenset({DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA}))
        with up.http(token) as platform, up.http(up.service.access.issue(by, may, grant).token) as tool:
            yield Parties(up, token, platform, tool)


def ask(tool: httpx.Client, picture: bytes) -> dict[str, Any]:
    check = json.dumps({"purpose": "commercial", "nonce": "asked-by-a-user", "place": "FR"})
    parts: dict[str, Any] = {"file": ("who", picture), "check": (None, check, "application/json")}
    answer = tool.post("/v1/likeness-checks", files=parts)
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def absence(parties: Parties, withdrawn: dict[str, Any]) -> bytes:
    """The proof, once there is one."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = parties.platform.get(withdrawn["absence"])
        if answer.status_code == 200:
            return answer.content
        assert answer.status_code == 503, answer.text
        assert time.monotonic() < deadline, "no proof came"
        parties.up.service.housekeeping.generations.round()


def test_a_refusal_from_registering_to_the_proof_that_it_ended(parties: Parties) -> None:
    up, platform, tool = parties.up, parties.platform, parties.tool
    assert ask(tool, ANOTHER_PHOTO)["answer"] == "allowed", "nobody has refused yet"

    made = register(platform, asked(platform, account(up, parties.token, "her")))
    assert made.status_code == 201, made.text
    registration = made.json()["id"]

    refused = ask(tool, ANOTHER_PHOTO)
    assert refused["answer"] == "refused"
    assert refused["sentence"].startswith("This picture may not be used for this")
    assert registration not in json.dumps(refused)

    held = upload(tool, ANOTHER_PHOTO, {**MADE, "place": "FR"})
    assert (held.status_code, held.json()["state"]) == (202, "held"), held.text
    asset = held.json()
    problem(tool.get(asset["links"]["content"]), 409, "asset-held")

    log = platform.get(f"{REGISTRATIONS}/{registration}/matches").json()["matches"]
    assert [(line["caller"], line["outcome"]) for line in log] == [("uploader", "held"), ("creation_tool", "refused")]
    assert [line["entry"] for line in log] == [asset["ledger"]["entry"], refused["ledger"]["entry"]]
    objected = platform.post(
        f"{REGISTRATIONS}/{registration}/matches/{log[0]['id']}/response", json={"response": "objected"}
    )
    assert objected.status_code == 201, objected.text

    stolen_shows_nobodys_face(up)

    withdrawn = platform.post(f"{REGISTRATIONS}/{registration}/withdrawal")
    assert withdrawn.status_code == 200, withdrawn.text
    proof = absence(parties, withdrawn.json())
    assert absence_verifier.check(proof, up.service.ledger.vkey()).registration == registration
    up.service.registry.likeness.holds.end_withdrawn()
    problem(tool.get(asset["links"]["content"]), 409, "asset-held")  # she said no to it, and that stands
    assert ask(tool, ANOTHER_PHOTO)["answer"] == "allowed"
    assert up.service.ledger.verify().sound


def stolen_shows_nobodys_face(up: Running) -> None:
    """Every file but the keys, and every row: neither her photo nor what it was made into."""
    with Memfd.of([PORTRAIT_BYTES]) as file:
        embedding = look(up.service.registry.faces.workers.of("thief"), file).sightings[0].faces[0].embedding
    kept = everything(up) + stored(up)
    assert not any(PORTRAIT_BYTES[at : at + 48] in kept for at in range(256, len(PORTRAIT_BYTES) - 48, 512))
    assert not any(struct.pack("<4f", *embedding[at : at + 4]) in kept for at in range(0, 128, 4))
