"""A lineage has every manifest of a store once, whatever its shape, and judges each by the same evidence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from detection.memfd import Memfd
from provenance.descent import parse_descent
from provenance.lineage import MAX_TRACED, Lineage
from provenance.manifest import MAX_MANIFEST_STORE_BYTES
from provenance.report import VerificationReport
from provenance.validation import trace, trace_alone
from provenance.verdict import Verdict
from tests.hostile.manifests import carrying
from tests.provenance.forger import CREATED, OPENED, actions, forge, label_of
from tests.provenance.house import House, draw
from tests.provenance.shapes import chain
from tests.provenance.test_ancestry import flipped

PARENT = {"label": "parent", "relationship": "parentOf", "format": "image/jpeg"}


def traced(house: House, file: bytes, *, alone: bool = False) -> tuple[VerificationReport, Lineage]:
    with Memfd.of([file]) as memfd:
        found = (trace_alone if alone else trace)(house.sandbox, memfd, house.trust)
    return found.report, found.lineage


def store_of(house: House, file: bytes) -> bytes:
    signed = house.sign(file)
    signed.content.close()
    return signed.manifest_store


def test_every_generation_is_there_once_with_what_it_states(house: House) -> None:
    first = house.signed(draw())
    second = house.signed(first)
    report, found = traced(house, house.signed(second))
    assert [one.id for one in found.files] == [report.label, label_of(second), label_of(first), found.files[3].id]
    assert [one.verdict for one in found.files] == [Verdict.TRUSTED] * 3 + [None]
    assert [(step.made, step.of, step.relationship) for step in found.steps] == [
        (made.id, of.id, "parentOf") for made, of in zip(found.files, found.files[1:], strict=False)
    ]
    assert {tool.name for tool in found.files[1].tools} == {"Sigillo", "Brush"}
    assert found.files[1].signer is not None
    assert found.files[1].signer.common_name == "Sigillo claim signer"
    assert not found.truncated


def test_a_manifests_digest_is_the_same_in_every_later_file(house: House) -> None:
    signed = house.sign(draw())
    with signed.content as content:
        first = content.read(content.size)
    for later in (first, house.signed(first), house.signed(house.signed(first))):
        files = {one.id: one.sha256 for one in traced(house, later)[1].files}
        assert files[signed.label] == signed.manifest_sha256


def test_a_tampered_ancestor_is_judged_as_in_the_report(house: House) -> None:
    file = house.signed(house.signed(flipped(house.signed(draw()))))
    report, found = traced(house, file)
    assert report == house.verify(file)
    assert [one.verdict for one in found.files[:3]] == [Verdict.TRUSTED, Verdict.TRUSTED, Verdict.INVALID]
    assert found.files[2].failures == ("assertion.dataHash.mismatch",)


def test_what_two_ways_lead_to_is_there_once(house: House) -> None:
    """Of two ingredients each, and both the same: a tree of it doubles with every generation."""
    file = forge(house, {"assertions": [actions(CREATED)]})[0]
    for _ in range(12):
        twice = {**PARENT, "label": "again", "relationship": "componentOf"}
        file = _with_both(house, file, twice)
    report, found = traced(house, file)
    assert report.truncated  # the report's tree
    assert not found.truncated
    assert len(found.files) == 13
    assert [step.relationship for step in found.steps] == ["componentOf", "parentOf"] * 12


def _with_both(house: House, file: bytes, again: dict[str, str]) -> bytes:
    import io

    from c2pa import Builder, C2paSigningAlg, Context, Signer

    definition = {"claim_generator_info": [{"name": "Forger"}], "assertions": [actions(OPENED)]}
    quiet = {"version": 1, "verify": {"verify_after_sign": False}, "builder": {"thumbnail": {"enabled": False}}}
    out = io.BytesIO()
    with (
        Context.from_dict(quiet) as context,
        Builder(definition, context) as builder,
        Signer.from_callback(house.signer.sign, C2paSigningAlg.ES256, house.signer.chain) as signer,
    ):
        for ingredient in (PARENT, again):
            builder.add_ingredient(ingredient, "image/jpeg", io.BytesIO(file))
        builder.sign(signer, "image/jpeg", io.BytesIO(file), out)
    return out.getvalue()


def test_a_store_alone_says_nothing_of_the_file_and_all_else(house: House, stranger: House) -> None:
    parent = stranger.signed(draw())
    report, found = traced(house, store_of(house, parent), alone=True)
    assert (report.verdict, report.ancestry) == (Verdict.TRUSTED, Verdict.UNTRUSTED)
    assert [one.verdict for one in found.files[:2]] == [Verdict.TRUSTED, Verdict.UNTRUSTED]
    report, _ = traced(stranger, store_of(house, parent), alone=True)
    assert (report.verdict, report.ancestry) == (Verdict.UNTRUSTED, Verdict.TRUSTED)


def test_a_changed_store_does_not_hold_alone(house: House) -> None:
    store = store_of(house, house.signed(draw()))
    for word in (b"Brush", b"Harbour"):
        for at in (store.index(word), store.rindex(word)):
            changed = store[:at] + b"X" + store[at + 1 :]
            report, _ = traced(house, changed, alone=True)
            assert Verdict.INVALID in (report.verdict, report.ancestry), (word, at)


@pytest.mark.parametrize("length", [3, 30])
def test_a_lineage_that_leads_back_to_itself_cannot_be_read(house: House, length: int) -> None:
    for file, alone in (
        (chain(house, length, cyclic=True), True),
        (carrying(chain(house, length, cyclic=True)), False),
    ):
        report, found = traced(house, file, alone=alone)
        assert (report.verdict, found.files) == (Verdict.UNREADABLE, ())
        assert "cyclic" in str(report.statuses.failure[0].explanation)


def test_a_lineage_deeper_than_two_hundred_cannot_be_read(house: House) -> None:
    report, found = traced(house, chain(house, 1000), alone=True)
    assert (report.verdict, found.files) == (Verdict.UNREADABLE, ())
    assert "depth" in str(report.statuses.failure[0].explanation)


def test_ten_thousand_generations_are_refused_before_one_is_looked_at(house: House) -> None:
    store = chain(house, 10_000)
    assert len(store) > MAX_MANIFEST_STORE_BYTES
    report, found = traced(house, carrying(store))
    assert (report.verdict, found.files) == (Verdict.UNREADABLE, ())
    assert "1000 manifests" in str(report.statuses.failure[0].explanation)
    small = chain(house, 900) + bytes(MAX_MANIFEST_STORE_BYTES)
    assert "depth" in str(house.verify(carrying(small)).statuses.failure[0].explanation)


@pytest.mark.parametrize("size", [MAX_MANIFEST_STORE_BYTES, 50_000_000])
def test_a_manifest_of_many_megabytes_is_refused_before_they_are_validated(house: House, size: int) -> None:
    thumbnail = {"format": "image/jpeg", "identifier": "p.c2pa"}
    file, store = forge(house, {"assertions": [actions(CREATED)], "thumbnail": thumbnail}, store=bytes(size))
    assert len(store) > size
    assert str(MAX_MANIFEST_STORE_BYTES) in str(traced(house, file)[0].statuses.failure[0].explanation)


def test_a_large_film_without_a_large_manifest_is_read(house: House) -> None:
    file = house.signed(draw())
    assert traced(house, file + bytes(MAX_MANIFEST_STORE_BYTES))[0].verdict is not Verdict.UNREADABLE


def test_a_worker_that_sends_too_much_is_not_believed() -> None:
    whole = {"verdict": "trusted", "trust": "policy"}
    one: dict[str, Any] = {"id": "a", "title": None, "format": None, "verdict": "trusted", "failures": []}
    assert parse_descent({"report": whole, "lineage": {"files": [one]}}).lineage.files[0].verdict is Verdict.TRUSTED
    answers: tuple[object, ...] = (
        {"files": [one] * (MAX_TRACED + 1)}, {"files": [{**one, "verdict": "fine"}]}, None, [], {"files": 1},
    )  # fmt: skip
    for answer in answers:
        with pytest.raises(Exception, match="lineage"):
            parse_descent({"report": whole, "lineage": answer})


def test_a_cut_lineage_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from provenance import jobs, tracing

    file = house.signed(house.signed(draw()))
    monkeypatch.setattr(tracing, "MAX_TRACED", 1)
    with Memfd.of([file]) as memfd:
        answer, _ = jobs.verify({"trust": house.trust.settings, "traced": True}, [memfd.fileno()], lambda _: b"")
    found = parse_descent(json.loads(json.dumps(answer["descent"]))).lineage
    assert (len(found.files), found.steps, found.truncated) == (1, (), True)
    assert replace(found, truncated=False) != found
