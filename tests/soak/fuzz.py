"""Let atheris drive one of the property tests of `tests.hostile.test_fuzz` or `tests.hostile.test_fuzz_log`.

    python -m tests.soak.fuzz MODULE NAME SECONDS FOLDER

Hypothesis turns the fuzzer's bytes into what the test takes, and the fuzzer sees which of our lines that reaches. It
ends with the status of libFuzzer: 0 when nothing was found.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module

import atheris

OURS = ["api", "cases", "detection", "keys", "ledger", "provenance", "python_multipart"]
"""Whose lines are counted."""


def main(module: str, name: str, seconds: str, folder: str) -> None:
    """Fuzz for so long; what is found is left in the folder."""
    logging.disable()
    with atheris.instrument_imports(include=OURS, enable_loader_override=False):
        tests = import_module(module)
    test = getattr(tests, name).hypothesis.fuzz_one_input
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", "-max_len=4096", "-len_control=0"]
    atheris.Setup([sys.argv[0], *options], test)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
