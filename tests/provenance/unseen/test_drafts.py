"""A draft is finished in the file it is in, and then holds in every reader."""

from __future__ import annotations

import pytest

from detection.sandbox import Sandbox
from keys.certificates import UNSEEN_LEAF_NAME
from keys.signer import Algorithm, Purpose
from provenance.stamping import Signature
from provenance.trust import TrustPolicy
from provenance.unseen.drafts import Draft, DraftError, is_store
from provenance.verdict import Verdict
from tests.provenance.carriers import CARRIERS
from tests.provenance.house import House, draw
from tests.provenance.unseen.conftest import Drafted
from tests.provenance.unseen.tool import definition, draft

BIG = {"label": "com.example.big", "data": {"big": "a" * 150_000}}
"""Takes a store over several segments of a JPEG."""


def judge(drafted: Drafted, sandbox: Sandbox) -> House:
    return House(sandbox, drafted.signer, TrustPolicy.of({"this service": drafted.store.anchors()}))


@pytest.mark.parametrize("mime", CARRIERS)
def test_every_kind_is_finished(drafted: Drafted, sandbox: Sandbox, mime: str) -> None:
    file = draft(CARRIERS[mime], drafted.signer.chain, definition(BIG), mime)
    made = Draft.in_file(file, mime)
    finished = made.put(file, mime, made.finished(drafted.signer.sign(made.to_sign)))
    assert judge(drafted, sandbox).verify(file).verdict is Verdict.INVALID
    report = judge(drafted, sandbox).verify(finished)
    assert report.verdict is Verdict.TRUSTED
    assert report.signer is not None
    assert report.signer.common_name == UNSEEN_LEAF_NAME
    assert len(finished) == len(file)


def test_the_bytes_are_those_that_the_library_asked_for(drafted: Drafted) -> None:
    asked: list[bytes] = []

    def callback(claim: bytes) -> bytes:
        asked.append(claim)
        return bytes(64)

    file = draft(draw(), drafted.signer.chain, definition(), callback=callback)
    assert asked == [Draft.in_file(file, "image/jpeg").to_sign]


def test_ed25519_too(drafted: Drafted, sandbox: Sandbox) -> None:
    store = drafted.store
    ref = store.unseen_claims.make(Algorithm.ED25519)
    store.unseen_claims.certify(ref)
    signer = store.signer(Purpose.CLAIM_UNSEEN, ref.version)
    file = draft(draw("PNG"), signer.chain, definition(), "image/png", Algorithm.ED25519)
    made = Draft.in_file(file, "image/png")
    finished = made.put(file, "image/png", made.finished(signer.sign(made.to_sign)))
    assert judge(drafted, sandbox).verify(finished).verdict is Verdict.TRUSTED


def test_a_time_stamp_takes_the_place_of_padding(drafted: Drafted) -> None:
    stamped = drafted.draft.finished(bytes(64), b"t" * 5000)
    assert len(stamped) == len(drafted.draft.store)
    assert Signature.of(stamped).unprotected["sigTst2"]["tstTokens"][0]["val"] == b"t" * 5000


def test_a_store_beside_its_file_is_told_from_a_file(drafted: Drafted) -> None:
    assert is_store(drafted.draft.store)
    assert not is_store(draw())


@pytest.mark.parametrize("mime", CARRIERS)
def test_a_file_without_a_manifest_is_no_draft(mime: str) -> None:
    with pytest.raises(DraftError):
        Draft.in_file(CARRIERS[mime], mime)


@pytest.mark.parametrize(
    "damage", [b"", bytes(64), b"\xff\xd8\xff\xeb\x00\x02", b"GIF89a!\xff\x0bC2PA_GIF\x01\x00\x00\x09"]
)
def test_bytes_are_no_draft(drafted: Drafted, damage: bytes) -> None:
    for mime in ("image/jpeg", "image/gif", "image/png"):
        with pytest.raises(DraftError):
            Draft.in_file(damage, mime)
    with pytest.raises(DraftError):
        Draft.of(drafted.draft.store[:-1])


def test_a_signature_of_another_length_is_refused(drafted: Drafted) -> None:
    with pytest.raises(DraftError):
        drafted.draft.finished(bytes(63))


def test_the_store_is_there_twice(drafted: Drafted) -> None:
    with pytest.raises(DraftError, match="once"):
        drafted.draft.put(drafted.draft.store * 2, "image/webp", drafted.draft.store)
