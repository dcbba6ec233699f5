"""A manifest that nobody made the file from says nothing of it, wherever in its store it lies."""

from __future__ import annotations

import cbor2

from provenance.marking import Mark, of_report
from provenance.stamping import Signature, carried, place
from provenance.unseen.drafts import Draft
from provenance.verdict import Verdict
from provenance.vocabulary import DigitalSourceType
from tests.provenance.forger import actions, forge
from tests.provenance.house import House, draw

TRAINED = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
SIGN1 = 18


def padded(store: bytes, room: int) -> bytes:
    """The store with so many bytes of padding in its signature, which no signature covers."""
    found = Signature.of(store)
    header = {**found.unprotected, "pad": bytes(room)}
    written = cbor2.dumps(cbor2.CBORTag(SIGN1, [found.protected, header, found.payload, found.signature]))
    return relengthed(store[: found.start] + written, len(written) - (len(store) - found.start), found.start)


def relengthed(store: bytes, more: int, inside: int) -> bytes:
    """The lengths of every box that reaches around a place, by so much more."""
    made, at = bytearray(store), 0
    end = len(store) - more
    while True:
        size = int.from_bytes(store[at : at + 4])
        if at + size == end and at < inside:
            made[at : at + 4] = (size + more).to_bytes(4)
            if store[at + 4 : at + 8] != b"jumb":
                return bytes(made)
            at += 8
        else:
            at += size


def beside(store: bytes, other: bytes) -> bytes:
    """The store with another's manifests before its own, as long as it was."""
    head = 8 + int.from_bytes(store[8:12])
    slim = padded(other, 0)
    more = slim[8 + int.from_bytes(slim[8:12]) :]
    for room in range(len(store), -1, -1):
        own = padded(store, room)
        if len(own) + len(more) == len(store):
            joined = own[:head] + more + own[head:]
            return len(joined).to_bytes(4) + joined[4:]
    raise AssertionError("no room")


def test_what_is_put_beside_the_manifests_says_nothing_of_the_file(house: House, stranger: House) -> None:
    """The store is signed by nobody: a photograph is not made to say that it was generated."""
    created = {"action": "c2pa.created", "digitalSourceType": str(TRAINED)}
    _, other = forge(stranger, {"assertions": [actions(created)]}, file=draw("PNG"), mime="image/png")
    with house.sign(draw()).content as kept:
        file = kept.read(kept.size)
    store = Draft.in_file(file, "image/jpeg").store
    start, form = place(file, "image/jpeg", store), carried(beside(store, other), "image/jpeg")
    changed = file[:start] + form + file[start + len(form) :]
    assert len(changed) == len(file)
    report = house.verify(changed)
    assert report.verdict in {Verdict.TRUSTED, Verdict.UNTRUSTED}, "the signature of its own manifest holds"
    assert report.source_types == house.verify(file).source_types == ()
    assert of_report(report).mark is Mark.NONE
