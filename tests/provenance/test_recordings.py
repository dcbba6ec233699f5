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
from tests.detection.films import Film, remuxed, sound, tone, write
from tests.provenance.house import GENERATOR, REQUEST, House

FILM = write(Film())
FILES = {
    "mp4": ("video/mp4", FILM),
    "fragmented mp4": ("video/mp4", remuxed(FILM, "mp4", movflags="frag_keyframe+empty_moov")),
    "mov": ("video/quicktime", remuxed(FILM, "mov")),
    "m4a": ("audio/mp4", sound("ipod", "alac", tone(2.5))),
    "wav": ("audio/wav", sound("wav", "pcm_s16le", tone(2.5))),
    "mp3": ("audio/mpeg", sound("mp3", "libmp3lame", tone(2.5))),
    "mp3 without a tag": ("audio/mpeg", sound("mp3", "libmp3lame", tone(2.5), id3v2_version="0")),
    "flac": ("audio/flac", sound("flac", "flac", tone(2.5))),
}


def examined(house: House, file: bytes) -> Examination:
    with Memfd.of([file]) as upload:
        return examine(house.sandbox, upload, None, house.trust)[0]


def signed(house: House, file: bytes) -> bytes:
    found = examined(house, file)
    with Memfd.of([file]) as upload:
        definition = define(REQUEST, content(found), Verdict.ABSENT, GENERATOR)
        with sign(house.sandbox, house.signer, upload, definition, house.trust).content as made:
            return made.read(made.size)


@pytest.mark.parametrize("name", FILES)
def test_a_signed_file_is_trusted_and_its_content_the_same(house: House, name: str) -> None:
    mime, file = FILES[name]
    made = signed(house, file)
    assert house.verify(made).verdict is Verdict.TRUSTED
    assert CONTENT_LABEL.encode() in made
    before, after = examined(house, file), examined(house, made)
    assert (before.mime, after.content) == (mime, before.content)


@pytest.mark.parametrize("name", FILES)
def test_tampering_is_noticed(house: House, name: str) -> None:
    file = FILES[name][1]
    made = bytearray(signed(house, file))
    made[made.index(file[-3000:-2900])] ^= 1
    assert house.verify(bytes(made)).verdict is Verdict.INVALID


def test_a_larger_upload_may_take_longer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: list[float] = []
    run = Sandbox.run

    def watched(self: Sandbox, *arguments: object, **options: float) -> object:
        seconds.append(options["timeout"])
        return run(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Sandbox, "run", watched)
    examined(house, FILM)
    assert seconds == [examination_seconds(len(FILM))]
    assert examination_seconds(50 * 2**20) == EXAMINE_SECONDS + 50 * EXAMINE_SECONDS_PER_MEBIBYTE
