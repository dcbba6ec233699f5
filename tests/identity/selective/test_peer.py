"""What another implementation issued and derived, verified here; and derived from here.

`digitalbazaar.json` was made by the npm packages that its README names, with the keys of `cards`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.identity.published import VECTORS
from tests.identity.selective.cards import SUITES, Suite

MADE = json.loads((VECTORS / "digitalbazaar.json").read_text())


def split(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {key: value for key, value in document.items() if key != "proof"}, document["proof"]


@pytest.mark.parametrize("made", MADE, ids=lambda made: f"{made['base']['proof']['cryptosuite']}")
def test_credentials_of_another_implementation(made: dict[str, Any]) -> None:
    suite: Suite = {suite.name: suite for suite in SUITES}[made["base"]["proof"]["cryptosuite"]]
    suite.verify(*split(made["derived"]))
    document, proof = suite.derive(*split(made["base"]), made["selective"])
    assert document == split(made["derived"])[0]
    theirs = suite.derived.decode(split(made["derived"])[1]["proofValue"])
    ours = suite.derived.decode(proof["proofValue"])
    assert (ours.labels, ours.mandatory) == (theirs.labels, theirs.mandatory)
    suite.verify(document, proof)
