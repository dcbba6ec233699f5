"""Hostile media before real workers: refused or handled, never a defect, and the next file is served."""

from __future__ import annotations

import pytest

from detection.kinds import Kind
from tests.hostile.corpus import share
from tests.hostile.seeds import seeds, sniffed
from tests.hostile.structure import parts
from tests.hostile.trial import Trial
from tests.provenance.house import House

SHARE = 8
"""Cases of each group; all of them under `make soak`."""


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_seed_whose_parts_are_known(kind: Kind) -> None:
    files = [file for file in seeds().values() if sniffed(file) == kind]
    assert any(len(parts(file)) > 1 for file in files), "add a file of this kind to seeds, and a walk to structure"


def test_a_share_of_the_corpus_is_refused_or_handled(house: House) -> None:
    trial = Trial(house)
    trial.run(share(house, SHARE, seed=1))
    trial.check()
    assert not trial.defects
    assert {"examine handled", "examine media-truncated", "examine media-corrupt"} <= set(trial.outcomes)
