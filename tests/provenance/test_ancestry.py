"""Ancestors are judged by everything the store says of them, whoever filed it and wherever."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.ancestry import trace
from provenance.report import MAX_DEPTH, MAX_INGREDIENTS
from provenance.verdict import Verdict
from tests.provenance.forger import CREATED, actions, forge, label_of, over, record
from tests.provenance.house import House, draw

TRUSTED = "signingCredential.trusted"
UNTRUSTED = "signingCredential.untrusted"
VALIDATED = "claimSignature.validated"


def flipped(file: bytes) -> bytes:
    """The last pixels changed."""
    return file[:-200] + bytes([file[-200] ^ 0xFF]) + file[-199:]


def test_a_tampered_parent_is_named_under_a_sound_signature(house: House) -> None:
    report = house.verify(house.signed(flipped(house.signed(draw()))))
    assert (report.verdict, report.ancestry) == (Verdict.TRUSTED, Verdict.INVALID)
    assert report.ingredients[0].verdict is Verdict.INVALID
    assert report.ingredients[0].failures == ("assertion.dataHash.mismatch",)


def test_a_tampered_grandparent_is_named_too(house: House) -> None:
    report = house.verify(house.signed(house.signed(flipped(house.signed(draw())))))
    assert (report.verdict, report.ancestry) == (Verdict.TRUSTED, Verdict.INVALID)
    assert [(node.depth, node.verdict) for node in report.ingredients] == [
        (1, Verdict.TRUSTED),
        (2, Verdict.INVALID),
        (3, None),
    ]


def test_an_edit_keeps_its_parent(house: House) -> None:
    parent = house.signed(draw())
    report = house.verify(house.signed(parent))
    assert (report.verdict, report.ancestry) == (Verdict.TRUSTED, Verdict.TRUSTED)
    node = report.ingredients[0]
    assert (node.relationship, node.label) == ("parentOf", label_of(parent))
    assert (node.title, node.signer) == ("Harbour at noon", "Sigillo claim signer")


def test_an_untrusted_parent_is_untrusted_and_the_file_is_not(house: House, stranger: House) -> None:
    report = house.verify(house.signed(stranger.signed(draw())))
    assert (report.verdict, report.ancestry) == (Verdict.TRUSTED, Verdict.UNTRUSTED)


def test_a_parent_with_a_broken_manifest_is_signed_over_and_said_to_be_unreadable(house: House) -> None:
    parent = bytearray(house.signed(draw()))
    parent[parent.index(b"jumdc2pa") + 12] ^= 0xFF
    assert house.verify(bytes(parent)).verdict is Verdict.UNREADABLE
    report = house.verify(house.signed(bytes(parent)))
    assert (report.verdict, report.ancestry) == (Verdict.TRUSTED, None)
    assert len(report.ingredients) == 1


@pytest.mark.parametrize(
    ("success", "failure"),
    [
        ([TRUSTED, VALIDATED], []),  # says it was fine
        ([], []),  # says nothing
        ([UNTRUSTED, TRUSTED, VALIDATED], []),  # files the failure as a success, which c2pa-rs then leaves out
        ([TRUSTED, VALIDATED, UNTRUSTED], [UNTRUSTED]),  # says both
    ],
)
def test_a_liar_cannot_make_a_strangers_parent_trusted(
    house: House, stranger: House, success: list[str], failure: list[str]
) -> None:
    parent, store = forge(stranger, {"assertions": [actions(CREATED)]})
    results = record(success, failure, label_of(parent))
    report = house.verify(forge(house, over(parent, results), store=store)[0])
    assert report.ancestry is Verdict.UNTRUSTED
    assert report.verdict in {Verdict.TRUSTED, Verdict.UNTRUSTED}


@pytest.mark.parametrize("code", ["assertion.hashedURI.mismatch", "claimSignature.mismatch"])
def test_a_liar_cannot_hide_a_changed_parent_manifest(house: House, code: str) -> None:
    parent, store = forge(house, {"assertions": [actions(CREATED)]})
    changed = store.replace(b"digitalCapture", b"digitalSapture")
    assert changed != store
    url = f"self#jumbf=/c2pa/{label_of(parent)}/c2pa.assertions/c2pa.actions.v2"
    lie = {"activeManifest": {"success": [{"code": code, "url": url}], "informational": [], "failure": []}}
    report = house.verify(forge(house, over(parent, lie), store=changed)[0])
    assert report.ancestry is Verdict.INVALID


def test_a_manifest_that_is_not_there_is_not_trusted(house: House) -> None:
    parent = house.signed(draw())
    definition = over(parent, record([TRUSTED, VALIDATED], [], label_of(parent)))
    del definition["ingredients"][0]["manifest_data"]
    report = house.verify(forge(house, definition)[0])
    assert report.ancestry in {None, Verdict.UNREADABLE, Verdict.INVALID}
    assert report.ingredients[0].verdict is not Verdict.TRUSTED


# The rest is written by hand: stores that no builder makes.


def store_of(manifests: dict[str, list[dict[str, Any]]], **results: Any) -> dict[str, Any]:
    return {
        "active_manifest": "outer",
        "manifests": {label: {"ingredients": ingredients} for label, ingredients in manifests.items()},
        "validation_results": results,
    }


def to(label: str, *codes: str, kind: str = "success", number: int = 0) -> dict[str, Any]:
    statuses = [{"code": code, "url": f"self#jumbf=/c2pa/{label}/c2pa.signature"} for code in codes]
    name = "c2pa.ingredient.v3" + (f"__{number}" if number else "")
    return {"label": name, "active_manifest": label, "validation_results": {"activeManifest": {kind: statuses}}}


def test_without_evidence_there_is_no_trust() -> None:
    assert trace(store_of({"outer": [to("a")], "a": []})).verdict is Verdict.UNTRUSTED
    assert trace(store_of({"outer": [to("a", TRUSTED)], "a": []})).verdict is Verdict.UNTRUSTED
    assert trace(store_of({"outer": [to("a", TRUSTED, VALIDATED)], "a": []})).verdict is Verdict.TRUSTED


def test_a_failure_recorded_where_no_ingredient_leads_still_counts() -> None:
    manifests = {
        "outer": [to("a", TRUSTED, VALIDATED)],
        "a": [],
        "stray": [to("a", "claimSignature.mismatch", kind="informational")],
    }
    assert trace(store_of(manifests)).verdict is Verdict.INVALID


def test_a_recorded_status_about_the_outer_manifest_is_about_the_ingredient_that_recorded_it() -> None:
    ingredient = to("a", TRUSTED, VALIDATED)
    ingredient["validation_results"]["activeManifest"]["failure"] = [
        {"code": "claimSignature.mismatch", "url": "self#jumbf=/c2pa/outer/c2pa.signature"}
    ]
    assert trace(store_of({"outer": [ingredient], "a": []})).verdict is Verdict.INVALID


def test_trust_found_now_outweighs_distrust_recorded_then() -> None:
    manifests = {"outer": [to("a", UNTRUSTED, kind="failure")], "a": []}
    uri = "self#jumbf=/c2pa/outer/c2pa.assertions/c2pa.ingredient.v3"
    found = [{"code": code, "url": "self#jumbf=/c2pa/a/c2pa.signature"} for code in (TRUSTED, VALIDATED)]
    deltas = [{"ingredientAssertionURI": uri, "validationDeltas": {"success": found}}]
    assert trace(store_of(manifests)).verdict is Verdict.UNTRUSTED
    assert trace(store_of(manifests, ingredientDeltas=deltas)).verdict is Verdict.TRUSTED


def test_a_failure_found_now_counts_wherever_its_url_points() -> None:
    manifests = {"outer": [to("a", TRUSTED, VALIDATED)], "a": []}
    uri = "self#jumbf=/c2pa/outer/c2pa.assertions/c2pa.ingredient.v3"
    for url in ("", "self#jumbf=/c2pa/outer/x", "self#jumbf=/c2pa/a/x", "self#jumbf=/c2pa/nowhere/x"):
        failure = [{"code": "ingredient.manifest.mismatch", "url": url}]
        deltas = [{"ingredientAssertionURI": uri, "validationDeltas": {"failure": failure}}]
        ancestry = trace(store_of(manifests, ingredientDeltas=deltas))
        assert (ancestry.verdict, ancestry.tree[0].verdict) == (Verdict.INVALID, Verdict.INVALID)


def test_the_single_list_of_old_ingredients_is_read() -> None:
    old = {"label": "c2pa.ingredient", "validation_status": [{"code": "claimSignature.mismatch"}]}
    new = {"label": "c2pa.ingredient", "validation_status": [{"code": "com.example.broken"}]}
    fine = {"label": "c2pa.ingredient", "validation_status": [{"code": VALIDATED}]}
    assert trace(store_of({"outer": [old]})).verdict is Verdict.INVALID
    assert trace(store_of({"outer": [new]})).verdict is Verdict.INVALID
    assert trace(store_of({"outer": [fine]})).verdict is None


def test_a_cycle_ends() -> None:
    ancestry = trace(store_of({"outer": [to("a")], "a": [to("b")], "b": [to("a"), to("outer", number=1)]}))
    assert [node.label for node in ancestry.tree] == ["a", "b", "a", "outer"]
    assert not ancestry.truncated


def test_the_tree_is_cut_and_the_verdict_is_not() -> None:
    wide = {"outer": [to(f"m{n}", TRUSTED, VALIDATED, number=n) for n in range(MAX_INGREDIENTS + 5)]}
    wide |= {f"m{n}": [] for n in range(MAX_INGREDIENTS + 5)}
    wide["outer"].append(to("last", "assertion.dataHash.mismatch", kind="failure", number=999))
    ancestry = trace(store_of(wide | {"last": []}))
    assert (len(ancestry.tree), ancestry.truncated, ancestry.verdict) == (MAX_INGREDIENTS, True, Verdict.INVALID)

    deep = {"outer": [to("m0")]} | {f"m{n}": [to(f"m{n + 1}")] for n in range(MAX_DEPTH + 5)}
    ancestry = trace(store_of(deep))
    assert (len(ancestry.tree), ancestry.truncated) == (MAX_DEPTH, True)


def test_a_bush_that_doubles_at_every_step_is_cut() -> None:
    bush = {f"m{n}": [to(f"m{n + 1}"), to(f"m{n + 1}", number=1)] for n in range(25)}
    ancestry = trace(store_of({"outer": [to("m0")]} | bush))
    assert (len(ancestry.tree), ancestry.truncated) == (MAX_INGREDIENTS, True)
