"""Films and sounds from end to end: examined, signed, trusted; the same content after it, and no tampering unseen."""

from __future__ import annotations

import pytest

from cases.signing import content
from detection.examination import Examination
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from provenance.manifest import CONTENT_LABEL, define
from provenance.sign import sign
from provenance.validation import EXAMINE_SECONDS, EXAMINE_SECONDS_PER_MEBIBYTE, examination_seconds, examine
from provenance.verdict import Verdict
from provenance.vocabulary import SIDECAR_TYPES
from tests.detection.recordings import RECORDINGS
from tests.provenance.house import GENERATOR, REQUEST, House

MIMES = {
    **dict.fromkeys(("mp4", "fragmented mp4"), "video/mp4"),
    "mov": "video/quicktime",
    "m4a": "audio/mp4",
    "wav": "audio/wav",
    **dict.fromkeys(("mp3", "mp3 without a tag"), "audio/mpeg"),
    "flac": "audio/flac",
    **dict.fromkeys(("webm", "live webm"), "video/webm"),
    **dict.fromkeys(("opus", "vorbis", "flac in ogg"), "audio/ogg"),
}


def examined(house: House, file: bytes) -> Examination:
    with Memfd.of([file]) as upload:
        return examine(house.sandbox, upload, None, house.trust)[0]


def signed(house: House, file: bytes) -> tuple[bytes, bytes]:
    """The signed file, and its manifest where that is beside it."""
    found = examined(house, file)
    with Memfd.of([file]) as upload:
        definition = define(REQUEST, content(found), Verdict.ABSENT, GENERATOR)
        made = sign(house.sandbox, house.signer, upload, definition, house.trust)
        with made.content as signed:
            return signed.read(signed.size), made.manifest_store if found.mime in SIDECAR_TYPES else b""


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_signed_file_is_trusted_and_its_content_the_same(house: House, name: str) -> None:
    file = RECORDINGS[name]
    made, beside = signed(house, file)
    assert house.verify(made, beside).verdict is Verdict.TRUSTED
    assert CONTENT_LABEL.encode() in (beside or made)
    before, after = examined(house, file), examined(house, made)
    assert (before.mime, after.content) == (MIMES[name], before.content)


@pytest.mark.parametrize("name", RECORDINGS)
def test_tampering_is_noticed(house: House, name: str) -> None:
    file = RECORDINGS[name]
    made, beside = signed(house, file)
    changed = bytearray(made)
    changed[made.index(file[-3000:-2900])] ^= 1
    assert house.verify(bytes(changed), beside).verdict is Verdict.INVALID


def test_a_larger_upload_may_take_longer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: list[float] = []
    run = Sandbox.run

    def watched(self: Sandbox, *arguments: object, **options: float) -> object:
        seconds.append(options["timeout"])
        return run(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Sandbox, "run", watched)
    examined(house, RECORDINGS["mp4"])
    assert seconds == [examination_seconds(len(RECORDINGS["mp4"]))]
    assert examination_seconds(50 * 2**20) == EXAMINE_SECONDS + 50 * EXAMINE_SECONDS_PER_MEBIBYTE
