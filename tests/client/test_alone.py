"""The client without the service: what `client/pyproject.toml` asks for is what it imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Final

CLIENT: Final = Path(__file__).parents[2] / "client"


def test_it_needs_what_it_says() -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[^a-z0-9-]", one)[0] for one in project["dependencies"]}
    trees = [ast.parse(file.read_text()) for file in (CLIENT / "sigillo_client").glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    imported = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"sigillo_client"}
    assert imported == needed


def test_receipts_are_read_by_the_auditors_file() -> None:
    handed_out = CLIENT.parent / "ledger/auditing/bundle_verifier.py"
    assert (CLIENT / "sigillo_client/bundle_verifier.py").samefile(handed_out)
