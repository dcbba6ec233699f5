"""Signing through the sandbox: the key stays here, and what comes back is whole."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import pytest
from PIL import Image

from detection.errors import WorkerProtocolError
from detection.memfd import Memfd
from detection.process import Reply
from detection.sandbox import Sandbox
from keys.errors import KeyStoreSealedError
from keys.signer import Algorithm, KeyRef, Signer
from provenance.errors import ClaimBytesError, ManifestBuildError
from provenance.manifest import define
from provenance.sign import sign
from provenance.validation import examine
from provenance.verdict import Verdict
from tests.provenance.house import GENERATOR, MIMES, REQUEST, House, content, draw


@dataclass(frozen=True)
class BrokenSigner:
    """The house's key, in a store that fails: it raises, or signs with something else."""

    signer: Signer
    failure: Exception | None = None
    ref: KeyRef = KeyRef("sigillo-claim", 1)  # noqa: RUF009  a value, frozen like the rest
    algorithm: Algorithm = Algorithm.ES256

    @property
    def chain(self) -> str:
        return self.signer.chain

    @property
    def public_key(self) -> bytes:
        return self.signer.public_key

    def sign(self, message: bytes) -> bytes:
        if self.failure is not None:
            raise self.failure
        return self.signer.sign(message + b"!")


@pytest.mark.parametrize("kind", MIMES)
def test_a_signed_picture_is_trusted_and_looks_the_same(house: House, kind: str) -> None:
    data = draw(kind)
    signed = house.signed(data, mime=MIMES[kind])
    assert house.verify(signed).verdict is Verdict.TRUSTED
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(signed))
    assert before.tobytes() == after.tobytes()
    assert after.format == kind


def test_the_asset_carries_its_label_its_key_and_its_manifest_store(house: House) -> None:
    asset = house.sign(draw())
    with asset.content as file:
        assert file.sealed
        report = house.verify(file.read(file.size))
    assert report.label == asset.label
    assert asset.key == house.signer.ref
    assert asset.manifest_store[4:8] == b"jumb"
    assert asset.label.encode() in asset.manifest_store


def test_the_label_comes_from_the_entropy_that_was_passed_in(house: House) -> None:
    definition = define(REQUEST, content(draw()), Verdict.ABSENT, GENERATOR)
    with Memfd.of([draw()]) as upload:
        asset = sign(house.sandbox, house.signer, upload, definition, house.trust, entropy=bytes)
    asset.content.close()
    assert asset.label == "urn:c2pa:00000000-0000-4000-8000-000000000000"


def test_a_sealed_key_store_is_reported_as_itself(house: House) -> None:
    failing = replace(house, signer=BrokenSigner(house.signer, KeyStoreSealedError("unseal it")))
    with pytest.raises(KeyStoreSealedError, match="unseal it"):
        failing.sign(draw())
    assert house.verify(house.signed(draw())).verdict is Verdict.TRUSTED


def test_a_long_outage_of_the_key_store_uses_up_no_worker(house: House) -> None:
    failing = replace(house, signer=BrokenSigner(house.signer, KeyStoreSealedError("unseal it")))
    for _ in range(100):  # more than the descriptors all workers have
        with pytest.raises(KeyStoreSealedError):
            failing.sign(draw())
    assert house.verify(house.signed(draw())).verdict is Verdict.TRUSTED


def test_a_signature_that_does_not_fit_its_certificate_is_not_handed_out(house: House) -> None:
    broken = replace(house, signer=BrokenSigner(house.signer))
    with pytest.raises(ManifestBuildError, match="signature does not match"):
        broken.sign(draw())
    with pytest.raises(ManifestBuildError, match=r"would be invalid \(claimSignature.mismatch\)"):
        broken.sign(house.signed(draw()))


def test_what_cannot_be_built_says_why(house: House) -> None:
    definition = define(REQUEST, content(draw(), "image/heic"), Verdict.ABSENT, GENERATOR)
    with Memfd.of([draw()]) as upload, pytest.raises(ManifestBuildError, match="could not be built"):
        sign(house.sandbox, house.signer, upload, definition, house.trust)


def test_a_worker_that_asks_for_another_signature_gets_none(house: House) -> None:
    class Hijacked(Sandbox):
        def __init__(self) -> None:
            """Hold no workers."""

        def run(self, job: str, *args: object, **named: object) -> Reply:
            answer = args[2]
            assert callable(answer)
            answer(b"Pay Mallory")
            raise AssertionError

    definition = define(REQUEST, content(draw()), Verdict.ABSENT, GENERATOR)
    with Memfd.of([draw()]) as upload, pytest.raises(ClaimBytesError):
        sign(Hijacked(), house.signer, upload, definition, house.trust)


@pytest.mark.parametrize("files", [0, 1, 3])
def test_a_worker_that_hands_over_too_much_or_too_little_is_not_believed(house: House, files: int) -> None:
    made = tuple(Memfd.of([b"x"]) for _ in range(files))

    class Hijacked(Sandbox):
        def __init__(self) -> None:
            """Hold no workers."""

        def run(self, job: str, *args: object, **named: object) -> Reply:
            return Reply({}, made)

    definition = define(REQUEST, content(draw()), Verdict.ABSENT, GENERATOR)
    with Memfd.of([draw()]) as upload, pytest.raises(WorkerProtocolError):
        sign(Hijacked(), house.signer, upload, definition, house.trust)
    for memfd in made:
        with pytest.raises(ValueError, match="closed"):
            memfd.fileno()


def test_a_manifest_store_too_large_to_keep_is_refused_and_nothing_stays_open(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.sign.MAX_MANIFEST_STORE_BYTES", 2)
    content_, store = Memfd.of([b"signed"]), Memfd.of([b"big"])

    class Replaying(Sandbox):
        def __init__(self) -> None:
            """Hold no workers."""

        def run(self, job: str, *args: object, **named: object) -> Reply:
            return Reply({}, (content_, store))

    definition = define(REQUEST, content(draw()), Verdict.ABSENT, GENERATOR)
    with Memfd.of([draw()]) as upload, pytest.raises(ManifestBuildError, match="more than 2 bytes"):
        sign(Replaying(), house.signer, upload, definition, house.trust)
    for memfd in (content_, store):
        with pytest.raises(ValueError, match="closed"):
            memfd.fileno()


def test_an_uploads_broken_history_is_told_in_codes_and_words(house: House) -> None:
    signed = house.signed(draw())
    changed = house.signed(signed[:-200] + bytes([signed[-200] ^ 0xFF]) + signed[-199:])
    with Memfd.of([changed]) as upload:
        _, history, _ = examine(house.sandbox, upload, None, house.trust)
    assert (history.verdict, history.ancestry) == (Verdict.TRUSTED, Verdict.INVALID)
    assert history.failures == ("assertion.dataHash.mismatch",)
    assert history.sentence.endswith("An earlier version does not hold: assertion.dataHash.mismatch.")


def test_an_upload_is_examined_together_with_its_history(house: House) -> None:
    signed = house.signed(draw())
    for data, verdict in ((draw(), Verdict.ABSENT), (signed, Verdict.TRUSTED)):
        with Memfd.of([data]) as upload:
            examination, history, _ = examine(house.sandbox, upload, "image/jpeg", house.trust)
        assert (examination.content.width, examination.content.height) == (64, 48)
        assert (history.verdict, history.ancestry) == (verdict, None)
        assert (history.label is None) == (verdict is Verdict.ABSENT)
