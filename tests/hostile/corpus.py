"""The corpus of hostile media: every damage to every seed, and what is crafted; and a share of it for every day.

Rules
- Made anew by whoever runs it, the same every time but for keys; a case is made only when it is asked for.
- A share has some of every group but the heavy ones, so that no seed is ever left out.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from tests.hostile.crafted import HEAVY, crafted
from tests.hostile.damage import Case, damaged
from tests.hostile.manifests import manifests
from tests.hostile.seeds import seeds
from tests.provenance.house import House


def corpus(house: House) -> Mapping[str, list[Case]]:
    """Every case, by group."""
    groups = {f"damaged {name}": damaged(name, file) for name, file in seeds().items()}
    return {**groups, **crafted(), "manifests": manifests(house)}


def share(house: House, of_each: int, seed: int) -> list[Case]:
    """So many cases of each group; another seed gives others."""
    chance = random.Random(seed)
    groups = [cases for group, cases in corpus(house).items() if group not in HEAVY]
    return [case for cases in groups for case in chance.sample(cases, min(of_each, len(cases)))]
