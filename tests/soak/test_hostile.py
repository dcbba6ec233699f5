"""The whole corpus of hostile media, and `SOAK_FUZZ_SECONDS` of atheris on each property of `tests.hostile.test_fuzz`
and `tests.hostile.test_fuzz_log`.

Without atheris the fuzzing fails and says how to install it: a soak that leaves it out in silence would be no soak.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.hostile import test_fuzz, test_fuzz_log
from tests.hostile.corpus import corpus
from tests.hostile.trial import Trial
from tests.provenance.house import House

FUZZ_SECONDS = int(os.environ.get("SOAK_FUZZ_SECONDS", "60"))
ROOT = Path(__file__).parents[2]
FUZZED = sorted(
    (module.__name__, name)
    for module in (test_fuzz, test_fuzz_log)
    for name in vars(module)
    if name.startswith("test_")
)

MISSING = ".venv/bin/pip install 'atheris>=3,<4': without it nothing is fuzzed; or leave it out with -k 'not atheris'"

pytestmark = pytest.mark.soak


def test_the_whole_corpus_is_refused_or_handled(house: House) -> None:
    trial = Trial(house)
    for group, cases in corpus(house).items():
        before = sum(trial.outcomes.values())
        trial.run(cases)
        trial.check()
        print(f"\n{group}: {len(cases)} cases, {sum(trial.outcomes.values()) - before} answers", end="")
    print(f"\n{trial.told()}\nended by a bound:", *trial.ended, sep="\n  ")
    assert not trial.defects


@pytest.mark.parametrize(("module", "name"), FUZZED)
def test_atheris_finds_nothing(module: str, name: str, tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        pytest.fail(MISSING, pytrace=False)
    command = [sys.executable, "-m", "tests.soak.fuzz", module, name, str(FUZZ_SECONDS), str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    print(f"\n{name}: {re.findall('Done .*', ran.stderr)}", end="")
