"""Assertions of any shape become bounded parts or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.report import MAX_SOURCE_TYPES, REPORT, StatedTool, StatedUse, VerificationReport
from provenance.stated import Stated, source_types_in
from provenance.verdict import Verdict

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
LABELS = st.sampled_from(
    [
        "c2pa.actions",
        "c2pa.actions.v2",
        "cawg.metadata",
        "cawg.training-mining",
        "c2pa.training-mining",
        "org.sigillo.content",
        "org.sigillo.model",
        "org.sigillo.likeness-check",
    ]
)
KEYS = st.sampled_from(
    ["actions", "entries", "name", "version", "width", "height", "mime", "sha256", "dc:creator", "use", "parameters"]
)
DATA = JSON | st.dictionaries(KEYS, JSON)
ASSERTIONS = st.lists(JSON | st.fixed_dictionaries({"label": LABELS, "data": DATA}))
MANIFESTS = st.fixed_dictionaries(
    {"assertions": JSON | ASSERTIONS, "title": JSON, "claim_generator_info": JSON, "claim_generator": JSON}
)


@given(MANIFESTS)
def test_any_manifest_gives_parts_that_a_report_can_carry(manifest: dict[str, Any]) -> None:
    stated = Stated(manifest)
    report = VerificationReport(
        Verdict.TRUSTED,
        "policy",
        title=stated.title(),
        generators=stated.generators(),
        actions=stated.actions()[0],
        model=stated.model(),
        training_mining=stated.training_mining(),
        author=stated.author(),
        content=stated.content(),
        likeness_check=stated.likeness_check(),
        source_types=source_types_in({"manifests": {"a": manifest, "b": manifest}}, "ab"),
    )
    assert REPORT.validate_python(REPORT.dump_python(report, mode="json")) == report


def manifest(label: str, data: Any) -> Stated:
    return Stated({"assertions": [{"label": label, "data": data}]})


CONTENT = {
    "mime": "image/png",
    "width": 3,
    "height": 2,
    "sha256": "a",
    "content_hash": "b",
    "normal_form": "c",
    "decoder": "d",
}


@pytest.mark.parametrize(
    "change",
    [
        {"width": True},
        {"duration": "x"},
        {"width": -1},
        {"height": "2"},
        {"height": 2**31},
        {"width": 1.5},
        {"mime": None},
        {"sha256": 1},
    ],
)
def test_a_content_assertion_of_another_shape_is_left_out(change: dict[str, Any]) -> None:
    assert manifest("org.sigillo.content", CONTENT).content() is not None
    assert manifest("org.sigillo.content", CONTENT | change).content() is None


def test_the_first_versions_way_of_naming_software_is_read() -> None:
    assert Stated({"claim_generator": "make_test_images/0.16"}).generators() == (
        StatedTool("make_test_images/0.16", None),
    )
    action = {"action": "c2pa.edited", "softwareAgent": "Paint 4"}
    assert manifest("c2pa.actions", {"actions": [action]}).actions()[0][0].tool == StatedTool("Paint 4", None)


def test_the_older_training_mining_label_is_read() -> None:
    data = {"entries": {"c2pa.ai_training": {"use": "constrained"}, "c2pa.data_mining": "no"}}
    assert manifest("c2pa.training-mining", data).training_mining() == (StatedUse("c2pa.ai_training", "constrained"),)


def test_links_into_the_manifest_are_not_shown_as_parameters() -> None:
    action = {"action": "c2pa.opened", "parameters": {"ingredients": [{"url": "x", "hash": "y"}], "a": 1}}
    assert manifest("c2pa.actions.v2", {"actions": [action]}).actions()[0][0].parameters == '{"a":1}'


def test_parameters_too_long_to_show_are_left_out() -> None:
    action = {"action": "c2pa.opened", "parameters": {"a": "x" * 2000}}
    assert manifest("c2pa.actions.v2", {"actions": [action]}).actions()[0][0].parameters is None


@given(JSON)
def test_any_store_has_source_types_or_none(store: Any) -> None:
    assert source_types_in({"manifests": store}, ["a"]) == ()


def test_source_types_are_of_every_manifest_that_counts_and_bounded() -> None:
    def acted(*kinds: object) -> dict[str, Any]:
        actions = [{"action": "c2pa.edited", "digitalSourceType": kind} for kind in kinds]
        return {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}]}

    store = {"manifests": {"a": acted("x", None, "y"), "b": acted("y", 7, "z"), "c": 1, "d": acted("w")}}
    assert source_types_in(store, "abc") == ("x", "y", "z")
    assert len(source_types_in({"manifests": {"a": acted(*map(str, range(10_000)))}}, "a")) == MAX_SOURCE_TYPES
