"""A policy under which something better counted for less is refused; and no improvement ever lowers a score."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.confidence.policy import HIGHEST, LEVELS, ConfidencePolicyError, Policy, policy_in_force
from provenance.confidence.score import Confidence, Finding, judged
from provenance.confidence.words import ENGLISH

PARAMETERS = {"standing": "future"}
WORST = dict.fromkeys(LEVELS, 0)
levels = st.fixed_dictionaries({signal: st.integers(0, len(found) - 1) for signal, found in LEVELS.items()})


def scored(chosen: dict[str, int], policy: Policy | None = None) -> Confidence:
    found = [Finding(signal, LEVELS[signal][level], PARAMETERS) for signal, level in chosen.items()]
    return judged(found, (), policy or policy_in_force())


@given(levels, st.sampled_from(sorted(LEVELS)), st.data())
def test_a_better_signal_never_lowers_the_score(chosen: dict[str, int], signal: str, data: st.DataObject) -> None:
    better = {**chosen, signal: data.draw(st.integers(chosen[signal], len(LEVELS[signal]) - 1))}
    before, after = scored(chosen), scored(better)
    assert 0 <= before.score <= after.score <= HIGHEST


@given(levels, st.data())
def test_nor_under_any_policy_that_is_let_through(chosen: dict[str, int], data: st.DataObject) -> None:
    def rising(signal: str, lowest: int, highest: int) -> dict[str, int]:
        points = data.draw(
            st.lists(st.integers(lowest, highest), min_size=len(LEVELS[signal]), max_size=len(LEVELS[signal]))
        )
        return dict(zip(LEVELS[signal], sorted(points), strict=True))

    said = {signal: rising(signal, -100, 100) for signal in LEVELS}
    caps = {signal: rising(signal, 0, 100) for signal in data.draw(st.sets(st.sampled_from(sorted(LEVELS))))}
    policy = Policy.of({"name": "x@1", "base": 0, "signals": said, "caps": caps, "bands": {"0": "all"}})
    signal = data.draw(st.sampled_from(sorted(LEVELS)))
    better = {**chosen, signal: len(LEVELS[signal]) - 1}
    assert scored(chosen, policy).score <= scored(better, policy).score


def spoilt(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(files("provenance.confidence").joinpath("policy.json").read_text())
    change(read)
    return read


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda read: read["signals"]["manifest"].update(trusted=-50), "trusted would count for less than untrusted"),
        (lambda read: read["caps"]["manifest"].update(invalid=100), "unreadable would count for less than invalid"),
        (lambda read: read["signals"].pop("tool"), "each signal"),
        (lambda read: read["signals"]["tool"].pop("silent"), "each level of tool"),
        (lambda read: read["signals"]["tool"].update(more=1), "each level of tool"),
        (lambda read: read["caps"].update(other={}), "no other"),
        (lambda read: read["bands"].pop("0"), "lowest score"),
    ],
)
def test_a_policy_is_checked_when_it_is_read(change: Callable[[dict[str, Any]], object], said: str) -> None:
    with pytest.raises(ConfidencePolicyError, match=said):
        Policy.of(spoilt(change))


def test_every_level_has_its_words() -> None:
    codes = {f"{signal}.{level}" for signal, found in LEVELS.items() for level in found}
    assert codes <= ENGLISH.keys()
    for code in codes:
        assert {name for _, name, _, _ in Formatter().parse(ENGLISH[code]) if name} <= PARAMETERS.keys()


def test_a_score_gives_a_reason_for_each_signal() -> None:
    worst, best = scored(WORST), scored({signal: len(found) - 1 for signal, found in LEVELS.items()})
    assert (worst.score, worst.band, best.score, best.band) == (0, "none", 100, "high")
    assert [reason.code.split(".")[0] for reason in worst.reasons] == list(LEVELS)
    assert (worst.reasons[0].cap, best.reasons[0].cap) == (10, None)
    assert worst.policy == policy_in_force().name == "confidence@1"
    with pytest.raises(ValueError, match="every signal"):
        judged([], (), policy_in_force())
